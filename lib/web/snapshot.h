// SPDX-License-Identifier: Apache-2.0
//
// Snapshot: all that statistics pages are made of. A plain value.
#ifndef MUSTER_LIB_WEB_SNAPSHOT_H_
#define MUSTER_LIB_WEB_SNAPSHOT_H_

#include <cstdint>

#include "muster/instant.h"
#include "muster/live_sync.h"
#include "muster/statistics.h"
#include "muster/swarm_store.h"

namespace muster {

struct Snapshot {
  ServerStatistics server;
  StoreTotals store;
  Instant now;
  // How long the tracker remembers a peer.
  Seconds peer_timeout{0};
  // Tells this process from others.
  std::uint32_t tracker_id = 0;
  LiveSyncStatistics live_sync = {};

  std::uint64_t uptime() const {
    return now > server.since ? static_cast<std::uint64_t>((now - server.since).count()) : 0;
  }
};

}  // namespace muster

#endif  // MUSTER_LIB_WEB_SNAPSHOT_H_
