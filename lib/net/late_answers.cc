// SPDX-License-Identifier: Apache-2.0
#include "net/late_answers.h"

#include <utility>

#include "absl/status/status.h"

namespace muster {

absl::StatusOr<ClosingPtr<LateAnswers>> LateAnswers::New(uv_loop_t* loop) {
  std::unique_ptr<LateAnswers> made(new LateAnswers);
  const int error = uv_async_init(loop, &made->wake_, [](uv_async_t* wake) {
    static_cast<LateAnswers*>(wake->data)->Deliver();
  });
  if (error != 0) return absl::InternalError(uv_strerror(error));
  made->wake_.data = made.get();
  uv_unref(reinterpret_cast<uv_handle_t*>(&made->wake_));
  {
    MutexLock lock(&made->box_->mu);
    made->box_->wake = &made->wake_;
  }
  return ClosingPtr<LateAnswers>(made.release());
}

void LateAnswers::Close(Closed closed) {
  {
    MutexLock lock(&box_->mu);
    box_->wake = nullptr;
  }
  closed_ = std::move(closed);
  uv_close(reinterpret_cast<uv_handle_t*>(&wake_), [](uv_handle_t* handle) {
    auto* self = static_cast<LateAnswers*>(handle->data);
    FreeThenCall(self, std::move(self->closed_));
  });
}

void LateAnswers::Box::Arrived(std::shared_ptr<HttpDeferral> deferral) {
  MutexLock lock(&mu);
  if (wake == nullptr) return;
  arrivals.push_back(std::move(deferral));
  uv_async_send(wake);
}

std::optional<HttpReply> LateAnswers::TakeOrWait(const std::shared_ptr<HttpDeferral>& deferral,
                                                 Waiter* waiter) {
  waiting_[deferral.get()] = waiter;
  std::optional<HttpReply> reply =
      deferral->TakeOr([box = box_, deferral] { box->Arrived(deferral); });
  if (reply) waiting_.erase(deferral.get());
  return reply;
}

void LateAnswers::GiveUp(HttpDeferral& deferral) {
  waiting_.erase(&deferral);
  deferral.Cancel();
}

void LateAnswers::Deliver() {
  Arrivals arrivals;
  {
    MutexLock lock(&box_->mu);
    arrivals.swap(box_->arrivals);
  }
  for (const std::shared_ptr<HttpDeferral>& deferral : arrivals) {
    const auto found = waiting_.find(deferral.get());
    if (found == waiting_.end()) continue;
    Waiter* const waiter = found->second;
    waiting_.erase(found);
    if (std::optional<HttpReply> reply = deferral->Take()) waiter->OnAnswer(*std::move(reply));
  }
}

}  // namespace muster
