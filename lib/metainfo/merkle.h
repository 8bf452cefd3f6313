// SPDX-License-Identifier: Apache-2.0
//
// The merkle trees of BEP 52: a file is cut into blocks of 16 KiB, whose SHA-256 are the leaves;
// leaves that are missing to a power of two are zero; a node is the SHA-256 of its two children.
//
//   level 2          root                   a file of three blocks
//   level 1     h(b0 b1)   h(b2 0)
//   level 0     b0   b1    b2    0
#ifndef MUSTER_LIB_METAINFO_MERKLE_H_
#define MUSTER_LIB_METAINFO_MERKLE_H_

#include <cstdint>

#include "absl/types/span.h"
#include "metainfo/digest.h"

namespace muster {

inline constexpr std::int64_t kBlockSize = 16384;

// The root above the leftmost nodes of a level, at least one, of 32 bytes each: nodes missing to a
// power of two are those over zero leaves alone. Two hashes for each node at most. Reentrant.
Sha256Digest MerkleRoot(absl::Span<const std::uint8_t> nodes, unsigned level);

}  // namespace muster

#endif  // MUSTER_LIB_METAINFO_MERKLE_H_
