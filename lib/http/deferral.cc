// SPDX-License-Identifier: Apache-2.0
#include "http/deferral.h"

#include <utility>

namespace muster {

void HttpDeferral::Finish(HttpReply reply) {
  std::function<void()> arrived;
  {
    MutexLock lock(&mu_);
    if (finished_) return;
    finished_ = true;
    if (cancelled_) return;
    reply_ = std::move(reply);
    arrived.swap(arrived_);
  }
  if (arrived) arrived();
}

bool HttpDeferral::is_cancelled() const {
  MutexLock lock(&mu_);
  return cancelled_;
}

std::optional<HttpReply> HttpDeferral::TakeOr(std::function<void()> arrived) {
  MutexLock lock(&mu_);
  if (!reply_) arrived_ = std::move(arrived);
  return std::exchange(reply_, std::nullopt);
}

std::optional<HttpReply> HttpDeferral::Take() {
  MutexLock lock(&mu_);
  return std::exchange(reply_, std::nullopt);
}

void HttpDeferral::Cancel() {
  // What they hold goes outside of the lock.
  std::optional<HttpReply> reply;
  std::function<void()> arrived;
  MutexLock lock(&mu_);
  cancelled_ = true;
  reply.swap(reply_);
  arrived.swap(arrived_);
}

}  // namespace muster
