// SPDX-License-Identifier: Apache-2.0
#include "server/worker_thread.h"

#include <pthread.h>

#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/block_signals.h"

namespace muster {
absl::Status WorkerThread::Init() {
  int error = uv_loop_init(&loop_);
  if (error == 0) {
    error = uv_async_init(
        &loop_, &stop_, [](uv_async_t* stop) { static_cast<WorkerThread*>(stop->data)->Close(); });
    if (error != 0) uv_loop_close(&loop_);
  }
  if (error != 0) return absl::InternalError(absl::StrCat("event loop: ", uv_strerror(error)));
  stop_.data = this;
  open_ = true;
  return absl::OkStatus();
}

absl::Status WorkerThread::Run(const std::string& name) {
  const BlockSignals blocked;
  try {
    thread_ = std::thread([this, name] {
      pthread_setname_np(pthread_self(), name.c_str());
      uv_run(&loop_, UV_RUN_DEFAULT);
    });
  } catch (const std::system_error& error) {
    return absl::ResourceExhaustedError(absl::StrCat("thread: ", error.what()));
  }
  return absl::OkStatus();
}

void WorkerThread::AskToStop() {
  if (thread_.joinable() && !std::exchange(asked_, true)) uv_async_send(&stop_);
}

// On the loop's thread. The loop then runs out.
void WorkerThread::Close() {
  content_->Close();
  uv_close(reinterpret_cast<uv_handle_t*>(&stop_), nullptr);
}

WorkerThread::~WorkerThread() {
  if (!open_) return;
  if (thread_.joinable()) {
    AskToStop();
    thread_.join();
    content_.reset();
  } else {
    content_.reset();
    uv_close(reinterpret_cast<uv_handle_t*>(&stop_), nullptr);
    uv_run(&loop_, UV_RUN_DEFAULT);
  }
  uv_loop_close(&loop_);
}

}  // namespace muster
