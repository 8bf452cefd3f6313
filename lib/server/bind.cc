// SPDX-License-Identifier: Apache-2.0
#include "server/bind.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace muster {
namespace {

std::string Url(const Listener& listener) {
  return absl::StrCat(listener.protocol == Protocol::kUdp ? "udp" : "http", "://",
                      listener.endpoint.ToString());
}

absl::StatusOr<BoundListener> BindOne(const Listener& listener, PortSharing sharing,
                                      int udp_buffer) {
  absl::StatusOr<UniqueFd> socket =
      listener.protocol == Protocol::kUdp
          ? BindUdp(listener.endpoint, {.sharing = sharing, .buffer = udp_buffer})
          : ListenTcp(listener.endpoint, {.sharing = sharing});
  if (!socket.ok()) return socket.status();
  const absl::StatusOr<Endpoint> local = LocalEndpoint(socket->get());
  if (!local.ok()) return local.status();
  return BoundListener{{listener.protocol, *local, listener.proxied}, *std::move(socket)};
}

}  // namespace

std::string Listener::AnnounceUrl() const { return Url(*this) + "/announce"; }

absl::StatusOr<std::vector<BoundListener>> BindAll(absl::Span<const Listener> listeners,
                                                   PortSharing sharing, int udp_buffer) {
  std::vector<BoundListener> bound;
  for (const Listener& listener : listeners) {
    absl::StatusOr<BoundListener> one = BindOne(listener, sharing, udp_buffer);
    if (!one.ok()) {
      return absl::Status(one.status().code(),
                          absl::StrCat(Url(listener), ": ", one.status().message()));
    }
    bound.push_back(*std::move(one));
  }
  return bound;
}

std::vector<Listener> ListenersOf(absl::Span<const BoundListener> bound) {
  std::vector<Listener> listeners;
  for (const BoundListener& one : bound) listeners.push_back(one.listener);
  return listeners;
}

}  // namespace muster
