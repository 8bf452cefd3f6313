// SPDX-License-Identifier: Apache-2.0
//
// The list of torrents and their other trackers, for the multitracker: on a line an info hash in 40
// hexadecimal digits, then announce URLs, separated by blanks. What stands behind a # that begins a
// word is a remark; empty lines count for nothing. Reentrant.
#ifndef MUSTER_TOOLS_MUSTERD_TRACKER_LIST_H_
#define MUSTER_TOOLS_MUSTERD_TRACKER_LIST_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "muster/multitracker.h"

namespace musterd {

// Of a file; a longer one is an error.
inline constexpr std::size_t kMaxTrackerListBytes = std::size_t{256} << 20;

// InvalidArgument with the line ("trackers.txt:3: ..."), for what is no hash and for URLs that muster
// cannot ask.
absl::StatusOr<std::vector<muster::MultitrackerTorrent>> ReadTrackerList(std::string_view text,
                                                                         std::string_view name);
// Of a file; nothing where the path is empty.
absl::StatusOr<std::vector<muster::MultitrackerTorrent>> ReadTrackerListFile(
    const std::string& path);

}  // namespace musterd

#endif  // MUSTER_TOOLS_MUSTERD_TRACKER_LIST_H_
