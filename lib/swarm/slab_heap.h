// SPDX-License-Identifier: Apache-2.0
//
// SlabHeap: memory for a great many small objects of known size, without a header for each, which
// goes back to the system when they are gone. malloc spends 8 bytes on an object and rounds it up
// to 16; at tens of bytes a swarm that is a third of everything.
//
//   chunk   2 MiB from the system
//   page    a 64th of a chunk: a header, and objects of one size class
//   object  a size class: multiples of 8 up to 512 bytes, then 8 steps to each doubling up to
//           16 KiB
//
// Huge pages are not asked for: announces gained nothing by them, and some waited for 5 ms when one
// was made or split. What is larger than an object comes from the system directly. Thread-safe; a
// size class has a lock of its own.
#ifndef MUSTER_LIB_SWARM_SLAB_HEAP_H_
#define MUSTER_LIB_SWARM_SLAB_HEAP_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"

namespace muster {

class SlabHeap {
 public:
  static constexpr std::size_t kLargestObject = 16 * 1024;

  SlabHeap() = default;
  // Everything allocated from it is gone.
  ~SlabHeap();
  SlabHeap(const SlabHeap&) = delete;
  SlabHeap& operator=(const SlabHeap&) = delete;

  // At least `bytes` (> 0), aligned to 8. Aborts when the system has no memory left, as operator
  // new does here.
  void* Allocate(std::size_t bytes);
  // `bytes` as it was asked for.
  void Free(void* object, std::size_t bytes);

  // Whether the object's page has much room while a fuller one has some: whoever moves such
  // objects now and then lets whole pages go back to the system.
  bool Sparse(const void* object, std::size_t bytes);

  // What an object of this size really takes: asking for so much costs no more.
  static std::size_t GoodSize(std::size_t bytes);

  // Held from the system at present.
  std::size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::size_t kChunkSize = 2 * 1024 * 1024;
  static constexpr std::size_t kPageSize = 32 * 1024;
  // Free pages that stay resident, so that a tracker that breathes does not ask the system each
  // time.
  static constexpr std::size_t kWarmPages = 8;
  static constexpr std::size_t kClasses = 64 + 5 * 8;

  struct FreeObject {
    FreeObject* next;
  };
  // At the start of every page. Guarded by the lock of the page's class.
  struct Page {
    Page* next;  // in the class's list of pages with room
    Page* prev;
    FreeObject* free;       // objects that were given back
    std::uint32_t used;     // objects out
    std::uint32_t touched;  // objects that were ever out; behind them the page is untouched
    std::uint32_t capacity;
  };
  struct SizeClass {
    Mutex mu;
    Page* with_room ABSL_GUARDED_BY(mu) = nullptr;
  };

  static std::size_t ClassOf(std::size_t bytes);
  static std::size_t SizeOf(std::size_t size_class);

  static Page* PageOf(const void* object);
  static void LinkFirst(SizeClass& c, Page* page) ABSL_EXCLUSIVE_LOCKS_REQUIRED(c.mu);
  static void Unlink(SizeClass& c, Page* page) ABSL_EXCLUSIVE_LOCKS_REQUIRED(c.mu);

  void* TakePage() ABSL_LOCKS_EXCLUDED(pages_mu_);
  void GivePageBack(void* page) ABSL_LOCKS_EXCLUDED(pages_mu_);

  std::array<SizeClass, kClasses> classes_;
  std::atomic<std::size_t> bytes_{0};

  Mutex pages_mu_;
  std::vector<void*> chunks_ ABSL_GUARDED_BY(pages_mu_);
  std::vector<void*> warm_pages_ ABSL_GUARDED_BY(pages_mu_);  // resident
  std::vector<void*> cold_pages_ ABSL_GUARDED_BY(pages_mu_);  // address space only
};

}  // namespace muster

#endif  // MUSTER_LIB_SWARM_SLAB_HEAP_H_
