// SPDX-License-Identifier: Apache-2.0
//
// The peer id that stands for a peer whose id is not known, where one is asked for. Reentrant.
#ifndef MUSTER_LIB_MODEL_MADE_UP_ID_H_
#define MUSTER_LIB_MODEL_MADE_UP_ID_H_

#include <algorithm>
#include <array>
#include <cstdint>

#include "muster/endpoint.h"
#include "muster/ids.h"

namespace muster {

// Made of the peer's address, so that it differs from that of any other peer, and is recognised.
inline PeerId MadeUpPeerId(const Endpoint& peer) {
  std::array<std::uint8_t, PeerId::kSize> bytes{};
  bytes[0] = '?';
  bytes[1] = peer.family() == AddressFamily::kIpv4 ? '4' : '6';
  std::copy(peer.compact().begin(), peer.compact().end(), bytes.begin() + 2);
  return PeerId::FromBytes(bytes.data());
}

}  // namespace muster

#endif  // MUSTER_LIB_MODEL_MADE_UP_ID_H_
