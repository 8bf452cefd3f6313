// SPDX-License-Identifier: Apache-2.0
//
// The units that settings are counted in.
#ifndef MUSTER_TOOLS_MUSTERD_UNITS_H_
#define MUSTER_TOOLS_MUSTERD_UNITS_H_

#include <cstdint>

namespace musterd {

inline constexpr std::uint64_t kSecond = 1000;  // times are written in milliseconds here
inline constexpr std::uint64_t kMinute = 60 * kSecond;
inline constexpr std::uint64_t kHour = 60 * kMinute;
inline constexpr std::uint64_t kDay = 24 * kHour;
inline constexpr std::uint64_t kUnlimited =
    1'000'000'000'000;  // more torrents or peers than any machine holds

}  // namespace musterd

#endif  // MUSTER_TOOLS_MUSTERD_UNITS_H_
