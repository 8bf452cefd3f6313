// SPDX-License-Identifier: Apache-2.0
//
// Where the files of a torrent that is built lie in its data. Reentrant.
#ifndef MUSTER_LIB_METAINFO_TORRENT_LAYOUT_H_
#define MUSTER_LIB_METAINFO_TORRENT_LAYOUT_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "metainfo/content.h"
#include "metainfo/piece_reader.h"
#include "muster/torrent_builder.h"

namespace muster {

struct TorrentLayout {
  // Indices of files in the torrent's order.
  std::vector<std::size_t> order;
  // Every file begins a piece.
  bool is_aligned = false;
  PiecePlan plan;

  // How long the pad file behind a file of this length is; 0 for none. As libtorrent has it, also
  // behind the last file, but not in a torrent of a single file.
  std::int64_t PadAfter(std::int64_t length) const;
};

// InvalidArgument where no torrent can be made of the files; checks the options as well.
absl::Status LayOut(const TorrentBuilderOptions& options, absl::Span<const ContentFile> files,
                    TorrentLayout& layout);

}  // namespace muster

#endif  // MUSTER_LIB_METAINFO_TORRENT_LAYOUT_H_
