// SPDX-License-Identifier: Apache-2.0
//
// Mutex and MutexLock: std::mutex with the annotations of clang's thread-safety analysis. Used in
// the place of absl::Mutex, because distributions build Abseil with its deadlock detector switched
// on, which costs more than an announce's own work. CondVar waits with such a mutex.
#ifndef MUSTER_LIB_BASE_MUTEX_H_
#define MUSTER_LIB_BASE_MUTEX_H_

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "absl/base/thread_annotations.h"

namespace muster {

class ABSL_LOCKABLE Mutex {
 public:
  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mu_.lock(); }
  void Unlock() ABSL_UNLOCK_FUNCTION() { mu_.unlock(); }

 private:
  friend class CondVar;
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

class CondVar {
 public:
  // Returns after a notification, after `time`, or for no reason at all.
  void WaitFor(Mutex* mu, std::chrono::milliseconds time) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    std::unique_lock<std::mutex> lock(mu->mu_, std::adopt_lock);
    changed_.wait_for(lock, time);
    lock.release();
  }
  void NotifyAll() { changed_.notify_all(); }

 private:
  std::condition_variable changed_;
};

}  // namespace muster

#endif  // MUSTER_LIB_BASE_MUTEX_H_
