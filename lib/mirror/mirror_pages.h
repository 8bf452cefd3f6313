// SPDX-License-Identifier: Apache-2.0
//
// What a mirror tells of itself: a page for people, JSON for programs, metrics for Prometheus.
// Reentrant.
#ifndef MUSTER_LIB_MIRROR_MIRROR_PAGES_H_
#define MUSTER_LIB_MIRROR_MIRROR_PAGES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "mirror/mirror_answer.h"
#include "mirror/mirror_request.h"
#include "muster/instant.h"
#include "muster/mirror.h"

namespace muster {

// A torrent that was given out, or that the cache has.
struct GivenTorrent {
  std::string info_hash_hex;
  std::string name;
  std::size_t files = 0;
  std::int64_t length = 0;
  // 0, and when it was made, of one that was not given out since the service began.
  std::uint64_t times = 0;
  Instant last;
};

// One that is being made.
struct FlightView {
  std::string about;
  std::int64_t bytes = 0;
  // Of what is not known yet; 0 as long as that is not known either.
  std::int64_t total_bytes = 0;
};

struct MirrorView {
  MirrorStatistics statistics;
  std::size_t trackers = 0;
  Instant now;
  std::vector<FlightView> flights = {};
  std::vector<GivenTorrent> given = {};
  // Of the cache folder, as it was last cleaned: those that are not among the others.
  std::vector<GivenTorrent> cached = {};
};

// For kIndex and kMetrics.
MirrorAnswer PageAnswer(const MirrorRequest& request, const MirrorView& view);

}  // namespace muster

#endif  // MUSTER_LIB_MIRROR_MIRROR_PAGES_H_
