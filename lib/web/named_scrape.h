// SPDX-License-Identifier: Apache-2.0
//
// The full scrape of a tracker that has a catalog: every torrent of it, with a swarm or without,
// and its name where names are told. Made while it is sent, in ascending order of info hash.
// Thread-compatible.
#ifndef MUSTER_LIB_WEB_NAMED_SCRAPE_H_
#define MUSTER_LIB_WEB_NAMED_SCRAPE_H_

#include <memory>

#include "base/counter.h"
#include "http/body.h"
#include "muster/swarm_store.h"
#include "muster/torrent_catalog.h"
#include "muster/tracker.h"

namespace muster {

// The store and the policy, which may be null, must outlive the body. What is made is added to
// `bytes`.
std::unique_ptr<HttpBody> NewNamedScrape(const SwarmStore& store, const Policy* policy,
                                         std::shared_ptr<const TorrentList> list, bool show_names,
                                         Counter* bytes);

}  // namespace muster

#endif  // MUSTER_LIB_WEB_NAMED_SCRAPE_H_
