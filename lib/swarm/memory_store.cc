// SPDX-License-Identifier: Apache-2.0
#include "swarm/memory_store.h"

#include <algorithm>
#include <array>

#include "base/divide.h"
#include "muster/random.h"
#include "swarm/hash.h"
#include "swarm/memory_cursor.h"

namespace muster {
namespace {

// A stamp tells 120 units (see mark::UnitOf): twice a life, as a sweep may come by just before a
// peer's time, and not again for another life.
constexpr std::int64_t kUnitsOfLife = 60;

HashKey KeyFrom(std::uint64_t seed) {
  Random random = seed != 0 ? Random(seed) : Random::FromSystem();
  return {random.Next() | 1, random.Next() | 1};
}

std::int64_t UnitSecondsFor(Seconds peer_timeout) {
  const std::int64_t minutes = (peer_timeout.count() + 59) / 60;
  return 60 * std::max<std::int64_t>(1, (minutes + kUnitsOfLife - 1) / kUnitsOfLife);
}

std::uint32_t MinuteOf(Instant t) {
  return static_cast<std::uint32_t>(DivideDown(t.time_since_epoch().count(), 60));
}

}  // namespace

std::unique_ptr<SwarmStore> NewMemoryStore(const MemoryStoreOptions& options) {
  return std::make_unique<MemoryStore>(options);
}

MemoryStore::MemoryStore(const MemoryStoreOptions& options)
    : options_(options),
      unit_seconds_(UnitSecondsFor(options.peer_timeout)),
      context_{&heap_, KeyFrom(options.hash_seed), options.keep_peer_ids},
      shards_(std::make_unique<Locked[]>(kShards)) {}

MemoryStore::~MemoryStore() {
  for (std::size_t s = 0; s < kShards; ++s) {
    MutexLock lock(&shards_[s].mu);
    shards_[s].shard.Clear(context_);
  }
}

void MemoryStore::AddTorrents(std::int64_t n) {
  if (options_.max_torrents != 0)
    torrents_.fetch_add(static_cast<std::uint64_t>(n), std::memory_order_relaxed);
}
void MemoryStore::AddPeers(std::int64_t n) {
  if (options_.max_peers != 0)
    peers_.fetch_add(static_cast<std::uint64_t>(n), std::memory_order_relaxed);
}

std::int64_t MemoryStore::UnitOf(Instant t) const {
  return DivideDown(t.time_since_epoch().count(), unit_seconds_);
}

void MemoryStore::SetLatest(std::int64_t unit) {
  std::int64_t latest = latest_unit_.load(std::memory_order_relaxed);
  while (unit > latest &&
         !latest_unit_.compare_exchange_weak(latest, unit, std::memory_order_relaxed)) {
  }
}

SwarmCounts MemoryStore::Apply(const SwarmUpdate& update, Instant now, PeerBatch& chosen) {
  const std::int64_t unit = UnitOf(now);
  SetLatest(unit);
  const std::uint8_t* const info_hash = update.info_hash.data();
  const std::uint64_t hash = HashInfo(info_hash, context_.key);
  const PeerKey peer(update.peer, update.peer_id, context_.key);
  const bool may_join = !update.visitor && MayAdd(peers_, options_.max_peers);

  Locked& locked = ShardOf(info_hash);
  MutexLock lock(&locked.mu);
  Shard& shard = locked.shard;
  std::uint32_t n = shard.Find(hash, info_hash);
  if (n == Shard::kNone) {
    if (update.state == PeerState::kStopped || !may_join ||
        !MayAdd(torrents_, options_.max_torrents))
      return {};
    n = shard.Add(context_, hash, info_hash);
    if (n == Shard::kNone) return {};
    AddTorrents(1);
  }
  SwarmRecord& record = shard.record(n);
  const std::uint32_t seeders_before = record.counts().seeders;
  const SwarmRecord::Change change = record.Apply(context_,
                                                  {.peer = peer,
                                                   .state = update.state,
                                                   .completed = update.completed,
                                                   .stamp = mark::Stamp(unit),
                                                   .minute = MinuteOf(now),
                                                   .may_join = may_join},
                                                  update.wanted, update.random, chosen);
  const SwarmCounts counts = record.counts();
  shard.seeders += counts.seeders - std::uint64_t{seeders_before};
  NoteChange(shard, change, peer.family);
  std::int32_t minutes_since_seen = -1;
  if (change.known) {
    // Threads may not agree on the time at once.
    const std::int64_t units =
        std::max<std::int64_t>(0, unit - mark::UnitOf(change.old_mark, unit));
    minutes_since_seen = static_cast<std::int32_t>(units * unit_seconds_ / 60);
    if (update.minutes_since_seen != nullptr) *update.minutes_since_seen = minutes_since_seen;
  }
  if (change.completed) completed_.fetch_add(1, std::memory_order_relaxed);
  if (change.accepted && observer_ != nullptr) {
    observer_->OnDelta({update.info_hash, update.peer, update.peer_id, update.state,
                        change.completed, now, change.counted, counts.completed, minutes_since_seen,
                        update.replicated});
  }
  if (change.left && counts == SwarmCounts{} && !options_.keep_empty) {
    shard.Erase(context_, n);
    AddTorrents(-1);
  }
  return counts;
}

void MemoryStore::NoteChange(Shard& shard, const SwarmRecord::Change& change,
                             AddressFamily family) {
  if (!change.joined && !change.left) return;
  const std::int64_t delta = change.joined ? 1 : -1;
  shard.peers += static_cast<std::uint64_t>(delta);
  if (family == AddressFamily::kIpv6) shard.ipv6_peers += static_cast<std::uint64_t>(delta);
  AddPeers(delta);
}

void MemoryStore::RestorePeer(Shard& shard, SwarmRecord& record, const PeerRecord& peer,
                              Instant now) {
  static const PeerId kNoId;
  const PeerKey key(peer.peer, peer.peer_id != nullptr ? *peer.peer_id : kNoId, context_.key);
  const std::uint8_t counted = peer.completed ? mark::kCompleted : 0;
  const std::int64_t unit = UnitOf(std::min(peer.last_seen, now));
  const auto apply = [&](PeerState state) {
    PeerBatch nobody({}, {});
    const SwarmRecord::Change change =
        record.Apply(context_,
                     {.peer = key,
                      .state = state,
                      .completed = false,
                      .stamp = static_cast<std::uint8_t>(mark::Stamp(unit) | counted),
                      .minute = MinuteOf(now),
                      .may_join = MayAdd(peers_, options_.max_peers)},
                     /*wanted=*/0, /*random=*/0, nobody);
    NoteChange(shard, change, key.family);
    return change.counted;
  };
  if (apply(peer.state) && !peer.completed) {
    // One who was there before with a completion that this one has not: it is told anew.
    apply(PeerState::kStopped);
    apply(peer.state);
  }
}

absl::Status MemoryStore::Restore(const SwarmRestore& swarm, Instant now) {
  SetLatest(UnitOf(now));
  const std::uint8_t* const info_hash = swarm.info_hash.data();
  const std::uint64_t hash = HashInfo(info_hash, context_.key);
  const auto is_wanted = [&](const PeerRecord& peer) {
    return peer.state == PeerState::kStopped || !IsStale(peer.last_seen, now);
  };
  const bool brings_something =
      swarm.completed > 0 || options_.keep_empty ||
      std::any_of(swarm.peers.begin(), swarm.peers.end(), [&](const PeerRecord& peer) {
        return peer.state != PeerState::kStopped && is_wanted(peer);
      });

  Locked& locked = ShardOf(info_hash);
  MutexLock lock(&locked.mu);
  Shard& shard = locked.shard;
  std::uint32_t n = shard.Find(hash, info_hash);
  const bool is_new = n == Shard::kNone;
  if (is_new) {
    if (!brings_something || !MayAdd(torrents_, options_.max_torrents)) return absl::OkStatus();
    n = shard.Add(context_, hash, info_hash);
    if (n == Shard::kNone) return absl::OkStatus();
    AddTorrents(1);
  }
  SwarmRecord& record = shard.record(n);
  const std::uint32_t seeders_before = record.counts().seeders;
  const bool had_peers = record.has_peers();
  for (const PeerRecord& peer : swarm.peers) {
    if (is_wanted(peer)) RestorePeer(shard, record, peer, now);
  }
  shard.seeders += record.counts().seeders - std::uint64_t{seeders_before};
  record.RestoreCompleted(context_, swarm.completed);
  if (record.has_peers()) return absl::OkStatus();
  if (record.completed() == 0 && !options_.keep_empty) {
    record.Clear(context_, 0);
    shard.Erase(context_, n);
    AddTorrents(-1);
  } else if (swarm.empty_since.has_value() || had_peers || is_new) {
    record.RestoreLeftMinute(MinuteOf(std::min(swarm.empty_since.value_or(now), now)));
  }
  return absl::OkStatus();
}

std::optional<SwarmCounts> MemoryStore::Count(const InfoHash& info_hash) const {
  const std::uint64_t hash = HashInfo(info_hash.data(), context_.key);
  const Locked& locked = ShardOf(info_hash.data());
  MutexLock lock(&locked.mu);
  const std::uint32_t n = locked.shard.Find(hash, info_hash.data());
  if (n == Shard::kNone) return std::nullopt;
  return locked.shard.record(n).counts();
}

bool MemoryStore::Remove(const InfoHash& info_hash) {
  const std::uint64_t hash = HashInfo(info_hash.data(), context_.key);
  Locked& locked = ShardOf(info_hash.data());
  MutexLock lock(&locked.mu);
  Shard& shard = locked.shard;
  const std::uint32_t n = shard.Find(hash, info_hash.data());
  if (n == Shard::kNone) return false;
  SwarmRecord& record = shard.record(n);
  const std::size_t ipv6 = record.peers(AddressFamily::kIpv6);
  const std::size_t peers = record.peers(AddressFamily::kIpv4) + ipv6;
  shard.peers -= peers;
  shard.ipv6_peers -= ipv6;
  shard.seeders -= record.counts().seeders;
  AddPeers(-static_cast<std::int64_t>(peers));
  record.Clear(context_, 0);
  shard.Erase(context_, n);
  AddTorrents(-1);
  if (observer_ != nullptr) observer_->OnRemove(info_hash);
  return true;
}

std::size_t MemoryStore::SweepShard(Shard& shard, const Cutoff& cutoff, std::uint32_t minute,
                                    std::size_t max_steps, std::size_t& gone) {
  const std::int64_t keep_minutes = options_.keep_completed.count() / 60;
  std::size_t steps = 0;
  while (shard.sweep < shard.size() && steps < max_steps) {
    shard.Tidy(context_, shard.sweep);
    SwarmRecord& record = shard.record(shard.sweep);
    const std::size_t ipv6_before = record.peers(AddressFamily::kIpv6);
    const std::uint32_t seeders_before = record.counts().seeders;
    const SwarmRecord::Swept swept = record.Sweep(context_, cutoff, minute, max_steps - steps);
    steps += swept.steps;
    if (swept.gone > 0) {
      gone += swept.gone;
      shard.peers -= swept.gone;
      shard.ipv6_peers -= ipv6_before - record.peers(AddressFamily::kIpv6);
      shard.seeders -= seeders_before - record.counts().seeders;
      AddPeers(-static_cast<std::int64_t>(swept.gone));
    }
    if (!swept.done) break;
    const bool forgotten =
        !record.has_peers() && ((record.completed() == 0 && !options_.keep_empty) ||
                                MinutesAfter(minute, record.left_minute()) > keep_minutes);
    if (forgotten) {
      record.Clear(context_, 0);
      shard.Erase(context_, shard.sweep);  // the last record takes its place and is looked at next
      AddTorrents(-1);
    } else {
      ++shard.sweep;
    }
  }
  if (shard.sweep >= shard.size()) {
    shard.sweep = 0;
    sweep_shard_.fetch_add(1, std::memory_order_relaxed);
    ++steps;  // an empty shard is a step too, so that a call always ends
  }
  return steps;
}

std::size_t MemoryStore::Expire(Instant last_seen_before, std::size_t max_swarms) {
  // A lock is held for so many records or blocks at most: some tens of microseconds, and where all
  // peers of a huge swarm go at once, half a millisecond.
  constexpr std::size_t kStepsUnderLock = 64;
  std::size_t gone = 0;
  for (std::size_t steps = 0; steps < max_swarms;) {
    Locked& locked = shards_[sweep_shard_.load(std::memory_order_relaxed) % kShards];
    MutexLock lock(&locked.mu);
    // Read under the lock: nobody in the shard was announced after it.
    const Cutoff cutoff{UnitOf(last_seen_before), latest_unit_.load(std::memory_order_relaxed)};
    steps += SweepShard(locked.shard, cutoff, MinuteOf(last_seen_before),
                        std::min(kStepsUnderLock, max_swarms - steps), gone);
  }
  return gone;
}

std::unique_ptr<SwarmCursor> MemoryStore::Walk(std::size_t peers_a_visit) const {
  return Walk(peers_a_visit, WalkLimits());
}

std::unique_ptr<SwarmCursor> MemoryStore::Walk(std::size_t peers_a_visit,
                                               const WalkLimits& limits) const {
  return std::make_unique<Cursor>(*this, peers_a_visit, limits);
}

StoreTotals MemoryStore::Totals() const {
  StoreTotals totals;
  totals.bytes = heap_.bytes() + kShards * sizeof(Locked);
  totals.completed = completed_.load(std::memory_order_relaxed);
  for (std::size_t s = 0; s < kShards; ++s) {
    const Locked& locked = shards_[s];
    MutexLock lock(&locked.mu);
    totals.torrents += locked.shard.size();
    totals.peers += locked.shard.peers;
    totals.ipv6_peers += locked.shard.ipv6_peers;
    totals.seeders += locked.shard.seeders;
    totals.bytes += locked.shard.extra_bytes();
  }
  return totals;
}

void MemoryStore::Prefetch(absl::Span<const SwarmHint> coming) const {
  // A store that the processor's first caches hold gains nothing.
  constexpr std::size_t kWorthFrom = 128 * 1024;
  if (coming.size() < 2 || heap_.bytes() < kWorthFrom) return;
  // The second one may hold the blocks of huge swarms.
  constexpr std::size_t kWorthForBlocksFrom = 1024 * 1024;
  // In passes, so that what each pass waits for comes together. Locks are free here nearly always,
  // and cheap.
  constexpr std::size_t kMost = 64;
  coming = coming.first(std::min(coming.size(), kMost));
  std::array<std::uint64_t, kMost> hashes;
  std::array<std::uint32_t, kMost> records;
  std::array<std::size_t, kMost> huge;
  for (std::size_t i = 0; i < coming.size(); ++i) {
    hashes[i] = HashInfo(coming[i].info_hash, context_.key);
    const auto* const at = reinterpret_cast<const char*>(&ShardOf(coming[i].info_hash));
    for (std::size_t line = 0; line < sizeof(Locked); line += 64) __builtin_prefetch(at + line, 1);
  }
  for (std::size_t i = 0; i < coming.size(); ++i) {
    const Locked& locked = ShardOf(coming[i].info_hash);
    MutexLock lock(&locked.mu);
    locked.shard.PrefetchIndex(hashes[i]);
  }
  for (std::size_t i = 0; i < coming.size(); ++i) {
    const Locked& locked = ShardOf(coming[i].info_hash);
    MutexLock lock(&locked.mu);
    records[i] = locked.shard.PrefetchRecord(hashes[i]);
  }
  // From here on a record may have gone meanwhile; then whatever has its number does no harm.
  std::size_t huge_count = 0;
  for (std::size_t i = 0; i < coming.size(); ++i) {
    const Locked& locked = ShardOf(coming[i].info_hash);
    MutexLock lock(&locked.mu);
    if (records[i] >= locked.shard.size()) continue;
    const SwarmRecord& record = locked.shard.record(records[i]);
    record.PrefetchPeers();
    if (coming[i].peer != nullptr && record.huge_swarm() != nullptr) huge[huge_count++] = i;
  }
  if (heap_.bytes() < kWorthForBlocksFrom) return;
  using Fetch = PeerSet::Fetch;
  for (const Fetch what : {Fetch::kAddressOfBlock, Fetch::kTags, Fetch::kPeer}) {
    for (std::size_t h = 0; h < huge_count; ++h) {
      const std::size_t i = huge[h];
      const Endpoint& peer = *coming[i].peer;
      const Locked& locked = ShardOf(coming[i].info_hash);
      MutexLock lock(&locked.mu);
      const HugeSwarm* const swarm =
          records[i] < locked.shard.size() ? locked.shard.record(records[i]).huge_swarm() : nullptr;
      if (swarm == nullptr) continue;
      if (what == Fetch::kAddressOfBlock)
        hashes[i] = HashPeer(peer.compact().data(), peer.family(), context_.key);
      for (unsigned role = 0; role < kRoles; ++role)
        swarm->set(peer.family(), role).Prefetch(context_, hashes[i], what);
    }
  }
}

}  // namespace muster
