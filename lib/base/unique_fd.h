// SPDX-License-Identifier: Apache-2.0
//
// UniqueFd: a file descriptor that is closed with its owner. Thread-compatible.
#ifndef MUSTER_LIB_BASE_UNIQUE_FD_H_
#define MUSTER_LIB_BASE_UNIQUE_FD_H_

#include <unistd.h>

#include <utility>

namespace muster {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  // Whoever calls closes it.
  int Release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

}  // namespace muster

#endif  // MUSTER_LIB_BASE_UNIQUE_FD_H_
