// SPDX-License-Identifier: Apache-2.0
#ifndef MUSTER_LIB_SWARM_CURSOR_H_
#define MUSTER_LIB_SWARM_CURSOR_H_

#include <algorithm>
#include <array>
#include <cstdint>

#include "muster/swarm_store.h"

namespace muster {

// Puts a cursor behind a swarm, of which nothing more is to be visited. Reentrant.
inline void Pass(SwarmCursor& cursor, const InfoHash& info_hash) {
  std::array<std::uint8_t, InfoHash::kSize> next;
  std::copy_n(info_hash.data(), next.size(), next.begin());
  std::size_t i = next.size();
  while (i > 0 && ++next[i - 1] == 0) --i;
  cursor = {.next = InfoHash::FromBytes(next.data()), .at_end = i == 0};
}

}  // namespace muster

#endif  // MUSTER_LIB_SWARM_CURSOR_H_
