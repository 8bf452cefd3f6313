// SPDX-License-Identifier: Apache-2.0
#ifndef MUSTER_LIB_BASE_CACHE_LINE_H_
#define MUSTER_LIB_BASE_CACHE_LINE_H_

#include <cstddef>

namespace muster {

// What processors fetch at once, and fight for.
inline constexpr std::size_t kCacheLine = 64;

}  // namespace muster

#endif  // MUSTER_LIB_BASE_CACHE_LINE_H_
