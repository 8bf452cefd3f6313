// SPDX-License-Identifier: Apache-2.0
//
// Two states side by side, both of which ascend; one torrent of each is in memory.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "muster-dfile/commands.h"
#include "muster-dfile/state_file.h"
#include "muster-dfile/summary.h"
#include "muster-dfile/text.h"

namespace muster_dfile {
namespace {

using muster::SavedPeer;
using muster::SavedTorrent;

struct Change {
  std::uint64_t come = 0, gone = 0, changed = 0;
  bool any() const { return come + gone + changed > 0; }
};

class Differ {
 public:
  explicit Differ(const DiffOptions& options) : options_(options) {}

  void Gone(const SavedTorrent& torrent) {
    ++torrents_.gone;
    peers_.gone += torrent.peers.size();
    Torrent('-', "gone", torrent);
    for (const SavedPeer& peer : torrent.peers) Peer('-', "gone", torrent, peer);
  }
  void Come(const SavedTorrent& torrent) {
    ++torrents_.come;
    peers_.come += torrent.peers.size();
    Torrent('+', "come", torrent);
    for (const SavedPeer& peer : torrent.peers) Peer('+', "come", torrent, peer);
  }

  // Both of one torrent.
  void Both(const SavedTorrent& before, const SavedTorrent& after) {
    Names old_names = NamesOf(before), new_names = NamesOf(after);
    MakeComparable(old_names, new_names);
    Change peers;
    ForEachDifference(old_names, new_names, [&](const SavedPeer* old, const SavedPeer* now) {
      peers.gone += now == nullptr;
      peers.come += old == nullptr;
      peers.changed += old != nullptr && now != nullptr;
    });
    if (!peers.any() && before.completed == after.completed) return;
    ++torrents_.changed;
    peers_.come += peers.come;
    peers_.gone += peers.gone;
    peers_.changed += peers.changed;
    const std::string hash = after.info_hash.ToHex();
    const auto number = [](std::uint64_t value) { return std::to_string(value); };
    if (options_.json) {
      Print(Concat({"{\"torrent\": \"", hash, "\", \"change\": \"changed\", \"completed_before\": ",
                    number(before.completed), ", \"completed\": ", number(after.completed),
                    ", \"peers_come\": ", number(peers.come), ", \"peers_gone\": ",
                    number(peers.gone), ", \"peers_changed\": ", number(peers.changed), "}\n"}));
    } else {
      std::string line = Concat({"~ ", hash});
      if (before.completed != after.completed) {
        line += Concat({" completed ", number(before.completed), " -> ", number(after.completed)});
      }
      if (peers.any()) {
        line += Concat({" peers +", number(peers.come), " -", number(peers.gone), " ~",
                        number(peers.changed)});
      }
      Print(line + "\n");
    }
    ForEachDifference(old_names, new_names, [&](const SavedPeer* old, const SavedPeer* now) {
      if (now == nullptr) Peer('-', "gone", before, *old);
      if (old == nullptr) Peer('+', "come", after, *now);
      if (old != nullptr && now != nullptr) Peer('~', "changed", after, *now);
    });
  }

  int Finish() const {
    if (!options_.json) {
      Print(Concat({"torrents: ", CountText(torrents_.come), " come, ", CountText(torrents_.gone),
                    " gone, ", CountText(torrents_.changed),
                    " changed; peers: ", CountText(peers_.come), " come, ", CountText(peers_.gone),
                    " gone, ", CountText(peers_.changed), " changed\n"}));
    }
    return torrents_.any() ? kFailed : kGood;
  }

 private:
  // Ages differ between any two states; only what a peer is counts.
  static bool IsSame(const SavedPeer& a, const SavedPeer& b) {
    return a.state == b.state && a.peer_id == b.peer_id && a.peer == b.peer;
  }

  // A peer, and what it is found again by in the other state.
  struct Named {
    muster::SavedPeerName name;
    const SavedPeer* peer;
  };
  using Names = std::vector<Named>;

  static Names NamesOf(const SavedTorrent& torrent) {
    Names names;
    names.reserve(torrent.peers.size());
    for (const SavedPeer& peer : torrent.peers) {
      names.push_back({muster::NameOfSavedPeer(peer), &peer});
    }
    return names;
  }

