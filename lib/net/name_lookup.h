// SPDX-License-Identifier: Apache-2.0
//
// NameLookup: asks the system for the addresses of a host, without blocking the loop. Loop-bound.
// The system cannot be stopped once it looks: closing then waits for it, which may take as long as
// its own patience with the DNS.
#ifndef MUSTER_LIB_NET_NAME_LOOKUP_H_
#define MUSTER_LIB_NET_NAME_LOOKUP_H_

#include <uv.h>

#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "muster/endpoint.h"
#include "muster/host_port.h"
#include "net/closing.h"

namespace muster {

class NameLookup {
 public:
  // In the order in which the system would try them: kMaxAddresses at most, one at least.
  using Done = absl::AnyInvocable<void(absl::StatusOr<std::vector<Endpoint>>)>;
  static constexpr std::size_t kMaxAddresses = 8;

  // Calls `done` from the loop, once, unless Close() is called first. Null, and `done` is not
  // called, when the system cannot even be asked: for a name that HostPort would not take, or for
  // want of memory. An address as a host is not looked up anywhere.
  static ClosingPtr<NameLookup> Start(uv_loop_t* loop, const HostPort& host, Done done);

  // Maybe calls `closed` before it returns.
  void Close(Closed closed);

 private:
  explicit NameLookup(Done done) : done_(std::move(done)) {}
  void OnFound(int status, const addrinfo* found);

  uv_getaddrinfo_t request_;
  std::string host_;
  std::uint16_t port_ = 0;
  bool finished_ = false;
  bool closing_ = false;
  Done done_;
  Closed closed_;
};

}  // namespace muster

#endif  // MUSTER_LIB_NET_NAME_LOOKUP_H_
