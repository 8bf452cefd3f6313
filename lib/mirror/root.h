// SPDX-License-Identifier: Apache-2.0
//
// Root: the folder that a mirror serves, and the only way to its files. Nothing outside of it is
// ever opened: neither by "..", nor by an absolute path, nor by a symbolic link that leaves, nor by
// a folder that is moved while it is walked through. Links that stay within lead where they point.
//
//   absl::StatusOr<muster::Root> root = muster::Root::Open("/srv/mirror");
//   absl::StatusOr<muster::RootFile> file = root->OpenFile("yum/os/a.rpm");
//
// The kernel sees to it (openat2 with RESOLVE_BENEATH); where it lacks that, Root walks name by name
// and never follows a link but by itself.
//
// Reentrant, as every call has descriptors of its own.
#ifndef MUSTER_LIB_MIRROR_ROOT_H_
#define MUSTER_LIB_MIRROR_ROOT_H_

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/unique_fd.h"
#include "metainfo/content.h"

namespace muster {

// A regular file, open for reading, and what it was when it was opened.
struct RootFile {
  UniqueFd fd;
  FileIdentity identity;
};

struct RootEntry {
  std::string name;
  // What a link is, its target is asked for.
  bool is_folder = false;
  bool is_file = false;
  bool is_link = false;

  bool operator==(const RootEntry&) const = default;
};

class Root {
 public:
  enum class Way : std::uint8_t {
    kBest,    // openat2 where the kernel has it
    kByName,  // the other one, for tests
  };

  static absl::StatusOr<Root> Open(const std::string& folder, Way way = Way::kBest);

  // Paths are names with single slashes between them, as MirrorPath checks them; empty for the root
  // itself. Errors are those of SystemError(), and name the path below the root; PermissionDenied
  // also for a path that leaves, and for a file that is not a regular one.
  absl::StatusOr<RootFile> OpenFile(const std::string& path) const {
    return OpenFile(path, /*may_wait=*/true);
  }
  // The same without waiting for a disk, as far as the kernel can tell: Unavailable where that may
  // be needed.
  absl::StatusOr<RootFile> OpenFileAtHand(const std::string& path) const {
    return OpenFile(path, /*may_wait=*/false);
  }
  // What the file is, without reading it. As OpenFile().
  absl::StatusOr<FileIdentity> Identify(const std::string& path) const;

  // What is there: files and folders, nothing hidden, in the order of their names. ResourceExhausted
  // when there are more than `max_entries`.
  absl::StatusOr<std::vector<RootEntry>> List(const std::string& path,
                                              std::size_t max_entries) const;

 private:
  Root(UniqueFd fd, bool has_openat2) : fd_(std::move(fd)), has_openat2_(has_openat2) {}

  absl::StatusOr<RootFile> OpenFile(const std::string& path, bool may_wait) const;
  // Only O_PATH, O_DIRECTORY and what a regular file is opened with are asked for.
  absl::StatusOr<UniqueFd> OpenBeneath(const std::string& path, int flags,
                                       bool may_wait = true) const;
  absl::StatusOr<struct stat> Examine(const std::string& path, bool may_wait = true) const;

  UniqueFd fd_;
  bool has_openat2_;
};

}  // namespace muster

#endif  // MUSTER_LIB_MIRROR_ROOT_H_
