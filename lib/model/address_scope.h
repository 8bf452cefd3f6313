// SPDX-License-Identifier: Apache-2.0
//
// Where an address leads, for a program that connects to addresses which strangers have named.
// Reentrant.
#ifndef MUSTER_LIB_MODEL_ADDRESS_SCOPE_H_
#define MUSTER_LIB_MODEL_ADDRESS_SCOPE_H_

#include <cstdint>

#include "muster/endpoint.h"

namespace muster {

enum class AddressScope : std::uint8_t {
  kPublic,
  // This machine, its networks, or what is set aside for other uses (RFC 6890); 6to4 and NAT64, as
  // they lead to any IPv4 address.
  kPrivate,
  // Not one host: "any", multicast, broadcast, and what may never be used.
  kNone,
};
AddressScope ScopeOf(const IpAddress& address);

}  // namespace muster

#endif  // MUSTER_LIB_MODEL_ADDRESS_SCOPE_H_
