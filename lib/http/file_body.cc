// SPDX-License-Identifier: Apache-2.0
#include "http/file_body.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

namespace muster {
namespace {

class WholeFile final : public HttpBody {
 public:
  WholeFile(int fd, std::size_t size) : fd_(fd), left_(size) {}
  ~WholeFile() override { close(fd_); }
  WholeFile(const WholeFile&) = delete;
  WholeFile& operator=(const WholeFile&) = delete;

  Progress Produce(std::size_t budget, std::string& out) override {
    const std::size_t begin = out.size();
    const std::size_t wanted = std::min(left_, std::max<std::size_t>(budget, 1));
    out.resize(begin + wanted);
    ssize_t n = 0;
    do {
      n = read(fd_, out.data() + begin, wanted);
    } while (n < 0 && errno == EINTR);
    const std::size_t got = n > 0 ? static_cast<std::size_t>(n) : 0;
    out.resize(begin + got);
    left_ -= got;
    if (left_ == 0) return Progress::kEnd;
    return got == 0 ? Progress::kFailed : Progress::kMore;
  }

 private:
  const int fd_;
  std::size_t left_;
};

}  // namespace

std::unique_ptr<HttpBody> NewFileBody(const std::string& path) {
  // A named pipe must not make this wait for a writer.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return nullptr;
  struct stat status;
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    close(fd);
    return nullptr;
  }
  return std::make_unique<WholeFile>(fd, static_cast<std::size_t>(status.st_size));
}

}  // namespace muster
