// SPDX-License-Identifier: Apache-2.0
#ifndef MUSTER_TESTS_TRACKER_TRACKER_TESTING_H_
#define MUSTER_TESTS_TRACKER_TRACKER_TESTING_H_

#include <cstdint>

#include "muster/ids.h"

namespace muster {

// One of 256 torrents.
inline InfoHash HashOf(std::uint8_t n) {
  const std::uint8_t bytes[20] = {n, 1, 2, 3};
  return InfoHash::FromBytes(bytes);
}

}  // namespace muster

#endif  // MUSTER_TESTS_TRACKER_TRACKER_TESTING_H_
