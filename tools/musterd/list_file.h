// SPDX-License-Identifier: Apache-2.0
//
// Files of lists: whether they changed, what they hold, and how a few hashes are written into them.
// Functions are reentrant.
#ifndef MUSTER_TOOLS_MUSTERD_LIST_FILE_H_
#define MUSTER_TOOLS_MUSTERD_LIST_FILE_H_

#include <sys/stat.h>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "muster/hash_list.h"
#include "muster/ids.h"
#include "muster/ip_set.h"

namespace musterd {

// What tells one state of a file from another.
struct FileStamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t size = -1;  // -1: there is no file
  // When its bytes, its name or its rights last changed, in nanoseconds: no program can set that.
  std::int64_t changed = 0;

  static FileStamp Of(const struct stat& status);
  // Of the file at `path`; that of no file when there is none, or when it cannot be told.
  static FileStamp Of(const std::string& path);

  auto operator<=>(const FileStamp&) const = default;
};

// Larger files are refused: ten times what the largest lists known have.
inline constexpr std::int64_t kMaxListBytes = std::int64_t{8} * 1024 * 1024 * 1024;
// Of a list of addresses, which is read as one piece.
inline constexpr std::int64_t kMaxIpListBytes = 1024 * 1024 * 1024;

// Hands the file's bytes to `take` in pieces, after `begin` was told how many to expect. The stamp
// is that of the moment when it was opened. NotFound when there is no file, InvalidArgument for
// what is no plain file, larger than `max`, or may not be read: trying again is of no use before
// somebody has changed that. Unavailable when the system cannot read it now, but perhaps later. All
// name the file and the reason.
absl::StatusOr<FileStamp> ReadFile(const std::string& path, std::int64_t max,
                                   absl::FunctionRef<void(std::size_t)> begin,
                                   absl::FunctionRef<void(std::string_view)> take);

// A trouble that the log is told of once, until it is over or another one.
class Trouble {
 public:
  // Whether the log is to be told.
  bool Begins(std::string why) {
    if (why == why_) return false;
    why_ = std::move(why);
    return true;
  }
  // Whether there was any.
  bool Ends() { return !std::exchange(why_, {}).empty(); }

 private:
  std::string why_;
};

// The error of a call as a status that says "cannot WHAT 'PATH': REASON", of the codes of ReadFile().
absl::Status FileError(std::string_view what, const std::string& path, int error);

// Writes the file anew with these hashes on it (true) or off it (false), and every other line as it
// was: into PATH.musterd, which then takes its place, so that whoever reads sees the one or the
// other. A file that is missing is made where that is allowed; of a symbolic link the file is written
// that it leads to. `meanwhile` is called now and then, for a large file takes its time. Where there
// is a `state`, only a file in that state is replaced; otherwise one that is changed meanwhile is
// read again, a few times. Returns the stamps of the file that was read and of the new one; the codes
// of errors are those of ReadFile(), and Aborted where the file does not stay as it is.
struct SavedList {
  FileStamp before;
  FileStamp after;
};
absl::StatusOr<SavedList> SaveHashes(const std::string& path,
                                     const std::map<muster::InfoHash, bool>& changes, bool may_make,
                                     std::optional<FileStamp> state,
                                     absl::FunctionRef<void()> meanwhile);

}  // namespace musterd

#endif  // MUSTER_TOOLS_MUSTERD_LIST_FILE_H_
