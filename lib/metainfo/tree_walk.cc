// SPDX-License-Identifier: Apache-2.0
#include "metainfo/tree_walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "base/unique_fd.h"
#include "metainfo/faults.h"
#include "metainfo/glob.h"
#include "metainfo/names.h"

namespace muster {
namespace {

absl::Status Wrong(std::string_view path, std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(ToAbsl(path), ": ", ToAbsl(what)));
}

void Describe(const struct stat& status, ContentFile& file) {
  file.length = status.st_size;
  file.is_executable = (status.st_mode & S_IXUSR) != 0;
  file.identity = FileIdentity::Of(status);
}

class Globs {
 public:
  static absl::StatusOr<Globs> Parse(const std::vector<std::string>& patterns) {
    Globs globs;
    for (const std::string& pattern : patterns) {
      absl::StatusOr<Glob> glob = Glob::Parse(pattern);
      if (!glob.ok()) return glob.status();
      globs.globs_.push_back(*std::move(glob));
    }
    return globs;
  }
  bool empty() const { return globs_.empty(); }
  bool Match(std::string_view path) const {
    return std::any_of(globs_.begin(), globs_.end(),
                       [path](const Glob& glob) { return glob.Matches(path); });
  }

 private:
  std::vector<Glob> globs_;
};

// Walks with a stack of its own; of each folder that is open it keeps a descriptor.
class TreeWalk {
 public:
  TreeWalk(const std::string& root, std::string_view prefix, const TreeOptions& options,
           std::size_t max_files, std::vector<ContentFile>& files)
      : root_(root),
        prefix_(prefix.empty() ? std::string() : absl::StrCat(ToAbsl(prefix), "/")),
        options_(options),
        max_files_(max_files),
        files_(files) {}

  absl::Status Walk() {
    absl::StatusOr<Globs> include = Globs::Parse(options_.include);
    if (!include.ok()) return include.status();
    absl::StatusOr<Globs> exclude = Globs::Parse(options_.exclude);
    if (!exclude.ok()) return exclude.status();
    include_ = *std::move(include);
    exclude_ = *std::move(exclude);

    const std::size_t first = files_.size();
    absl::Status status = Open(AT_FDCWD, root_.c_str(), "", include_.empty());
    while (status.ok() && !folders_.empty()) status = ReadFolder();
    if (!status.ok()) return status;
    std::sort(files_.begin() + static_cast<std::ptrdiff_t>(first), files_.end(),
              [](const ContentFile& a, const ContentFile& b) { return PathLess(a.path, b.path); });
    return absl::OkStatus();
  }

 private:
  struct CloseFolder {
    void operator()(DIR* folder) const { ::closedir(folder); }
  };
  struct Folder {
    std::unique_ptr<DIR, CloseFolder> handle;
    std::string path;  // from the root, with a slash at its end where it is not the root
    bool is_included;  // and all in it
    dev_t device;
    ino_t inode;
  };

  std::string OnDisk(std::string_view path) const {
    return absl::StrCat(root_, root_.ends_with('/') ? "" : "/", ToAbsl(path));
  }

  absl::Status Open(int at, const char* name, std::string path, bool is_included) {
    const std::string disk_path = path.empty() ? root_ : OnDisk(path);
    UniqueFd fd(::openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd.get() < 0) return SystemError(disk_path, errno);
    struct stat status;
    DIR* const handle = ::fstat(fd.get(), &status) == 0 ? ::fdopendir(fd.get()) : nullptr;
    if (handle == nullptr) return SystemError(disk_path, errno);
    fd.Release();  // the handle's now
    Folder folder{std::unique_ptr<DIR, CloseFolder>(handle), std::move(path), is_included,
                  status.st_dev, status.st_ino};
    // Only a link can lead back up.
    for (const Folder& above : folders_) {
      if (above.device == folder.device && above.inode == folder.inode) {
        return Wrong(disk_path, "a symbolic link to a folder that it is in");
      }
    }
    if (folders_.size() > TorrentBuilder::kMaxPathDepth) {
      return Wrong(disk_path, absl::StrCat("more than ", TorrentBuilder::kMaxPathDepth,
                                           " folders in one another"));
    }
    folders_.push_back(std::move(folder));
    return absl::OkStatus();
  }

  // One entry of the innermost folder, or its end.
  absl::Status ReadFolder() {
    Folder& folder = folders_.back();
    errno = 0;
    const dirent* const entry = ::readdir(folder.handle.get());
    if (entry == nullptr) {
      if (errno != 0) return SystemError(OnDisk(folder.path), errno);
      folders_.pop_back();
      return absl::OkStatus();
    }
    const std::string_view name = entry->d_name;
    if (name == "." || name == ".." || (options_.skip_hidden && name[0] == '.')) {
      return absl::OkStatus();
    }
    const std::string path = folder.path + entry->d_name;
    if (exclude_.Match(path)) return absl::OkStatus();
    const bool is_included = folder.is_included || include_.Match(path);
    // What is not wanted need not be looked at.
    if (!is_included && entry->d_type == DT_REG) return absl::OkStatus();
    return Visit(::dirfd(folder.handle.get()), entry->d_name, path, is_included);
  }

