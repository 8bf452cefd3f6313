// SPDX-License-Identifier: Apache-2.0
#include "net/udp_client.h"

#include <cerrno>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace muster {
namespace {

constexpr std::size_t kMaxDatagram = 4096;
// A server that floods us does not keep the loop from its other work.
constexpr int kMaxAtOnce = 16;

}  // namespace

absl::StatusOr<ClosingPtr<UdpClient>> UdpClient::Open(uv_loop_t* loop, const Endpoint& server,
                                                      Received received) {
  const SocketAddress address(server);
  UniqueFd fd(socket(address.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd.get() < 0 || connect(fd.get(), &address.any, address.size) != 0) {
    return absl::ErrnoToStatus(errno, server.ToString());
  }
  std::unique_ptr<UdpClient> client(new UdpClient(std::move(received)));
  const int error = uv_poll_init(loop, &client->poll_, fd.get());
  if (error != 0) return absl::ErrnoToStatus(-error, server.ToString());
  client->fd_ = std::move(fd);
  client->poll_.data = client.get();
  uv_poll_start(&client->poll_, UV_READABLE, [](uv_poll_t* handle, int /*status*/, int /*events*/) {
    static_cast<UdpClient*>(handle->data)->Receive();
  });
  return ClosingPtr<UdpClient>(client.release());
}

void UdpClient::Close(Closed closed) {
  closing_ = true;
  closed_ = std::move(closed);
  uv_close(reinterpret_cast<uv_handle_t*>(&poll_), [](uv_handle_t* handle) {
    auto* self = static_cast<UdpClient*>(handle->data);
    FreeThenCall(self, std::move(self->closed_));
  });
  fd_.reset();
}

void UdpClient::Send(std::string_view datagram) {
  // An error that an earlier datagram came back with is given to the next call: once more, then.
  for (int tries = 0; tries < 2; ++tries) {
    if (send(fd_.get(), datagram.data(), datagram.size(), MSG_NOSIGNAL) >= 0) return;
  }
}

void UdpClient::Receive() {
  char bytes[kMaxDatagram];
  for (int i = 0; i < kMaxAtOnce && !closing_; ++i) {
    const ssize_t n = recv(fd_.get(), bytes, sizeof bytes, 0);
    if (n >= 0) {
      received_({bytes, static_cast<std::size_t>(n)});
    } else if (errno != ECONNREFUSED) {  // nobody there yet: the next try may find somebody
      return;
    }
  }
}

}  // namespace muster
