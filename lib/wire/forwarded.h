// SPDX-License-Identifier: Apache-2.0
//
// Whom a reverse proxy speaks for: the client's address from X-Forwarded-For, or from Forwarded
// (RFC 7239). Pure functions; thread-safe.
//
// Every proxy on the way appends the address that it was called from, so the list is to be read
// from its end: a hop counts as long as those who vouch for it are trusted. What stands before the
// first hop that is not trusted is that hop's word only.
#ifndef MUSTER_LIB_WIRE_FORWARDED_H_
#define MUSTER_LIB_WIRE_FORWARDED_H_

#include <cstddef>

#include "absl/status/statusor.h"
#include "http/request.h"
#include "muster/endpoint.h"
#include "muster/ip_set.h"
#include "muster/server.h"

namespace muster {

// Proxies in a row at most; a request through more is refused.
inline constexpr std::size_t kMaxForwardedHops = 32;

// What a client is told, and everybody who asks, where a trusted proxy does not say who it is.
absl::Status ClientIsNotNamed();

// `from` is where the connection comes from. Where that is not trusted it is the client; else the
// last hop in the header that is not trusted is, or the first one when all are. Without the header
// it is the proxy itself that asks. ClientIsNotNamed() when a trusted proxy names a hop that is no
// address ("unknown").
absl::StatusOr<IpAddress> ClientAddress(const HttpRequest& request, const IpAddress& from,
                                        const IpSet& trusted, ProxyHeader header);

}  // namespace muster

#endif  // MUSTER_LIB_WIRE_FORWARDED_H_
