// SPDX-License-Identifier: Apache-2.0
#include "http/file_body.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace muster {
namespace {

// What is read ahead at a time, and so the stretches that a part is sent in.
constexpr std::int64_t kAhead = 512 * 1024;

ssize_t ReadAt(int fd, char* to, std::size_t size, std::int64_t offset) {
  ssize_t n;
  do n = ::pread(fd, to, size, offset);
  while (n < 0 && errno == EINTR);
  return n;
}

// Whether a byte can be read without waiting for a disk. Not so where the file system cannot tell.
bool IsInMemory(int fd, std::int64_t offset) {
  char byte;
  const iovec to{&byte, 1};
  return ::preadv2(fd, &to, 1, offset, RWF_NOWAIT) >= 0;
}

// What cannot be read, whoever sends it will find out.
void BringIntoMemory(const FileStretch& stretch) {
  constexpr std::size_t kStep = 64 * 1024;
  const auto scratch = std::make_unique<char[]>(kStep);
  ::readahead(stretch.fd, stretch.offset, static_cast<std::size_t>(stretch.size));
  std::int64_t at = stretch.offset;
  const std::int64_t end = at + stretch.size;
  while (at < end) {
    const ssize_t n =
        ReadAt(stretch.fd, scratch.get(), std::min(kStep, static_cast<std::size_t>(end - at)), at);
    if (n <= 0) return;
    at += n;
  }
}

}  // namespace

HttpBody::Progress FileBody::Produce(std::size_t budget, std::string& out) {
  if (stretch_.size > 0) return ReadSome(budget, out);
  is_ready_ = false;
  if (left_ == 0) {
    if (next_ == parts_.size()) {
      out += after_;
      return Progress::kEnd;
    }
    const FilePart& part = parts_[next_++];
    out += part.before;
    stretch_ = {file_->get(), part.offset, 0};
    left_ = part.size;
  }
  stretch_.size = std::min(left_, kAhead);
  left_ -= stretch_.size;
  return Progress::kMore;
}

// For who does not send it from the file.
HttpBody::Progress FileBody::ReadSome(std::size_t budget, std::string& out) {
  const std::size_t begin = out.size();
  const std::size_t wanted =
      std::min(static_cast<std::size_t>(stretch_.size), std::max<std::size_t>(budget, 1));
  out.resize(begin + wanted);
  const ssize_t n = ReadAt(stretch_.fd, out.data() + begin, wanted, stretch_.offset);
  const std::size_t got = n > 0 ? static_cast<std::size_t>(n) : 0;
  out.resize(begin + got);
  stretch_.offset += static_cast<std::int64_t>(got);
  stretch_.size -= static_cast<std::int64_t>(got);
  return got == 0 ? Progress::kFailed : Progress::kMore;
}

// By its ends: between them, the kernel has read ahead.
bool FileBody::IsReady() {
  if (!is_ready_) {
    is_ready_ = run_ == nullptr || stretch_.size == 0 ||
                (IsInMemory(stretch_.fd, stretch_.offset) &&
                 IsInMemory(stretch_.fd, stretch_.offset + stretch_.size - 1));
  }
  return is_ready_;
}

void FileBody::Fetch(const std::function<void()>& done) {
  is_ready_ = true;
  run_([file = file_, stretch = stretch_, done] {
    BringIntoMemory(stretch);
    done();
  });
}

std::unique_ptr<HttpBody> OpenFileBody(const std::string& path) {
  // A named pipe must not make this wait for a writer.
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status;
  if (fd.get() < 0 || ::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return nullptr;
  std::vector<FilePart> all(1);
  all[0].size = status.st_size;
  return std::make_unique<FileBody>(std::move(fd), std::move(all), "");
}

HttpBody::Progress ZeroBody::Produce(std::size_t budget, std::string& out) {
  const std::size_t size = std::min(budget, left_);
  out.append(size, '\0');
  left_ -= size;
  return left_ > 0 ? Progress::kMore : Progress::kEnd;
}

}  // namespace muster
