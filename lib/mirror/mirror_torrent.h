// SPDX-License-Identifier: Apache-2.0
//
// MirrorTorrent: what of a torrent depends on its files alone, and the whole torrent around it.
//
// v1 is as pkgtorrent-service has it: files in the order in which they were asked for, each but the
// last padded to a piece by an entry that leads to the service itself, so that a client that knows
// nothing of padding fetches the zeros from there:
//
//   yum/os/a.rpm, yum/torrent_service/nullfile/1000_0, yum/os/b.rpm
//
// v2 and hybrid torrents have BEP 47's pad files, and their files by path. Nothing in the info
// dictionary depends on anything but the files: all mirrors of the same files give the same hash.
// Reentrant.
#ifndef MUSTER_LIB_MIRROR_MIRROR_TORRENT_H_
#define MUSTER_LIB_MIRROR_MIRROR_TORRENT_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "mirror/file_hashes.h"
#include "mirror/file_set.h"
#include "muster/info_hashes.h"
#include "muster/instant.h"
#include "muster/torrent_builder.h"

namespace muster {

struct MirrorTorrent {
  FileSet set;
  // When it was made.
  Instant made;
  TorrentKind kind = TorrentKind::kV1;
  // As the service names it: v1, or the truncated v2 one.
  std::string info_hash_hex;
  // Bencoded: the info dictionary, and the piece layers where there are any, or empty.
  std::string info;
  std::string layers;

  InfoHashes info_hashes() const;

  // For a cache; bencoded.
  std::string Encode() const;
  // InvalidArgument for what Encode() does not give.
  static absl::StatusOr<MirrorTorrent> Decode(std::string_view bytes);
};

struct MirrorTorrentOptions {
  TorrentKind kind = TorrentKind::kV1;
  std::int64_t piece_length = std::int64_t{1} << 20;
  std::string service = "torrent_service";
};

// Of which of so many files the last piece without zeros is needed; `files` for none.
std::size_t NeedsTail(std::size_t files, TorrentKind kind);

// `hashes` are those of the set's files, in its order. InvalidArgument when no torrent can be made of
// them.
absl::StatusOr<MirrorTorrent> MakeTorrent(
    FileSet set, const std::vector<std::shared_ptr<const FileHashes>>& hashes,
    const MirrorTorrentOptions& options, Instant now);

// The torrent's bytes, with the trackers in its own order, each a tier, and web seeds: URLs that end
// with a slash, for the root.
absl::StatusOr<std::string> WholeTorrent(const MirrorTorrent& torrent,
                                         const std::vector<std::string>& trackers,
                                         const std::vector<std::string>& url_bases);

}  // namespace muster

#endif  // MUSTER_LIB_MIRROR_MIRROR_TORRENT_H_
