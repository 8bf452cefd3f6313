// SPDX-License-Identifier: Apache-2.0
#include "muster/random.h"

#include <random>

namespace muster {

Random Random::FromSystem() {
  std::random_device device;
  const std::uint64_t high = device();
  return Random(high << 32 | device());
}

}  // namespace muster
