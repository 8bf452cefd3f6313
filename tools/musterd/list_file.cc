// SPDX-License-Identifier: Apache-2.0
#include "musterd/list_file.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory>
#include <vector>

#include "musterd/descriptor.h"
#include "musterd/text.h"

namespace musterd {
namespace {

constexpr std::size_t kPiece = 1024 * 1024;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using FilePtr = std::unique_ptr<std::FILE, CloseFile>;

// Whether it stays so until somebody does something about the file. What else there is, missing
// memory or descriptors or a disk that fails, may be over a moment later.
bool IsLasting(int error) {
  constexpr int kLasting[] = {EACCES,  EISDIR, ELOOP,     ENAMETOOLONG, ENODEV,
                              ENOTDIR, ENXIO,  EOVERFLOW, EPERM};
  return std::find(std::begin(kLasting), std::end(kLasting), error) != std::end(kLasting);
}

absl::Status IsPlain(const std::string& path, const struct stat& status) {
  return S_ISREG(status.st_mode) ? absl::OkStatus()
                                 : Invalid({"cannot read ", Quoted(path), ": not a plain file"});
}

absl::Status TooLarge(const std::string& path, std::int64_t max) {
  return Invalid({"cannot read ", Quoted(path), ": larger than ", std::to_string(max), " bytes"});
}

// Messages name the file `name`.
absl::StatusOr<FilePtr> OpenPlain(const std::string& path, const std::string& name,
                                  std::int64_t max, struct stat& status) {
  // To be opened may be enough for a device to do something, or for a pipe's writer to be let go on.
  if (stat(path.c_str(), &status) != 0) return FileError("read", name, errno);
  if (absl::Status plain = IsPlain(name, status); !plain.ok()) return plain;
  // What has become a named pipe since must not make this wait for a writer.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return FileError("read", name, errno);
  FilePtr file(fdopen(fd, "rb"));
  if (file == nullptr) {
    const int error = errno;
    close(fd);
    return FileError("read", name, error);
  }
  if (fstat(fd, &status) != 0) return FileError("read", name, errno);
  if (absl::Status plain = IsPlain(name, status); !plain.ok()) return plain;
  if (status.st_size > max) return TooLarge(name, max);
  return file;
}

// Copies the lines of `from` that stay, of whatever bytes and however long, and takes what is there
// already off `changes`.
void CopyLines(std::FILE* from, std::FILE* to, std::map<muster::InfoHash, bool>& changes,
               absl::FunctionRef<void()> meanwhile) {
  constexpr std::size_t kTells = 65;  // of a line: whether it is a hash, and which
  std::vector<char> piece(kPiece);
  std::size_t left = 0;  // at the beginning of `piece`: too little of a line to tell
  bool begins = true;    // what comes next is the beginning of a line
  bool stays = true;
  char last = '\n';
  for (bool ended = false; !ended;) {
    const std::size_t n = std::fread(piece.data() + left, 1, piece.size() - left, from);
    ended = n < piece.size() - left;
    std::string_view text(piece.data(), left + n);
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      const std::string_view line = text.substr(0, end == text.npos ? end : end + 1);
      if (begins) {
        if (end == text.npos && !ended && line.size() < kTells) break;
        stays = true;
        if (const auto hash = muster::HashOfLine(line)) {
          const auto change = changes.find(*hash);
          stays = change == changes.end() || change->second;
          if (change != changes.end() && change->second) changes.erase(change);
        }
      }
      begins = line.back() == '\n';
      if (stays) {
        std::fwrite(line.data(), 1, line.size(), to);
        last = line.back();
      }
      text.remove_prefix(line.size());
    }
    left = text.size();
    std::memmove(piece.data(), text.data(), left);
    meanwhile();
  }
  if (last != '\n') std::fputc('\n', to);
}

// Where a new file has to be put to be the file at `path`: a link stays, and what it leads to is
// replaced.
absl::StatusOr<std::string> PlaceOf(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(realpath(path.c_str(), nullptr),
                                                         std::free);
  if (real != nullptr) return std::string(real.get());
  const int error = errno;
  struct stat status;
  if (error == ENOENT && lstat(path.c_str(), &status) != 0 && errno == ENOENT) return path;
  return FileError("write", path, error);
}

// A new file of that name, or -1 and errno. One that a killed program left there goes; one that
// another program is writing, which has it locked, stays.
int OpenNew(const std::string& name) {
  constexpr int kLock = LOCK_EX | LOCK_NB;
  {
    const Descriptor left(open(name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (left.get() < 0 ? errno != ENOENT && errno != ELOOP : flock(left.get(), kLock) != 0)
      return -1;
    if (unlink(name.c_str()) != 0 && errno != ENOENT) return -1;
  }
  Descriptor made(open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  struct stat status;
  if (made.get() < 0 || flock(made.get(), kLock) != 0 || fstat(made.get(), &status) != 0) return -1;
  if (status.st_nlink == 1) return made.release();
  errno = EAGAIN;  // another program came before the lock
  return -1;
}

// A new file beside `path` that goes away unless it takes its place. Its name is its own: an operator
// may make LIST.new or LIST.tmp.
class Replacement {
 public:
  explicit Replacement(const std::string& path) : path_(path), name_(path + ".musterd") {
    const int fd = OpenNew(name_);
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
  // Both return 0, or the error. First what was written has to be safe.
  int Finish() {
    return std::ferror(file_.get()) || std::fflush(file_.get()) != 0 ||
                   fsync(fileno(file_.get())) != 0
               ? errno
               : 0;
  }
  int TakePlace(FileStamp& stamp) {
    if (rename(name_.c_str(), path_.c_str()) != 0) return errno;
    // Its own, whatever somebody does to the name now.
    struct stat status;
    if (fstat(fileno(file_.get()), &status) == 0) stamp = FileStamp::Of(status);
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
  const std::string name_;
  FilePtr file_;
};

}  // namespace

absl::Status FileError(std::string_view what, const std::string& path, int error) {
  return absl::Status(error == ENOENT    ? absl::StatusCode::kNotFound
                      : IsLasting(error) ? absl::StatusCode::kInvalidArgument
                                         : absl::StatusCode::kUnavailable,
                      Concat({"cannot ", what, " ", Quoted(path), ": ", std::strerror(error)}));
}

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
  const absl::StatusOr<FilePtr> file = OpenPlain(path, path, max, status);
  if (!file.ok()) return file.status();
  begin(static_cast<std::size_t>(status.st_size));
  std::vector<char> piece(kPiece);
  std::int64_t total = 0;
  while (const std::size_t n = std::fread(piece.data(), 1, piece.size(), file->get())) {
    total += static_cast<std::int64_t>(n);
    if (total > max) return TooLarge(path, max);  // it grows meanwhile
    take({piece.data(), n});
    sched_yield();  // a large file is no reason for announces to wait for the core
  }
  if (std::ferror(file->get())) return FileError("read", path, errno);
  return FileStamp::Of(status);
}

absl::StatusOr<SavedList> SaveHashes(const std::string& path,
                                     const std::map<muster::InfoHash, bool>& changes, bool may_make,
                                     std::optional<FileStamp> state,
                                     absl::FunctionRef<void()> meanwhile) {
  const int tries = state ? 1 : 3;
  const absl::StatusOr<std::string> place = PlaceOf(path);
  if (!place.ok()) return place.status();
  for (int i = 0; i < tries; ++i) {
    struct stat status {};
    absl::StatusOr<FilePtr> old = OpenPlain(*place, path, kMaxListBytes, status);
    if (!old.ok() && !(may_make && absl::IsNotFound(old.status()))) return old.status();
    if (state && *state != (old.ok() ? FileStamp::Of(status) : FileStamp())) break;
    Replacement replacement(*place);
    if (replacement.file() == nullptr) return FileError("write beside", path, errno);
    std::map<muster::InfoHash, bool> rest = changes;
    SavedList saved;
    if (old.ok()) {
      saved.before = FileStamp::Of(status);
      // Its owner stays where that is allowed.
      [[maybe_unused]] const int ignored =
          fchown(fileno(replacement.file()), status.st_uid, status.st_gid);
      fchmod(fileno(replacement.file()), status.st_mode & 07777);
      CopyLines(old->get(), replacement.file(), rest, meanwhile);
      if (std::ferror(old->get())) return FileError("read", path, errno);
    } else {
      fchmod(fileno(replacement.file()), 0644);
    }
    for (const auto& [hash, listed] : rest) {
      if (listed) std::fprintf(replacement.file(), "%s\n", hash.ToHex().c_str());
    }
    if (const int error = replacement.Finish()) return FileError("write", path, error);
    // What somebody else has written meanwhile must not go under.
    if (FileStamp::Of(*place) != saved.before) continue;
    if (const int error = replacement.TakePlace(saved.after)) {
      return FileError("write", path, error);
    }
    return saved;
  }
  return absl::AbortedError(Concat({"cannot write ", Quoted(path), ": it does not stay as it is"}));
}

}  // namespace musterd
