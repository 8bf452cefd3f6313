// SPDX-License-Identifier: Apache-2.0
//
// Sockets for IPv4 multicast: one that receives what is sent to a group, and one that sends to it.
// Reentrant.
#ifndef MUSTER_LIB_NET_MULTICAST_H_
#define MUSTER_LIB_NET_MULTICAST_H_

#include "absl/status/statusor.h"
#include "muster/endpoint.h"
#include "net/socket.h"

namespace muster {

// Both are non-blocking and closed on exec. `interface` is the address of one that this machine has.
// Statuses say what the kernel said.

// Receives what comes to `group` (port 0: a free one) through the interface. Others on this machine
// may listen there as well: each gets it all.
absl::StatusOr<UniqueFd> ListenMulticast(const Endpoint& group, const IpAddress& interface);

// Sends through the interface and no further than its network; trackers on this machine hear it too.
absl::StatusOr<UniqueFd> MulticastSender(const IpAddress& interface);

}  // namespace muster

#endif  // MUSTER_LIB_NET_MULTICAST_H_
