// SPDX-License-Identifier: Apache-2.0
#include "musterd/log_file.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <utility>
#include <vector>

#include "musterd/text.h"
#include "start/program_start.h"

namespace musterd {
namespace {

constexpr int kAppend = O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY;
constexpr mode_t kMode = 0644;

absl::Status CannotWrite(const std::string& path, int error) {
  struct stat status;
  const bool unread =
      error == ENXIO && stat(path.c_str(), &status) == 0 && S_ISFIFO(status.st_mode);
  return Invalid({"cannot write ", Quoted(path), ": ", std::strerror(error),
                  unread ? " (nobody reads the pipe)" : ""});
}

absl::StatusOr<Descriptor> OrError(Descriptor file, const std::string& path) {
  const int error = errno;
  if (file.get() < 0) return CannotWrite(path, error);
  return file;
}

// As any program opens a file, but not waiting until somebody reads a pipe.
Descriptor OpenWithoutWaiting(const std::string& path) {
  Descriptor file(open(path.c_str(), kAppend | O_CREAT | O_NONBLOCK, kMode));
  if (file.get() >= 0) fcntl(file.get(), F_SETFL, O_APPEND);
  return file;
}

// Counted from where the process is now.
std::string Absolute(const std::string& path) {
  std::array<char, PATH_MAX> here;
  if (path.substr(0, 1) == "/" || getcwd(here.data(), here.size()) == nullptr) return path;
  std::string_view rest = path;
  while (rest == "." || rest.substr(0, 2) == "./") {
    rest.remove_prefix(1);
    rest.remove_prefix(std::min(rest.find_first_not_of('/'), rest.size()));
  }
  // There is no slash behind a directory but the root.
  return Concat({here.data(), here[1] == '\0' || rest.empty() ? "" : "/", rest});
}

// -1 where it is none.
int StandardStream(std::string_view path) {
  if (path == "-" || path == "/dev/stdout") return STDOUT_FILENO;
  return path == "/dev/stderr" ? STDERR_FILENO : -1;
}

// While it lives the process has the rights of the user and the group, and can take its own back.
// Should that fail, it cannot become that user either, and ends.
class ActingAs {
 public:
  explicit ActingAs(const Identity::Ids& ids) : group_(getegid()) {
    const int count = getgroups(0, nullptr);
    groups_.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    good_ = getgroups(count, groups_.data()) == count && setgroups(0, nullptr) == 0 &&
            setegid(ids.group) == 0 && seteuid(ids.user) == 0;
    error_ = errno;
  }
  ~ActingAs() {
    [[maybe_unused]] const bool restored =
        seteuid(0) == 0 && setegid(group_) == 0 && setgroups(groups_.size(), groups_.data()) == 0;
  }
  ActingAs(const ActingAs&) = delete;
  ActingAs& operator=(const ActingAs&) = delete;
  // The reason why it has not; 0 when it has.
  int error() const { return good_ ? 0 : error_; }

 private:
  const gid_t group_;
  std::vector<gid_t> groups_;
  bool good_ = false;
  int error_ = 0;
};

// Who may make, replace and remove what is in a directory.
enum class Writers { kRoot, kRootAndGroup, kAnybodyTheirOwn, kOthers };

Writers WritersOf(int folder) {
  struct stat status;
  if (fstat(folder, &status) != 0 || status.st_uid != 0) return Writers::kOthers;
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) == 0) return Writers::kRoot;
  if ((status.st_mode & S_ISVTX) != 0) return Writers::kAnybodyTheirOwn;
  return (status.st_mode & S_IWOTH) == 0 ? Writers::kRootAndGroup : Writers::kOthers;
}

// A way through directories, one name after another.
class Way {
 public:
  explicit Way(const std::string& path) : path_(path), rest_(Absolute(path)) { StartAtRoot(); }

  // Goes to the directory that the last name is in, the status says why not there.
  absl::Status Go();
  int folder() const { return folder_.get(); }
  const std::string& name() const { return name_; }

  absl::Status Refuse(std::initializer_list<std::string_view> why) const {
    return absl::FailedPreconditionError(
        Concat({"cannot write ", Quoted(path_),
                " as the user to become, and will not as root: ", Concat(why)}));
  }

