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
// said before. Thread-safe.
class TrackerFeed {
 public:
  enum class Source : std::uint8_t { kList, kDirectory };
  using Torrents = std::vector<muster::MultitrackerTorrent>;

  void Set(Source source, Torrents torrents);
  // Of all sources.
  Torrents All();
  // `server` is told all of them, now and with each change, of which it is sure to hear the last one
  // last.
  void Attach(std::function<void(Torrents)> server);

 private:
  Torrents AllLocked() const;

  std::mutex mu_;
  std::function<void(Torrents)> server_;  // guarded by mu_, as all of it
  std::array<Torrents, 2> torrents_;
};

}  // namespace musterd

#endif  // MUSTER_TOOLS_MUSTERD_TRACKER_LIST_H_
