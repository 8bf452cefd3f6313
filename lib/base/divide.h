// SPDX-License-Identifier: Apache-2.0
#ifndef MUSTER_LIB_BASE_DIVIDE_H_
#define MUSTER_LIB_BASE_DIVIDE_H_

#include <cstdint>

namespace muster {

// n / by (> 0), rounded down also below zero: every unit of time is equally long, wherever time
// begins.
constexpr std::int64_t DivideDown(std::int64_t n, std::int64_t by) {
  return n / by - (n % by < 0 ? 1 : 0);
}

}  // namespace muster

#endif  // MUSTER_LIB_BASE_DIVIDE_H_
