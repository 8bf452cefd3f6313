// SPDX-License-Identifier: Apache-2.0
//
// Counter: a number that one thread changes and any thread reads. Costs the writer what a plain
// number costs: no locked instruction, as nobody else writes. It wraps around.
#ifndef MUSTER_LIB_BASE_COUNTER_H_
#define MUSTER_LIB_BASE_COUNTER_H_

#include <atomic>
#include <cstdint>

namespace muster {

class Counter {
 public:
  // By one thread only.
  void Add(std::uint64_t n = 1) { Set(value() + n); }
  void Set(std::uint64_t value) { value_.store(value, std::memory_order_relaxed); }

  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

}  // namespace muster

#endif  // MUSTER_LIB_BASE_COUNTER_H_
