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
#include <vector>

#include "absl/types/span.h"
#include "hash/hasher.h"
#include "metainfo/digest.h"

namespace muster {

inline constexpr std::int64_t kBlockSize = 16384;

// How many levels a piece's node is above its leaves. `piece_length` is a power of two, at least a
// block.
unsigned PieceLevel(std::int64_t piece_length);

// Thread-compatible: keeps its memory, at most twice that of the nodes given.
class MerkleTree {
 public:
  // The root above the leftmost nodes of a level, at least one, of 32 bytes each: nodes missing to a
  // power of two are those over zero leaves alone.
  Sha256Digest Root(absl::Span<const std::uint8_t> nodes, unsigned level);
  // The node `height` levels above them, which covers 2^height of them or less.
  Sha256Digest NodeAbove(absl::Span<const std::uint8_t> nodes, unsigned level, unsigned height);
  // Of rows of `width` nodes, a power of two, one behind the other: the root of each row.
  void Roots(absl::Span<const std::uint8_t> rows, std::size_t width, std::uint8_t* roots);

 private:
  // Hashes row_ in pairs.
  void Climb();

  Hasher hasher_{HashKind::kSha256};
  std::vector<std::uint8_t> row_;
  std::vector<std::uint8_t> above_;
};

// MerkleTree::Root() once. Reentrant.
Sha256Digest MerkleRoot(absl::Span<const std::uint8_t> nodes, unsigned level);

}  // namespace muster

#endif  // MUSTER_LIB_METAINFO_MERKLE_H_
