// SPDX-License-Identifier: Apache-2.0
#include "swarm/slab_heap.h"

#include <sys/mman.h>

#include <bit>
#include <cstdlib>
#include <new>

#include "base/huge_pages.h"

// Lets AddressSanitizer see the use of an object that was given back.
#if defined(__SANITIZE_ADDRESS__)
#define MUSTER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MUSTER_ASAN 1
#endif
#endif
#ifdef MUSTER_ASAN
#include <sanitizer/asan_interface.h>
#define MUSTER_POISON(p, n) ASAN_POISON_MEMORY_REGION(p, n)
#define MUSTER_UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define MUSTER_POISON(p, n) static_cast<void>(0)
#define MUSTER_UNPOISON(p, n) static_cast<void>(0)
#endif

namespace muster {
namespace {

constexpr std::size_t kPageHeader = 64;
constexpr std::size_t kSystemPage = 4096;

std::size_t RoundUp(std::size_t n, std::size_t to) { return (n + to - 1) / to * to; }

void* Map(std::size_t bytes) {
  void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) std::abort();
  return p;
}

}  // namespace

SlabHeap::~SlabHeap() {
  for (void* chunk : chunks_) {
    MUSTER_UNPOISON(chunk, kChunkSize);
    munmap(chunk, kChunkSize);
  }
}

SlabHeap::Page* SlabHeap::PageOf(const void* object) {
  return reinterpret_cast<Page*>(reinterpret_cast<std::uintptr_t>(object) & ~(kPageSize - 1));
}

std::size_t SlabHeap::ClassOf(std::size_t bytes) {
  if (bytes <= 512) return (bytes + 7) / 8 - 1;
  const auto doubling = static_cast<unsigned>(std::bit_width(bytes - 1));  // 10 for 513 to 1024
  const std::size_t step = (bytes - 1) >> (doubling - 4);
  return 64 + std::size_t{doubling - 10} * 8 + (step - 8);
}

std::size_t SlabHeap::SizeOf(std::size_t size_class) {
  if (size_class < 64) return (size_class + 1) * 8;
  const std::size_t doubling = (size_class - 64) / 8;
  const std::size_t step = (size_class - 64) % 8;
  return (step + 9) << (doubling + 6);
}

std::size_t SlabHeap::GoodSize(std::size_t bytes) {
  return bytes > kLargestObject ? RoundUp(bytes, kSystemPage) : SizeOf(ClassOf(bytes));
}

void* SlabHeap::Allocate(std::size_t bytes) {
  if (bytes > kLargestObject) {
    bytes_.fetch_add(RoundUp(bytes, kSystemPage), std::memory_order_relaxed);
    return Map(RoundUp(bytes, kSystemPage));
  }
  const std::size_t size_class = ClassOf(bytes);
  const std::size_t size = SizeOf(size_class);
  SizeClass& c = classes_[size_class];
  MutexLock lock(&c.mu);
  Page* page = c.with_room;
  if (page == nullptr) {
    page = ::new (TakePage()) Page{};
    page->capacity = static_cast<std::uint32_t>((kPageSize - kPageHeader) / size);
    LinkFirst(c, page);
  }
  void* object;
  if (page->free != nullptr) {
    object = page->free;
    MUSTER_UNPOISON(object, size);
    page->free = page->free->next;
  } else {
    object = reinterpret_cast<char*>(page) + kPageHeader + page->touched++ * size;
  }
  if (++page->used == page->capacity) Unlink(c, page);
  return object;
}

void SlabHeap::Free(void* object, std::size_t bytes) {
  if (bytes > kLargestObject) {
    bytes_.fetch_sub(RoundUp(bytes, kSystemPage), std::memory_order_relaxed);
    munmap(object, RoundUp(bytes, kSystemPage));
    return;
  }
  const std::size_t size_class = ClassOf(bytes);
  SizeClass& c = classes_[size_class];
  Page* const page = PageOf(object);
  MutexLock lock(&c.mu);
  page->free = ::new (object) FreeObject{page->free};
  MUSTER_POISON(object, SizeOf(size_class));
  if (page->used-- == page->capacity) LinkFirst(c, page);
  if (page->used > 0) return;
  Unlink(c, page);
  GivePageBack(page);
}

bool SlabHeap::Sparse(const void* object, std::size_t bytes) {
  if (bytes > kLargestObject) return false;
  SizeClass& c = classes_[ClassOf(bytes)];
  Page* const page = PageOf(object);
  MutexLock lock(&c.mu);
  if (page == c.with_room || page->used * 8 >= page->capacity * 7) return false;
  if (c.with_room->used >= page->used) return true;
  // The fuller page comes first from now on: it is the one that others move to.
  Unlink(c, page);
  LinkFirst(c, page);
  return false;
}

void SlabHeap::LinkFirst(SizeClass& c, Page* page) {
  page->prev = nullptr;
  page->next = c.with_room;
  if (page->next != nullptr) page->next->prev = page;
  c.with_room = page;
}

void SlabHeap::Unlink(SizeClass& c, Page* page) {
  (page->prev != nullptr ? page->prev->next : c.with_room) = page->next;
  if (page->next != nullptr) page->next->prev = page->prev;
}

void* SlabHeap::TakePage() {
  MutexLock lock(&pages_mu_);
  bytes_.fetch_add(kPageSize, std::memory_order_relaxed);
  if (!warm_pages_.empty()) {
    void* page = warm_pages_.back();
    warm_pages_.pop_back();
    return page;
  }
  if (cold_pages_.empty()) {
    char* const chunk = static_cast<char*>(MapAligned(kChunkSize, kChunkSize));
    if (chunk == nullptr) std::abort();
    chunks_.push_back(chunk);
    for (std::size_t at = kChunkSize; at > 0; at -= kPageSize)
      cold_pages_.push_back(chunk + at - kPageSize);
  }
  void* page = cold_pages_.back();
  cold_pages_.pop_back();
  return page;
}

void SlabHeap::GivePageBack(void* page) {
  MUSTER_UNPOISON(page, kPageSize);
  MutexLock lock(&pages_mu_);
  bytes_.fetch_sub(kPageSize, std::memory_order_relaxed);
  if (warm_pages_.size() < kWarmPages) {
    warm_pages_.push_back(page);
    return;
  }
  madvise(page, kPageSize, MADV_DONTNEED);
  cold_pages_.push_back(page);
}

}  // namespace muster
