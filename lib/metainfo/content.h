// SPDX-License-Identifier: Apache-2.0
//
// The files that a torrent is made of or held against: where their bytes come from.
//
// A file on disk is known by what the system said of it when it was added. When that has changed by
// the end, its bytes may be of two times, and it is an error that names the file.
#ifndef MUSTER_LIB_METAINFO_CONTENT_H_
#define MUSTER_LIB_METAINFO_CONTENT_H_

#include <sys/stat.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace muster {

// What the system says of a file that it is still the same.
struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  std::int64_t modified_ns = 0;

  static FileIdentity Of(const struct stat& status);
  bool operator==(const FileIdentity&) const = default;
};

struct ContentFile {
  using ReadAt = std::function<absl::Status(std::int64_t offset, absl::Span<std::uint8_t> to)>;

  // In the torrent, with slashes between its names.
  std::string path;
  std::int64_t length = 0;
  bool is_executable = false;
  bool is_hidden = false;
  // Of a symbolic link, which has no bytes.
  std::string symlink_path;
  // One of both has the bytes.
  std::string disk_path;
  ReadAt read;
  FileIdentity identity;

  bool is_symlink() const { return !symlink_path.empty(); }
};

// What the system says when it refuses `path`: NotFound, PermissionDenied or Unknown.
absl::Status SystemError(std::string_view path, int error);

// The file is not the one that was added.
absl::Status ChangedError(std::string_view path);

// OK when it is as it was.
absl::Status CheckUnchanged(const ContentFile& file);

// Whether path `a` comes before path `b`, name by name as unsigned bytes: so a slash is less than
// anything else.
bool PathLess(std::string_view a, std::string_view b);

// Reads from `fd` at `offset` until `to` is full. What is in memory already costs one call;
// `on_wait` is called before it has to be waited for.
template <typename OnWait>
absl::Status ReadFully(const ContentFile& file, int fd, std::int64_t offset,
                       absl::Span<std::uint8_t> to, const OnWait& on_wait);

// The parts of ReadFully(): how many bytes are in memory (0 also where that cannot be told), and
// all of the rest.
std::size_t ReadCached(int fd, std::int64_t offset, absl::Span<std::uint8_t> to);
absl::Status ReadWaiting(const ContentFile& file, int fd, std::int64_t offset,
                         absl::Span<std::uint8_t> to);

template <typename OnWait>
absl::Status ReadFully(const ContentFile& file, int fd, std::int64_t offset,
                       absl::Span<std::uint8_t> to, const OnWait& on_wait) {
  const std::size_t cached = ReadCached(fd, offset, to);
  if (cached == to.size()) return absl::OkStatus();
  on_wait();
  return ReadWaiting(file, fd, offset + static_cast<std::int64_t>(cached), to.subspan(cached));
}

}  // namespace muster

#endif  // MUSTER_LIB_METAINFO_CONTENT_H_
