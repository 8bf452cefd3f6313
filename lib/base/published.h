// SPDX-License-Identifier: Apache-2.0
//
// Published: a value that many threads read all the time, and that is replaced as a whole now and
// then. Reading costs two uncontended atomic operations and never waits; whoever replaces waits
// until nobody reads the old value any more, and frees it.
//
//   Published<Table> table(std::make_unique<Table>());
//   { const auto reading = table.Read(); reading->Find(key); }     // any thread
//   table.Publish(std::make_unique<Table>(...));                   // any thread
//
// How it works: a reader counts itself in at one of kSlots pairs of counters, most often one that no
// other thread uses, then takes the pointer. Which one of the pair, the writer says. It swaps the
// pointer, waits until it has seen the counters at zero that are not in use, says that those are in
// use from now on, and waits for the others. In the one order that all these operations have, a reader
// that counted itself in after the writer's look took the pointer after the swap, so it has the new
// value; one that did so before is waited for. However many readers come meanwhile, they are counted
// where nobody looks, but for those few that were told the other counter just before.
#ifndef MUSTER_LIB_BASE_PUBLISHED_H_
#define MUSTER_LIB_BASE_PUBLISHED_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>

#include "base/cache_line.h"
#include "base/mutex.h"

namespace muster {

namespace published_internal {

// A number for each thread, given out in turn.
inline std::size_t ThreadNumber() {
  static std::atomic<std::size_t> next{0};
  thread_local const std::size_t number = next.fetch_add(1, std::memory_order_relaxed);
  return number;
}

}  // namespace published_internal

// Thread-safe. Nobody may be reading when it is destroyed.
template <typename T>
class Published {
 private:
  static constexpr std::size_t kSlots = 16;
  struct alignas(kCacheLine) Slot {
    mutable std::array<std::atomic<std::uint32_t>, 2> readers{};
  };

 public:
  explicit Published(std::unique_ptr<const T> value) : value_(value.release()) {}
  ~Published() { delete value_.load(); }
  Published(const Published&) = delete;
  Published& operator=(const Published&) = delete;

  // The value, for as long as this lives; short, and not while the same thread publishes.
  class Reading {
   public:
    explicit Reading(const Published& from)
        : readers_(from.slots_[published_internal::ThreadNumber() % kSlots]
                       .readers[from.in_use_.load(std::memory_order_relaxed)]) {
      readers_.fetch_add(1);
      value_ = from.value_.load();
    }
    ~Reading() { readers_.fetch_sub(1, std::memory_order_release); }
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;

    const T& operator*() const { return *value_; }
    const T* operator->() const { return value_; }

   private:
    std::atomic<std::uint32_t>& readers_;
    const T* value_;
  };
  Reading Read() const { return Reading(*this); }

  // Returns when the old value is gone. Writers wait for each other.
  void Publish(std::unique_ptr<const T> value) {
    const MutexLock lock(&publishing_);
    const std::unique_ptr<const T> old(value_.exchange(value.release()));
    const std::size_t others = 1 - in_use_.load();
    WaitFor(others);
    in_use_.store(others);
    WaitFor(1 - others);
  }

 private:
  void WaitFor(std::size_t which) const {
    for (const Slot& slot : slots_) {
      while (slot.readers[which].load() != 0) std::this_thread::yield();
    }
  }

  std::array<Slot, kSlots> slots_;
  std::atomic<const T*> value_;
  std::atomic<std::size_t> in_use_{0};  // of each pair
  Mutex publishing_;
};

}  // namespace muster

#endif  // MUSTER_LIB_BASE_PUBLISHED_H_
