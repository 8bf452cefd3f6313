// SPDX-License-Identifier: Apache-2.0
#include "musterd/ipv6.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace musterd {

bool SystemHasIpv6() {
  const int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  sockaddr_in6 any{};
  any.sin6_family = AF_INET6;
  const bool bound = bind(fd, reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0;
  close(fd);
  return bound;
}

}  // namespace musterd
