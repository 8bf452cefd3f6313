// SPDX-License-Identifier: Apache-2.0
//
// Instant: the time of an event, in whole seconds. muster never reads a clock outside of its
// servers: whoever calls says what time it is. Only differences matter to the tracker, so a test
// may begin at any Instant it likes; a server uses Unix time and never lets it run backwards.
#ifndef MUSTER_INSTANT_H_
#define MUSTER_INSTANT_H_

#include <chrono>
#include <cstdint>

namespace muster {

using Seconds = std::chrono::seconds;
using Instant = std::chrono::sys_seconds;

constexpr Instant InstantFromUnixSeconds(std::int64_t seconds) { return Instant(Seconds(seconds)); }

}  // namespace muster

#endif  // MUSTER_INSTANT_H_
