// SPDX-License-Identifier: Apache-2.0
//
// Threads of the library's own. Reentrant.
#ifndef MUSTER_LIB_BASE_THREAD_H_
#define MUSTER_LIB_BASE_THREAD_H_

#include <pthread.h>
#include <signal.h>

#include <system_error>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace muster {

// A thread of this name (15 characters at most) that leaves signals to the application's own.
template <typename Run>
absl::StatusOr<std::thread> StartThread(const char* name, Run run) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  absl::StatusOr<std::thread> thread = absl::UnknownError("");
  try {
    thread = std::thread([name, run = std::move(run)] {
      pthread_setname_np(pthread_self(), name);
      run();
    });
  } catch (const std::system_error& error) {
    thread = absl::ResourceExhaustedError(absl::StrCat("thread: ", error.what()));
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace muster

#endif  // MUSTER_LIB_BASE_THREAD_H_
