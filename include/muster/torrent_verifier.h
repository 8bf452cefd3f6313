// SPDX-License-Identifier: Apache-2.0
//
// VerifyTorrent: data on disk held against a torrent, piece by piece, on all cores, in one pass for
// v1 and v2. Memory is that of building (torrent_builder.h), and about 60 bytes for each piece.
//
//   absl::StatusOr<muster::VerifyReport> report = muster::VerifyTorrent(torrent, "/srv/album");
//   if (report.ok() && !report->is_complete()) Fetch(report->pieces);
#ifndef MUSTER_TORRENT_VERIFIER_H_
#define MUSTER_TORRENT_VERIFIER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "muster/export.h"
#include "muster/hashing.h"
#include "muster/metainfo.h"

namespace muster {

enum class FileState : std::uint8_t {
  kGood,
  kMissing,
  // Longer or shorter than in the torrent. What of it is right counts all the same.
  kWrongSize,
  // It cannot be read, or changed meanwhile; `why` says so.
  kUnreadable,
  // A piece that it is in is wrong; or something else is in the place of a symbolic link, or one
  // that leads elsewhere, and `why` says so.
  kDamaged,
  // Nothing is known to be wrong with it, but it shares a piece (v1) with one that is missing, too
  // short or unreadable.
  kUnproven,
};

struct VerifiedFile {
  FileState state = FileState::kGood;
  // Bytes in good pieces.
  std::int64_t good_bytes = 0;
  // On disk; 0 where there is none.
  std::int64_t size = 0;
  std::string why = {};
};

struct VerifyReport {
  // Whether each is good: of a hybrid, in both its hashes.
  std::vector<bool> pieces = {};
  // As Metainfo::files(); pad files are always good. Of a symbolic link that it leads where the
  // torrent says, whether or not anything is there.
  std::vector<VerifiedFile> files = {};
  std::size_t good_pieces = 0;
  std::int64_t good_bytes = 0;

  // All files are good.
  bool is_complete() const;
};

// `path` is that of the torrent's folder, or of the only file where there is no folder. What is
// missing or cannot be read is in the report; Cancelled when progress says so. Reentrant.
MUSTER_EXPORT absl::StatusOr<VerifyReport> VerifyTorrent(const Metainfo& torrent,
                                                         const std::string& path,
                                                         const HashingOptions& options = {});

inline bool VerifyReport::is_complete() const {
  for (const VerifiedFile& file : files) {
    if (file.state != FileState::kGood) return false;
  }
  return true;
}

}  // namespace muster

#endif  // MUSTER_TORRENT_VERIFIER_H_
