// SPDX-License-Identifier: Apache-2.0
//
// Clients for tests: blocking sockets that give up after a while.
#ifndef MUSTER_TESTS_NET_CLIENT_H_
#define MUSTER_TESTS_NET_CLIENT_H_

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "muster/endpoint.h"
#include "net/socket.h"

namespace muster {

inline Endpoint E(std::string_view text) { return *Endpoint::Parse(text); }

class Client {
 public:
  // A UDP socket, bound to `local`.
  static Client Udp(std::string_view local = "127.0.0.1:0") {
    Client client(SOCK_DGRAM, E(local).family());
    const SocketAddress address(E(local));
    EXPECT_EQ(bind(client.fd(), &address.any, address.size), 0) << local;
    return client;
  }
  // A connection. A small `receive_buffer` makes a slow reader.
  static Client Tcp(const Endpoint& to, int receive_buffer = 0) {
    Client client(SOCK_STREAM, to.family());
    if (receive_buffer > 0) {
      setsockopt(client.fd(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    const int on = 1;
    setsockopt(client.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const SocketAddress address(to);
    EXPECT_EQ(connect(client.fd(), &address.any, address.size), 0) << to.ToString();
    return client;
  }

  int fd() const { return fd_.get(); }
  Endpoint local() const { return *LocalEndpoint(fd()); }
  void Close() { fd_.reset(); }
  void SetTimeout(std::chrono::milliseconds time) {
    const timeval limit{time.count() / 1000, (time.count() % 1000) * 1000};
    setsockopt(fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  }

  // --- datagrams ---

  void SendTo(const Endpoint& to, std::string_view bytes) {
    const SocketAddress address(to);
    EXPECT_EQ(sendto(fd(), bytes.data(), bytes.size(), 0, &address.any, address.size),
              static_cast<ssize_t>(bytes.size()));
  }
  struct Datagram {
    std::string bytes;
    Endpoint from;
  };
  // Nothing when none came in time.
  std::optional<Datagram> Receive() {
    char bytes[4096];
    SocketAddress from;
    const ssize_t n = recvfrom(fd(), bytes, sizeof bytes, 0, &from.any, &from.size);
    if (n < 0) return std::nullopt;
    return Datagram{std::string(bytes, static_cast<std::size_t>(n)), from.endpoint()};
  }

  // --- connections ---

  // False when the connection is broken.
  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n < 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  enum class Got { kBytes, kEnd, kNothingInTime, kReset };
  // Appends what comes next to received().
  Got ReceiveMore() {
    char bytes[16384];
    const ssize_t n = recv(fd(), bytes, sizeof bytes, 0);
    if (n > 0) received_.append(bytes, static_cast<std::size_t>(n));
    if (n > 0) return Got::kBytes;
    if (n == 0) return Got::kEnd;
    return errno == EAGAIN ? Got::kNothingInTime : Got::kReset;
  }
  const std::string& received() const { return received_; }
  // All that comes until the end of the connection.
  Got ReceiveToEnd() {
    Got got;
    while ((got = ReceiveMore()) == Got::kBytes) {
    }
    return got;
  }

  struct Response {
    int status = 0;
    std::string head;
    std::string body;
  };
  // The next response, by its Content-Length; nothing when the connection ended or failed first.
  std::optional<Response> ReceiveResponse(bool head_only = false) {
    std::size_t head_end;
    while ((head_end = received_.find("\r\n\r\n")) == std::string::npos) {
      if (ReceiveMore() != Got::kBytes) return std::nullopt;
    }
    Response response;
    response.head = received_.substr(0, head_end + 4);
    response.status = std::atoi(response.head.c_str() + sizeof("HTTP/1.1"));
    const std::size_t length = response.head.find("Content-Length: ");
    if (length == std::string::npos) return std::nullopt;
    const auto body =
        head_only ? 0 : std::strtoul(response.head.c_str() + length + 16, nullptr, 10);
    while (received_.size() < response.head.size() + body) {
      if (ReceiveMore() != Got::kBytes) return std::nullopt;
    }
    response.body = received_.substr(response.head.size(), body);
    received_.erase(0, response.head.size() + body);
    return response;
  }

 private:
  Client(int type, AddressFamily family)
      : fd_(socket(family == AddressFamily::kIpv4 ? AF_INET : AF_INET6, type | SOCK_CLOEXEC, 0)) {
    SetTimeout(std::chrono::seconds(10));  // longer than anything here takes
  }

  UniqueFd fd_;
  std::string received_;
};

}  // namespace muster

#endif  // MUSTER_TESTS_NET_CLIENT_H_
