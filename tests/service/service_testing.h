// SPDX-License-Identifier: Apache-2.0
//
// What tests of services by HTTP share: a time, a torrent, and peers' ids.
#ifndef MUSTER_TESTS_SERVICE_SERVICE_TESTING_H_
#define MUSTER_TESTS_SERVICE_SERVICE_TESTING_H_

#include <string>

#include "muster/instant.h"

namespace muster {

inline constexpr Instant kNow = InstantFromUnixSeconds(1'700'000'000);
inline const std::string kHash(20, 'h');

inline std::string Id(char last) { return std::string("-MU0001-00000000000") + last; }

}  // namespace muster

#endif  // MUSTER_TESTS_SERVICE_SERVICE_TESTING_H_
