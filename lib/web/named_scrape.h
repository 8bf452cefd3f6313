// SPDX-License-Identifier: Apache-2.0
//
// The full scrape of a tracker that has a catalog, or that does not tell of every torrent: those of
// the catalog, with a swarm or without, with their names where these are told, and the others that
// have peers or, where that is wanted, have none. Made while it is sent, in ascending order of info
// hash. Thread-compatible.
#ifndef MUSTER_LIB_WEB_NAMED_SCRAPE_H_
#define MUSTER_LIB_WEB_NAMED_SCRAPE_H_

#include <memory>

#include "http/body.h"
#include "muster/swarm_store.h"
#include "muster/torrent_catalog.h"
#include "muster/tracker.h"

namespace muster {

struct NamedScrapeOptions {
  // Of the catalog; may be null.
  std::shared_ptr<const TorrentList> torrents = nullptr;
  // Says which torrents are listed; null for all. Must outlive the body.
  const Policy* policy = nullptr;
  bool show_names = true;
  // Tell of torrents that have no peers and are not in the catalog.
  bool show_dead = true;
};

// The store must outlive the body.
std::unique_ptr<HttpBody> NewNamedScrape(const SwarmStore& store,
                                         const NamedScrapeOptions& options);

}  // namespace muster

#endif  // MUSTER_LIB_WEB_NAMED_SCRAPE_H_
