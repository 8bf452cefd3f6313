// SPDX-License-Identifier: Apache-2.0
#include "net/multicast.h"

#include <cerrno>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace muster {
namespace {

absl::Status Failed(const char* what) {
  return absl::ErrnoToStatus(errno, absl::StrCat("cannot ", what));
}

template <typename Value>
bool SetOption(const UniqueFd& fd, int level, int name, const Value& value) {
  return setsockopt(fd.get(), level, name, &value, sizeof value) == 0;
}

UniqueFd NewSocket() {
  return UniqueFd(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

in_addr InAddr(const IpAddress& address) {
  in_addr in{};
  std::memcpy(&in, address.bytes().data(), sizeof in);
  return in;
}

absl::Status CheckFamily(const IpAddress& address) {
  if (address.family() == AddressFamily::kIpv4 && !address.is_unspecified())
    return absl::OkStatus();
  return absl::InvalidArgumentError("an IPv4 address of an interface is needed");
}

}  // namespace

absl::StatusOr<UniqueFd> ListenMulticast(const Endpoint& group, const IpAddress& interface) {
  if (absl::Status status = CheckFamily(interface); !status.ok()) return status;
  UniqueFd fd = NewSocket();
  if (fd.get() < 0) return Failed("open a socket");
  if (!SetOption(fd, SOL_SOCKET, SO_REUSEADDR, 1)) return Failed("share the port");
  // Bound to the group, it gets nothing that was sent to this machine alone.
  const SocketAddress address(group);
  if (bind(fd.get(), &address.any, address.size) != 0) return Failed("bind");
  const ip_mreq join{InAddr(group.address()), InAddr(interface)};
  if (!SetOption(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, join)) return Failed("join the group");
  // Of this socket's memberships, not those of others on the machine.
  if (!SetOption(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0)) return Failed("keep to the group");
  return fd;
}

absl::StatusOr<UniqueFd> MulticastSender(const IpAddress& interface) {
  if (absl::Status status = CheckFamily(interface); !status.ok()) return status;
  UniqueFd fd = NewSocket();
  if (fd.get() < 0) return Failed("open a socket");
  const SocketAddress address(Endpoint(interface, 0));
  if (bind(fd.get(), &address.any, address.size) != 0) return Failed("bind");
  if (!SetOption(fd, IPPROTO_IP, IP_MULTICAST_IF, InAddr(interface)) ||
      !SetOption(fd, IPPROTO_IP, IP_MULTICAST_TTL, 1) ||
      !SetOption(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 1)) {
    return Failed("set up multicast");
  }
  return fd;
}

}  // namespace muster