  // Where one of the states knows peers by their endpoints, so does the comparison.
  static void MakeComparable(Names& before, Names& after) {
    const auto has_endpoint = [](const Named& one) { return one.name.endpoint.has_value(); };
    const bool by_endpoint = std::any_of(before.begin(), before.end(), has_endpoint) ||
                             std::any_of(after.begin(), after.end(), has_endpoint);
    for (Names* names : {&before, &after}) {
      for (Named& one : *names) {
        if (by_endpoint) one.name = {.endpoint = one.peer->peer, .id = {}, .family = {}};
      }
      std::sort(names->begin(), names->end(), [](const Named& a, const Named& b) {
        return a.name != b.name ? a.name < b.name : a.peer->peer_id < b.peer->peer_id;
      });
    }
  }

  template <typename Visit>
  static void ForEachDifference(const Names& before, const Names& after, const Visit& visit) {
    auto old = before.begin();
    auto now = after.begin();
    while (old != before.end() || now != after.end()) {
      if (now == after.end() || (old != before.end() && old->name < now->name)) {
        visit(old++->peer, nullptr);
      } else if (old == before.end() || now->name < old->name) {
        visit(nullptr, now++->peer);
      } else {
        if (!IsSame(*old->peer, *now->peer)) visit(old->peer, now->peer);
        ++old;
        ++now;
      }
    }
  }

  void Torrent(char sign, std::string_view change, const SavedTorrent& torrent) const {
    TorrentSummary summary;
    summary.Add(torrent);
    const std::string hash = torrent.info_hash.ToHex();
    const std::string peers = std::to_string(summary.peers());
    const std::string completed = std::to_string(torrent.completed);
    if (options_.json) {
      Print(Concat({"{\"torrent\": \"", hash, "\", \"change\": \"", change,
                    "\", \"peers\": ", peers, ", \"completed\": ", completed, "}\n"}));
    } else {
      Print(Concat(
          {std::string(1, sign), " ", hash, " peers ", peers, " completed ", completed, "\n"}));
    }
  }

  void Peer(char sign, std::string_view change, const SavedTorrent& torrent,
            const SavedPeer& peer) const {
    if (!options_.peers) return;
    const std::string client = peer.peer_id ? ClientText(*peer.peer_id) : "";
    if (options_.json) {
      Print(Concat({"{\"torrent\": \"", torrent.info_hash.ToHex(), "\", \"peer\": \"",
                    peer.peer.ToString(), "\", \"change\": \"", change, "\", \"state\": \"",
                    StateText(peer.state), "\", \"client\": ", JsonText(client), "}\n"}));
    } else {
      Print(Concat({"  ", std::string(1, sign), " ", peer.peer.ToString(), " ",
                    StateText(peer.state), client.empty() ? "" : " ", client, "\n"}));
    }
  }

  const DiffOptions options_;
  Change torrents_, peers_;
};

}  // namespace

absl::StatusOr<int> Diff(const Input& input, const DiffOptions& options) {
  std::unique_ptr<StateInput> states[2];
  SavedTorrent next[2];
  bool has[2] = {};
  for (int i : {0, 1}) {
    absl::StatusOr<std::unique_ptr<StateInput>> state =
        StateInput::Open(input.files[static_cast<std::size_t>(i)], input.format);
    if (!state.ok()) return state.status();
    states[i] = *std::move(state);
  }
  const auto advance = [&](int i) {
    const absl::StatusOr<bool> more = states[i]->NextWhole(next[i]);
    has[i] = more.ok() && *more;
    return more.status();
  };
  for (int i : {0, 1}) {
    if (absl::Status status = advance(i); !status.ok()) return status;
  }
  Differ differ(options);
  while (has[0] || has[1]) {
    const bool first = has[0] && (!has[1] || next[0].info_hash <= next[1].info_hash);
    const bool second = has[1] && (!has[0] || next[1].info_hash <= next[0].info_hash);
    if (first && second) differ.Both(next[0], next[1]);
    if (first && !second) differ.Gone(next[0]);
    if (second && !first) differ.Come(next[1]);
    for (int i : {0, 1}) {
      if (i == 0 ? !first : !second) continue;
      if (absl::Status status = advance(i); !status.ok()) return status;
    }
  }
  return differ.Finish();
}

}  // namespace muster_dfile
