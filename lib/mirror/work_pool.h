// SPDX-License-Identifier: Apache-2.0
//
// WorkPool: threads that do work that takes long, in the order in which it came. Thread-safe.
#ifndef MUSTER_LIB_MIRROR_WORK_POOL_H_
#define MUSTER_LIB_MIRROR_WORK_POOL_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"

namespace muster {

class WorkPool {
 public:
  // ResourceExhausted when the system gives no threads.
  static absl::StatusOr<std::unique_ptr<WorkPool>> Start(std::size_t threads);
  // Drops what was not begun, and waits for what was.
  ~WorkPool();
  WorkPool(const WorkPool&) = delete;
  WorkPool& operator=(const WorkPool&) = delete;

  void Run(std::function<void()> work);

 private:
  WorkPool() = default;
  void Work();

  std::mutex mu_;
  std::condition_variable changed_;
  bool ending_ = false;                     // guarded by mu_
  std::deque<std::function<void()>> work_;  // guarded by mu_
  std::vector<std::thread> threads_;
};

}  // namespace muster

#endif  // MUSTER_LIB_MIRROR_WORK_POOL_H_
