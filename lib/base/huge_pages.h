// SPDX-License-Identifier: Apache-2.0
//
// What is asked of the kernel about the memory of tables of many megabytes. Reentrant.
#ifndef MUSTER_LIB_BASE_HUGE_PAGES_H_
#define MUSTER_LIB_BASE_HUGE_PAGES_H_

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>

namespace muster {

// For tables that are read here and there, where finding a page costs as much as reading from it.
// Asks the kernel to hold these bytes, which have been written, in pages of 2 MiB as far as they fill
// them; at once where it can (Linux 6.1), else when it comes to it. No more memory is used for it. A
// kernel that will not leaves them as they are.
inline void PreferHugePages(const void* data, std::size_t bytes) {
  constexpr std::uintptr_t kHugePage = 2 * 1024 * 1024;
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
  constexpr std::uintptr_t kPage = 64 * 1024;  // of any machine, the largest
  const std::uintptr_t first =
      (reinterpret_cast<std::uintptr_t>(begin) + kPage - 1) / kPage * kPage;
  const std::uintptr_t last = reinterpret_cast<std::uintptr_t>(end) / kPage * kPage;
  if (first < last) (void)madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

}  // namespace muster

#endif  // MUSTER_LIB_BASE_HUGE_PAGES_H_
