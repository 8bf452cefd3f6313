// SPDX-License-Identifier: Apache-2.0
//
// Clock: what a server gives as `now`: Unix time that never runs backwards. Loop-bound.
#ifndef MUSTER_LIB_NET_CLOCK_H_
#define MUSTER_LIB_NET_CLOCK_H_

#include <uv.h>

#include <chrono>
#include <cstdint>

#include "muster/instant.h"

namespace muster {

class Clock {
 public:
  // Sets itself by the system's clock once; from then on it counts the loop's steady time.
  explicit Clock(uv_loop_t* loop)
      : loop_(loop),
        unix_ms_at_zero_(std::chrono::duration_cast<std::chrono::milliseconds>(
                             std::chrono::system_clock::now().time_since_epoch())
                             .count() -
                         static_cast<std::int64_t>(uv_hrtime() / 1'000'000)) {}

  // As of the last time that the loop woke up: libuv reads the clock once for all that it has to do
  // then.
  Instant Now() const {
    return InstantFromUnixSeconds((unix_ms_at_zero_ + static_cast<std::int64_t>(uv_now(loop_))) /
                                  1000);
  }

 private:
  uv_loop_t* loop_;
  std::int64_t unix_ms_at_zero_;
};

}  // namespace muster

#endif  // MUSTER_LIB_NET_CLOCK_H_
