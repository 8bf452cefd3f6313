// SPDX-License-Identifier: Apache-2.0
#include "server/bind.h"

#include <algorithm>
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

// Whether `any` listens on all addresses, and so on that of `one` too, which the kernel refuses
// unless both share the port.
bool Covers(const Listener& any, const Listener& one) {
  return any.protocol == one.protocol && any.endpoint.port() == one.endpoint.port() &&
         any.endpoint.port() != 0 && any.endpoint.family() == one.endpoint.family() &&
         any.endpoint.address().is_unspecified() && !one.endpoint.address().is_unspecified();
}

enum class Overlap { kNone, kCovers, kCovered };

Overlap OverlapOf(const Listener& listener, absl::Span<const Listener> all) {
  for (const Listener& other : all) {
    if (Covers(listener, other)) return Overlap::kCovers;
    if (Covers(other, listener)) return Overlap::kCovered;
  }
  return Overlap::kNone;
}

// How one of a single worker's, or of the first one's, is bound. The one that covers others is
// bound first and alone, so that it fails where another program has any address of the port.
PortSharing SharingOf(Overlap overlap, PortSharing sharing) {
  if (sharing == PortSharing::kJoin || overlap == Overlap::kNone) return sharing;
  return overlap == Overlap::kCovers ? PortSharing::kFirst : PortSharing::kJoin;
}

// Whether it stands among those before it: where all join, the kernel does not notice.
bool IsRepeated(absl::Span<const Listener> listeners, std::size_t i) {
  const auto before = listeners.first(i);
  return listeners[i].endpoint.port() != 0 &&
         std::any_of(before.begin(), before.end(), [&](const Listener& l) {
           return l.protocol == listeners[i].protocol && l.endpoint == listeners[i].endpoint;
         });
}

absl::Status Named(const Listener& listener, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(Url(listener), ": ", status.message()));
}

}  // namespace

std::string Listener::AnnounceUrl() const { return Url(*this) + "/announce"; }

absl::StatusOr<std::vector<BoundListener>> BindAll(absl::Span<const Listener> listeners,
                                                   PortSharing sharing, int udp_buffer) {
  std::vector<BoundListener> bound(listeners.size());
  for (const bool covering : {true, false}) {
    for (std::size_t i = 0; i < listeners.size(); ++i) {
      const Overlap overlap = OverlapOf(listeners[i], listeners);
      if ((overlap == Overlap::kCovers) != covering) continue;
      absl::StatusOr<BoundListener> one =
          IsRepeated(listeners, i) ? absl::AlreadyExistsError("address already in use")
                                   : BindOne(listeners[i], SharingOf(overlap, sharing), udp_buffer);
      if (!one.ok()) return Named(listeners[i], one.status());
      bound[i] = *std::move(one);
    }
  }
  if (sharing != PortSharing::kNone) return bound;  // other workers will join
  for (std::size_t i = 0; i < bound.size(); ++i) {
    if (OverlapOf(listeners[i], listeners) == Overlap::kNone) continue;
    const absl::Status status = StopSharing(bound[i].socket.get());
    if (!status.ok()) return Named(listeners[i], status);
  }
  return bound;
}

std::vector<Listener> ListenersOf(absl::Span<const BoundListener> bound) {
  std::vector<Listener> listeners;
  for (const BoundListener& one : bound) listeners.push_back(one.listener);
  return listeners;
}

}  // namespace muster
