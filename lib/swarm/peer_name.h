// SPDX-License-Identifier: Apache-2.0
//
// What a store that keeps details knows a peer by. Reentrant.
#ifndef MUSTER_LIB_SWARM_PEER_NAME_H_
#define MUSTER_LIB_SWARM_PEER_NAME_H_

#include <compare>
#include <string_view>

#include "absl/status/statusor.h"
#include "model/made_up_id.h"
#include "muster/endpoint.h"
#include "muster/ids.h"

namespace muster {

struct PeerName {
  PeerId id;
  AddressFamily family;  // of the address at which it is reached

  auto operator<=>(const PeerName&) const = default;
};

// `id` may be null: the peer is then known by where it is reached.
inline PeerName NameOfPeer(const PeerId* id, const Endpoint& reached) {
  return {id != nullptr ? *id : MadeUpPeerId(reached), reached.family()};
}

// Where a peer of a saved state is reached, which announced from `peer`, and gave this as its `ip`.
inline Endpoint ReachedAt(const Endpoint& peer, std::string_view given_ip) {
  if (given_ip.empty()) return peer;
  const absl::StatusOr<IpAddress> given = IpAddress::Parse(given_ip);
  return given.ok() ? Endpoint(*given, peer.port()) : peer;
}

}  // namespace muster

#endif  // MUSTER_LIB_SWARM_PEER_NAME_H_
