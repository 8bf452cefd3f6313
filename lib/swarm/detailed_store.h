// SPDX-License-Identifier: Apache-2.0
//
// DetailedStore: the SwarmStore that knows its peers; see muster/detailed_store.h.
//
//   DetailedStore ─ 64 × { lock, Shard }    by the first six bits of the info hash: a walk is sorted
//     Shard ─ map of DetailedSwarm          by info hash
//       DetailedSwarm ─ map of peers        by name
//
// Trees rather than hash tables: nobody can choose names that collide, a walk and a sweep go on at
// any name, and no announce ever waits for a table to grow.
#ifndef MUSTER_LIB_SWARM_DETAILED_STORE_H_
#define MUSTER_LIB_SWARM_DETAILED_STORE_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"
#include "muster/detailed_store.h"
#include "swarm/detailed_swarm.h"

namespace muster {

class DetailedStore final : public SwarmStore {
 public:
  explicit DetailedStore(const DetailedStoreOptions& options) : options_(options) {}

  bool keeps_details() const override { return true; }
  bool checks_nat() const override { return options_.nat_tries > 0; }
  SwarmCounts Apply(const SwarmUpdate& update, Instant now, PeerBatch& chosen) override;
  bool CountNatCheck(const NatChecked& checked) override;
  std::optional<SwarmCounts> Count(const InfoHash& info_hash) const override;
  std::size_t Expire(Instant last_seen_before, std::size_t max_swarms) override;
  std::unique_ptr<SwarmCursor> Walk(std::size_t peers_a_visit) const override;
  absl::Status Restore(const SwarmRestore& swarm, Instant now) override;
  bool Remove(const InfoHash& info_hash) override;
  StoreTotals Totals() const override;
  void SetObserver(SwarmObserver* observer) override { observer_ = observer; }

 private:
  class Cursor;
  using Swarms = std::map<InfoHash, DetailedSwarm>;
  using Node = DetailedSwarm::Node;

  static constexpr std::size_t kShards = 64;

  struct Shard {
    Swarms swarms;
    DetailedSwarm::Tally tally;
    // Where the sweep goes on.
    std::optional<InfoHash> sweep_swarm;
    std::optional<DetailedSwarm::Name> sweep_peer;
  };
  struct alignas(64) Locked {
    mutable Mutex mu;
    Shard shard ABSL_GUARDED_BY(mu);
  };

  const Locked& ShardOf(const InfoHash& info_hash) const {
    return shards_[info_hash.data()[0] >> 2];
  }
  Locked& ShardOf(const InfoHash& info_hash) { return shards_[info_hash.data()[0] >> 2]; }

  // The swarm's record, made if it is not there; null where there is no room for another.
  Swarms::value_type* Open(Shard& shard, const InfoHash& info_hash);
  // Counts what has changed in a swarm since it had that tally, and forgets it when nothing is left.
  void Settle(Shard& shard, Swarms::iterator at, const DetailedSwarm::Tally& before,
              bool outlived = false);

  bool MayAdd(const std::atomic<std::uint64_t>& count, std::uint64_t limit) const {
    return limit == 0 || count.load(std::memory_order_relaxed) < limit;
  }
  // The peer that a name stands for, which may have been restored without an id; null: none.
  static Node* FindPeer(DetailedSwarm& swarm, const DetailedSwarm::Name& name, const Endpoint& peer,
                        const IpAddress& from);
  // Lets a peer that joined, or proved to be who it says, be what it says. Returns whether its
  // download has been counted now.
  bool Renew(DetailedSwarm& swarm, Node& node, const SwarmUpdate& update, bool is_new, Instant now);
  bool CountCompletion(DetailedSwarm& swarm, DetailedSwarm::Peer& peer, const SwarmUpdate& update,
                       PeerState old_state, bool is_new) const;
  void RestorePeer(DetailedSwarm& swarm, const PeerRecord& record, bool may_join,
                   Instant now) const;

  void Tell(const InfoHash& info_hash, const DetailedSwarm& swarm, const Node& node,
            PeerState state, bool completed, Instant now, std::int32_t minutes = -1,
            bool replicated = false) const;

  const DetailedStoreOptions options_;
  std::array<Locked, kShards> shards_;
  SwarmObserver* observer_ = nullptr;
  std::atomic<std::uint64_t> torrents_{0};
  std::atomic<std::uint64_t> peers_{0};
  std::atomic<std::uint64_t> completed_{0};
  // The shard that the sweep is in.
  std::atomic<std::uint32_t> sweep_shard_{0};
};

}  // namespace muster

#endif  // MUSTER_LIB_SWARM_DETAILED_STORE_H_
