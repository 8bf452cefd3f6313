// SPDX-License-Identifier: Apache-2.0
//
// WorkerThread: a libuv loop, and the thread that runs it once there is something on it. Everything
// but the run happens on the thread of whoever uses it, before its own thread starts or after that
// has ended. Thread-compatible.
#ifndef MUSTER_LIB_SERVER_WORKER_THREAD_H_
#define MUSTER_LIB_SERVER_WORKER_THREAD_H_

#include <uv.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"

namespace muster {

class WorkerThread {
 public:
  // What is on the loop. Goes when the thread has ended, or on a loop that never ran, which then
  // runs until nothing is left on it.
  class Content {
   public:
    virtual ~Content() = default;
    // On the loop's thread: finishes what is under way, and leaves nothing on the loop.
    virtual void Close() = 0;
  };

  WorkerThread() = default;
  ~WorkerThread();
  WorkerThread(const WorkerThread&) = delete;
  WorkerThread& operator=(const WorkerThread&) = delete;

  // Init(), Take(), Run(), in this order and once each, as far as they succeed.
  absl::Status Init();
  void Take(std::unique_ptr<Content> content) { content_ = std::move(content); }
  // The thread has that name. Signals are left to the application's own threads.
  absl::Status Run(const std::string& name);
  // May be called twice.
  void AskToStop();

  uv_loop_t* loop() { return &loop_; }

 private:
  void Close();

  uv_loop_t loop_;
  uv_async_t stop_;
  bool open_ = false;  // the two above exist
  bool asked_ = false;
  std::unique_ptr<Content> content_;
  std::thread thread_;
};

}  // namespace muster

#endif  // MUSTER_LIB_SERVER_WORKER_THREAD_H_
