// SPDX-License-Identifier: Apache-2.0
//
// What is asked of the kernel about the memory of tables of many megabytes. Reentrant.
//
//   std::vector<Line, TableAllocator<Line>> lines;
//   ...
//   PreferHugePages(lines.data(), lines.size() * sizeof(Line));
#ifndef MUSTER_LIB_BASE_HUGE_PAGES_H_
#define MUSTER_LIB_BASE_HUGE_PAGES_H_

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

namespace muster {

inline constexpr std::size_t kHugePage = 2 * 1024 * 1024;
// Of any machine, the largest.
inline constexpr std::size_t kLargestPage = 64 * 1024;

// Rounded up to such pages.
inline std::size_t WholePages(std::size_t bytes) {
  return (bytes + kLargestPage - 1) / kLargestPage * kLargestPage;
}

// New memory, of whole pages, that begins at a multiple of `alignment`, a power of two; null where
// there is none. munmap() of WholePages(bytes) gives it back.
inline void* MapAligned(std::size_t bytes, std::size_t alignment) {
  bytes = WholePages(bytes);
  void* const mapped =
      mmap(nullptr, bytes + alignment, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* const begin = static_cast<std::byte*>(mapped);
  const std::size_t before =
      (alignment - reinterpret_cast<std::uintptr_t>(begin) % alignment) % alignment;
  if (before > 0) munmap(begin, before);
  munmap(begin + before + bytes, alignment - before);
  return begin + before;
}

// The allocator of such a table: a large one begins where a huge page can, and is the kernel's again
// when it goes, instead of a gap in the heap.
template <typename T>
struct TableAllocator {
  using value_type = T;

  T* allocate(std::size_t count) {
    const std::size_t bytes = count * sizeof(T);
    if (bytes < kHugePage) return std::allocator<T>().allocate(count);
    void* const table = MapAligned(bytes, kHugePage);
    if (table == nullptr) throw std::bad_alloc();
    return static_cast<T*>(table);
  }
  void deallocate(T* table, std::size_t count) noexcept {
    const std::size_t bytes = count * sizeof(T);
    if (bytes < kHugePage) return std::allocator<T>().deallocate(table, count);
    munmap(table, WholePages(bytes));
  }
  friend bool operator==(const TableAllocator&, const TableAllocator&) = default;
};

// For tables that are read here and there, where finding a page costs as much as reading from it.
// Asks the kernel to hold these bytes, which have been written, in pages of 2 MiB as far as they fill
// them; at once where it can (Linux 6.1), else when it comes to it. No more memory is used for it. A
// kernel that will not leaves them as they are.
inline void PreferHugePages(const void* data, std::size_t bytes) {
  constexpr int kCollapse = 25;  // MADV_COLLAPSE, which older headers do not have
  const auto address = reinterpret_cast<std::uintptr_t>(data);
  const std::uintptr_t begin = (address + kHugePage - 1) / kHugePage * kHugePage;
  const std::uintptr_t end = (address + bytes) / kHugePage * kHugePage;
  if (begin >= end) return;
  auto* const pages = reinterpret_cast<void*>(begin);
  if (madvise(pages, end - begin, MADV_HUGEPAGE) != 0) return;
  (void)madvise(pages, end - begin, kCollapse);
}

// For what is moved from one large table to another, and would be there twice. These bytes are not
// read any more before they are written again: the whole pages of them are the kernel's until then.
inline void GiveBackPages(const void* begin, const void* end) {
  const std::uintptr_t first = WholePages(reinterpret_cast<std::uintptr_t>(begin));
  const std::uintptr_t last = reinterpret_cast<std::uintptr_t>(end) / kLargestPage * kLargestPage;
  if (first < last) (void)madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

}  // namespace muster

#endif  // MUSTER_LIB_BASE_HUGE_PAGES_H_
