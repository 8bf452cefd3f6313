// SPDX-License-Identifier: Apache-2.0
//
// The sockets of a server, bound before any loop knows of them, so that a failure leaves nothing
// behind.
#ifndef MUSTER_LIB_SERVER_BIND_H_
#define MUSTER_LIB_SERVER_BIND_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "muster/server.h"
#include "net/socket.h"

namespace muster {

struct BoundListener {
  Listener listener;  // with the port in force
  UniqueFd socket;
};

// All of them, in their order, or the first failure with the listener's name:
// "udp://127.0.0.1:6969: address already in use". `udp_buffer` as in UdpOptions::socket_buffer.
// An unspecified address may stand beside others of its family on the same port: what comes to one
// of those goes there, the rest to the unspecified one.
absl::StatusOr<std::vector<BoundListener>> BindAll(absl::Span<const Listener> listeners,
                                                   PortSharing sharing, int udp_buffer);

std::vector<Listener> ListenersOf(absl::Span<const BoundListener> bound);

}  // namespace muster

#endif  // MUSTER_LIB_SERVER_BIND_H_
