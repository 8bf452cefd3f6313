// SPDX-License-Identifier: Apache-2.0
//
// UdpClient: datagrams to and from one server; those of others are dropped by the kernel.
// Loop-bound.
#ifndef MUSTER_LIB_NET_UDP_CLIENT_H_
#define MUSTER_LIB_NET_UDP_CLIENT_H_

#include <uv.h>

#include <string_view>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "muster/endpoint.h"
#include "net/closing.h"
#include "net/socket.h"

namespace muster {

class UdpClient {
 public:
  // A datagram, valid during the call and cut to 4096 bytes; may call Close().
  using Received = absl::AnyInvocable<void(std::string_view datagram)>;

  static absl::StatusOr<ClosingPtr<UdpClient>> Open(uv_loop_t* loop, const Endpoint& server,
                                                    Received received);
  // Nothing is received any more.
  void Close(Closed closed);

  // What cannot be sent is lost, as it may be on the way.
  void Send(std::string_view datagram);

 private:
  explicit UdpClient(Received received) : received_(std::move(received)) {}
  void Receive();

  UniqueFd fd_;
  uv_poll_t poll_;
  Received received_;
  bool closing_ = false;
  Closed closed_;
};

}  // namespace muster

#endif  // MUSTER_LIB_NET_UDP_CLIENT_H_
