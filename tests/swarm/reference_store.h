// SPDX-License-Identifier: Apache-2.0
//
// ReferenceStore: the contract of SwarmStore in the plainest code there is: one map of maps under
// one lock. Far too slow and too large for a tracker; what it does is easy to believe, so tests
// compare others with it.
//
// Thread-safe.
#ifndef MUSTER_TESTS_SWARM_REFERENCE_STORE_H_
#define MUSTER_TESTS_SWARM_REFERENCE_STORE_H_

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "muster/random.h"
#include "muster/swarm_store.h"

namespace muster::testing_swarm {

class ReferenceStore final : public SwarmStore {
 public:
  explicit ReferenceStore(const MemoryStoreOptions& options) : options_(options) {}

  SwarmCounts Apply(const SwarmUpdate& update, Instant now, PeerBatch& chosen) override {
    const std::lock_guard<std::mutex> lock(mu_);
    const auto found = swarms_.find(update.info_hash);
    if (update.state == PeerState::kStopped) {
      if (found == swarms_.end()) return {};
      Swarm& swarm = found->second;
      if (const auto peer = swarm.peers.find(update.peer); peer != swarm.peers.end()) {
        Forget(swarm, peer);
        Tell(update, /*completed=*/false, now, /*counted=*/false, swarm.counts.completed);
        swarm.left = now;
      }
      const SwarmCounts counts = swarm.counts;
      if (counts == SwarmCounts{}) swarms_.erase(found);
      return counts;
    }

    const bool known = found != swarms_.end() && found->second.peers.contains(update.peer);
    const bool full = update.visitor || (options_.max_peers != 0 && peers_ >= options_.max_peers) ||
                      (found == swarms_.end() && options_.max_torrents != 0 &&
                       swarms_.size() >= options_.max_torrents);
    if (found == swarms_.end() && full) return {};
    Swarm& swarm = swarms_[update.info_hash];
    if (known || !full) {
      Peer& peer = swarm.peers[update.peer];
      std::int32_t minutes = -1;
      if (known) {
        minutes = static_cast<std::int32_t>(
            std::chrono::duration_cast<std::chrono::minutes>(now - peer.last_seen).count());
        if (update.minutes_since_seen != nullptr) *update.minutes_since_seen = minutes;
        --PartOf(swarm.counts, peer.state);
      } else {
        ++peers_;
      }
      ++PartOf(swarm.counts, update.state);
      peer.state = update.state;
      peer.last_seen = now;
      peer.id = update.peer_id;
      const bool completes =
          update.completed && update.state == PeerState::kSeeder && !peer.completed;
      if (completes) {
        peer.completed = true;
        ++swarm.counts.completed;
        ++completed_;
      }
      Tell(update, completes, now, peer.completed, swarm.counts.completed, minutes);
    }
    Choose(swarm, update, chosen);
    return swarm.counts;
  }

  std::optional<SwarmCounts> Count(const InfoHash& info_hash) const override {
    const std::lock_guard<std::mutex> lock(mu_);
    const auto found = swarms_.find(info_hash);
    if (found == swarms_.end()) return std::nullopt;
    return found->second.counts;
  }

  std::size_t Expire(Instant last_seen_before, std::size_t max_swarms) override {
    constexpr std::size_t kPeersAStep = 64;
    const std::lock_guard<std::mutex> lock(mu_);
    std::size_t gone = 0;
    for (std::size_t step = 0; step < max_swarms; ++step) {
      auto at = swarms_.lower_bound(sweep_.first);
      if (at == swarms_.end()) {
        sweep_ = {};
        continue;
      }
      Swarm& swarm = at->second;
      if (at->first != sweep_.first) sweep_ = {at->first, std::nullopt};
      auto peer =
          sweep_.second.has_value() ? swarm.peers.lower_bound(*sweep_.second) : swarm.peers.begin();
      const std::size_t gone_before = gone;
      for (std::size_t i = 0; i < kPeersAStep && peer != swarm.peers.end(); ++i) {
        if (peer->second.last_seen < last_seen_before) {
          peer = Forget(swarm, peer);
          ++gone;
        } else {
          ++peer;
        }
      }
      if (gone > gone_before && swarm.peers.empty()) swarm.left = last_seen_before;
      if (peer != swarm.peers.end()) {
        sweep_.second = peer->first;
        continue;
      }
      const auto next = std::next(at);
      if (swarm.peers.empty() && (swarm.counts.completed == 0 ||
                                  swarm.left + options_.keep_completed < last_seen_before)) {
        swarms_.erase(at);
      }
      sweep_ = {next == swarms_.end() ? InfoHash{} : next->first, std::nullopt};
    }
    return gone;
  }

