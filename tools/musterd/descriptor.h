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
  Descriptor& operator=(Descriptor&&) = delete;
  // Less than 0 where there is none.
  int get() const { return fd_; }

 private:
  int fd_;
};

}  // namespace musterd

#endif  // MUSTER_TOOLS_MUSTERD_DESCRIPTOR_H_
