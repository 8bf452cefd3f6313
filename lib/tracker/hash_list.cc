// SPDX-License-Identifier: Apache-2.0
#include "muster/hash_list.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "base/mutex.h"
#include "base/published.h"
#include "tracker/hash_table.h"

namespace muster {
namespace {

// A list has parts, by the first bits of hashes. Large ones are replaced each by itself: while a list
// is replaced, only one of them is there twice.
constexpr int kPartBits = 4;
constexpr std::size_t kParts = 1 << kPartBits;
std::size_t PartOf(const std::uint8_t* info_hash) { return info_hash[0] >> (8 - kPartBits); }

// Since a table was made: what is not in it, and what is.
struct Changes {
  HashTable added;
  HashTable removed;
};

struct Part {
  std::shared_ptr<const HashTable> base;
  std::shared_ptr<const Changes> changes;  // null where there are none

  bool Contains(const InfoHash& info_hash) const {
    if (changes == nullptr) return base->Contains(info_hash);
    return changes->added.Contains(info_hash) ||
           (base->Contains(info_hash) && !changes->removed.Contains(info_hash));
  }
  std::size_t size() const {
    return base->size() +
           (changes == nullptr ? 0 : changes->added.size() - changes->removed.size());
  }
  std::size_t bytes() const {
    return base->bytes() +
           (changes == nullptr ? 0 : changes->added.bytes() + changes->removed.bytes());
  }
};

// A list as it is at one moment.
using Snapshot = std::array<Part, kParts>;

// Of the hashes of a part, which are sorted, and moved out of there.
std::shared_ptr<const HashTable> NewTable(absl::Span<InfoHash> hashes) {
  return std::make_shared<const HashTable>(hashes, kPartBits);
}

std::unique_ptr<const Snapshot> Nothing() {
  auto snapshot = std::make_unique<Snapshot>();
  snapshot->fill({NewTable({}), nullptr});
  return snapshot;
}

// Takes off the front of what is sorted what is of `part`, or of those before it.
template <typename T, typename HashOf>
absl::Span<T> TakePart(absl::Span<T>& sorted, std::size_t part, HashOf hash_of) {
  const auto end = std::partition_point(sorted.begin(), sorted.end(), [&](const T& element) {
    return PartOf(hash_of(element)) <= part;
  });
  const absl::Span<T> taken = sorted.first(static_cast<std::size_t>(end - sorted.begin()));
  sorted.remove_prefix(taken.size());
  return taken;
}

// More changes than this are worked into the table: each further one would copy them all.
std::size_t MostChanges(const HashTable& base) {
  constexpr std::size_t kAtLeast = 1024;
  return std::max(kAtLeast, base.size() / 64);
}

// `table` with the hashes of `in` and without those of `out`, which are both sorted; a hash in both
// counts as in.
std::vector<InfoHash> With(const HashTable& table, const std::vector<InfoHash>& in,
                           const std::vector<InfoHash>& out) {
  const std::vector<InfoHash> before = table.hashes();
  std::vector<InfoHash> hashes;
  hashes.reserve(before.size() + in.size());
  std::set_difference(before.begin(), before.end(), out.begin(), out.end(),
                      std::back_inserter(hashes));
  const auto middle = static_cast<std::ptrdiff_t>(hashes.size());
  hashes.insert(hashes.end(), in.begin(), in.end());
  std::inplace_merge(hashes.begin(), hashes.begin() + middle, hashes.end());
  return hashes;
}

}  // namespace

class HashList::Impl {
 public:
  explicit Impl(std::vector<InfoHash> hashes) { Replace(std::move(hashes)); }

  bool Contains(const InfoHash& info_hash) const {
    if (empty_.load(std::memory_order_acquire)) return false;
    const auto snapshot = snapshot_.Read();
    return (*snapshot)[PartOf(info_hash.data())].Contains(info_hash);
  }

  void Prefetch(absl::Span<const SwarmHint> coming) const {
    if (empty_.load(std::memory_order_acquire)) return;
    const auto snapshot = snapshot_.Read();
    for (const SwarmHint& hint : coming)
      (*snapshot)[PartOf(hint.info_hash)].base->Prefetch(hint.info_hash);
  }

