// SPDX-License-Identifier: Apache-2.0
//
// A SwarmStore for trackers that know their peers: it keeps the side record of each (PeerDetails),
// and hands out only those that can be reached. Some 250 bytes a peer; for public trackers of
// millions there is NewMemoryStore().
//
// It keeps the contract of SwarmStore, but for what a peer is: here that is a peer id, once for each
// address family, whatever its address and port. So a client that moves stays one peer. Its record
// is changed or removed only by who proves to be the same: by the address that its last announce
// came from, or by the key that this one had. Anybody else is answered, and changes nothing.
//
//   auto tracker = muster::Tracker::Create(options, muster::NewDetailedStore({.nat_tries = 3}));
#ifndef MUSTER_DETAILED_STORE_H_
#define MUSTER_DETAILED_STORE_H_

#include <cstdint>
#include <memory>

#include "muster/export.h"
#include "muster/instant.h"
#include "muster/swarm_store.h"

namespace muster {

struct DetailedStoreOptions {
  // As MemoryStoreOptions has them; ages are exact.
  Seconds peer_timeout{45 * 60};
  Seconds keep_completed{24 * 60 * 60};
  bool keep_empty = false;
  std::uint64_t max_torrents = 0;
  std::uint64_t max_peers = 0;
  // Failed checks until a peer counts as unreachable for good; it is counted then, but not handed
  // out. Nor is it before its first check. 0: nobody is checked, and everybody is handed out who has
  // a port. At most NatRecord::kMaxTries.
  int nat_tries = 0;
  // Count a download as finished when a known peer comes to have everything, and take that back when
  // it comes to lack something, as bttrack does, whatever the peer says. Off: a peer's `completed`
  // counts, once.
  bool completed_by_left = false;
};

// Thread-safe, as every SwarmStore.
MUSTER_EXPORT std::unique_ptr<SwarmStore> NewDetailedStore(
    const DetailedStoreOptions& options = {});

}  // namespace muster

#endif  // MUSTER_DETAILED_STORE_H_
