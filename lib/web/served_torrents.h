// SPDX-License-Identifier: Apache-2.0
//
// ServedTorrents: all torrents of a tracker, one after another: those that have a swarm, and those
// that the catalog says are served. Walks are made in as many steps as one likes, while others use
// the store. Thread-compatible; the store and the policy must outlive them.
#ifndef MUSTER_LIB_WEB_SERVED_TORRENTS_H_
#define MUSTER_LIB_WEB_SERVED_TORRENTS_H_

#include <cstddef>
#include <memory>

#include "muster/ids.h"
#include "muster/swarm_store.h"
#include "muster/torrent_catalog.h"
#include "muster/tracker.h"

namespace muster {

// A torrent that is visited and not written is as much work as so many bytes of a list.
inline constexpr std::size_t kBytesAVisit = 64;

inline bool HasPeers(const SwarmCounts& counts) {
  return counts.complete() > 0 || counts.incomplete() > 0;
}

// Whether the policy, which may be null, does not show it.
inline bool IsHidden(const Policy* policy, const InfoHash& info_hash) {
  return policy != nullptr && !policy->Shows(info_hash);
}

struct ServedTorrent {
  InfoHash info_hash;
  SwarmCounts counts;
  // Null where nothing is known of it.
  const CatalogTorrent* torrent = nullptr;
  // The policy does not show it. It is told of all the same, so that a long row of them can be gone
  // through in steps.
  bool hidden = false;

  // Whether there is nothing of it but the count of those who finished.
  bool is_dead() const { return torrent == nullptr && !HasPeers(counts); }
};

class ServedTorrents {
 public:
  virtual ~ServedTorrents() = default;
  // As SwarmCursor::Next(): sets `served` when it is at the next one.
  [[nodiscard]] virtual SwarmCursor::Step Next(ServedTorrent& served) = 0;
};

// In ascending order of info hash. `list` and `policy` may be null.
std::unique_ptr<ServedTorrents> TorrentsByHash(const SwarmStore& store, const Policy* policy,
                                               std::shared_ptr<const TorrentList> list);

// Those of the list alone, by name. The second hash of a hybrid torrent is passed over while it has
// no swarm.
std::unique_ptr<ServedTorrents> TorrentsByName(const SwarmStore& store, const Policy* policy,
                                               std::shared_ptr<const TorrentList> list);

}  // namespace muster

#endif  // MUSTER_LIB_WEB_SERVED_TORRENTS_H_
