// SPDX-License-Identifier: Apache-2.0
#include "metainfo/torrent_layout.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "metainfo/faults.h"

namespace muster {
namespace {

// How many pieces the files are, when each may begin one; for the automatic size, which goes by the
// content.
std::int64_t PiecesOf(std::int64_t length, std::int64_t piece_length) {
  return length == 0 ? 0 : (length - 1) / piece_length + 1;
}

std::int64_t AutomaticLength(std::int64_t content, std::int64_t wanted) {
  std::int64_t length = TorrentBuilder::kMinPieceLength;
  while (length < TorrentBuilder::kMaxPieceLength && PiecesOf(content, length) > wanted) {
    length *= 2;
  }
  return length;
}

absl::Status CheckOptions(const TorrentBuilderOptions& options) {
  const std::int64_t length = options.piece_length;
  if (length != 0 &&
      (length < TorrentBuilder::kMinPieceLength || length > TorrentBuilder::kMaxPieceLength ||
       !std::has_single_bit(static_cast<std::uint64_t>(length)))) {
    return absl::InvalidArgumentError(absl::StrCat("a piece length of ", length,
                                                   ", which is not a power of two from 16384 to ",
                                                   TorrentBuilder::kMaxPieceLength));
  }
  if (options.wanted_pieces < 1) return absl::InvalidArgumentError("fewer wanted pieces than one");
  if (options.kind != TorrentKind::kV1 && options.order != FileOrder::kByPath) {
    return absl::InvalidArgumentError("v2 torrents have their files in the order of paths");
  }
  return absl::OkStatus();
}

// In the order of paths, files that want the same place are neighbours, or stand between a file and
// what is below it: "a", "a/b".
absl::Status CheckPaths(absl::Span<const ContentFile> files,
                        const std::vector<std::size_t>& by_path) {
  for (std::size_t i = 1; i < by_path.size(); ++i) {
    const std::string& before = files[by_path[i - 1]].path;
    const std::string& path = files[by_path[i]].path;
    if (path == before) {
      return absl::InvalidArgumentError(absl::StrCat("two files of the path ", Quoted(path)));
    }
    if (path.size() > before.size() && path.compare(0, before.size(), before) == 0 &&
        path[before.size()] == '/') {
      return absl::InvalidArgumentError(
          absl::StrCat("a file and a folder of the path ", Quoted(before)));
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::int64_t TorrentLayout::PadAfter(std::int64_t length) const {
  if (!is_aligned || order.size() == 1 || length % plan.piece_length == 0) return 0;
  return plan.piece_length - length % plan.piece_length;
}

absl::Status LayOut(const TorrentBuilderOptions& options, absl::Span<const ContentFile> files,
                    TorrentLayout& layout) {
  if (absl::Status status = CheckOptions(options); !status.ok()) return status;
  layout.order.resize(files.size());
  std::iota(layout.order.begin(), layout.order.end(), std::size_t{0});
  std::vector<std::size_t> by_path = layout.order;
  std::sort(by_path.begin(), by_path.end(), [files](std::size_t a, std::size_t b) {
    return PathLess(files[a].path, files[b].path);
  });
  if (absl::Status status = CheckPaths(files, by_path); !status.ok()) return status;
  if (options.order == FileOrder::kByPath) layout.order = std::move(by_path);

  std::int64_t content = 0;
  for (const ContentFile& file : files) {
    if (file.length > TorrentBuilder::kMaxLength - content) {
      return absl::InvalidArgumentError("files of more than 2^60 bytes together");
    }
    content += file.length;
  }
  if (content == 0) {
    return absl::InvalidArgumentError(files.empty() ? "no files" : "all files are empty");
  }

  PiecePlan& plan = layout.plan;
  plan.v1 = options.kind != TorrentKind::kV2;
  plan.v2 = options.kind != TorrentKind::kV1;
  plan.piece_length = options.piece_length != 0 ? options.piece_length
                                                : AutomaticLength(content, options.wanted_pieces);
  layout.is_aligned = plan.v2 || options.align_files;
  std::int64_t end = 0;
  for (const std::size_t i : layout.order) {
    const std::int64_t length = files[i].length;
    if (length == 0) continue;
    plan.extents.push_back({end, length, i});
    end += length;
    plan.total_length = plan.v1 ? end + layout.PadAfter(length) : end;
    end += layout.PadAfter(length);
  }
  return absl::OkStatus();
}

}  // namespace muster
