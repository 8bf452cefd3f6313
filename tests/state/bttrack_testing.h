// SPDX-License-Identifier: Apache-2.0
//
// States in strings, and what a reader makes of them.
#ifndef MUSTER_TESTS_STATE_BTTRACK_TESTING_H_
#define MUSTER_TESTS_STATE_BTTRACK_TESTING_H_

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "muster/bencode.h"
#include "muster/state_formats.h"
#include "state/bytes.h"

namespace muster {

inline InfoHash HashOf(char c) { return *InfoHash::FromText(std::string(20, c)); }
inline PeerId IdOf(char c) { return *PeerId::FromText(std::string(20, c)); }

inline SavedTorrent TorrentOf(char hash, std::uint64_t completed) {
  SavedTorrent torrent;
  torrent.info_hash = HashOf(hash);
  torrent.completed = completed;
  return torrent;
}

inline std::string Text(std::string_view text) {
  return std::to_string(text.size()) + ":" + std::string(text);
}

// A peer as bttrack saves it: its id and dictionary.
inline std::string PeerText(char id, std::string_view ip, int port, int left,
                            std::string_view nat = "3:nati0e", std::string_view key = "",
                            std::string_view given_ip = "") {
  std::string text = Text(std::string(20, id)) + "d";
  if (!given_ip.empty()) text += "8:given ip" + Text(given_ip);
  text += "2:ip" + Text(ip);
  if (!key.empty()) text += "3:key" + Text(key);
  text += "4:lefti" + std::to_string(left) + "e" + std::string(nat);
  text += "4:porti" + std::to_string(port) + "e";
  return text + "13:requirecryptoi0e13:supportcryptoi1ee";
}

inline std::string CountText(char hash, int completed) {
  return Text(std::string(20, hash)) + "i" + std::to_string(completed) + "e";
}
inline std::string TorrentText(char hash, std::string_view peers) {
  return Text(std::string(20, hash)) + "d" + std::string(peers) + "e";
}
inline std::string StateText(std::string_view counts, std::string_view torrents,
                             std::string_view before = "", std::string_view after = "") {
  return "d" + std::string(before) + "9:completedd" + std::string(counts) + "e5:peersd" +
         std::string(torrents) + "e" + std::string(after) + "e";
}

struct Everything {
  std::vector<SavedTorrent> torrents;  // parts joined
  std::vector<absl::Status> errors;
  std::string side;
  std::size_t parts = 0;

  // What of it is of torrent `hash`; an empty torrent when there is none.
  SavedTorrent Of(char hash) const {
    for (const SavedTorrent& torrent : torrents) {
      if (torrent.info_hash == HashOf(hash)) return torrent;
    }
    return {};
  }
};

// Goes on after damage; ends at another error.
inline Everything ReadAll(StateReader& reader) {
  Everything all;
  SavedTorrent torrent;
  while (true) {
    const absl::StatusOr<bool> more = reader.Next(torrent);
    if (!more.ok()) {
      all.errors.push_back(more.status());
      if (more.status().code() != absl::StatusCode::kDataLoss) break;
      continue;
    }
    if (!*more) break;
    ++all.parts;
    if (!all.torrents.empty() && all.torrents.back().info_hash == torrent.info_hash) {
      auto& peers = all.torrents.back().peers;
      peers.insert(peers.end(), torrent.peers.begin(), torrent.peers.end());
    } else {
      all.torrents.push_back(torrent);
    }
  }
  all.side = reader.side();
  return all;
}

inline constexpr Instant kWritten = InstantFromUnixSeconds(1'700'000'000);

inline Everything ReadBttrack(std::string_view bytes, std::size_t chunk = ~std::size_t{0}) {
  StringSource source(bytes, chunk);
  return ReadAll(*NewBttrackReader(&source, {.time = kWritten}));
}

inline std::string Written(StateWriter& writer, const StringSink& sink, const Everything& all) {
  for (const SavedTorrent& torrent : all.torrents) {
    if (!writer.Add(torrent).ok()) return "not added";
  }
  if (!writer.SetSide(all.side).ok()) return "the side is not taken";
  const absl::Status status = writer.Finish();
  return status.ok() ? sink.text : status.ToString();
}

inline std::string WriteBttrack(const Everything& all, const StateWriteOptions& options = {}) {
  StringSink sink;
  return Written(*NewBttrackWriter(&sink, options), sink, all);
}

}  // namespace muster

#endif  // MUSTER_TESTS_STATE_BTTRACK_TESTING_H_
