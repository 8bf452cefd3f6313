// SPDX-License-Identifier: Apache-2.0
#include "net/deadlines.h"

#include <algorithm>

namespace muster {

ClosingPtr<Deadlines> Deadlines::New(uv_loop_t* loop,
                                     absl::Span<const std::chrono::milliseconds> kinds) {
  ClosingPtr<Deadlines> deadlines(new Deadlines(kinds.size()));
  uv_timer_init(loop, &deadlines->timer_);
  deadlines->timer_.data = deadlines.get();
  for (std::size_t k = 0; k < kinds.size(); ++k) {
    Queue& queue = deadlines->queues_[k];
    queue.length_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(kinds[k].count(), 0));
    queue.head.next = queue.head.previous = &queue.head;
  }
  return deadlines;
}

void Deadlines::Close(Closed closed) {
  closed_ = std::move(closed);
  uv_close(reinterpret_cast<uv_handle_t*>(&timer_), [](uv_handle_t* handle) {
    auto* self = static_cast<Deadlines*>(handle->data);
    FreeThenCall(self, std::move(self->closed_));
  });
}

void Deadlines::Start(Entry& entry, std::size_t kind) {
  Stop(entry);
  Queue& queue = queues_[kind];
  entry.due_ = uv_now(timer_.loop) + queue.length_ms;
  Link& link = entry;
  link.next = &queue.head;
  link.previous = queue.head.previous;
  link.previous->next = link.next->previous = &link;
  // Only the first of a queue can be earlier than what the timer is set for.
  if (queue.head.next == &link) Arm(entry.due_);
}

void Deadlines::Stop(Entry& entry) {
  Link& link = entry;
  if (link.next == nullptr) return;
  link.previous->next = link.next;
  link.next->previous = link.previous;
  link.next = link.previous = nullptr;
}

void Deadlines::Arm(std::uint64_t due) {
  const auto* handle = reinterpret_cast<const uv_handle_t*>(&timer_);
  if (uv_is_closing(handle)) return;
  const std::uint64_t now = uv_now(timer_.loop);
  if (uv_is_active(handle) && now + uv_timer_get_due_in(&timer_) <= due) return;
  uv_timer_start(
      &timer_, [](uv_timer_t* timer) { static_cast<Deadlines*>(timer->data)->Expire(); },
      due > now ? due - now : 0, 0);
}

void Deadlines::Expire() {
  const std::uint64_t now = uv_now(timer_.loop);
  for (Queue& queue : queues_) {
    while (queue.head.next != &queue.head) {
      Entry& first = static_cast<Entry&>(*queue.head.next);
      if (first.due_ > now) {
        Arm(first.due_);
        break;
      }
      Stop(first);
      first.OnDeadline();
    }
  }
}

}  // namespace muster
