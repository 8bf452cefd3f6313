// SPDX-License-Identifier: Apache-2.0
#include "swarm/memory_cursor.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/bytes.h"

namespace muster {
namespace {

// Names taken under a lock: a few microseconds.
constexpr std::uint32_t kNamesUnderLock = 1024;

// Which peers of a swarm: those whose hashes end with these bits. All, when there are none.
struct Part {
  std::uint32_t low_bits = 0;
  std::uint32_t bits = 0;

  bool Has(const PeerList& list, unsigned i, const HashKey& key) const {
    const std::uint64_t mask = (std::uint64_t{1} << bits) - 1;
    return bits == 0 || (HashPeer(list.peer(i), list.family, key) & mask) == low_bits;
  }
};

class RecordView final : public SwarmView {
 public:
  RecordView(const SwarmRecord& record, const SwarmContext& context, std::int64_t latest_unit,
             std::int64_t unit_seconds, Part part = {})
      : record_(record),
        context_(context),
        latest_unit_(latest_unit),
        unit_seconds_(unit_seconds),
        part_(part),
        info_hash_(record.info_hash()) {}

  const InfoHash& info_hash() const override { return info_hash_; }
  SwarmCounts counts() const override { return record_.counts(); }
  std::optional<Instant> empty_since() const override {
    if (record_.has_peers()) return std::nullopt;
    const std::int64_t latest = latest_unit_ * unit_seconds_ / 60;
    const std::int64_t left =
        latest - MinutesAfter(static_cast<std::uint32_t>(latest), record_.left_minute());
    return InstantFromUnixSeconds(left * 60);
  }
  void ForEachPeer(absl::FunctionRef<void(const PeerRecord&)> visit) const override {
    record_.ForEachList(context_, part_.low_bits, part_.bits, [&](const PeerList& list) {
      for (unsigned i = 0; i < list.size(); ++i) {
        if (!part_.Has(list, i, context_.key)) continue;
        PeerId id;
        if (list.ids != nullptr) id = PeerId::FromBytes(list.ids + i * PeerId::kSize);
        const std::int64_t unit = mark::UnitOf(list.marks[i], latest_unit_);
        visit({.peer = Endpoint::FromCompact(list.family, list.peer(i)),
               .state = StateOf(list.role_at(i)),
               .completed = (list.marks[i] & mark::kCompleted) != 0,
               .last_seen = InstantFromUnixSeconds(unit * unit_seconds_),
               .peer_id = list.ids != nullptr ? &id : nullptr});
      }
    });
  }

 private:
  const SwarmRecord& record_;
  const SwarmContext& context_;
  const std::int64_t latest_unit_;
  const std::int64_t unit_seconds_;
  const Part part_;
  const InfoHash info_hash_;
};

// Most names differ in their first eight bytes.
bool IsBefore(const InfoHash& a, const InfoHash& b) {
  const std::uint64_t first_a = LoadBig64(a.data());
  const std::uint64_t first_b = LoadBig64(b.data());
  return first_a != first_b ? first_a < first_b : a < b;
}

}  // namespace

bool MemoryStore::Cursor::Next(absl::FunctionRef<void(const SwarmView&)> visit) {
  for (;; ++at_, part_ = 0) {
    if (at_ == names_.size() && !EnterNextShard()) return false;
    const Name& name = names_[at_];
    const std::uint8_t* const bytes = name.info_hash.data();
    const Locked& locked = store_.ShardOf(bytes);
    MutexLock lock(&locked.mu);
    const Shard& shard = locked.shard;
    // It is still where it was, nearly always.
    std::uint32_t n = name.record;
    if (n >= shard.size() ||
        std::memcmp(shard.record(n).info_hash_bytes(), bytes, InfoHash::kSize) != 0) {
      n = shard.Find(HashInfo(bytes, store_.context_.key), bytes);
      if (n == Shard::kNone) continue;  // it has gone meanwhile, and with it the rest of its parts
    }
    if (VisitPart(shard.record(n), visit)) {
      ++at_;
      part_ = 0;
    }
    return true;
  }
}

bool MemoryStore::Cursor::VisitPart(const SwarmRecord& record,
                                    absl::FunctionRef<void(const SwarmView&)> visit) {
  constexpr int kMostBits = 24;
  if (part_ == 0) {
    // Nearly as many parts as it takes: of twice as many peers, two.
    const std::size_t peers =
        record.peers(AddressFamily::kIpv4) + record.peers(AddressFamily::kIpv6);
    const auto bits =
        static_cast<int>(std::bit_width(peers / std::max<std::size_t>(1, peers_a_visit_) / 2));
    part_bits_ = static_cast<std::uint32_t>(std::min(kMostBits, bits));
  }
  visit(RecordView(record, store_.context_, store_.latest_unit_.load(std::memory_order_relaxed),
                   store_.unit_seconds_, {.low_bits = part_, .bits = part_bits_}));
  ++part_;
  return part_ >> part_bits_ != 0;
}

// Takes some of the names before record `end`, which becomes the first of them; true when there are
// more. From the last one down: a record that goes is replaced by the last one, which then is taken
// twice, but never missed.
bool MemoryStore::Cursor::TakeNames(const Locked& locked, std::uint32_t& end) {
  MutexLock lock(&locked.mu);
  end = std::min(end, locked.shard.size());
  for (std::uint32_t taken = 0; end > 0 && taken < kNamesUnderLock; ++taken) {
    --end;
    names_.push_back({locked.shard.record(end).info_hash(), end});
  }
  return end > 0;
}

bool MemoryStore::Cursor::EnterNextShard() {
  names_.clear();
  at_ = 0;
  part_ = 0;
  while (names_.empty()) {
    if (next_shard_ == kShards) return false;
    const Locked& locked = store_.shards_[next_shard_++];
    for (std::uint32_t end = ~0u; TakeNames(locked, end);) {
    }
  }
  std::sort(names_.begin(), names_.end(),
            [](const Name& a, const Name& b) { return IsBefore(a.info_hash, b.info_hash); });
  names_.erase(std::unique(names_.begin(), names_.end(),
                           [](const Name& a, const Name& b) { return a.info_hash == b.info_hash; }),
               names_.end());
  return true;
}

}  // namespace muster
