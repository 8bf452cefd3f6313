// SPDX-License-Identifier: Apache-2.0
//
// LoopThread: a libuv loop on a thread of its own, for tests that talk to it through sockets.
#ifndef MUSTER_TESTS_NET_LOOP_THREAD_H_
#define MUSTER_TESTS_NET_LOOP_THREAD_H_

#include <gtest/gtest.h>
#include <uv.h>

#include <functional>
#include <future>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace muster {

class LoopThread {
 public:
  LoopThread() {
    EXPECT_EQ(uv_loop_init(&loop_), 0);
    EXPECT_EQ(uv_async_init(&loop_, &wake_, &OnWake), 0);
    wake_.data = this;
    thread_ = std::thread([this] { uv_run(&loop_, UV_RUN_DEFAULT); });
  }
  // Waits until nothing is left on the loop: a test that leaves a handle open hangs here, and is
  // stopped by Meson.
  ~LoopThread() {
    Run([this] { uv_close(reinterpret_cast<uv_handle_t*>(&wake_), nullptr); });
    thread_.join();
    EXPECT_EQ(uv_loop_close(&loop_), 0);
  }
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;

  uv_loop_t* loop() { return &loop_; }

  // Calls `work` on the loop's thread and waits for its end.
  void Run(const std::function<void()>& work) {
    std::promise<void> done;
    Post([&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }

  // Keeps the loop busy while `work` runs here, so that what it sends piles up.
  void Meanwhile(const std::function<void()>& work) {
    std::promise<void> busy, free;
    Post([&] {
      busy.set_value();
      free.get_future().wait();
    });
    busy.get_future().wait();
    work();
    free.set_value();
    Run([] {});  // the promises are no longer needed
  }

  // Calls `work` on the loop's thread, soon; also from there.
  void Post(std::function<void()> work) {
    {
      const std::lock_guard<std::mutex> lock(mu_);
      work_.push_back(std::move(work));
    }
    uv_async_send(&wake_);
  }

  // Runs the loop until `what` holds.
  void RunUntil(const std::function<bool()>& what) {
    for (bool holds = false; !holds;) Run([&] { holds = what(); });
  }

 private:
  static void OnWake(uv_async_t* wake) {
    auto* self = static_cast<LoopThread*>(wake->data);
    std::vector<std::function<void()>> work;
    {
      const std::lock_guard<std::mutex> lock(self->mu_);
      work.swap(self->work_);
    }
    for (const std::function<void()>& one : work) one();
  }

  uv_loop_t loop_;
  uv_async_t wake_;
  std::mutex mu_;
  std::vector<std::function<void()>> work_;
  std::thread thread_;
};

}  // namespace muster

#endif  // MUSTER_TESTS_NET_LOOP_THREAD_H_
