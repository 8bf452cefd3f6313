// SPDX-License-Identifier: Apache-2.0
//
// TrackerUrl: the announce URL of a tracker that muster itself can ask: http://host[:port]/path or
// udp://host:port[/path]. A plain value, usable from any thread.
#ifndef MUSTER_TRACKER_URL_H_
#define MUSTER_TRACKER_URL_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "muster/export.h"
#include "muster/host_port.h"

namespace muster {

struct MUSTER_EXPORT TrackerUrl {
  enum class Scheme : std::uint8_t { kHttp, kUdp };
  static constexpr std::size_t kMaxSize = 2048;

  Scheme scheme = Scheme::kHttp;
  HostPort server;
  // Path and query, from the '/' on; for udp empty when the URL has none.
  std::string target;

  // InvalidArgument for longer ones, for blanks, control characters, bytes beyond ASCII and
  // fragments, for user names and passwords, for udp without a port, and for other schemes: https
  // too, as muster does not speak TLS.
  static absl::StatusOr<TrackerUrl> Parse(std::string_view text);
  // As Parse() reads it, always with a port.
  std::string ToString() const;

  bool operator==(const TrackerUrl&) const = default;
};

}  // namespace muster

#endif  // MUSTER_TRACKER_URL_H_
