// SPDX-License-Identifier: Apache-2.0
#ifndef MUSTER_TESTS_MODEL_IP_TESTING_H_
#define MUSTER_TESTS_MODEL_IP_TESTING_H_

#include <string_view>

#include "muster/endpoint.h"

namespace muster {

// An address that is known to be good.
inline IpAddress Ip(std::string_view text) { return *IpAddress::Parse(text); }

}  // namespace muster

#endif  // MUSTER_TESTS_MODEL_IP_TESTING_H_
