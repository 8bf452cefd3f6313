// SPDX-License-Identifier: Apache-2.0
#include "muster/hash_list.h"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <map>
#include <memory>
#include <utility>

#include "base/mutex.h"
#include "base/published.h"
#include "tracker/hash_table.h"

namespace muster {
namespace {

// A list as it is at one moment: a big table, and what has changed since that was made. A hash of
// `added` is not in `base`, one of `removed` is.
struct Snapshot {
  std::shared_ptr<const HashTable> base = std::make_shared<HashTable>();
  HashTable added;
  HashTable removed;

  bool Contains(const InfoHash& info_hash) const {
    if (!added.empty() && added.Contains(info_hash)) return true;
    return base->Contains(info_hash) && (removed.empty() || !removed.Contains(info_hash));
  }
};

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
  explicit Impl(std::vector<InfoHash> hashes)
      : snapshot_(std::make_unique<Snapshot>(Snapshot{Table(std::move(hashes)), {}, {}})),
        empty_(size() == 0) {}

  bool Contains(const InfoHash& info_hash) const {
    return !empty_.load(std::memory_order_acquire) && snapshot_.Read()->Contains(info_hash);
  }

  void Prefetch(absl::Span<const SwarmHint> coming) const {
    if (empty_.load(std::memory_order_acquire)) return;
    const auto snapshot = snapshot_.Read();
    for (const SwarmHint& hint : coming) snapshot->base->Prefetch(hint.info_hash);
  }

  void Replace(std::vector<InfoHash> hashes) {
    auto next = std::make_unique<Snapshot>(Snapshot{Table(std::move(hashes)), {}, {}});
    const MutexLock lock(&changing_);
    Publish(std::move(next));
  }

  void Change(absl::Span<const HashChange> changes) {
    std::map<InfoHash, bool> last;
    for (const HashChange& change : changes) last[change.info_hash] = change.listed;
    const MutexLock lock(&changing_);
    Publish(After(last));
  }

  std::size_t size() const {
    const auto snapshot = snapshot_.Read();
    return snapshot->base->size() + snapshot->added.size() - snapshot->removed.size();
  }
  std::size_t bytes() const {
    const auto snapshot = snapshot_.Read();
    return snapshot->base->bytes() + snapshot->added.bytes() + snapshot->removed.bytes();
  }

 private:
  void Publish(std::unique_ptr<const Snapshot> next) ABSL_EXCLUSIVE_LOCKS_REQUIRED(changing_) {
    const bool empty = next->base->empty() && next->added.empty();
    snapshot_.Publish(std::move(next));
    empty_.store(empty, std::memory_order_release);
  }
  static std::shared_ptr<const HashTable> Table(std::vector<InfoHash> hashes) {
    return std::make_shared<HashTable>(std::move(hashes));
  }

  // What the list is after the changes, each hash there once.
  std::unique_ptr<const Snapshot> After(const std::map<InfoHash, bool>& changes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(changing_) {
    // Only a writer replaces the snapshot, and this is the only one: it stays while it is copied
    // from, but the readers' count must not be held while it is replaced.
    std::shared_ptr<const HashTable> base;
    std::vector<InfoHash> all_added, all_removed;
    {
      const auto now = snapshot_.Read();
      base = now->base;
      // The sets that are kept, and those whose hashes leave them.
      std::vector<InfoHash> added, removed, touched;
      for (const auto& [hash, listed] : changes) {
        touched.push_back(hash);
        if (listed != base->Contains(hash)) (listed ? added : removed).push_back(hash);
      }
      all_added = With(now->added, added, touched);
      all_removed = With(now->removed, removed, touched);
    }
    if (all_added.size() + all_removed.size() <= MostChanges(*base)) {
      return std::make_unique<Snapshot>(Snapshot{std::move(base), HashTable(std::move(all_added)),
                                                 HashTable(std::move(all_removed))});
    }
    return std::make_unique<Snapshot>(Snapshot{Table(With(*base, all_added, all_removed)), {}, {}});
  }

  Published<Snapshot> snapshot_;
  Mutex changing_;
  // A list that is not used costs nothing.
  std::atomic<bool> empty_;
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
