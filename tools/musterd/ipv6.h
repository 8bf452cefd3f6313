// SPDX-License-Identifier: Apache-2.0
#ifndef MUSTER_TOOLS_MUSTERD_IPV6_H_
#define MUSTER_TOOLS_MUSTERD_IPV6_H_

namespace musterd {

// Whether an IPv6 socket can be had and bound at all: a kernel may be built or started without.
bool SystemHasIpv6();

}  // namespace musterd

#endif  // MUSTER_TOOLS_MUSTERD_IPV6_H_
