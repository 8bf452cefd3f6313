// SPDX-License-Identifier: Apache-2.0
//
// What no saved state says, and what readers take for damage where one does. Reentrant.
#ifndef MUSTER_LIB_STATE_BOUNDS_H_
#define MUSTER_LIB_STATE_BOUNDS_H_

#include <algorithm>
#include <cstdint>

#include "muster/instant.h"

namespace muster {

// Times are no further from 1970 than this: 34,000 years.
inline constexpr std::int64_t kMostSeconds = std::int64_t{1} << 40;
constexpr bool IsTimeOfState(Instant time) {
  const std::int64_t seconds = time.time_since_epoch().count();
  return seconds >= -kMostSeconds && seconds <= kMostSeconds;
}

// An address that belongs to IPv4, in the 18 bytes of an IPv6 peer: an answer must not have it.
inline bool IsIpv4Mapped(const std::uint8_t* compact) {
  constexpr std::uint8_t kPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::equal(kPrefix, kPrefix + 12, compact);
}

}  // namespace muster

#endif  // MUSTER_LIB_STATE_BOUNDS_H_
