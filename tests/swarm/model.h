// SPDX-License-Identifier: Apache-2.0
//
// Model: a MemoryStore and a ReferenceStore that are told the same, and what must be equal between
// them. The test draws its decisions from chance, the fuzz target from its input.
#ifndef MUSTER_TESTS_SWARM_MODEL_H_
#define MUSTER_TESTS_SWARM_MODEL_H_

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>

#include "muster/swarm_store.h"
#include "swarm/memory_store.h"
#include "swarm/reference_store.h"
#include "swarm/swarm_testing.h"

namespace muster::testing_swarm {

class Model {
 public:
  // A decision: a number below the bound.
  using Decide = std::function<std::uint32_t(std::uint32_t)>;

  Model(bool keep_peer_ids, std::uint64_t hash_seed)
      : options_{.peer_timeout = kTimeout,
                 .keep_completed = kKeepCompleted,
                 .keep_peer_ids = keep_peer_ids,
                 .hash_seed = hash_seed},
        store_(std::make_unique<MemoryStore>(options_)),
        reference_(options_) {}

  // One operation on both. Returns what is wrong, or nothing.
  std::string Step(const Decide& decide) {
    std::string wrong = Do(decide);
    // What is not there all the while may be missing from the walk.
    std::erase_if(due_, [this](const InfoHash& hash) { return !reference_.Count(hash); });
    return wrong;
  }

  // Everything that both remember.
  std::string Compare() const {
    const StoreImage image = ImageOf(*store_);
    if (!image.fault.empty()) return image.fault;
    if (std::string difference = Difference(image, ImageOf(reference_)); !difference.empty())
      return difference;
    const StoreTotals totals = store_->Totals();
    const StoreTotals expected = image.Recount();
    if (totals.torrents != expected.torrents || totals.peers != expected.peers ||
        totals.seeders != expected.seeders || totals.ipv6_peers != expected.ipv6_peers) {
      return "totals are no recount";
    }
    return {};
  }

  std::uint64_t peers() const { return store_->Totals().peers; }
  // Walks that went from the beginning to the end, and their calls that visited nothing.
  int walks() const { return walks_; }
  int prepared() const { return prepared_; }

 private:
  std::string Do(const Decide& decide) {
    switch (decide(16)) {
      case 0:
        return Many(decide, /*stop=*/false);
      case 1:
        return Many(decide, /*stop=*/true);
      case 2:
        now_ += kMinute * static_cast<int>(decide(8));
        return now_ - last_expiry_ > kTimeout - kMinute ? Expire(kTimeout, 0) : std::string();
      case 3:
        return Expire(kMinute * static_cast<int>(decide(45) + 1), decide(64));
      case 4:
        return decide(8) == 0 ? Remove(decide) : std::string();
      case 5:
        return Crowd(decide);
      case 6:
      case 7:
        return Walk(decide);
      default:
        return One(decide);
    }
  }

  static constexpr Seconds kTimeout = kMinute * 45;
  static constexpr Seconds kKeepCompleted = kMinute * 90;
  // How many peers of each family a torrent may have: swarms of every kind.
  static constexpr std::uint32_t kPools[] = {1, 2, 3, 8, 40, 300, 3000};
  // Torrents whose names begin alike.
  static constexpr std::uint32_t kCrowd = 200;
  // So few that a walk takes several passes over them, and several calls for each.
  static constexpr WalkLimits kFew = {
      .names_held = 16, .names_under_lock = 4, .names_sorted = 4, .work_a_call = 20};

  // The first thing that differs, in words.
  static std::string Difference(const StoreImage& mine, const StoreImage& expected) {
    std::ostringstream text;
    for (const auto& [hash, swarm] : expected.swarms) {
      const auto at = mine.swarms.find(hash);
      if (at == mine.swarms.end()) {
        text << "swarm " << hash << " with " << swarm.counts << " is missing";
        return text.str();
      }
      if (at->second == swarm) continue;
      text << "swarm " << hash << " has " << at->second.counts << " for " << swarm.counts;
      for (const auto& [endpoint, peer] : swarm.peers) {
        const auto found = at->second.peers.find(endpoint);
        if (found != at->second.peers.end() && found->second == peer) continue;
        text << "; " << endpoint
             << (found == at->second.peers.end() ? " is missing" : " is remembered otherwise");
        if (found != at->second.peers.end()) {
          text << ": seen " << (found->second.last_seen - peer.last_seen).count() << " s later";
        }
        break;
      }
      return text.str();
    }
    if (mine.swarms.size() != expected.swarms.size()) return "swarms that should not be there";
    return {};
  }

  struct Torrent {
    InfoHash hash;
    std::uint32_t pool;
  };
  static Torrent TorrentFrom(const Decide& decide) {
    const std::uint32_t t = decide(std::size(kPools));
    return {TestHash(t), kPools[t]};
  }
  static PeerState StateFrom(const Decide& decide) {
    // Downloaders are in the majority, as they are.
    const std::uint32_t n = decide(6);
    return n > 3 ? PeerState::kDownloader : static_cast<PeerState>(n);
  }

  // Both are told; the counts must be equal.
  std::string Tell(const Ask& ask, Answer* answer = nullptr) {
    const Answer mine = Announce(*store_, ask, now_);
    const Answer expected = Announce(reference_, ask, now_);
    if (mine.counts != expected.counts) return "different counts in an answer";
    if (mine.peers.size() != expected.peers.size()) return "a different number of peers";
    if (answer != nullptr) *answer = mine;
    return {};
  }