  // Whole swarms, however few peers are wanted at a time.
  std::unique_ptr<SwarmCursor> Walk(std::size_t /*peers_a_visit*/) const override {
    return std::make_unique<Cursor>(*this);
  }

  absl::Status Restore(const SwarmRestore& restore, Instant now) override {
    const std::lock_guard<std::mutex> lock(mu_);
    const bool known = swarms_.contains(restore.info_hash);
    if (!known && options_.max_torrents != 0 && swarms_.size() >= options_.max_torrents)
      return absl::OkStatus();
    Swarm& swarm = swarms_[restore.info_hash];
    const bool had_peers = !swarm.peers.empty();
    for (const PeerRecord& record : restore.peers) {
      if (record.state != PeerState::kStopped && record.last_seen < now - options_.peer_timeout)
        continue;
      const auto old = swarm.peers.find(record.peer);
      const bool there = old != swarm.peers.end();
      if (there) Forget(swarm, old);
      if (record.state == PeerState::kStopped ||
          (!there && options_.max_peers != 0 && peers_ >= options_.max_peers))
        continue;
      swarm.peers[record.peer] = {.state = record.state,
                                  .completed = record.completed,
                                  .last_seen = std::min(record.last_seen, now),
                                  .id = record.peer_id != nullptr ? *record.peer_id : PeerId()};
      ++PartOf(swarm.counts, record.state);
      ++peers_;
    }
    swarm.counts.completed = std::max(swarm.counts.completed, restore.completed);
    if (swarm.counts == SwarmCounts{}) {
      swarms_.erase(restore.info_hash);
    } else if (swarm.peers.empty() && (restore.empty_since.has_value() || had_peers || !known)) {
      swarm.left = std::min(restore.empty_since.value_or(now), now);
    }
    return absl::OkStatus();
  }

  bool Remove(const InfoHash& info_hash) override {
    const std::lock_guard<std::mutex> lock(mu_);
    const auto found = swarms_.find(info_hash);
    if (found == swarms_.end()) return false;
    peers_ -= found->second.peers.size();
    swarms_.erase(found);
    if (observer_ != nullptr) observer_->OnRemove(info_hash);
    return true;
  }

  StoreTotals Totals() const override {
    const std::lock_guard<std::mutex> lock(mu_);
    StoreTotals totals;
    totals.torrents = swarms_.size();
    totals.peers = peers_;
    totals.completed = completed_;
    for (const auto& [info_hash, swarm] : swarms_) {
      totals.seeders += swarm.counts.seeders;
      for (const auto& [endpoint, peer] : swarm.peers)
        totals.ipv6_peers += endpoint.family() == AddressFamily::kIpv6 ? 1 : 0;
    }
    totals.bytes = sizeof(Swarm) * totals.torrents + sizeof(Peer) * totals.peers;
    return totals;
  }

  void SetObserver(SwarmObserver* observer) override { observer_ = observer; }

  // A peer as ForEachPeer() would show it; nothing for one that is not there. The peer id is valid
  // until the next call that changes the store.
  std::optional<PeerRecord> Find(const InfoHash& info_hash, const Endpoint& endpoint) const {
    const std::lock_guard<std::mutex> lock(mu_);
    const auto swarm = swarms_.find(info_hash);
    if (swarm == swarms_.end()) return std::nullopt;
    const auto peer = swarm->second.peers.find(endpoint);
    if (peer == swarm->second.peers.end()) return std::nullopt;
    return Show(*peer, options_.keep_peer_ids);
  }

 private:
  struct Peer {
    PeerState state = PeerState::kDownloader;
    bool completed = false;
    Instant last_seen;
    PeerId id;
  };
  struct Swarm {
    std::map<Endpoint, Peer> peers;
    SwarmCounts counts;
    Instant left;  // when the last peer went
  };

  static std::uint32_t& PartOf(SwarmCounts& counts, PeerState state) {
    return state == PeerState::kSeeder          ? counts.seeders
           : state == PeerState::kPartialSeeder ? counts.partial_seeders
                                                : counts.downloaders;
  }
  std::map<Endpoint, Peer>::iterator Forget(Swarm& swarm, std::map<Endpoint, Peer>::iterator peer) {
    --PartOf(swarm.counts, peer->second.state);
    --peers_;
    return swarm.peers.erase(peer);
  }

  static PeerRecord Show(const std::pair<const Endpoint, Peer>& peer, bool ids) {
    return {.peer = peer.first,
            .state = peer.second.state,
            .completed = peer.second.completed,
            .last_seen = peer.second.last_seen,
            .peer_id = ids ? &peer.second.id : nullptr};
  }

