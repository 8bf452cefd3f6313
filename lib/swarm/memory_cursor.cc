// SPDX-License-Identifier: Apache-2.0
#include "swarm/memory_cursor.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "model/info_hash_order.h"

namespace muster {
namespace {

// In names looked at: what it takes to look whether there is anything in a shard, and to search for a
// swarm that has gone.
constexpr std::size_t kWorkOfAShard = 8;
constexpr std::size_t kWorkOfASearch = 64;

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

constexpr auto kByName = [](const auto& a, const auto& b) {
  return IsBefore(a.info_hash, b.info_hash);
};

}  // namespace

SwarmCursor::Step MemoryStore::Cursor::Next(absl::FunctionRef<void(const SwarmView&)> visit) {
  for (std::size_t work = 0; work < limits_.work_a_call;) {
    if (at_ == sorted_) {
      const bool is_at_end = at_ == names_.size() && to_look_at_ == 0 && shard_ == kShards;
      if (is_at_end) return Step::kEnd;
      work += Prepare();
    } else if (VisitName(visit)) {
      return Step::kVisited;
    } else {
      work += kWorkOfASearch;
    }
  }
  return Step::kPrepared;
}

bool MemoryStore::Cursor::VisitName(absl::FunctionRef<void(const SwarmView&)> visit) {
  const auto go_on = [this] {
    ++at_;
    part_ = 0;
  };
  const Name& name = names_[at_];
  if (at_ > 0 && names_[at_ - 1].info_hash == name.info_hash) {
    go_on();
    return false;
  }
  const std::uint8_t* const bytes = name.info_hash.data();
  const Locked& locked = store_.ShardOf(bytes);
  MutexLock lock(&locked.mu);
  const Shard& shard = locked.shard;
  // It is still where it was, nearly always.
  std::uint32_t n = name.record;
  if (n >= shard.size() ||
      std::memcmp(shard.record(n).info_hash_bytes(), bytes, InfoHash::kSize) != 0) {
    n = shard.Find(HashInfo(bytes, store_.context_.key), bytes);
    if (n == Shard::kNone) {  // it has gone meanwhile, and with it the rest of its parts
      go_on();
      return false;
    }
  }
  if (VisitPart(shard.record(n), visit)) go_on();
  return true;
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

std::size_t MemoryStore::Cursor::Prepare() {
  if (to_look_at_ == 0) {
    if (sorted_ < names_.size()) return SortSome();
    BeginPass();
  }
  return TakeNames();
}

void MemoryStore::Cursor::BeginPass() {
  behind_.reset();
  if (cutoff_.has_value()) {
    behind_ = names_.back().info_hash;  // the last one, as they are sorted
  } else {
    end_ = ~0u;
  }
  cutoff_.reset();
  names_.clear();
  sorted_ = 0;
  at_ = 0;
  to_look_at_ = end_;
}

std::size_t MemoryStore::Cursor::TakeNames() {
  std::size_t work = kWorkOfAShard;
  if (names_.size() + limits_.names_under_lock > limits_.names_held) work += KeepFirstHalf();
  {
    const Locked& locked = store_.shards_[shard_];
    MutexLock lock(&locked.mu);
    end_ = std::min(end_, locked.shard.size());
    to_look_at_ = std::min(to_look_at_, end_);
    const std::uint32_t end = to_look_at_ - std::min(to_look_at_, limits_.names_under_lock);
    work += to_look_at_ - end;
    while (to_look_at_ > end) {
      const SwarmRecord& record = locked.shard.record(--to_look_at_);
      const std::uint8_t* const bytes = record.info_hash_bytes();
      if (behind_.has_value() && !IsBefore(behind_->data(), bytes)) continue;
      if (cutoff_.has_value() && !IsBefore(bytes, cutoff_->data())) continue;
      names_.push_back({record.info_hash(), to_look_at_});
    }
  }
  if (to_look_at_ == 0) {  // the pass is at its end
    parts_.assign(1, names_.size());
    if (!cutoff_.has_value()) ++shard_;
  } else {
    // At once, and not under the lock.
    names_.reserve(std::min(limits_.names_held, names_.size() + to_look_at_));
  }
  return work;
}

std::size_t MemoryStore::Cursor::KeepFirstHalf() {
  const std::size_t held = names_.size();
  const Halves halves = Halve(0, held);
  cutoff_ = halves.first;
  names_.resize(halves.middle);
  return held;
}

// Quicksort, which leaves the parts behind the first one for later.
std::size_t MemoryStore::Cursor::SortSome() {
  const std::size_t end = parts_.back();
  const std::size_t work = end - sorted_;
  if (work > limits_.names_sorted) {
    parts_.push_back(Halve(sorted_, end).middle);
    return work;
  }
  const auto from = names_.begin() + static_cast<std::ptrdiff_t>(sorted_);
  std::sort(from, names_.begin() + static_cast<std::ptrdiff_t>(end), kByName);
  sorted_ = end;
  parts_.pop_back();
  return work;
}

MemoryStore::Cursor::Halves MemoryStore::Cursor::Halve(std::size_t begin, std::size_t end) {
  const auto from = names_.begin() + static_cast<std::ptrdiff_t>(begin);
  const auto to = names_.begin() + static_cast<std::ptrdiff_t>(end);
  std::array<Name, 63> some;
  for (Name& name : some) name = from[random_.Below(static_cast<std::uint32_t>(end - begin))];
  std::nth_element(some.begin(), some.begin() + some.size() / 2, some.end(), kByName);
  const Name& first = some[some.size() / 2];
  auto middle = std::partition(from, to, [&](const Name& name) { return kByName(name, first); });
  if (middle == from) {  // most of them are the same name
    middle += (to - from) / 2;
    std::nth_element(from, middle, to, kByName);
    return {static_cast<std::size_t>(middle - names_.begin()), middle->info_hash};
  }
  return {static_cast<std::size_t>(middle - names_.begin()), first.info_hash};
}

}  // namespace muster
