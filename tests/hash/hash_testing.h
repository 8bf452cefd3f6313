// SPDX-License-Identifier: Apache-2.0
#ifndef MUSTER_TESTS_HASH_HASH_TESTING_H_
#define MUSTER_TESTS_HASH_HASH_TESTING_H_

#include <cstdint>
#include <vector>

#include "muster/random.h"

namespace muster {

inline std::vector<std::uint8_t> RandomBytes(Random& random, std::size_t n) {
  std::vector<std::uint8_t> bytes(n);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random.Next());
  return bytes;
}

}  // namespace muster

#endif  // MUSTER_TESTS_HASH_HASH_TESTING_H_
