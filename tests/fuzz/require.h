// SPDX-License-Identifier: Apache-2.0
#ifndef MUSTER_TESTS_FUZZ_REQUIRE_H_
#define MUSTER_TESTS_FUZZ_REQUIRE_H_

#include <cstdlib>

namespace muster {

// Aborts where that does not hold, as a fuzz target has nobody to tell.
inline void Require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace muster

#endif  // MUSTER_TESTS_FUZZ_REQUIRE_H_