 private:
  void StartAtRoot() {
    folder_ = Descriptor(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    at_.clear();
  }
  // Takes the next name off; false when there is none behind it.
  bool TakeName() {
    const std::size_t begin = std::min(rest_.find_first_not_of('/'), rest_.size());
    const std::size_t end = std::min(rest_.find('/', begin), rest_.size());
    name_ = rest_.substr(begin, end - begin);
    const std::size_t next = rest_.find_first_not_of('/', end);
    rest_.erase(0, next == rest_.npos ? rest_.size() : next);
    return !rest_.empty();
  }
  // Where the name is a symbolic link, puts what it says in its place.
  absl::StatusOr<bool> FollowLink(Writers writers);

  const std::string& path_;
  std::string rest_;
  Descriptor folder_;
  std::string at_;  // the folder's name
  std::string name_;
  int links_ = 0;
};

absl::StatusOr<bool> Way::FollowLink(Writers writers) {
  constexpr int kMaxLinks = 40;
  struct stat status;
  if (fstatat(folder(), name_.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 ||
      !S_ISLNK(status.st_mode)) {
    return false;
  }
  if (writers != Writers::kRoot)
    return Refuse({Quoted(at_ + "/" + name_), " is a link that others may have made"});
  std::array<char, PATH_MAX> target;
  const ssize_t size = readlinkat(folder(), name_.c_str(), target.data(), target.size());
  if (size <= 0) return CannotWrite(path_, errno);
  if (static_cast<std::size_t>(size) == target.size() || ++links_ > kMaxLinks)
    return CannotWrite(path_, ELOOP);
  const std::string_view said(target.data(), static_cast<std::size_t>(size));
  rest_ = rest_.empty() ? std::string(said) : Concat({said, "/", rest_});
  if (said[0] == '/') StartAtRoot();
  return true;
}

absl::Status Way::Go() {
  while (true) {
    const Writers writers = WritersOf(folder());
    const bool goes_on = TakeName();
    if (writers == Writers::kOthers || (goes_on && writers == Writers::kRootAndGroup))
      return Refuse({"others may change ", Quoted(at_.empty() ? "/" : at_)});
    const absl::StatusOr<bool> followed = FollowLink(writers);
    if (!followed.ok()) return followed.status();
    if (*followed) continue;
    if (!goes_on) return absl::OkStatus();
    Descriptor next(openat(folder(), name_.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (next.get() < 0) return CannotWrite(path_, errno);
    folder_ = std::move(next);
    at_ += "/" + name_;
  }
}

absl::StatusOr<Descriptor> OpenAsRoot(const std::string& path, const Identity::Ids& user) {
  Way way(path);
  if (absl::Status status = way.Go(); !status.ok()) return status;
  const char* const name = way.name().c_str();
  Descriptor made(openat(way.folder(), name, kAppend | O_CREAT | O_EXCL | O_NOFOLLOW, kMode));
  if (made.get() >= 0) {
    // Where that is not possible it can be written all the same, only not be opened again.
    [[maybe_unused]] const int ignored = fchown(made.get(), user.user, user.group);
    return made;
  }
  if (errno != EEXIST) return CannotWrite(path, errno);
  // Not waiting for who reads a pipe.
  Descriptor found(openat(way.folder(), name, kAppend | O_NOFOLLOW | O_NONBLOCK));
  if (found.get() < 0) return CannotWrite(path, errno);
  struct stat status;
  if (fstat(found.get(), &status) != 0) return CannotWrite(path, errno);
  if (!S_ISREG(status.st_mode) || status.st_nlink != 1)
    return way.Refuse({"it is not a regular file with one name"});
  if (status.st_uid != 0 && status.st_uid != user.user)
    return way.Refuse({"it belongs to somebody else"});
  return found;
}

}  // namespace

bool IsStandardStream(std::string_view path) { return StandardStream(path) >= 0; }

absl::StatusOr<Descriptor> OpenLogFile(const std::string& path, const Identity& identity) {
  if (const int stream = StandardStream(path); stream >= 0) {
    if (muster_tools::CannotBeWritten(stream)) return CannotWrite(path, EBADF);
    return OrError(Descriptor(fcntl(stream, F_DUPFD_CLOEXEC, 3)), path);
  }
  if (!identity.become) return OrError(OpenWithoutWaiting(path), path);
  std::optional<Descriptor> file;
  int error;
  {
    const ActingAs user(*identity.become);
    if (user.error() != 0) return CannotWrite(path, user.error());
    file.emplace(OpenWithoutWaiting(path));
    error = errno;
  }
  if (file->get() >= 0) return *std::move(file);
  if (error != EACCES && error != EPERM) return CannotWrite(path, error);
  return OpenAsRoot(path, *identity.become);
}

std::string ReopenPath(const std::string& path, const Identity& identity) {
  Identity there = identity;
  if (!there.root_directory.empty()) there.root_directory = Absolute(there.root_directory);
  return PathWithin(there, Absolute(path));
}

absl::StatusOr<Descriptor> ReopenLogFile(const std::string& path) {
  return OrError(OpenWithoutWaiting(path), path);
}

}  // namespace musterd
