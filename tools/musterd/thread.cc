// SPDX-License-Identifier: Apache-2.0
#include "musterd/thread.h"

#include <pthread.h>
#include <signal.h>

#include <system_error>
#include <utility>

#include "musterd/text.h"

namespace musterd {

absl::Status StartThread(std::function<void()> run, std::thread& thread) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  absl::Status status;
  try {
    thread = std::thread(std::move(run));
  } catch (const std::system_error& error) {
    status = absl::ResourceExhaustedError(Concat({"thread: ", error.what()}));
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return status;
}

}  // namespace musterd