  void Replace(std::vector<InfoHash> hashes) {
    SortHashes(hashes);
    const MutexLock lock(&changing_);
    absl::Span<InfoHash> rest = absl::MakeSpan(hashes);
    ForEachPart([&](std::size_t part, Part& next) {
      const auto of_part = TakePart(rest, part, [](const InfoHash& hash) { return hash.data(); });
      next = {NewTable(of_part), nullptr};
      return next.bytes();
    });
  }

  void Change(absl::Span<const HashChange> changes) {
    std::map<InfoHash, bool> last;
    for (const HashChange& change : changes) last[change.info_hash] = change.listed;
    const std::vector<std::pair<InfoHash, bool>> sorted(last.begin(), last.end());
    const MutexLock lock(&changing_);
    absl::Span<const std::pair<InfoHash, bool>> rest = sorted;
    ForEachPart([&](std::size_t part, Part& next) {
      const auto of_part =
          TakePart(rest, part, [](const auto& change) { return change.first.data(); });
      return of_part.empty() ? 0 : Change(next, of_part);
    });
  }

  std::size_t size() const { return SumOf(&Part::size); }
  std::size_t bytes() const { return SumOf(&Part::bytes); }

 private:
  // Puts others in the place of parts; `change` makes them and says how much memory is new. They take
  // their places together until that is much, and when that has been done what was there before is
  // gone.
  void ForEachPart(absl::FunctionRef<std::size_t(std::size_t part, Part& next)> change)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(changing_) {
    constexpr std::size_t kMuch = 4 * 1024 * 1024;
    std::unique_ptr<Snapshot> next;
    std::size_t bytes = 0;
    for (std::size_t part = 0; part < kParts; ++part) {
      if (next == nullptr) next = std::make_unique<Snapshot>(*snapshot_.Read());
      bytes += change(part, (*next)[part]);
      if (bytes < kMuch && part + 1 < kParts) continue;
      snapshot_.Publish(std::exchange(next, nullptr));
      empty_.store(size() == 0, std::memory_order_release);
      bytes = 0;
    }
  }
  std::size_t SumOf(std::size_t (Part::*of_part)() const) const {
    const auto snapshot = snapshot_.Read();
    std::size_t sum = 0;
    for (const Part& part : *snapshot) sum += (part.*of_part)();
    return sum;
  }

  // Makes the part what it is after changes of its own; returns how much memory is new.
  static std::size_t Change(Part& part, absl::Span<const std::pair<InfoHash, bool>> changes) {
    // Those that come to one of the sets that are kept, and those whose place is told anew.
    std::vector<InfoHash> added, removed, touched;
    for (const auto& [hash, listed] : changes) {
      touched.push_back(hash);
      if (listed != part.base->Contains(hash)) (listed ? added : removed).push_back(hash);
    }
    static const Changes kNone;
    const Changes& before = part.changes == nullptr ? kNone : *part.changes;
    std::vector<InfoHash> all_added = With(before.added, added, touched);
    std::vector<InfoHash> all_removed = With(before.removed, removed, touched);
    if (all_added.size() + all_removed.size() > MostChanges(*part.base)) {
      std::vector<InfoHash> all = With(*part.base, all_added, all_removed);
      part = {NewTable(absl::MakeSpan(all)), nullptr};
      return part.bytes();
    }
    auto next = std::make_shared<Changes>();
    next->added = HashTable(absl::MakeSpan(all_added), kPartBits);
    next->removed = HashTable(absl::MakeSpan(all_removed), kPartBits);
    part.changes = std::move(next);
    return part.changes->added.bytes() + part.changes->removed.bytes();
  }

  Published<Snapshot> snapshot_{Nothing()};
  Mutex changing_;
  // A list that is not used costs nothing.
  std::atomic<bool> empty_{true};
};

HashList::HashList() : HashList(std::vector<InfoHash>()) {}
HashList::HashList(std::vector<InfoHash> hashes)
    : impl_(std::make_unique<Impl>(std::move(hashes))) {}
HashList::~HashList() = default;
bool HashList::Contains(const InfoHash& info_hash) const { return impl_->Contains(info_hash); }
void HashList::Prefetch(absl::Span<const SwarmHint> coming) const { impl_->Prefetch(coming); }
void HashList::Replace(std::vector<InfoHash> hashes) { impl_->Replace(std::move(hashes)); }
void HashList::Change(absl::Span<const HashChange> changes) { impl_->Change(changes); }
std::size_t HashList::size() const { return impl_->size(); }
std::size_t HashList::bytes() const { return impl_->bytes(); }

}  // namespace muster
