// SPDX-License-Identifier: Apache-2.0
//
// BlockSignals: threads started in its scope leave signals to the application's own threads.
// Thread-compatible.
#ifndef MUSTER_LIB_BASE_BLOCK_SIGNALS_H_
#define MUSTER_LIB_BASE_BLOCK_SIGNALS_H_

#include <pthread.h>
#include <signal.h>

namespace muster {

class BlockSignals {
 public:
  BlockSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~BlockSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockSignals(const BlockSignals&) = delete;
  BlockSignals& operator=(const BlockSignals&) = delete;

 private:
  sigset_t before_;
};

}  // namespace muster

#endif  // MUSTER_LIB_BASE_BLOCK_SIGNALS_H_
