// SPDX-License-Identifier: Apache-2.0
//
// opentracker's state dump (mode=statedump), made while it is sent: for each torrent, in ascending
// order, HEX:MINUTE:COMPLETED, the minute that of its last activity since the epoch. It can be read
// back by opentracker, by musterd, and by muster-dfile. Thread-compatible.
#ifndef MUSTER_LIB_WEB_STATE_DUMP_H_
#define MUSTER_LIB_WEB_STATE_DUMP_H_

#include <memory>

#include "base/counter.h"
#include "http/body.h"
#include "muster/instant.h"
#include "muster/swarm_store.h"

namespace muster {

// The store must outlive the body. What is made is added to `bytes`. `now` is the minute of a torrent
// whose last activity the store does not know.
std::unique_ptr<HttpBody> NewStateDump(const SwarmStore& store, Instant now, Counter* bytes);

}  // namespace muster

#endif  // MUSTER_LIB_WEB_STATE_DUMP_H_
