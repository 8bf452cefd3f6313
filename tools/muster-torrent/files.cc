// SPDX-License-Identifier: Apache-2.0
#include "muster-torrent/files.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "muster-torrent/commands.h"
#include "muster-torrent/text.h"

namespace muster_torrent {
namespace {

absl::Status Failed(const char* what, const std::string& path) {
  return absl::UnknownError(absl::StrCat("cannot ", what, " ", path, ": ", std::strerror(errno)));
}

absl::Status Exists(const std::string& path) {
  return absl::AlreadyExistsError(absl::StrCat(path, " exists; --force replaces it"));
}

bool WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// Gives the file `from` the name `to`; false, with EEXIST, when somebody has it.
bool Rename(const std::string& from, const std::string& to, bool replace) {
  if (replace) return ::rename(from.c_str(), to.c_str()) == 0;
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno != EINVAL && errno != ENOSYS) return false;
  // A file system that cannot do that at once.
  return ::link(from.c_str(), to.c_str()) == 0 && ::unlink(from.c_str()) == 0;
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> opened(
      path == "-" ? nullptr : std::fopen(path.c_str(), "rbe"),
      [](std::FILE* file) { return std::fclose(file); });
  std::FILE* const file = path == "-" ? stdin : opened.get();
  if (file == nullptr) return Failed("read", path);
  const std::size_t most = muster::MetainfoLimits().bencode.max_size + 1;
  std::string bytes;
  while (bytes.size() < most) {
    const std::size_t had = bytes.size();
    bytes.resize(std::min(most, had + (std::size_t{1} << 16)));
    const std::size_t got = std::fread(bytes.data() + had, 1, bytes.size() - had, file);
    bytes.resize(had + got);
    if (got == 0) break;
  }
  if (std::ferror(file) != 0) return Failed("read", path);
  return bytes;
}

absl::StatusOr<muster::Metainfo> ReadTorrent(const std::string& path, bool strict) {
  absl::StatusOr<std::string> bytes = ReadFile(path);
  if (!bytes.ok()) return bytes.status();
  absl::StatusOr<muster::Metainfo> torrent =
      muster::Metainfo::Parse(*std::move(bytes), {.strict = strict});
  if (torrent.ok()) return torrent;
  return absl::Status(torrent.status().code(),
                      absl::StrCat(path, ": ", torrent.status().message()));
}

absl::Status MayWrite(const std::string& path, bool replace) {
  struct stat status;
  if (path == "-" || ::lstat(path.c_str(), &status) != 0) return absl::OkStatus();
  if (!replace) return Exists(path);
  // A link stays, and what it leads to is replaced.
  if (::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode)) return absl::OkStatus();
  return absl::FailedPreconditionError(path + " is not a file that can be replaced");
}

absl::Status WriteFile(const std::string& path, std::string_view bytes, bool replace) {
  if (path == "-") {
    return Print(bytes) == kGood ? absl::OkStatus() : absl::UnknownError("nothing more is written");
  }
  if (absl::Status status = MayWrite(path, replace); !status.ok()) return status;
  const std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), ::free);
  const std::string place = real == nullptr ? path : real.get();
  std::string temporary = place + ".XXXXXX";
  const int fd = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return Failed("write", path);
  const mode_t mask = ::umask(0);
  ::umask(mask);
  bool ok = WriteAll(fd, bytes) && ::fchmod(fd, 0666 & ~mask) == 0 && ::fsync(fd) == 0;
  ok = ::close(fd) == 0 && ok;
  if (ok && Rename(temporary, place, replace)) return absl::OkStatus();
  absl::Status status = ok && errno == EEXIST ? Exists(path) : Failed("write", path);
  ::unlink(temporary.c_str());
  return status;
}

}  // namespace muster_torrent
