// SPDX-License-Identifier: Apache-2.0
//
// FileSet: the files of a torrent that a client asked for, and what they are at the moment.
// A plain value.
#ifndef MUSTER_LIB_MIRROR_FILE_SET_H_
#define MUSTER_LIB_MIRROR_FILE_SET_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "metainfo/content.h"
#include "mirror/path_spec.h"
#include "mirror/root.h"

namespace muster {

struct FileSet {
  // From the root on, each once, in the order in which they were asked for.
  std::vector<std::string> paths;
  std::vector<FileIdentity> identities;
  // One file without a folder.
  bool is_single = false;

  std::int64_t length() const;
  // The torrent's: the folder that all paths begin with, or the file's own.
  std::string_view name() const;
  // Of a file, the path below that; empty for a single one.
  std::string_view PathBelowName(std::size_t file) const;
  // Where the torrent's name lies: "yum/os/" for a single file there, empty for a set.
  std::string_view folder() const;

  bool operator==(const FileSet&) const = default;
};

struct FileSetOptions {
  ExpansionLimits limits = {};
  // Bytes of all files together.
  std::int64_t max_bytes = std::int64_t{1} << 42;
  // Where pad files are, below the torrent's folder: no file is taken from there, and patterns pass
  // over it.
  std::string_view service = {};
  // A single file where that is all there is.
  bool may_be_single = false;
};

// NotFound, naming it, when one of the specs leads to nothing or to a file that is not there;
// PermissionDenied for one that is not served; InvalidArgument for a spec that is none, for files of
// different first folders, and when there is not a byte in them; ResourceExhausted over a limit.
absl::StatusOr<FileSet> FindFiles(const Root& root, const std::vector<std::string>& specs,
                                  const FileSetOptions& options);

}  // namespace muster

#endif  // MUSTER_LIB_MIRROR_FILE_SET_H_
