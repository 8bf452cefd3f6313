// SPDX-License-Identifier: Apache-2.0
//
// Timer: calls again and again, each time after the delay that the last call asked for. Loop-bound.
#ifndef MUSTER_LIB_NET_TIMER_H_
#define MUSTER_LIB_NET_TIMER_H_

#include <uv.h>

#include <chrono>

#include "absl/functional/any_invocable.h"
#include "net/closing.h"

namespace muster {

class Timer {
 public:
  // Returns when to be called next.
  using Tick = absl::AnyInvocable<std::chrono::milliseconds()>;

  // `tick` is called first after `delay`, and never again once Close() was called.
  static ClosingPtr<Timer> Start(uv_loop_t* loop, std::chrono::milliseconds delay, Tick tick);

  // Stops at once; frees itself when libuv lets go of it, then calls `closed`.
  void Close(Closed closed);

 private:
  explicit Timer(Tick tick) : tick_(std::move(tick)) {}
  static void OnTimer(uv_timer_t* handle);

  uv_timer_t timer_;
  Tick tick_;
  Closed closed_;
};

}  // namespace muster

#endif  // MUSTER_LIB_NET_TIMER_H_
