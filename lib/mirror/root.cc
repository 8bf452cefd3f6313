// SPDX-License-Identifier: Apache-2.0
#include "mirror/root.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "mirror/beneath.h"

namespace muster {
namespace {

absl::Status Refuse(const std::string& path, const char* why) {
  return absl::PermissionDeniedError(absl::StrCat(path, ": ", why));
}

absl::Status WouldWait(const std::string& path) {
  return absl::UnavailableError(absl::StrCat(path, ": not in memory"));
}

}  // namespace

absl::StatusOr<Root> Root::Open(const std::string& folder, Way way) {
  UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) return SystemError(folder, errno);
  bool has_openat2 = false;
  if (way == Way::kBest) {
    int error = 0;
    has_openat2 = OpenBeneathByKernel(fd.get(), ".", O_PATH, error).get() >= 0;
  }
  return Root(std::move(fd), has_openat2);
}

absl::StatusOr<UniqueFd> Root::OpenBeneath(const std::string& path, int flags,
                                           bool may_wait) const {
  const std::string from_here = path.empty() ? "." : path;
  int error = 0;
  if (!may_wait && !has_openat2_) return WouldWait(path);
  const auto open = !has_openat2_ ? OpenBeneathByName
                    : may_wait    ? OpenBeneathByKernel
                                  : OpenBeneathAtHand;
  UniqueFd fd = open(fd_.get(), from_here, flags, error);
  if (fd.get() >= 0) return fd;
  if (!may_wait && error == EAGAIN) return WouldWait(path);
  if (error == EXDEV) return Refuse(path, "leaves the root");
  // Links that lead nowhere, and what no file can be called.
  if (error == ELOOP || error == ENAMETOOLONG) error = ENOENT;
  return SystemError(path, error);
}

// A special file is not opened before it is known to be none: that may have effects.
absl::StatusOr<struct stat> Root::Examine(const std::string& path, bool may_wait) const {
  absl::StatusOr<UniqueFd> fd = OpenBeneath(path, O_PATH, may_wait);
  if (!fd.ok()) return fd.status();
  struct stat status;
  if (::fstat(fd->get(), &status) != 0) return SystemError(path, errno);
  return status;
}

absl::StatusOr<FileIdentity> Root::Identify(const std::string& path) const {
  absl::StatusOr<struct stat> status = Examine(path);
  if (!status.ok()) return status.status();
  if (!S_ISREG(status->st_mode)) return Refuse(path, "not a regular file");
  return FileIdentity::Of(*status);
}

absl::StatusOr<RootFile> Root::OpenFile(const std::string& path, bool may_wait) const {
  absl::StatusOr<struct stat> before = Examine(path, may_wait);
  if (!before.ok()) return before.status();
  if (!S_ISREG(before->st_mode)) return Refuse(path, "not a regular file");
  absl::StatusOr<UniqueFd> fd = OpenBeneath(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, may_wait);
  if (!fd.ok()) return fd.status();
  struct stat status;
  if (::fstat(fd->get(), &status) != 0) return SystemError(path, errno);
  if (!S_ISREG(status.st_mode)) return Refuse(path, "not a regular file");
  return RootFile{*std::move(fd), FileIdentity::Of(status)};
}

absl::StatusOr<std::vector<RootEntry>> Root::List(const std::string& path,
                                                  std::size_t max_entries) const {
  absl::StatusOr<UniqueFd> fd = OpenBeneath(path, O_RDONLY | O_DIRECTORY);
  if (!fd.ok()) return fd.status();
  const std::unique_ptr<DIR, void (*)(DIR*)> folder(::fdopendir(fd->get()),
                                                    [](DIR* dir) { ::closedir(dir); });
  if (folder == nullptr) return SystemError(path, errno);
  const int at = fd->Release();  // the stream's now
  std::vector<RootEntry> entries;
  errno = 0;
  for (const dirent* found; (found = ::readdir(folder.get())) != nullptr; errno = 0) {
    if (found->d_name[0] == '.') continue;
    if (entries.size() == max_entries) {
      return absl::ResourceExhaustedError(absl::StrCat(path, ": too many entries"));
    }
    RootEntry entry{found->d_name};
    struct stat status;
    if (::fstatat(at, found->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;  // gone
    entry.is_link = S_ISLNK(status.st_mode);
    if (entry.is_link) {
      absl::StatusOr<struct stat> target =
          Examine(path.empty() ? entry.name : absl::StrCat(path, "/", entry.name));
      if (!target.ok()) continue;
      status = *target;
    }
    entry.is_folder = S_ISDIR(status.st_mode);
    entry.is_file = S_ISREG(status.st_mode);
    if (entry.is_folder || entry.is_file) entries.push_back(std::move(entry));
  }
  if (errno != 0) return SystemError(path, errno);
  std::sort(entries.begin(), entries.end(),
            [](const RootEntry& a, const RootEntry& b) { return a.name < b.name; });
  return entries;
}

}  // namespace muster
