// SPDX-License-Identifier: Apache-2.0
//
// What tests of saved states share: states by chance, and what a reader makes of them.
#ifndef MUSTER_TESTS_STATE_STATE_TESTING_H_
#define MUSTER_TESTS_STATE_STATE_TESTING_H_

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/require.h"
#include "muster/random.h"
#include "muster/snapshot.h"
#include "muster/state.h"
#include "state/bytes.h"
#include "swarm/swarm_testing.h"

namespace muster::testing_state {

// A state by chance, in the order of the format. Times are whole minutes unless `seconds`.
struct StateOptions {
  std::uint32_t torrents = 50;
  std::uint32_t most_peers = 20;
  bool ids = false;
  bool sides = false;
  bool seconds = false;
};
inline std::vector<SavedTorrent> RandomState(std::uint64_t seed, const StateOptions& options) {
  Random random(seed);
  std::vector<SavedTorrent> state;
  for (std::uint32_t t = 0; t < options.torrents; ++t) {
    SavedTorrent torrent;
    torrent.info_hash = testing_swarm::TestHash(random.Next());
    torrent.completed = random.Below(4) == 0 ? random.Next() >> random.Below(64) : random.Below(9);
    const std::uint32_t peers = random.Below(options.most_peers + 1);
    if (peers == 0)
      torrent.last_active = testing_swarm::kStart - testing_swarm::kMinute * int(random.Below(900));
    if (options.sides && random.Below(2) == 0) torrent.side = std::string(random.Below(40), 't');
    for (std::uint32_t p = 0; p < peers; ++p) {
      SavedPeer peer;
      peer.peer = testing_swarm::TestPeer(
          p * 7, random.Below(3) == 0 ? AddressFamily::kIpv6 : AddressFamily::kIpv4);
      peer.state = static_cast<PeerState>(random.Below(3));
      peer.completed = random.Below(2) == 0;
      peer.last_seen = testing_swarm::kStart - testing_swarm::kMinute * int(random.Below(45));
      if (options.seconds) peer.last_seen -= Seconds(random.Below(60));
      if (options.ids && random.Below(4) != 0) peer.peer_id = testing_swarm::TestId(peer.peer);
      if (options.sides && random.Below(3) == 0) peer.side = std::string(random.Below(30), 'p');
      torrent.peers.push_back(peer);
    }
    std::stable_sort(torrent.peers.begin(), torrent.peers.end(), [](const auto& a, const auto& b) {
      return std::pair(a.peer.family(), a.state) < std::pair(b.peer.family(), b.state);
    });
    state.push_back(std::move(torrent));
  }
  std::sort(state.begin(), state.end(),
            [](const auto& a, const auto& b) { return a.info_hash < b.info_hash; });
  return state;
}

inline std::string Write(const std::vector<SavedTorrent>& state, const SnapshotOptions& options,
                         std::string_view side = {}) {
  StringSink sink;
  auto writer = NewSnapshotWriter(&sink, options);
  Require(writer.ok());
  for (const SavedTorrent& torrent : state) Require((*writer)->Add(torrent).ok());
  Require((*writer)->SetSide(side).ok() && (*writer)->Finish().ok());
  return sink.text;
}

struct ReadResult {
  std::vector<SavedTorrent> torrents;  // parts put together
  std::vector<std::string> damages;
  std::string side;
  SnapshotInfo info;
  absl::Status failure;  // other than damage
};
inline ReadResult ReadSnapshot(std::string_view text, std::size_t at_once = 1 << 20) {
  ReadResult result;
  StringSource source(text, at_once);
  auto reader = NewSnapshotReader(&source);
  if (!reader.ok()) {
    result.failure = reader.status();
    return result;
  }
  SavedTorrent torrent;
  while (true) {
    const auto more = (*reader)->Next(torrent);
    if (absl::IsDataLoss(more.status())) {
      result.damages.emplace_back(more.status().message());
      if (result.damages.size() > 100'000) break;
      continue;
    }
    result.failure = more.status();
    if (!more.ok() || !*more) break;
    if (!result.torrents.empty() && result.torrents.back().info_hash == torrent.info_hash) {
      SavedTorrent& whole = result.torrents.back();
      whole.peers.insert(whole.peers.end(), torrent.peers.begin(), torrent.peers.end());
    } else {
      result.torrents.push_back(torrent);
    }
  }
  result.info = (*reader)->info();
  result.side = (*reader)->side();
  return result;
}

// Whether every torrent of `some` stands like that in `all`, or with only a part of its peers.
inline std::string NotPartOf(const std::vector<SavedTorrent>& some,
                             const std::vector<SavedTorrent>& all) {
  std::map<InfoHash, const SavedTorrent*> by_hash;
  for (const SavedTorrent& torrent : all) by_hash[torrent.info_hash] = &torrent;
  for (const SavedTorrent& torrent : some) {
    const auto found = by_hash.find(torrent.info_hash);
    if (found == by_hash.end()) return torrent.info_hash.ToHex() + " is invented";
    if (found->second->completed != torrent.completed) return "a wrong count";
    for (const SavedPeer& peer : torrent.peers) {
      const auto& peers = found->second->peers;
      if (std::find(peers.begin(), peers.end(), peer) == peers.end())
        return peer.peer.ToString() + " is invented";
    }
  }
  return {};
}

}  // namespace muster::testing_state

#endif  // MUSTER_TESTS_STATE_STATE_TESTING_H_
