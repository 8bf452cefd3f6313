// SPDX-License-Identifier: Apache-2.0
//
// Descriptor: a file descriptor that is closed with it. Thread-compatible.
#ifndef MUSTER_TOOLS_MUSTERD_DESCRIPTOR_H_
#define MUSTER_TOOLS_MUSTERD_DESCRIPTOR_H_

#include <unistd.h>

#include <utility>

namespace musterd {

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  // What it was before is closed last.
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    const Descriptor before(std::exchange(other.fd_, -1));
    return *this;
  }
  // Less than 0 where there is none.
  int get() const { return fd_; }
  // For who closes it instead.
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

}  // namespace musterd

#endif  // MUSTER_TOOLS_MUSTERD_DESCRIPTOR_H_
