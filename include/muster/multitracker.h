// SPDX-License-Identifier: Apache-2.0
//
// What a tracker needs to know to fetch peers from the other trackers of its torrents. Plain values.
#ifndef MUSTER_MULTITRACKER_H_
#define MUSTER_MULTITRACKER_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "muster/export.h"
#include "muster/ids.h"
#include "muster/instant.h"
#include "muster/random.h"

namespace muster {

struct MultitrackerOptions {
  // Between two questions to a tracker that does not say otherwise, and what trackers that ask this
  // one are told. At least 1 second.
  Seconds interval{120};
  // Peers to ask for in each.
  std::uint32_t max_peers = 20;
  // For one question and its answer.
  std::chrono::milliseconds timeout{60'000};
  // Questions at a time.
  std::size_t max_under_way = 50;
  // Announce URLs of one torrent; further ones are not asked.
  std::size_t max_trackers = 50;
  // Whether peers that are not part of the public internet are taken from other trackers.
  bool allow_private = false;
};

// A torrent and the announce URLs of all its tiers. What is no TrackerUrl is left out, and so is
// what stands there twice.
struct MultitrackerTorrent {
  InfoHash info_hash;
  std::vector<std::string> trackers;
};

// The id under which a tracker asks others: a peer id with "-T-" in it. By it a tracker knows an
// announce of its own, and answers it with kOwnAnnounce.
MUSTER_EXPORT PeerId NewTrackerId(Random& random);
// The failure reason by which a tracker learns that a URL leads to itself, or that nobody there
// answers trackers.
inline constexpr char kOwnAnnounce[] = "disallowed";

}  // namespace muster

#endif  // MUSTER_MULTITRACKER_H_
