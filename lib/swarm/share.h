// SPDX-License-Identifier: Apache-2.0
//
// How the peers that are wanted are shared between the address families. Reentrant.
#ifndef MUSTER_LIB_SWARM_SHARE_H_
#define MUSTER_LIB_SWARM_SHARE_H_

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>

namespace muster {

struct Shares {
  std::size_t of[2];
};

// Of families that can give `ipv4` and `ipv6` peers: each at least a quarter, and the rest in
// proportion.
inline Shares Share(std::size_t wanted, std::size_t ipv4, std::size_t ipv6, std::uint64_t random) {
  if (ipv4 + ipv6 <= wanted) return {{ipv4, ipv6}};
  const std::size_t least4 = std::min(ipv4, wanted / 4);
  const std::size_t least6 = std::min(ipv6, wanted / 4);
  const std::size_t rest = wanted - least4 - least6;
  const std::size_t more = ipv4 - least4 + ipv6 - least6;
  assert(more > 0);  // as not all are wanted
  // Rounded by chance, so that no family gains by it.
  const std::size_t more4 = (rest * (ipv4 - least4) + random % more) / more;
  return {{least4 + more4, least6 + rest - more4}};
}

}  // namespace muster

#endif  // MUSTER_LIB_SWARM_SHARE_H_
