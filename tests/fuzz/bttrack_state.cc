// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as bttrack's dfile: reading ends, in the same way whatever the chunks; what is read is
// written, and is read from there without a mistake as what it was; a document without mistakes is
// one for BencodeDocument too.
#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/require.h"
#include "muster/bencode.h"
#include "muster/state_formats.h"
#include "state/bytes.h"

namespace {

using namespace muster;

struct All {
  std::vector<SavedTorrent> torrents;
  std::vector<std::string> errors;
  std::string side;
  bool operator==(const All&) const = default;
};

All ReadAll(std::string_view bytes, std::size_t chunk) {
  StringSource source(bytes, chunk);
  const auto reader = NewBttrackReader(&source, {});
  All all;
  SavedTorrent torrent;
  while (true) {
    const absl::StatusOr<bool> more = reader->Next(torrent);
    if (more.ok() && !*more) break;
    if (more.ok()) {
      all.torrents.push_back(torrent);
    } else {
      all.errors.emplace_back(more.status().message());
      if (more.status().code() != absl::StatusCode::kDataLoss) break;
    }
    Require(all.errors.size() + all.torrents.size() <= 2 * bytes.size() + 2);
  }
  all.side = reader->side();
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const All all = ReadAll(bytes, bytes.size() + 1);
  Require(all == ReadAll(bytes, 1));
  DetectStateFormat(bytes.substr(0, kStateLookahead));

  std::set<InfoHash> seen;
  std::size_t parts_twice = 0;
  for (const SavedTorrent& torrent : all.torrents) {
    for (const SavedPeer& peer : torrent.peers) {
      Require(peer.state != PeerState::kStopped);
      PeerDetailsOf(peer);
    }
    if (!seen.insert(torrent.info_hash).second) ++parts_twice;
  }
  if (all.errors.empty()) {
    BencodeDocument document;
    Require(document.Decode(bytes).ok());
    Require(std::is_sorted(all.torrents.begin(), all.torrents.end(),
                           [](const auto& a, const auto& b) { return a.info_hash < b.info_hash; }));
  }
  // A torrent of which damage made two, or that is large, is not written here.
  if (parts_twice > 0) return 0;

  StringSink sink;
  const auto writer = NewBttrackWriter(&sink, {});
  for (const SavedTorrent& torrent : all.torrents) Require(writer->Add(torrent).ok());
  Require(writer->SetSide(all.side).ok());
  Require(writer->Finish().ok());
  const All again = ReadAll(sink.text, 1000);
  Require(again.errors.empty());
  Require(again.side == all.side);
  Require(again.torrents.size() == all.torrents.size());
  if (all.errors.empty()) Require(again.torrents == all.torrents);
  return 0;
}
