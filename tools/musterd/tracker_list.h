// SPDX-License-Identifier: Apache-2.0
//
// Torrents and their other trackers, for the multitracker: a list of them in a file, and where all
// that musterd knows of them comes together.
//
// A line of the list is an info hash in 40 hexadecimal digits, then announce URLs, separated by
// blanks. What stands behind a # that begins a word is a remark; empty lines count for nothing.
// Functions are reentrant.
#ifndef MUSTER_TOOLS_MUSTERD_TRACKER_LIST_H_
#define MUSTER_TOOLS_MUSTERD_TRACKER_LIST_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
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

// The torrents with other trackers, from wherever musterd knows of them: each source replaces what it
// said before, and the server is told all of it. Thread-safe.
class TrackerFeed {
 public:
  enum class Source : std::uint8_t { kList, kDirectory };
  using Torrents = std::vector<muster::MultitrackerTorrent>;

  // `server` is called with each change: muster::ServerThreads::SetTorrentTrackers().
  explicit TrackerFeed(std::function<void(Torrents)> server) : server_(std::move(server)) {}

  void Set(Source source, Torrents torrents);

 private:
  const std::function<void(Torrents)> server_;
  std::mutex mu_;
  std::array<Torrents, 2> torrents_;  // guarded by mu_
};

}  // namespace musterd

#endif  // MUSTER_TOOLS_MUSTERD_TRACKER_LIST_H_
