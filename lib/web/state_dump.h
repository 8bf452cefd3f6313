// SPDX-License-Identifier: Apache-2.0
//
// opentracker's state dump (mode=statedump), made while it is sent: for each torrent, in ascending
// order, HEX:MINUTE:COMPLETED, the minute that of its last activity since the epoch. It can be read
// back by opentracker, by musterd, and by muster-dfile. Thread-compatible.
#ifndef MUSTER_LIB_WEB_STATE_DUMP_H_
#define MUSTER_LIB_WEB_STATE_DUMP_H_

#include <memory>

#include "http/body.h"
#include "muster/instant.h"
#include "muster/swarm_store.h"
#include "muster/tracker.h"

namespace muster {

// The store and the policy, which may be null, must outlive the body; what the policy does not show
// is left out. `now` is the minute of a torrent whose last activity the store does not know.
std::unique_ptr<HttpBody> NewStateDump(const SwarmStore& store, const Policy* policy, Instant now);

}  // namespace muster

#endif  // MUSTER_LIB_WEB_STATE_DUMP_H_