  absl::Status Visit(int at, const char* name, const std::string& path, bool is_included) {
    struct stat status;
    const bool follows = options_.symlinks == SymlinkPolicy::kFollow;
    if (::fstatat(at, name, &status, follows ? 0 : AT_SYMLINK_NOFOLLOW) != 0) {
      // A link to nowhere, or to itself, that is not wanted: nothing below it can be.
      const bool is_nothing = errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
      return !is_included && is_nothing ? absl::OkStatus() : SystemError(OnDisk(path), errno);
    }
    if (S_ISDIR(status.st_mode)) return Open(at, name, path + "/", is_included);
    if (!is_included) return absl::OkStatus();
    if (S_ISLNK(status.st_mode) && options_.symlinks == SymlinkPolicy::kSkip) {
      return absl::OkStatus();
    }
    const bool is_link = S_ISLNK(status.st_mode);
    if (!is_link && !S_ISREG(status.st_mode)) {
      return Wrong(OnDisk(path), "not a file, a folder or a symbolic link");
    }
    if (const char* fault = PathFault(path)) return Wrong(OnDisk(path), fault);
    if (files_.size() >= max_files_) {
      return Wrong(OnDisk(path), absl::StrCat("more than ", max_files_, " files"));
    }
    ContentFile file;
    if (is_link) {
      absl::Status read = ReadLink(at, name, path, file.symlink_path);
      if (!read.ok()) return read;
    } else {
      file.disk_path = OnDisk(path);
      Describe(status, file);
      file.is_executable &= options_.mark_executable;
    }
    file.is_hidden = options_.mark_hidden && name[0] == '.';
    file.path = prefix_ + path;
    files_.push_back(std::move(file));
    return absl::OkStatus();
  }

  // Where a link at `path` points to, from the torrent's folder.
  absl::Status ReadLink(int at, const char* name, const std::string& path, std::string& target) {
    std::string text(4096, '\0');
    const ssize_t size = ::readlinkat(at, name, text.data(), text.size());
    if (size < 0) return SystemError(OnDisk(path), errno);
    text.resize(static_cast<std::size_t>(size));
    const std::optional<std::string> below = LinkTarget(path, text);
    if (!below) return Wrong(OnDisk(path), "a symbolic link that leaves the tree");
    target = prefix_ + *below;
    if (const char* fault = PathFault(target)) return Wrong(OnDisk(path), fault);
    return absl::OkStatus();
  }

  const std::string root_;
  const std::string prefix_;
  const TreeOptions& options_;
  const std::size_t max_files_;
  std::vector<ContentFile>& files_;
  Globs include_;
  Globs exclude_;
  std::vector<Folder> folders_;  // from the root to the innermost
};

}  // namespace

std::optional<std::string> LinkTarget(std::string_view path, std::string_view text) {
  std::vector<std::string_view> names;
  const auto walk = [&names](std::string_view part) {
    while (!part.empty()) {
      const std::string_view step = part.substr(0, part.find('/'));
      part.remove_prefix(std::min(step.size() + 1, part.size()));
      if (step.empty() || step == ".") continue;
      if (step != "..") {
        names.push_back(step);
      } else if (names.empty()) {
        return false;
      } else {
        names.pop_back();
      }
    }
    return true;
  };
  const std::string_view folder = path.substr(0, path.rfind('/') + 1);
  if (text.substr(0, 1) == "/" || !walk(folder) || !walk(text) || names.empty()) {
    return std::nullopt;
  }
  std::string target;
  for (const std::string_view step : names) {
    if (!target.empty()) target += '/';
    target += step;
  }
  return target;
}

absl::StatusOr<ContentFile> FileOnDisk(const std::string& disk_path) {
  struct stat status;
  if (::stat(disk_path.c_str(), &status) != 0) return SystemError(disk_path, errno);
  if (S_ISDIR(status.st_mode)) return Wrong(disk_path, "a folder");
  if (!S_ISREG(status.st_mode)) return Wrong(disk_path, "not a file");
  ContentFile file;
  file.disk_path = disk_path;
  Describe(status, file);
  return file;
}

absl::Status WalkTree(const std::string& disk_path, std::string_view prefix,
                      const TreeOptions& options, std::size_t max_files,
                      std::vector<ContentFile>& files) {
  const std::size_t before = files.size();
  absl::Status status = TreeWalk(disk_path, prefix, options, max_files, files).Walk();
  if (!status.ok()) files.resize(before);
  return status;
}

}  // namespace muster
