// SPDX-License-Identifier: Apache-2.0
//
// The bytes of a torrent that was hashed. Reentrant.
#ifndef MUSTER_LIB_METAINFO_TORRENT_WRITER_H_
#define MUSTER_LIB_METAINFO_TORRENT_WRITER_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "metainfo/content.h"
#include "metainfo/digest.h"
#include "metainfo/piece_hasher.h"
#include "metainfo/torrent_layout.h"
#include "muster/torrent_builder.h"

namespace muster {

// What there is to write; all borrowed.
struct HashedTorrent {
  TorrentKind kind;
  bool is_single_file;
  absl::Span<const ContentFile> files;
  const TorrentLayout& layout;
  const PieceHashes& hashes;
  // v2: of each file, in the order of `files`; zeros for one without content.
  absl::Span<const Sha256Digest> roots;
};

// `name` must be a good one, as are the details.
absl::StatusOr<std::string> WriteTorrent(const HashedTorrent& torrent, std::string_view name,
                                         const TorrentDetails& details);

// InvalidArgument for what no torrent should say.
absl::Status CheckUrl(std::string_view what, std::string_view url);
absl::Status CheckDetails(const TorrentDetails& details);

}  // namespace muster

#endif  // MUSTER_LIB_METAINFO_TORRENT_WRITER_H_
