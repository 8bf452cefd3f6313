// SPDX-License-Identifier: Apache-2.0
#include "net/socket.h"

#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>

#include "absl/status/status.h"

namespace muster {
namespace {

// How long the kernel keeps a silent connection to itself before we see it anyway. One second is
// the smallest.
constexpr int kDeferAcceptSeconds = 1;

// "Address already in use" as the middle of a sentence: "udp://127.0.0.1:6969: address already in
// use".
absl::Status ErrnoStatus() {
  const int error = errno;
  std::string text = std::strerror(error);
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') text[0] = static_cast<char>(text[0] + 32);
  return absl::Status(absl::ErrnoToStatusCode(error), text);
}

bool SetOption(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

// What both kinds have in common, up to a bound socket.
absl::StatusOr<UniqueFd> Bind(int type, const Endpoint& endpoint, const SocketOptions& options) {
  const SocketAddress address(endpoint);
  UniqueFd fd(socket(address.any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return ErrnoStatus();
  if (address.any.sa_family == AF_INET6 && !SetOption(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1)) {
    return ErrnoStatus();
  }
  // A restarted server must not wait for the last one's connections to be forgotten. (On UDP the
  // option would let two programs share the port.)
  if (type == SOCK_STREAM && !SetOption(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1))
    return ErrnoStatus();
  if (options.buffer > 0) {
    SetOption(fd.get(), SOL_SOCKET, SO_RCVBUF, options.buffer);
    SetOption(fd.get(), SOL_SOCKET, SO_SNDBUF, options.buffer);
  }
  if (options.sharing == PortSharing::kJoin && !SetOption(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1)) {
    return ErrnoStatus();
  }
  if (bind(fd.get(), &address.any, address.size) != 0) return ErrnoStatus();
  return fd;
}

// Bound without the option, the first one fails where another program listens; set now, it lets
// the others join. A TCP socket listens before, or the kernel keeps the whole port as a shared one.
absl::Status LetOthersJoin(int fd, const SocketOptions& options) {
  if (options.sharing != PortSharing::kFirst) return absl::OkStatus();
  if (!SetOption(fd, SOL_SOCKET, SO_REUSEPORT, 1)) return ErrnoStatus();
  return absl::OkStatus();
}

}  // namespace

SocketAddress::SocketAddress(const Endpoint& endpoint) : SocketAddress() {
  const std::uint8_t* compact = endpoint.compact().data();
  if (endpoint.family() == AddressFamily::kIpv4) {
    v4 = {};
    v4.sin_family = AF_INET;
    std::memcpy(&v4.sin_addr, compact, 4);
    std::memcpy(&v4.sin_port, compact + 4, 2);
    size = sizeof v4;
  } else {
    v6.sin6_family = AF_INET6;
    std::memcpy(&v6.sin6_addr, compact, 16);
    std::memcpy(&v6.sin6_port, compact + 16, 2);
  }
}

absl::StatusOr<UniqueFd> BindUdp(const Endpoint& endpoint, const SocketOptions& options) {
  absl::StatusOr<UniqueFd> fd = Bind(SOCK_DGRAM, endpoint, options);
  if (!fd.ok()) return fd;
  if (absl::Status status = LetOthersJoin(fd->get(), options); !status.ok()) return status;
  const bool ipv4 = endpoint.family() == AddressFamily::kIpv4;
  // Answers are made small enough to cross the network in one piece (1280 bytes with their headers). So the
  // kernel need not think of fragments, which costs it an identification for each datagram, nor
  // believe whoever tells it of narrow paths.
  if (ipv4) {
    SetOption(fd->get(), IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
  } else {
    SetOption(fd->get(), IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
  }
  if (!endpoint.address().is_unspecified()) return fd;
  // On a machine with several addresses an answer must leave from the one that was asked, so every
  // datagram says which it was. That costs a little, and a socket bound to one address knows
  // anyway.
  const bool told = ipv4 ? SetOption(fd->get(), IPPROTO_IP, IP_PKTINFO, 1)
                         : SetOption(fd->get(), IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  if (!told) return ErrnoStatus();
  return fd;
}

absl::StatusOr<UniqueFd> ListenTcp(const Endpoint& endpoint, const SocketOptions& options) {
  absl::StatusOr<UniqueFd> fd = Bind(SOCK_STREAM, endpoint, options);
  if (!fd.ok()) return fd;
  // Accepted sockets inherit it, so that pipelined answers do not wait for one another.
  SetOption(fd->get(), IPPROTO_TCP, TCP_NODELAY, 1);
  SetOption(fd->get(), IPPROTO_TCP, TCP_DEFER_ACCEPT, kDeferAcceptSeconds);
  // The kernel cuts this down to net.core.somaxconn.
  if (listen(fd->get(), 65535) != 0) return ErrnoStatus();
  if (absl::Status status = LetOthersJoin(fd->get(), options); !status.ok()) return status;
  // Inherited too: a request is acknowledged by its answer.
  SetOption(fd->get(), IPPROTO_TCP, TCP_QUICKACK, 0);
  return fd;
}

absl::Status StopSharing(int fd) {
  if (!SetOption(fd, SOL_SOCKET, SO_REUSEPORT, 0)) return ErrnoStatus();
  return absl::OkStatus();
}

absl::StatusOr<Endpoint> LocalEndpoint(int fd) {
  SocketAddress address;
  if (getsockname(fd, &address.any, &address.size) != 0) return ErrnoStatus();
  return address.endpoint();
}

}  // namespace muster
