// SPDX-License-Identifier: Apache-2.0
//
// opentracker's mode=s24s: the IPv4 networks with the most peers, over all torrents, made by two walks
// in bounded memory: the first finds which networks may be among them, the second counts those.
// Thread-compatible.
#ifndef MUSTER_LIB_WEB_BUSY_NETWORKS_H_
#define MUSTER_LIB_WEB_BUSY_NETWORKS_H_

#include <memory>

#include "http/body.h"
#include "muster/swarm_store.h"
#include "muster/tracker.h"

namespace muster {

// The 128 largest /28 networks, then the 128 largest /24 networks, of the torrents that the policy
// shows. The store and the policy, which may be null, must outlive the body.
std::unique_ptr<HttpBody> NewBusyNetworks(const SwarmStore& store, const Policy* policy);

}  // namespace muster

#endif  // MUSTER_LIB_WEB_BUSY_NETWORKS_H_
