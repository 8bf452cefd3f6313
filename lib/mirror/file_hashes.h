// SPDX-License-Identifier: Apache-2.0
//
// FileHashes: the piece hashes of one file that begins a piece, as a torrent of any kind and any
// set of files needs them. A plain value that is written to a cache and read from it.
#ifndef MUSTER_LIB_MIRROR_FILE_HASHES_H_
#define MUSTER_LIB_MIRROR_FILE_HASHES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "metainfo/content.h"
#include "metainfo/digest.h"

namespace muster {

struct FileHashes {
  // Of when it was hashed.
  FileIdentity identity = {};
  std::int64_t piece_length = 0;
  // 20 bytes for each piece; of the last one as if zeros followed up to its end. Empty without v1.
  std::string v1 = {};
  // The last piece without zeros; empty when the file ends at the end of a piece, and as long as
  // nobody needed it.
  std::string v1_tail = {};
  // 32 bytes for each piece, as PieceHashes::v2, and the root over them. Empty without v2.
  std::string v2 = {};
  std::string root = {};

  std::int64_t length() const { return identity.size; }
  std::int64_t piece_count() const { return length() == 0 ? 0 : (length() - 1) / piece_length + 1; }
  std::int64_t tail_length() const { return length() % piece_length; }

  // For a cache; bencoded.
  std::string Encode() const;
  // InvalidArgument for what Encode() does not give.
  static absl::StatusOr<FileHashes> Decode(std::string_view bytes);
};

}  // namespace muster

#endif  // MUSTER_LIB_MIRROR_FILE_HASHES_H_
