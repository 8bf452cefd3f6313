// SPDX-License-Identifier: Apache-2.0
//
// Mutex and MutexLock: std::mutex with the annotations of clang's thread-safety analysis. Used in
// the place of absl::Mutex, because distributions build Abseil with its deadlock detector switched
// on, which costs more than an announce's own work.
#ifndef MUSTER_LIB_BASE_MUTEX_H_
#define MUSTER_LIB_BASE_MUTEX_H_

#include <mutex>

#include "absl/base/thread_annotations.h"

namespace muster {

class ABSL_LOCKABLE Mutex {
 public:
  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mu_.lock(); }
  void Unlock() ABSL_UNLOCK_FUNCTION() { mu_.unlock(); }

 private:
  std::mutex mu_;
};

class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex* mu) ABSL_EXCLUSIVE_LOCK_FUNCTION(mu) : mu_(mu) { mu_->Lock(); }
  ~MutexLock() ABSL_UNLOCK_FUNCTION() { mu_->Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex* const mu_;
};

}  // namespace muster

#endif  // MUSTER_LIB_BASE_MUTEX_H_
