// SPDX-License-Identifier: Apache-2.0
//
// Threads that work beside those that serve. Reentrant.
#ifndef MUSTER_TOOLS_MUSTERD_THREAD_H_
#define MUSTER_TOOLS_MUSTERD_THREAD_H_

#include <functional>
#include <thread>

#include "absl/status/status.h"

namespace musterd {

// A thread that leaves signals to the main one.
absl::Status StartThread(std::function<void()> run, std::thread& thread);

}  // namespace musterd

#endif  // MUSTER_TOOLS_MUSTERD_THREAD_H_
