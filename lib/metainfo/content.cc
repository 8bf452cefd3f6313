// SPDX-License-Identifier: Apache-2.0
#include "metainfo/content.h"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace muster {

FileIdentity FileIdentity::Of(const struct stat& status) {
  constexpr std::int64_t kNanoseconds = 1'000'000'000;
  return {status.st_dev, status.st_ino, status.st_size,
          status.st_mtim.tv_sec * kNanoseconds + status.st_mtim.tv_nsec};
}

absl::Status SystemError(std::string_view path, int error) {
  const std::string text = absl::StrCat(ToAbsl(path), ": ", std::generic_category().message(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(text);
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(text);
    default:
      return absl::UnknownError(text);
  }
}

absl::Status ChangedError(std::string_view path) {
  return absl::FailedPreconditionError(absl::StrCat(ToAbsl(path), ": changed while it was hashed"));
}

absl::Status CheckUnchanged(const ContentFile& file) {
  if (file.disk_path.empty()) return absl::OkStatus();
  struct stat status;
  if (::stat(file.disk_path.c_str(), &status) != 0) return SystemError(file.disk_path, errno);
  if (FileIdentity::Of(status) == file.identity) return absl::OkStatus();
  return ChangedError(file.disk_path);
}

bool PathLess(std::string_view a, std::string_view b) {
  const auto [at_a, at_b] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (at_a == a.end() || at_b == b.end()) return at_a == a.end() && at_b != b.end();
  const auto rank = [](char c) { return c == '/' ? 0 : static_cast<unsigned char>(c); };
  return rank(*at_a) < rank(*at_b);
}

std::size_t ReadCached(int fd, std::int64_t offset, absl::Span<std::uint8_t> to) {
  const iovec part{to.data(), to.size()};
  const ssize_t got = ::preadv2(fd, &part, 1, offset, RWF_NOWAIT);
  return got > 0 ? static_cast<std::size_t>(got) : 0;
}

absl::Status ReadWaiting(const ContentFile& file, int fd, std::int64_t offset,
                         absl::Span<std::uint8_t> to) {
  while (!to.empty()) {
    const ssize_t got = ::pread(fd, to.data(), to.size(), offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError(file.disk_path, errno);
    if (got == 0) return ChangedError(file.disk_path);
    offset += got;
    to.remove_prefix(static_cast<std::size_t>(got));
  }
  return absl::OkStatus();
}

}  // namespace muster
