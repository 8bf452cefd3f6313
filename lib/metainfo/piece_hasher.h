// SPDX-License-Identifier: Apache-2.0
//
// The hashing pipeline: the pieces of a torrent's data, hashed by all threads in one pass for v1
// and v2.
//
// A thread takes a batch of pieces, reads a chunk of each into a buffer that its cache can hold, and
// hashes all chunks at once, as lib/hash does best; then the next chunk of each. So memory does not
// grow with pieces, and nothing is mapped: a file that is cut short meanwhile is an error, not a
// signal.
//
//   piece     0        1        2       ...   15
//   step 0    chunk    chunk    chunk         chunk    -> SHA-1 of each goes on, SHA-256 of blocks
//   step 1    chunk    chunk    chunk         chunk
//
// Reentrant.
#ifndef MUSTER_LIB_METAINFO_PIECE_HASHER_H_
#define MUSTER_LIB_METAINFO_PIECE_HASHER_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "metainfo/content.h"
#include "metainfo/piece_reader.h"
#include "muster/hashing.h"

namespace muster {

enum class OnFailure : std::uint8_t {
  kStop,      // the first is the result
  kContinue,  // the piece is a bad one
};

struct PieceHashes {
  // 20 bytes for each piece, where the plan has v1.
  std::vector<std::uint8_t> v1;
  // 32 bytes for each piece, where the plan has v2: of a file that is no larger than a piece its
  // root, of others the node over the piece.
  std::vector<std::uint8_t> v2;
  // kContinue: 1 for each piece that could not be read; and the files at fault, each once, with the
  // reason.
  std::vector<std::uint8_t> is_bad;
  std::vector<std::pair<std::size_t, absl::Status>> failures;
};

// `total_files` is for progress, as is the sum of the extents; files that no extent has count as
// done. Where it fails, the hashes are worth nothing. Cancelled when progress says so.
absl::Status HashPieces(const PiecePlan& plan, absl::Span<const ContentFile> files,
                        const HashingOptions& options, OnFailure on_failure, PieceHashes& hashes);

// How many threads work where `wanted` are asked for.
unsigned ThreadsFor(unsigned wanted);

}  // namespace muster

#endif  // MUSTER_LIB_METAINFO_PIECE_HASHER_H_
