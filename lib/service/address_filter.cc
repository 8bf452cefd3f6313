// SPDX-License-Identifier: Apache-2.0
#include "model/address_scope.h"
#include "muster/server.h"

namespace muster {

bool IsLoopback(const IpAddress& address) { return address.is_loopback(); }
bool IsLocalNetwork(const IpAddress& address) { return ScopeOf(address) == AddressScope::kPrivate; }
bool IsAnybody(const IpAddress& /*address*/) { return true; }

}  // namespace muster
