// SPDX-License-Identifier: Apache-2.0
//
// A list of torrents and their trackers is read, or is refused with its line; what is read is what
// muster can ask, and reads the same once it is written again.
#include "musterd/tracker_list.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/require.h"
#include "muster/tracker_url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using muster::Require;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto torrents = musterd::ReadTrackerList(text, "list");
  if (!torrents.ok()) {
    Require(torrents.status().message().substr(0, 5) == "list:");
    return 0;
  }
  std::string written;
  for (const muster::MultitrackerTorrent& torrent : *torrents) {
    written += torrent.info_hash.ToHex();
    for (const std::string& url : torrent.trackers) {
      Require(muster::TrackerUrl::Parse(url).ok());
      written += ' ' + url;
    }
    written += '\n';
  }
  const auto again = musterd::ReadTrackerList(written, "again");
  Require(again.ok() && again->size() == torrents->size());
  for (std::size_t i = 0; i < again->size(); ++i)
    Require((*again)[i].trackers == (*torrents)[i].trackers);
  return 0;
}
