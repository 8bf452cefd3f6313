// SPDX-License-Identifier: Apache-2.0
//
// The files on disk that a torrent is made of. Reentrant.
#ifndef MUSTER_LIB_METAINFO_TREE_WALK_H_
#define MUSTER_LIB_METAINFO_TREE_WALK_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "metainfo/content.h"
#include "muster/torrent_builder.h"

namespace muster {

// Where a symbolic link at `path` that says `text` leads, from the folder that `path` begins at, by the
// names alone; nothing when it leaves that, or leads to it.
std::optional<std::string> LinkTarget(std::string_view path, std::string_view text);

// A regular file, without its path in the torrent.
absl::StatusOr<ContentFile> FileOnDisk(const std::string& disk_path);

// Appends the files below the folder `disk_path` to `files`, in the order of their paths: at most
// as many as make `max_files` of them. Paths begin with `prefix` and a slash, where there is one.
absl::Status WalkTree(const std::string& disk_path, std::string_view prefix,
                      const TreeOptions& options, std::size_t max_files,
                      std::vector<ContentFile>& files);

}  // namespace muster

#endif  // MUSTER_LIB_METAINFO_TREE_WALK_H_
