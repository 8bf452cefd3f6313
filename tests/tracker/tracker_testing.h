// SPDX-License-Identifier: Apache-2.0
#ifndef MUSTER_TESTS_TRACKER_TRACKER_TESTING_H_
#define MUSTER_TESTS_TRACKER_TRACKER_TESTING_H_

#include <cstdint>

#include "muster/ids.h"
#include "muster/instant.h"

namespace muster {

// One of 256 torrents.
inline InfoHash HashOf(std::uint8_t n) {
  const std::uint8_t bytes[20] = {n, 1, 2, 3};
  return InfoHash::FromBytes(bytes);
}

// Any time will do.
inline constexpr Instant kStart = InstantFromUnixSeconds(1'800'000'000);

}  // namespace muster

#endif  // MUSTER_TESTS_TRACKER_TRACKER_TESTING_H_
