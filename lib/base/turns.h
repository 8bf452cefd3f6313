// SPDX-License-Identifier: Apache-2.0
#ifndef MUSTER_LIB_BASE_TURNS_H_
#define MUSTER_LIB_BASE_TURNS_H_

#include <sched.h>

#include <cstddef>

namespace muster {

// For a thread that works for long: lets others have its core each time that so much is done. A
// scheduler would let it keep the core until its next tick, which is 4 ms, and all that waits for that
// core waits so long. Thread-compatible.
class Turns {
 public:
  // In whatever unit the work is counted.
  explicit Turns(std::size_t work_a_turn) : work_a_turn_(work_a_turn) {}

  void After(std::size_t work = 1) {
    done_ += work;
    if (done_ < work_a_turn_) return;
    done_ = 0;
    sched_yield();
  }

 private:
  const std::size_t work_a_turn_;
  std::size_t done_ = 0;
};

}  // namespace muster

#endif  // MUSTER_LIB_BASE_TURNS_H_
