// SPDX-License-Identifier: Apache-2.0
//
// The PROXY protocol, versions 1 (a line of text) and 2 (binary): what a proxy that does not look
// into a connection, or into datagrams, puts in front, to say whom they are for. Pure functions;
// thread-safe.
// Source: https://www.haproxy.org/download/2.8/doc/proxy-protocol.txt
#ifndef MUSTER_LIB_NET_PROXY_PROTOCOL_H_
#define MUSTER_LIB_NET_PROXY_PROTOCOL_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "muster/endpoint.h"

namespace muster {

// A line of version 1 is not longer than this, by its specification.
inline constexpr std::size_t kMaxProxyLine = 107;
// A header of version 2 may carry more than addresses; a longer one is refused.
inline constexpr std::size_t kMaxProxyHeader = 16 + 4096;

struct ProxyPreamble {
  enum class Result : std::uint8_t {
    kNeedMore,  // it is right so far
    kBad,       // it is none, or one that does not belong there
    kDone,
  };
  Result result = Result::kNeedMore;
  // How many bytes it is, with kDone.
  std::size_t size = 0;
  // Where the connection comes from; nothing where the proxy speaks for itself, or does not know.
  std::optional<IpAddress> client;
  // It speaks for itself, as it does to see whether the server is well.
  bool is_local = false;
};

// What stands at the beginning of a TCP connection of which `bytes` have come.
ProxyPreamble ParseProxyPreamble(std::string_view bytes);
// What stands at the beginning of a whole datagram: a header of version 2, as version 1 has none for
// UDP. Never kNeedMore.
ProxyPreamble ParseProxyDatagram(std::string_view datagram);

}  // namespace muster

#endif  // MUSTER_LIB_NET_PROXY_PROTOCOL_H_
