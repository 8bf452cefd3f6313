// SPDX-License-Identifier: Apache-2.0
#include "musterd/list_pipe.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <vector>

namespace musterd {
namespace {

// What a pipe holds (pipe(7)).
constexpr std::size_t kPipeful = 64 * 1024;
// Before others have their turn.
constexpr int kMaxReads = 16;

absl::Status Cannot() { return absl::UnavailableError(std::strerror(errno)); }
absl::Status IsNone() { return absl::InvalidArgumentError("it is no named pipe"); }

}  // namespace

absl::StatusOr<bool> ListPipe::Look(int events) {
  struct stat there;
  const auto look = [&] { return stat(path_.c_str(), &there) == 0; };
  const bool is_open = descriptor_.get() >= 0;
  if (!look() && (errno != ENOENT || is_open || mkfifo(path_.c_str(), 0600) != 0 || !look())) {
    // One that is gone is read on by who has it open already, and another when somebody makes it.
    if (errno == ENOENT && is_open) return false;
    return Cannot();
  }
  if (is_open && id_ == std::pair(there.st_dev, there.st_ino)) return false;
  return Open(there, events);
}

absl::StatusOr<bool> ListPipe::Open(struct stat there, int events) {
  // To be opened may be enough for a device to do something.
  if (!S_ISFIFO(there.st_mode)) return IsNone();
  // To read alone, which is all that is needed, and may be all that is allowed.
  Descriptor opened(open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (opened.get() < 0 || fstat(opened.get(), &there) != 0) return Cannot();
  if (!S_ISFIFO(there.st_mode)) return IsNone();
  // Told of what happens, not of how it is: at its end, without a writer, it may be most of the time.
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {}};
  if (epoll_ctl(events, EPOLL_CTL_ADD, opened.get(), &event) != 0) return Cannot();
  const bool replaces = descriptor_.get() >= 0;
  Read();  // what the one before has still got
  EndLine();
  descriptor_ = std::move(opened);
  id_ = {there.st_dev, there.st_ino};
  return replaces;
}

bool ListPipe::Read() {
  if (descriptor_.get() < 0) return false;
  std::vector<char> piece(kPipeful);
  ssize_t n = 1;
  for (int i = 0; i < kMaxReads && n > 0; ++i) {
    n = read(descriptor_.get(), piece.data(), piece.size());
    if (n <= 0) break;
    reader_.Add({piece.data(), static_cast<std::size_t>(n)});
    in_line_ = piece[static_cast<std::size_t>(n) - 1] != '\n';
  }
  if (n == 0) EndLine();  // the last writer is gone
  return n > 0;
}

// Whoever writes next begins a line of its own.
void ListPipe::EndLine() {
  if (std::exchange(in_line_, false)) reader_.Add("\n");
}

}  // namespace musterd
