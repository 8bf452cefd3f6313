// SPDX-License-Identifier: Apache-2.0
//
// MemoryStore: the compact in-memory SwarmStore.
//
//   MemoryStore ─ 1024 × { lock, Shard }   by the first ten bits of the info hash: a walk is sorted
//     Shard ─ ShardIndex, SwarmRecords     44 bytes a torrent, about 4 for the index
//       SwarmRecord ─ 1 to 3 peers inside, or
//         PeerBlock                        up to 255 peers of a family, 7 to 8 bytes each (IPv6:
//                                          19 to 20), or
//         HugeSwarm ─ PeerSets             any number, in constant time
//           PeerSet ─ PeerBlocks
//
// Everything small comes from one SlabHeap. An announce holds one shard's lock for a fraction of a
// microsecond. The work that could take long is cut to pieces: an index is rebuilt some
// thousand records at a time, a huge swarm grows block by block, and a sweep looks at a few records
// a step.
#ifndef MUSTER_LIB_SWARM_MEMORY_STORE_H_
#define MUSTER_LIB_SWARM_MEMORY_STORE_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "base/cache_line.h"
#include "base/mutex.h"
#include "muster/swarm_store.h"
#include "swarm/shard.h"
#include "swarm/slab_heap.h"

namespace muster {

// What a walk may do at once; other limits than these are for tests.
struct WalkLimits {
  // Names held: 24 bytes each. At least twice as many as are looked at under the lock.
  std::size_t names_held = 32 * 1024;
  // Names looked at under a shard's lock: a few microseconds.
  std::uint32_t names_under_lock = 1024;
  // Names sorted at once: those of a shard, unless there are millions of torrents.
  std::size_t names_sorted = 2048;
  // A call that has done as much before it visits, in names looked at, visits nothing: less than
  // half a millisecond.
  std::size_t work_a_call = 16 * 1024;
};

class MemoryStore final : public SwarmStore {
 public:
  explicit MemoryStore(const MemoryStoreOptions& options);
  ~MemoryStore() override;

  SwarmCounts Apply(const SwarmUpdate& update, Instant now, PeerBatch& chosen) override;
  std::optional<SwarmCounts> Count(const InfoHash& info_hash) const override;
  std::size_t Expire(Instant last_seen_before, std::size_t max_swarms) override;
  std::unique_ptr<SwarmCursor> Walk(std::size_t peers_a_visit) const override;
  std::unique_ptr<SwarmCursor> Walk(std::size_t peers_a_visit, const WalkLimits& limits) const;
  absl::Status Restore(const SwarmRestore& swarm, Instant now) override;
  bool Remove(const InfoHash& info_hash) override;
  StoreTotals Totals() const override;
  void Prefetch(absl::Span<const SwarmHint> coming) const override;
  void SetObserver(SwarmObserver* observer) override { observer_ = observer; }

 private:
  class Cursor;

  static constexpr std::size_t kShards = 1024;

  struct alignas(kCacheLine) Locked {
    mutable Mutex mu;
    Shard shard ABSL_GUARDED_BY(mu);
  };

  const Locked& ShardOf(const std::uint8_t* info_hash) const {
    return shards_[static_cast<std::size_t>(info_hash[0]) << 2 | info_hash[1] >> 6];
  }
  Locked& ShardOf(const std::uint8_t* info_hash) {
    return const_cast<Locked&>(static_cast<const MemoryStore*>(this)->ShardOf(info_hash));
  }

  std::int64_t UnitOf(Instant t) const;
  bool MayAdd(const std::atomic<std::uint64_t>& count, std::uint64_t limit) const {
    return limit == 0 || count.load(std::memory_order_relaxed) < limit;
  }
  // Whether a peer that was last seen then is too old to be remembered.
  bool IsStale(Instant last_seen, Instant now) const {
    return last_seen < now - options_.peer_timeout;
  }
  // Counts what an announce has changed.
  void NoteChange(Shard& shard, const SwarmRecord::Change& change, AddressFamily family);
  void RestorePeer(Shard& shard, SwarmRecord& record, const PeerRecord& peer, Instant now);
  // Before the lock is taken under which the peer comes.
  void SetLatest(std::int64_t unit);
  void AddTorrents(std::int64_t n);
  void AddPeers(std::int64_t n);
  // One step of the sweep in one shard; returns the records and blocks looked at.
  std::size_t SweepShard(Shard& shard, const Cutoff& cutoff, std::uint32_t minute,
                         std::size_t max_steps, std::size_t& gone);

  const MemoryStoreOptions options_;
  const std::int64_t unit_seconds_;
  SlabHeap heap_;
  const SwarmContext context_;
  const std::unique_ptr<Locked[]> shards_;
  SwarmObserver* observer_ = nullptr;

  // Kept only where there is a limit, as every worker would write them.
  std::atomic<std::uint64_t> torrents_{0};
  std::atomic<std::uint64_t> peers_{0};
  // The latest time that an announce was made at, which tells ages.
  std::atomic<std::int64_t> latest_unit_{std::numeric_limits<std::int64_t>::min()};
  // The shard that the sweep is in.
  std::atomic<std::uint32_t> sweep_shard_{0};
  // Written by every worker, but seldom.
  std::atomic<std::uint64_t> completed_{0};
};

}  // namespace muster

#endif  // MUSTER_LIB_SWARM_MEMORY_STORE_H_
