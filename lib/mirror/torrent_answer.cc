// SPDX-License-Identifier: Apache-2.0
#include "mirror/torrent_answer.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "mirror/markup.h"
#include "muster/magnet.h"
#include "muster/metainfo.h"

namespace muster {
namespace {

std::string JsonOf(const MirrorTorrent& torrent, const Metainfo& metainfo) {
  return absl::StrCat(
      "{\"info_hash\":", JsonText(torrent.info_hash_hex), ",\"name\":", JsonText(metainfo.name()),
      ",\"files\":", torrent.set.paths.size(), ",\"length\":", torrent.set.length(),
      ",\"piece_length\":", metainfo.piece_length(), ",\"pieces\":", metainfo.piece_count(),
      ",\"magnet\":", JsonText(Magnet::Of(metainfo).ToString()), "}\n");
}

}  // namespace

MirrorAnswer TorrentAnswer(const MirrorTorrent& torrent, std::string bytes,
                           MirrorRequest::Format format) {
  MirrorAnswer answer;
  if (format == MirrorRequest::Format::kTorrent) {
    answer.headers.emplace_back("Content-Type", "application/x-bittorrent");
    answer.headers.emplace_back("Content-Transfer-Encoding", "binary");
    answer.headers.emplace_back(
        "Content-Disposition",
        absl::StrCat("attachment; filename=", torrent.info_hash_hex, ".torrent"));
    answer.text = std::move(bytes);
    return answer;
  }
  const absl::StatusOr<Metainfo> metainfo = Metainfo::Parse(std::move(bytes));
  if (!metainfo.ok()) return ErrorAnswer(absl::InternalError(metainfo.status().message()));
  if (format == MirrorRequest::Format::kMagnet) {
    return TextAnswer(200, Magnet::Of(*metainfo).ToString());
  }
  answer.headers.emplace_back("Content-Type", "application/json");
  answer.text = JsonOf(torrent, *metainfo);
  return answer;
}

MirrorAnswer ProgressAnswer(const FlightProgress& progress) {
  MirrorAnswer answer{.status = 202};
  answer.headers.emplace_back("Content-Type", "application/json");
  answer.headers.emplace_back("Preference-Applied", "respond-async");
  answer.headers.emplace_back("Retry-After", "1");
  answer.headers.emplace_back("Cache-Control", "no-store");
  answer.text = absl::StrCat("{\"state\":\"hashing\",\"bytes\":", progress.bytes.load(),
                             ",\"total_bytes\":", progress.total_bytes.load(), "}\n");
  return answer;
}

}  // namespace muster