  std::string One(const Decide& decide) {
    const Torrent torrent = TorrentFrom(decide);
    const auto family = static_cast<AddressFamily>(decide(4) == 0);
    Ask ask{.hash = torrent.hash,
            .peer = TestPeer(decide(torrent.pool), family),
            .state = StateFrom(decide),
            .completed = decide(4) == 0,
            .wanted = decide(16) == 0 ? 700 : decide(60),
            .room4 = decide(8) == 0 ? decide(60) : 700,
            .room6 = decide(4) == 0 ? decide(60) : 700,
            .random = std::uint64_t{decide(1 << 16)} << 48 | decide(1 << 16)};
    ask.want_ids = decide(2) == 0;
    if (decide(8) == 0) ask.id = PeerId();
    Answer answer;
    if (std::string wrong = Tell(ask, &answer); !wrong.empty()) return wrong;

    std::set<Endpoint> different;
    for (std::size_t i = 0; i < answer.peers.size(); ++i) {
      const Endpoint& peer = answer.peers[i];
      const std::optional<PeerRecord> record = reference_.Find(ask.hash, peer);
      if (!record.has_value()) return "a chosen peer is no member";
      if (peer == ask.peer) return "the asking peer was chosen";
      if (!different.insert(peer).second) return "a peer was chosen twice";
      if (ask.state != PeerState::kDownloader && record->state != PeerState::kDownloader)
        return "an uploader was given an uploader";
      if (options_.keep_peer_ids && ask.want_ids && answer.ids.at(i) != *record->peer_id)
        return "a peer has another's id";
    }
    if (store_->Count(ask.hash) != reference_.Count(ask.hash)) return "different counts";
    return {};
  }

  // A run of peers comes, changes its state, or goes.
  std::string Many(const Decide& decide, bool stop) {
    const Torrent torrent = TorrentFrom(decide);
    const auto family = static_cast<AddressFamily>(decide(4) == 0);
    const std::uint32_t first = decide(torrent.pool);
    const std::uint32_t n = std::min(decide(2000) + 1, torrent.pool - first);
    const PeerState state = stop ? PeerState::kStopped : StateFrom(decide);
    const bool completed = decide(4) == 0;
    for (std::uint32_t i = first; i < first + n; ++i) {
      std::string wrong = Tell({.hash = torrent.hash,
                                .peer = TestPeer(i, family),
                                .state = state,
                                .completed = completed,
                                .room4 = 0,
                                .room6 = 0});
      if (!wrong.empty()) return wrong;
    }
    return {};
  }

  // In some small steps, then all.
  std::string Expire(Seconds age, std::uint32_t steps) {
    const std::uint64_t before = store_->Totals().peers;
    std::size_t gone = 0;
    for (std::uint32_t i = 0; i < steps; ++i) gone += store_->Expire(now_ - age, i);
    gone += ExpireAll(*store_, now_ - age);
    const std::size_t expected = ExpireAll(reference_, now_ - age);
    last_expiry_ = now_;
    if (gone != expected) return "another number of peers was forgotten";
    if (store_->Totals().peers != before - gone) return "totals do not follow from what went";
    return {};
  }

  std::string Remove(const Decide& decide) {
    const InfoHash hash = TorrentFrom(decide).hash;
    if (store_->Remove(hash) != reference_.Remove(hash)) return "one did not know what to remove";
    return {};
  }

  // Some of the crowd come, or go: one peer each.
  std::string Crowd(const Decide& decide) {
    const std::uint32_t first = decide(kCrowd);
    const std::uint32_t n = std::min(decide(64) + 1, kCrowd - first);
    const std::uint32_t each = decide(3) + 1;
    const PeerState state = StateFrom(decide);
    for (std::uint32_t i = first; i < first + n; i += each) {
      std::string wrong = Tell(
          {.hash = CrowdedHash(i), .peer = TestPeer(i), .state = state, .room4 = 0, .room6 = 0});
      if (!wrong.empty()) return wrong;
    }
    return {};
  }

  // Some calls of a walk, which goes on in the next.
  std::string Walk(const Decide& decide) {
    std::string wrong;
    for (std::uint32_t calls = decide(64); calls > 0 && wrong.empty(); --calls) {
      if (cursor_ == nullptr) {
        in_parts_ = decide(2) == 0;
        cursor_ = store_->Walk(in_parts_ ? 4 : SwarmStore::kWholeSwarms, kFew);
        last_.reset();
        due_.clear();
        reference_.ForEach([&](const SwarmView& view) {
          due_.insert(view.info_hash());
          return true;
        });
      }
      const auto step = cursor_->Next([&](const SwarmView& view) { wrong = Visit(view); });
      prepared_ += step == SwarmCursor::Step::kPrepared;
      if (step != SwarmCursor::Step::kEnd) continue;
      cursor_ = nullptr;
      ++walks_;
      if (!due_.empty()) return "a walk has missed a swarm";
    }
    return wrong;
  }
  std::string Visit(const SwarmView& view) {
    const InfoHash& hash = view.info_hash();
    if (last_ > hash) return "a walk goes back";
    if (last_ == hash && !in_parts_) return "a walk visits a swarm twice";
    if (!due_.empty() && *due_.begin() < hash) return "a walk has passed over a swarm";
    last_ = hash;
    due_.erase(hash);
    if (view.counts() != reference_.Count(hash)) return "a walk shows different counts";
    return {};
  }

  const MemoryStoreOptions options_;
  const std::unique_ptr<MemoryStore> store_;
  ReferenceStore reference_;
  Instant now_ = kStart;
  Instant last_expiry_ = kStart;
  // The walk under way, the swarm that it visited last, and those that it has still to visit.
  std::unique_ptr<SwarmCursor> cursor_;
  bool in_parts_ = false;
  std::optional<InfoHash> last_;
  std::set<InfoHash> due_;
  int walks_ = 0;
  int prepared_ = 0;
};

}  // namespace muster::testing_swarm

#endif  // MUSTER_TESTS_SWARM_MODEL_H_
