// SPDX-License-Identifier: Apache-2.0
//
// HostPort: a host by name or by address, and a port. What torrents and magnet links call a DHT
// node (BEP 5) or a peer (BEP 9); nothing is looked up. A plain value, usable from any thread.
#ifndef MUSTER_HOST_PORT_H_
#define MUSTER_HOST_PORT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "muster/export.h"

namespace muster {

struct MUSTER_EXPORT HostPort {
  // As long as a name in the DNS can be.
  static constexpr std::size_t kMaxHost = 255;

  // A name, a dotted quad, or an IPv6 address without brackets.
  std::string host;
  std::uint16_t port = 0;

  // "host:port" or "[address]:port": a host of 1 to kMaxHost bytes without blanks, control
  // characters and "/?#@[]", and a colon only within brackets; a port from 1 to 65535.
  static absl::StatusOr<HostPort> Parse(std::string_view text);
  // As Parse() reads it.
  std::string ToString() const;

  bool operator==(const HostPort&) const = default;
};

// Whether HostPort::Parse() would take such a host, an IPv6 address without its brackets.
MUSTER_EXPORT bool IsHost(std::string_view host);

}  // namespace muster

#endif  // MUSTER_HOST_PORT_H_
