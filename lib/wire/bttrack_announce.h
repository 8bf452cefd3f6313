// SPDX-License-Identifier: Apache-2.0
//
// What bttrack demands of an HTTP announce beyond what everybody does, in its order and its words.
// Pure functions, reentrant.
#ifndef MUSTER_LIB_WIRE_BTTRACK_ANNOUNCE_H_
#define MUSTER_LIB_WIRE_BTTRACK_ANNOUNCE_H_

#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "muster/ids.h"

namespace muster {

// What follows this in the answer is what CheckBttrackAnnounce() says.
inline constexpr std::string_view kBttrackGarbage = "you sent me garbage - ";
inline constexpr std::string_view kBttrackOutdated = "your client is outdated, please upgrade";
inline constexpr std::string_view kBttrackNotFound =
    "your file may exist elsewhere in the universe\nbut alas, not here\n";

// InvalidArgument for the first thing that is wrong with the query of an announce: "no info hash",
// "id not of length 20", "invalid event", "invalid port", "invalid amount left". `paused` is an event
// as well (BEP 21). Of repeated parameters the first counts. `info_hash` is set as soon as there is
// one.
absl::Status CheckBttrackAnnounce(std::string_view query, std::optional<InfoHash>& info_hash);

}  // namespace muster

#endif  // MUSTER_LIB_WIRE_BTTRACK_ANNOUNCE_H_