  class View final : public SwarmView {
   public:
    View(const InfoHash& info_hash, const Swarm& swarm, bool ids)
        : info_hash_(info_hash), swarm_(swarm), ids_(ids) {}
    const InfoHash& info_hash() const override { return info_hash_; }
    SwarmCounts counts() const override { return swarm_.counts; }
    void ForEachPeer(absl::FunctionRef<void(const PeerRecord&)> visit) const override {
      for (const auto& peer : swarm_.peers) visit(Show(peer, ids_));
    }
    std::optional<Instant> empty_since() const override {
      return swarm_.peers.empty() ? std::optional<Instant>(swarm_.left) : std::nullopt;
    }

   private:
    const InfoHash& info_hash_;
    const Swarm& swarm_;
    const bool ids_;
  };

  class Cursor final : public SwarmCursor {
   public:
    explicit Cursor(const ReferenceStore& store) : store_(store) {}
    // Every other call visits nothing, so that whoever walks sees such calls.
    Step Next(absl::FunctionRef<void(const SwarmView&)> visit) override {
      const std::lock_guard<std::mutex> lock(store_.mu_);
      const auto next = last_ ? store_.swarms_.upper_bound(*last_) : store_.swarms_.begin();
      if (next == store_.swarms_.end()) return Step::kEnd;
      is_prepared_ = !is_prepared_;
      if (is_prepared_) return Step::kPrepared;
      last_ = next->first;
      visit(View(next->first, next->second, store_.options_.keep_peer_ids));
      return Step::kVisited;
    }

   private:
    const ReferenceStore& store_;
    bool is_prepared_ = false;
    std::optional<InfoHash> last_;
  };

  void Tell(const SwarmUpdate& update, bool completed, Instant now, bool counted,
            std::uint32_t completed_count, std::int32_t minutes = -1) {
    if (observer_ == nullptr) return;
    observer_->OnDelta({update.info_hash, update.peer, update.peer_id, update.state, completed, now,
                        counted, completed_count, minutes, update.replicated});
  }

  void Choose(const Swarm& swarm, const SwarmUpdate& update, PeerBatch& chosen) const {
    if (update.wanted == 0) return;
    Random random(update.random);
    std::vector<const std::pair<const Endpoint, Peer>*> candidates[2];
    for (const auto& peer : swarm.peers) {
      if (peer.first == update.peer) continue;
      if (update.state != PeerState::kDownloader && peer.second.state != PeerState::kDownloader) {
        continue;
      }
      candidates[static_cast<int>(peer.first.family())].push_back(&peer);
    }
    std::size_t can[2];
    for (const AddressFamily f : {AddressFamily::kIpv4, AddressFamily::kIpv6})
      can[static_cast<int>(f)] = std::min(candidates[static_cast<int>(f)].size(), chosen.room(f));

    // A quarter for each family first, then one at a time to a family drawn in proportion.
    std::size_t take[2] = {std::min(can[0], update.wanted / 4),
                           std::min(can[1], update.wanted / 4)};
    if (can[0] + can[1] <= update.wanted) std::copy_n(can, 2, take);
    while (take[0] + take[1] < std::min(update.wanted, can[0] + can[1])) {
      const auto left0 = static_cast<std::uint32_t>(can[0] - take[0]);
      const auto left1 = static_cast<std::uint32_t>(can[1] - take[1]);
      ++take[random.Below(left0 + left1) < left0 ? 0 : 1];
    }
    for (const AddressFamily f : {AddressFamily::kIpv4, AddressFamily::kIpv6}) {
      auto& from = candidates[static_cast<int>(f)];
      for (std::size_t i = 0; i < take[static_cast<int>(f)]; ++i) {
        std::swap(from[i], from[i + random.Below(static_cast<std::uint32_t>(from.size() - i))]);
        chosen.Append(f, from[i]->first.compact().data(),
                      options_.keep_peer_ids ? from[i]->second.id.data() : nullptr, 1);
      }
    }
  }

  const MemoryStoreOptions options_;
  SwarmObserver* observer_ = nullptr;
  mutable std::mutex mu_;
  // The rest is guarded by mu_.
  std::map<InfoHash, Swarm> swarms_;
  std::size_t peers_ = 0;
  std::uint64_t completed_ = 0;
  // The swarm that a sweep is in, and the peer in it.
  std::pair<InfoHash, std::optional<Endpoint>> sweep_;
};

}  // namespace muster::testing_swarm

#endif  // MUSTER_TESTS_SWARM_REFERENCE_STORE_H_
