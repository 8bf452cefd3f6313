// SPDX-License-Identifier: Apache-2.0
#include "mirror/work_pool.h"

#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/block_signals.h"

namespace muster {

absl::StatusOr<std::unique_ptr<WorkPool>> WorkPool::Start(std::size_t threads) {
  std::unique_ptr<WorkPool> pool(new WorkPool);
  const BlockSignals blocked;
  try {
    for (std::size_t i = 0; i < threads; ++i) {
      pool->threads_.emplace_back([at = pool.get()] { at->Work(); });
    }
  } catch (const std::system_error& error) {
    return absl::ResourceExhaustedError(absl::StrCat("thread: ", error.what()));
  }
  return pool;
}

WorkPool::~WorkPool() {
  std::deque<std::function<void()>> dropped;
  {
    const std::lock_guard<std::mutex> lock(mu_);
    ending_ = true;
    dropped.swap(work_);
  }
  changed_.notify_all();
  dropped.clear();
  for (std::thread& thread : threads_) thread.join();
}

void WorkPool::Run(std::function<void()> work) {
  {
    const std::lock_guard<std::mutex> lock(mu_);
    // Outside of the lock it is dropped as it goes.
    if (!ending_) work_.push_back(std::move(work));
  }
  changed_.notify_one();
}

void WorkPool::Work() {
  for (;;) {
    std::function<void()> work;
    {
      std::unique_lock<std::mutex> lock(mu_);
      changed_.wait(lock, [this] { return ending_ || !work_.empty(); });
      if (ending_) return;
      work = std::move(work_.front());
      work_.pop_front();
    }
    work();
  }
}

}  // namespace muster
