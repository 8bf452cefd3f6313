// SPDX-License-Identifier: Apache-2.0
#include "net/timer.h"

namespace muster {

ClosingPtr<Timer> Timer::Start(uv_loop_t* loop, std::chrono::milliseconds delay, Tick tick) {
  ClosingPtr<Timer> timer(new Timer(std::move(tick)));
  uv_timer_init(loop, &timer->timer_);
  timer->timer_.data = timer.get();
  uv_timer_start(&timer->timer_, &OnTimer, static_cast<std::uint64_t>(delay.count()), 0);
  return timer;
}

void Timer::Close(Closed closed) {
  closed_ = std::move(closed);
  uv_close(reinterpret_cast<uv_handle_t*>(&timer_), [](uv_handle_t* handle) {
    auto* self = static_cast<Timer*>(handle->data);
    FreeThenCall(self, std::move(self->closed_));
  });
}

void Timer::OnTimer(uv_timer_t* handle) {
  const std::chrono::milliseconds next = static_cast<Timer*>(handle->data)->tick_();
  if (uv_is_closing(reinterpret_cast<uv_handle_t*>(handle))) return;
  uv_timer_start(handle, &OnTimer, static_cast<std::uint64_t>(next.count()), 0);
}

}  // namespace muster
