// SPDX-License-Identifier: Apache-2.0
#include "mirror/beneath.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace muster {
namespace {

constexpr int kMaxLinks = 40;           // as the kernel has it
constexpr std::size_t kMaxDepth = 128;  // folders within one another: so many are open at a time

// What remains of a path. Names are taken off its front; a link puts its target there.
class Rest {
 public:
  explicit Rest(std::string text) : text_(std::move(text)) {}

  // The next name; empty at the end.
  std::string Take() {
    at_ = std::min(text_.find_first_not_of('/', at_), text_.size());
    const std::size_t end = std::min(text_.find('/', at_), text_.size());
    std::string name = text_.substr(at_, end - at_);
    at_ = end;
    return name;
  }
  bool is_empty() const { return text_.find_first_not_of('/', at_) == text_.npos; }
  // Whether a folder is asked for: what is there ends with a slash.
  bool ends_with_slash() const { return at_ < text_.size() && text_.back() == '/'; }
  void Put(const std::string& target) {
    text_ = target + text_.substr(at_);
    at_ = 0;
  }

 private:
  std::string text_;
  std::size_t at_ = 0;
};

UniqueFd OpenAt2(int folder, const std::string& path, int flags, std::uint64_t resolve,
                 int& error) {
  open_how how = {};
  how.flags = static_cast<unsigned>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | resolve;
  const long fd = ::syscall(SYS_openat2, folder, path.c_str(), &how, sizeof how);
  if (fd < 0) error = errno;
  return UniqueFd(static_cast<int>(fd));
}

bool ReadLink(int link, std::string& target) {
  std::array<char, PATH_MAX> text;
  const ssize_t size = ::readlinkat(link, "", text.data(), text.size());
  if (size <= 0 || size == static_cast<ssize_t>(text.size())) return false;
  target.assign(text.data(), static_cast<std::size_t>(size));
  return true;
}

}  // namespace

UniqueFd OpenBeneathByKernel(int folder, const std::string& path, int flags, int& error) {
  // A rename anywhere on the system may ask for another try.
  for (int tries = 0; tries < 100; ++tries) {
    UniqueFd fd = OpenAt2(folder, path, flags, 0, error);
    if (fd.get() >= 0 || (error != EAGAIN && error != EINTR)) return fd;
  }
  return {};
}

UniqueFd OpenBeneathAtHand(int folder, const std::string& path, int flags, int& error) {
  UniqueFd fd = OpenAt2(folder, path, flags, RESOLVE_CACHED, error);
  if (error == EINVAL || error == EINTR) error = EAGAIN;
  return fd;
}

UniqueFd OpenBeneathByName(int folder, const std::string& path, int flags, int& error) {
  const auto fail = [&error](int with) {
    error = with;
    return UniqueFd();
  };
  if (path.empty() || path.front() == '/') return fail(path.empty() ? ENOENT : EXDEV);
  Rest rest(path);
  std::vector<UniqueFd> folders;  // below `folder`, each within the one before
  int links = 0;
  for (std::string name = rest.Take(); !name.empty(); name = rest.Take()) {
    const int here = folders.empty() ? folder : folders.back().get();
    if (name == ".") continue;
    if (name == "..") {
      if (folders.empty()) return fail(EXDEV);
      folders.pop_back();
      continue;
    }
    UniqueFd next(::openat(here, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat status;
    if (next.get() < 0 || ::fstat(next.get(), &status) != 0) return fail(errno);
    if (S_ISLNK(status.st_mode)) {
      std::string target;
      if (++links > kMaxLinks || !ReadLink(next.get(), target)) return fail(ELOOP);
      if (target.front() == '/') return fail(EXDEV);
      rest.Put(target);
      if (rest.is_empty()) return fail(ENOENT);
      continue;
    }
    if (S_ISDIR(status.st_mode)) {
      if (folders.size() == kMaxDepth) return fail(ENAMETOOLONG);
      folders.push_back(std::move(next));
      continue;
    }
    if (!rest.is_empty() || rest.ends_with_slash()) return fail(ENOTDIR);
    UniqueFd fd(::openat(here, name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC));
    return fd.get() < 0 ? fail(errno) : std::move(fd);
  }
  const int here = folders.empty() ? folder : folders.back().get();
  UniqueFd fd(::openat(here, ".", flags | O_CLOEXEC));
  return fd.get() < 0 ? fail(errno) : std::move(fd);
}

}  // namespace muster
