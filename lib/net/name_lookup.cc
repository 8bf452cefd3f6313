// SPDX-License-Identifier: Apache-2.0
#include "net/name_lookup.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "net/socket.h"

namespace muster {

ClosingPtr<NameLookup> NameLookup::Start(uv_loop_t* loop, const HostPort& host, Done done) {
  std::unique_ptr<NameLookup> lookup(new NameLookup(std::move(done)));
  lookup->host_ = host.host;
  lookup->port_ = host.port;
  lookup->request_.data = lookup.get();
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;  // each address once
  hints.ai_flags = IpAddress::Parse(host.host).ok() ? AI_NUMERICHOST : AI_ADDRCONFIG;
  const int error = uv_getaddrinfo(
      loop, &lookup->request_,
      [](uv_getaddrinfo_t* request, int status, addrinfo* found) {
        static_cast<NameLookup*>(request->data)->OnFound(status, found);
        uv_freeaddrinfo(found);
      },
      lookup->host_.c_str(), nullptr, &hints);
  if (error != 0) return nullptr;
  return ClosingPtr<NameLookup>(lookup.release());
}

void NameLookup::Close(Closed closed) {
  if (finished_) return FreeThenCall(this, std::move(closed));
  closing_ = true;
  closed_ = std::move(closed);
  uv_cancel(reinterpret_cast<uv_req_t*>(&request_));  // or it runs already
}

void NameLookup::OnFound(int status, const addrinfo* found) {
  finished_ = true;
  if (closing_) return FreeThenCall(this, std::move(closed_));
  Done done = std::move(done_);  // may free this
  std::vector<Endpoint> endpoints;
  for (; found != nullptr && endpoints.size() < kMaxAddresses; found = found->ai_next) {
    SocketAddress address;
    if (found->ai_family != AF_INET && found->ai_family != AF_INET6) continue;
    std::memcpy(&address.v6, found->ai_addr,
                std::min<std::size_t>(found->ai_addrlen, sizeof address.v6));
    endpoints.emplace_back(address.address(), port_);
  }
  if (status != 0 || endpoints.empty()) {
    const char* why = status != 0 ? uv_strerror(status) : "no address";
    return done(absl::UnavailableError(absl::StrCat(host_, ": ", why)));
  }
  done(std::move(endpoints));
}

}  // namespace muster
