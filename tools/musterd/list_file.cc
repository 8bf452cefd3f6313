// SPDX-License-Identifier: Apache-2.0
#include "musterd/list_file.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "musterd/text.h"

namespace musterd {
namespace {

constexpr std::size_t kPiece = 1024 * 1024;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using FilePtr = std::unique_ptr<std::FILE, CloseFile>;

absl::Status Cannot(std::string_view what, const std::string& path, int error) {
  return absl::UnavailableError(
      Concat({"cannot ", what, " ", Quoted(path), ": ", std::strerror(error)}));
}

absl::StatusOr<FilePtr> OpenPlain(const std::string& path, std::int64_t max, struct stat& status) {
  // A named pipe must not make this wait for a writer.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return Cannot("read", path, errno);
  FilePtr file(fdopen(fd, "rb"));
  if (file == nullptr) {
    const int error = errno;
    close(fd);
    return Cannot("read", path, error);
  }
  if (fstat(fd, &status) != 0) return Cannot("read", path, errno);
  if (!S_ISREG(status.st_mode))
    return Invalid({"cannot read ", Quoted(path), ": not a plain file"});
  if (status.st_size > max) {
    return Invalid({"cannot read ", Quoted(path), ": larger than ", std::to_string(max), " bytes"});
  }
  return file;
}

// Copies the lines of `from` that stay, and takes what is there already off `changes`.
void CopyLines(std::FILE* from, std::FILE* to, std::map<muster::InfoHash, bool>& changes) {
  std::vector<char> line(4096);
  bool begins = true;  // what fgets() gives next is the beginning of a line
  bool stays = true;
  char last = '\n';
  while (std::fgets(line.data(), static_cast<int>(line.size()), from) != nullptr) {
    const std::string_view text(line.data());
    if (begins) {
      stays = true;
      if (const auto hash = muster::HashOfLine(text)) {
        const auto change = changes.find(*hash);
        stays = change == changes.end() || change->second;
        if (change != changes.end() && change->second) changes.erase(change);
      }
    }
    begins = !text.empty() && text.back() == '\n';
    if (!stays || text.empty()) continue;
    std::fwrite(text.data(), 1, text.size(), to);
    last = text.back();
  }
  if (last != '\n') std::fputc('\n', to);
}

// A new file beside `path` that goes away unless it takes its place.
class Replacement {
 public:
  explicit Replacement(const std::string& path) : path_(path), name_(path + ".XXXXXX") {
    const int fd = mkostemp(name_.data(), O_CLOEXEC);
    if (fd < 0) return;
    file_.reset(fdopen(fd, "wb"));
    if (file_ == nullptr) close(fd);
  }
  ~Replacement() {
    if (file_ != nullptr) unlink(name_.c_str());
  }
  Replacement(const Replacement&) = delete;
  Replacement& operator=(const Replacement&) = delete;

  std::FILE* file() { return file_.get(); }
  // 0, or the error.
  int TakePlace() {
    if (std::ferror(file_.get()) || std::fflush(file_.get()) != 0 ||
        fsync(fileno(file_.get())) != 0 || rename(name_.c_str(), path_.c_str()) != 0) {
      return errno;
    }
    file_.reset();
    // The name is safe when the folder is.
    const std::size_t slash = path_.rfind('/');
    const std::string folder = slash == path_.npos ? "." : path_.substr(0, slash + 1);
    const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
      fsync(fd);
      close(fd);
    }
    return 0;
  }

 private:
  const std::string path_;
  std::string name_;
  FilePtr file_;
};

}  // namespace

FileStamp FileStamp::Of(const struct stat& status) {
  constexpr std::int64_t kNanoseconds = 1'000'000'000;
  return {status.st_dev, status.st_ino, status.st_size,
          status.st_ctim.tv_sec * kNanoseconds + status.st_ctim.tv_nsec};
}

FileStamp FileStamp::Of(const std::string& path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0 ? Of(status) : FileStamp();
}

absl::StatusOr<FileStamp> ReadFile(const std::string& path, std::int64_t max,
                                   absl::FunctionRef<void(std::size_t)> begin,
                                   absl::FunctionRef<void(std::string_view)> take) {
  struct stat status;
  const absl::StatusOr<FilePtr> file = OpenPlain(path, max, status);
  if (!file.ok()) return file.status();
  begin(static_cast<std::size_t>(status.st_size));
  std::vector<char> piece(kPiece);
  std::int64_t total = 0;
  while (const std::size_t n = std::fread(piece.data(), 1, piece.size(), file->get())) {
    total += static_cast<std::int64_t>(n);
    if (total > max) break;  // it grows meanwhile
    take({piece.data(), n});
    sched_yield();  // a large file is no reason for announces to wait for the core
  }
  if (std::ferror(file->get())) return Cannot("read", path, errno);
  return FileStamp::Of(status);
}

absl::StatusOr<SavedList> SaveHashes(const std::string& path,
                                     const std::map<muster::InfoHash, bool>& changes) {
  SavedList saved;
  struct stat status {};
  absl::StatusOr<FilePtr> old = OpenPlain(path, kMaxListBytes, status);
  const bool missing = !old.ok() && !FileStamp::Of(path).inode;
  if (!old.ok() && !missing) return old.status();
  Replacement replacement(path);
  if (replacement.file() == nullptr) return Cannot("write beside", path, errno);
  std::map<muster::InfoHash, bool> rest = changes;
  if (old.ok()) {
    saved.before = FileStamp::Of(status);
    // Its owner stays where that is allowed.
    [[maybe_unused]] const int ignored =
        fchown(fileno(replacement.file()), status.st_uid, status.st_gid);
    fchmod(fileno(replacement.file()), status.st_mode & 07777);
    CopyLines(old->get(), replacement.file(), rest);
    if (std::ferror(old->get())) return Cannot("read", path, errno);
  } else {
    fchmod(fileno(replacement.file()), 0644);
  }
  for (const auto& [hash, listed] : rest) {
    if (listed) std::fprintf(replacement.file(), "%s\n", hash.ToHex().c_str());
  }
  if (const int error = replacement.TakePlace()) return Cannot("write", path, error);
  saved.after = FileStamp::Of(path);
  return saved;
}

}  // namespace musterd
