// SPDX-License-Identifier: Apache-2.0
#include "mirror/file_text.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "base/unique_fd.h"
#include "metainfo/content.h"

namespace muster {
namespace {

bool WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

absl::StatusOr<std::string> ReadText(int fd, std::size_t max_size, std::string_view path) {
  constexpr std::size_t kStep = 64 << 10;
  std::string text;
  for (;;) {
    const std::size_t before = text.size();
    const std::size_t step = std::min(kStep, max_size - before + 1);
    text.resize(before + step);
    const ssize_t got = ::read(fd, text.data() + before, step);
    text.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError(path, errno);
    if (got == 0) return text;
    if (text.size() > max_size) {
      return absl::ResourceExhaustedError(
          absl::StrCat(ToAbsl(path), ": more than ", max_size, " bytes"));
    }
  }
}

absl::Status ReplaceFile(int folder, const std::string& path, std::string_view text) {
  // No other process, thread or time has the same name.
  static std::atomic<std::uint64_t> next{0};
  const std::string beside = absl::StrCat(path, ".", ::getpid(), ".", next++, ".tmp");
  UniqueFd fd(::openat(folder, beside.c_str(),
                       O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (fd.get() < 0) return SystemError(path, errno);
  int error = WriteAll(fd.get(), text) ? 0 : (errno != 0 ? errno : EIO);
  // A full disk may be told as late as here.
  if (::close(fd.Release()) != 0 && error == 0) error = errno;
  if (error == 0 && ::renameat(folder, beside.c_str(), folder, path.c_str()) != 0) error = errno;
  if (error == 0) return absl::OkStatus();
  ::unlinkat(folder, beside.c_str(), 0);
  return SystemError(path, error);
}

}  // namespace muster
