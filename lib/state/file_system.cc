// SPDX-License-Identifier: Apache-2.0
#include "state/file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace muster {
namespace {

absl::Status Failed(std::string_view what, const std::string& path) {
  return absl::ErrnoToStatus(errno, absl::StrCat("cannot ", ToAbsl(what), " ", path));
}

class PosixFile final : public File {
 public:
  PosixFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  ~PosixFile() override { close(fd_); }
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;

  absl::StatusOr<std::size_t> Read(absl::Span<char> into) override {
    ssize_t n;
    do n = read(fd_, into.data(), into.size());
    while (n < 0 && errno == EINTR);
    if (n < 0) return Failed("read", path_);
    return static_cast<std::size_t>(n);
  }
  absl::StatusOr<std::size_t> WriteSome(std::uint64_t offset, std::string_view bytes) override {
    ssize_t n;
    do n = pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    while (n < 0 && errno == EINTR);
    if (n < 0) return Failed("write", path_);
    return static_cast<std::size_t>(n);
  }
  absl::Status Sync() override {
    return fdatasync(fd_) == 0 ? absl::OkStatus() : Failed("sync", path_);
  }
  absl::StatusOr<Instant> Written() override {
    struct stat info;
    if (fstat(fd_, &info) != 0) return Failed("look at", path_);
    return InstantFromUnixSeconds(info.st_mtime);
  }
  bool IsLinked() override {
    struct stat info;
    return fstat(fd_, &info) == 0 && info.st_nlink > 0;
  }

 private:
  const int fd_;
  const std::string path_;
};

class PosixLock final : public FileLock {
 public:
  explicit PosixLock(int fd) : fd_(fd) {}
  ~PosixLock() override { close(fd_); }
  PosixLock(const PosixLock&) = delete;
  PosixLock& operator=(const PosixLock&) = delete;

 private:
  const int fd_;
};

class Posix final : public FileSystem {
 public:
  absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path) override {
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return Failed("open", path);
    return std::make_unique<PosixFile>(fd, path);
  }
  absl::StatusOr<std::unique_ptr<File>> Create(const std::string& path) override {
    const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0) return Failed("create", path);
    return std::make_unique<PosixFile>(fd, path);
  }
  absl::Status Rename(const std::string& from, const std::string& to) override {
    return rename(from.c_str(), to.c_str()) == 0 ? absl::OkStatus()
                                                 : Failed(absl::StrCat("rename to ", to), from);
  }
  absl::Status Link(const std::string& from, const std::string& to) override {
    return link(from.c_str(), to.c_str()) == 0 ? absl::OkStatus()
                                               : Failed(absl::StrCat("link to ", to), from);
  }
  absl::Status Remove(const std::string& path) override {
    return unlink(path.c_str()) == 0 ? absl::OkStatus() : Failed("remove", path);
  }
  absl::Status SyncFolder(const std::string& folder) override {
    const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return Failed("open", folder);
    // Some file systems cannot, and need not.
    const bool synced = fsync(fd) == 0 || errno == EINVAL;
    absl::Status status = synced ? absl::OkStatus() : Failed("sync", folder);
    close(fd);
    return status;
  }
  absl::StatusOr<std::vector<std::string>> List(const std::string& folder) override {
    DIR* const dir = opendir(folder.c_str());
    if (dir == nullptr) return Failed("open", folder);
    std::vector<std::string> names;
    while (const dirent* entry = readdir(dir)) names.emplace_back(entry->d_name);
    closedir(dir);
    return names;
  }
  absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) return Failed("open", path);
    auto lock = std::make_unique<PosixLock>(fd);
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) return lock;
    if (errno != EWOULDBLOCK) return Failed("lock", path);
    return absl::UnavailableError(absl::StrCat("another process keeps its state here: ", path));
  }
};

}  // namespace

FileSystem* PosixFileSystem() {
  static Posix* const posix = new Posix;
  return posix;
}

absl::Status WriteAll(File& file, std::uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const absl::StatusOr<std::size_t> n = file.WriteSome(offset, bytes);
    if (!n.ok()) return n.status();
    if (*n == 0) return absl::ResourceExhaustedError("the disk takes no more");
    offset += *n;
    bytes.remove_prefix(*n);
  }
  return absl::OkStatus();
}

std::string FolderOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string NameOf(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace muster
