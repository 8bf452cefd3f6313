// SPDX-License-Identifier: Apache-2.0
//
// The largest torrents, as opentracker lists them (modes top10 and top100). Found by a walk over all
// of them, in pieces. Thread-compatible.
#ifndef MUSTER_LIB_WEB_TOP_TORRENTS_H_
#define MUSTER_LIB_WEB_TOP_TORRENTS_H_

#include <cstddef>
#include <memory>

#include "http/body.h"
#include "muster/swarm_store.h"
#include "muster/tracker.h"

namespace muster {

// The store and the policy, which may be null, must outlive the body.
std::unique_ptr<HttpBody> NewTopTorrents(const SwarmStore& store, const Policy* policy,
                                         std::size_t places);

}  // namespace muster

#endif  // MUSTER_LIB_WEB_TOP_TORRENTS_H_
