// SPDX-License-Identifier: Apache-2.0
#include "mirror/torrent_answer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "muster/magnet.h"
#include "muster/metainfo.h"

namespace muster {
namespace {

// Bytes of the UTF-8 character that `text` begins with; 0 where there is none.
std::size_t CharacterSize(std::string_view text) {
  const auto byte = [text](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const std::size_t size = byte(0) < 0x80                       ? 1
                           : byte(0) >= 0xc2 && byte(0) <= 0xdf ? 2
                           : byte(0) >= 0xe0 && byte(0) <= 0xef ? 3
                           : byte(0) >= 0xf0 && byte(0) <= 0xf4 ? 4
                                                                : 0;
  if (size == 0 || size > text.size()) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  // Longer than needed, half of a pair, or beyond the last.
  const bool is_bad = (byte(0) == 0xe0 && byte(1) < 0xa0) || (byte(0) == 0xed && byte(1) > 0x9f) ||
                      (byte(0) == 0xf0 && byte(1) < 0x90) || (byte(0) == 0xf4 && byte(1) > 0x8f);
  return is_bad ? 0 : size;
}

// As a string of JSON, where a byte that is no UTF-8 becomes U+FFFD.
std::string Json(std::string_view text) {
  std::string json = "\"";
  while (!text.empty()) {
    const std::size_t size = CharacterSize(text);
    const char c = text.front();
    if (size == 0) {
      json += "\\ufffd";
    } else if (c == '"' || c == '\\') {
      json += {'\\', c};
    } else if (size == 1 && c < ' ') {
      json += absl::StrCat("\\u", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad4));
    } else {
      json += text.substr(0, size);
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return json + "\"";
}

std::string JsonOf(const MirrorTorrent& torrent, const Metainfo& metainfo) {
  return absl::StrCat(
      "{\"info_hash\":", Json(torrent.info_hash_hex), ",\"name\":", Json(metainfo.name()),
      ",\"files\":", torrent.set.paths.size(), ",\"length\":", torrent.set.length(),
      ",\"piece_length\":", metainfo.piece_length(), ",\"pieces\":", metainfo.piece_count(),
      ",\"magnet\":", Json(Magnet::Of(metainfo).ToString()), "}\n");
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
