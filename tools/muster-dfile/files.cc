// SPDX-License-Identifier: Apache-2.0
#include "muster-dfile/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "muster-dfile/text.h"

namespace muster_dfile {
namespace {

using Clock = std::chrono::steady_clock;

absl::Status Errno(std::string_view what, std::string_view name) {
  const int error = errno;
  return absl::ErrnoToStatus(error, Concat({"cannot ", what, " ", name}));
}

// Whether both are there and one and the same; an input "-" is what standard input comes from.
bool IsSameFile(const std::string& input, const std::string& output) {
  struct stat a, b;
  const int got = input == "-" ? fstat(0, &a) : stat(input.c_str(), &a);
  if (got != 0 || output == "-" || stat(output.c_str(), &b) != 0) return false;
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

}  // namespace

muster::Instant Now() { return muster::InstantFromUnixSeconds(std::time(nullptr)); }

std::string TemporaryFolder() {
  const char* folder = std::getenv("TMPDIR");
  return folder != nullptr && *folder != '\0' ? folder : "/tmp";
}

absl::StatusOr<std::unique_ptr<InputFile>> InputFile::Open(const std::string& path) {
  if (path == "-") return std::unique_ptr<InputFile>(new InputFile("standard input", 0));
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return Errno("open", path);
  return std::unique_ptr<InputFile>(new InputFile(path, file));
}

InputFile::InputFile(std::string name, int file)
    : name_(std::move(name)),
      file_(file),
      written_(Now()),
      has_progress_(isatty(2) == 1),
      started_(Clock::now()) {
  struct stat info;
  if (fstat(file_, &info) == 0 && S_ISREG(info.st_mode)) {
    written_ = muster::InstantFromUnixSeconds(info.st_mtime);
    size_ = static_cast<std::uint64_t>(info.st_size);
  }
}

InputFile::~InputFile() {
  if (file_ > 0) close(file_);
  if (showed_progress_) std::fputs("\r\x1b[K", stderr);
}

bool InputFile::IsAt(const std::string& path) const {
  struct stat here, there;
  return fstat(file_, &here) == 0 && stat(path.c_str(), &there) == 0 &&
         here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

absl::StatusOr<std::size_t> InputFile::Read(absl::Span<char> into) {
  ssize_t got;
  do {
    got = ::read(file_, into.data(), into.size());
  } while (got < 0 && errno == EINTR);
  if (got < 0) return Errno("read", name_);
  read_ += static_cast<std::size_t>(got);
  if (has_progress_) ShowProgress();
  return static_cast<std::size_t>(got);
}

void InputFile::ShowProgress() {
  const auto now = Clock::now();
  if (now - started_ < std::chrono::seconds(1)) return;
  if (now - shown_ < std::chrono::milliseconds(200)) return;
  shown_ = now;
  showed_progress_ = true;
  std::string line = Concat({"\r", name_, ": ", ByteText(read_)});
  if (size_ > 0) line += Concat({", ", std::to_string(100 * read_ / size_), " %"});
  std::fputs((line + "\x1b[K").c_str(), stderr);
}

absl::StatusOr<std::unique_ptr<OutputFile>> OutputFile::Create(
    const std::string& path, bool force, absl::Span<const std::string> inputs) {
  for (const std::string& input : inputs) {
    if (!IsSameFile(input, path)) continue;
    return absl::FailedPreconditionError(Concat({path, " is what is read; write another file"}));
  }
  std::unique_ptr<OutputFile> output(new OutputFile(path, force));
  if (path == "-") {
    output->file_ = 1;
    return output;
  }
  struct stat info;
  if (!force && lstat(path.c_str(), &info) == 0) {
    return absl::FailedPreconditionError(Concat({path, " exists; --force replaces it"}));
  }
  output->temporary_ = path + ".XXXXXX";
  output->file_ = mkostemp(output->temporary_.data(), O_CLOEXEC);
  if (output->file_ < 0) {
    output->temporary_.clear();
    return Errno("create", path);
  }
  // As any new file would be.
  const mode_t mask = umask(0);
  umask(mask);
  if (fchmod(output->file_, 0666 & ~mask) != 0) return Errno("create", path);
  return output;
}

OutputFile::~OutputFile() {
  if (file_ > 1) close(file_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

absl::Status OutputFile::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = write(file_, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return Failed("write");
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
    size_ += static_cast<std::size_t>(wrote);
  }
  return absl::OkStatus();
}

absl::Status OutputFile::Commit() {
  if (temporary_.empty()) return absl::OkStatus();
  if (fsync(file_) != 0) return Failed("sync");
  if (absl::Status status = MoveIntoPlace(); !status.ok()) return status;
  temporary_.clear();
  const int folder_file = open(folder().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder_file < 0) return Failed("sync the folder of");
  const bool synced = fsync(folder_file) == 0;
  absl::Status status = synced ? absl::OkStatus() : Failed("sync the folder of");
  close(folder_file);
  return status;
}

// Without --force, what came to the place meanwhile is not replaced either.
absl::Status OutputFile::MoveIntoPlace() {
  if (force_) {
    return std::rename(temporary_.c_str(), path_.c_str()) == 0 ? absl::OkStatus()
                                                               : Failed("replace");
  }
  if (renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE) == 0) {
    return absl::OkStatus();
  }
  // A file system that cannot do that may have links.
  if (errno != EINVAL && errno != ENOSYS) return Failed("create");
  if (link(temporary_.c_str(), path_.c_str()) != 0) return Failed("create");
  unlink(temporary_.c_str());
  return absl::OkStatus();
}

std::string OutputFile::folder() const {
  if (path_ == "-") return TemporaryFolder();
  const std::size_t slash = path_.rfind('/');
  return slash == path_.npos ? "." : slash == 0 ? "/" : path_.substr(0, slash);
}

absl::Status OutputFile::Failed(std::string_view what) const {
  return Errno(what, path_ == "-" ? "standard output" : path_);
}

}  // namespace muster_dfile
