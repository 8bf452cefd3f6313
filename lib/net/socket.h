// SPDX-License-Identifier: Apache-2.0
//
// Sockets before they meet a loop: opening, binding, and addresses as the kernel has them.
#ifndef MUSTER_LIB_NET_SOCKET_H_
#define MUSTER_LIB_NET_SOCKET_H_

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "absl/status/statusor.h"
#include "base/unique_fd.h"
#include "muster/endpoint.h"

namespace muster {

// Who may listen on the same address and port besides this socket (SO_REUSEPORT).
enum class PortSharing {
  kNone,
  // Nobody may be there already; sockets that say kJoin may come later.
  kFirst,
  kJoin,
};

struct SocketOptions {
  PortSharing sharing = PortSharing::kNone;
  // Receive and send buffer to ask the kernel for, in bytes; it may give less. 0 leaves the
  // default.
  int buffer = 0;
};

// Non-blocking sockets, closed on exec, bound to `endpoint` (port 0: a free one); an IPv6 one takes
// IPv6 only. The status says what the kernel said ("address already in use"), not where: the caller
// knows better how to name it.
absl::StatusOr<UniqueFd> BindUdp(const Endpoint& endpoint, const SocketOptions& options);
// Listening, and handing over connections only when their first bytes are there (TCP_DEFER_ACCEPT).
absl::StatusOr<UniqueFd> ListenTcp(const Endpoint& endpoint, const SocketOptions& options);

// Whether errno says of a socket's call that it is to be tried again, later or at once.
inline bool WouldBlock() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

// Ends what kFirst and kJoin began: nobody joins this socket any more, and of those that share an
// address each is on its own, so it is for sockets of different addresses.
absl::Status StopSharing(int fd);

// The address that a socket is bound to.
absl::StatusOr<Endpoint> LocalEndpoint(int fd);

// An address as the kernel reads and writes it: a sockaddr_in or a sockaddr_in6.
struct SocketAddress {
  union {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
  };
  socklen_t size;

  SocketAddress() : v6{}, size(sizeof v6) {}
  explicit SocketAddress(const Endpoint& endpoint);

  // Canonical: an IPv4-mapped address becomes IPv4.
  Endpoint endpoint() const {
    if (any.sa_family == AF_INET) {
      std::uint8_t compact[6];  // the same fields in the other order, both in network order already
      std::memcpy(compact, &v4.sin_addr, 4);
      std::memcpy(compact + 4, &v4.sin_port, 2);
      return Endpoint::FromCompact(AddressFamily::kIpv4, compact);
    }
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) return {address(), ntohs(v6.sin6_port)};
    std::uint8_t compact[18];
    std::memcpy(compact, &v6.sin6_addr, 16);
    std::memcpy(compact + 16, &v6.sin6_port, 2);
    return Endpoint::FromCompact(AddressFamily::kIpv6, compact);
  }
  IpAddress address() const {
    return any.sa_family == AF_INET
               ? IpAddress::FromIpv4(reinterpret_cast<const std::uint8_t*>(&v4.sin_addr))
               : IpAddress::FromIpv6(v6.sin6_addr.s6_addr);
  }
};

}  // namespace muster

#endif  // MUSTER_LIB_NET_SOCKET_H_
