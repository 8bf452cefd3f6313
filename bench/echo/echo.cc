// SPDX-License-Identifier: Apache-2.0
//
// muster-echo: what this machine's kernel takes for a question in and an answer out, and nothing
// else. The limit that a tracker is measured against: it looks at two words of a datagram and at
// the end of an HTTP request. See --help.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "muster/endpoint.h"

namespace muster::echo {
namespace {

constexpr std::size_t kBatch = 64;
constexpr std::size_t kLargest = 4096;

[[noreturn]] void Die(const char* what) {
  std::perror(what);
  std::exit(2);
}

int Listen(int type, const Endpoint& at) {
  const bool v4 = at.family() == AddressFamily::kIpv4;
  const int fd = socket(v4 ? AF_INET : AF_INET6, type | SOCK_CLOEXEC, 0);
  if (fd < 0) Die("socket");
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_storage address = {};
  socklen_t size;
  if (v4) {
    auto& in = reinterpret_cast<sockaddr_in&>(address);
    in.sin_family = AF_INET;
    in.sin_port = htons(at.port());
    std::memcpy(&in.sin_addr, at.compact().data(), 4);
    size = sizeof in;
  } else {
    auto& in6 = reinterpret_cast<sockaddr_in6&>(address);
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons(at.port());
    std::memcpy(&in6.sin6_addr, at.compact().data(), 16);
    size = sizeof in6;
  }
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), size) != 0) Die("bind");
  if (type == SOCK_STREAM && listen(fd, SOMAXCONN) != 0) Die("listen");
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  const auto port = v4 ? reinterpret_cast<const sockaddr_in&>(address).sin_port
                       : reinterpret_cast<const sockaddr_in6&>(address).sin6_port;
  std::printf("listening on %s %s port %d\n", type == SOCK_DGRAM ? "udp" : "http",
              at.address().ToString().c_str(), ntohs(port));
  std::fflush(stdout);
  return fd;
}

// Answers with the question's action and transaction id, so that a BEP 15 client goes on: 16 bytes
// to a connect, 20 to a scrape, `announce_bytes` to all else.
[[noreturn]] void UdpLoop(int fd, std::size_t announce_bytes) {
  alignas(64) static std::uint8_t rx[kBatch][kLargest];
  alignas(64) static std::uint8_t tx[kBatch][kLargest];
  static sockaddr_in6 from[kBatch];  // the larger of the two families
  iovec rx_iov[kBatch], tx_iov[kBatch];
  mmsghdr rx_msg[kBatch] = {}, tx_msg[kBatch] = {};
  for (std::size_t i = 0; i < kBatch; ++i) {
    rx_iov[i] = {rx[i], kLargest};
    tx_iov[i] = {tx[i], announce_bytes};
    rx_msg[i].msg_hdr.msg_iov = &rx_iov[i];
    tx_msg[i].msg_hdr.msg_iov = &tx_iov[i];
    rx_msg[i].msg_hdr.msg_iovlen = tx_msg[i].msg_hdr.msg_iovlen = 1;
    rx_msg[i].msg_hdr.msg_name = tx_msg[i].msg_hdr.msg_name = &from[i];
  }
  for (;;) {
    for (auto& m : rx_msg) m.msg_hdr.msg_namelen = sizeof from[0];
    const int n = recvmmsg(fd, rx_msg, kBatch, MSG_WAITFORONE, nullptr);
    if (n < 0) continue;
    for (int i = 0; i < n; ++i) {
      std::memcpy(tx[i], rx[i] + 8, 8);
      const std::uint32_t action = LoadBig32(rx[i] + 8);
      tx_iov[i].iov_len = action == 0 ? 16 : action == 2 ? 20 : announce_bytes;
      tx_msg[i].msg_hdr.msg_namelen = rx_msg[i].msg_hdr.msg_namelen;
    }
    sendmmsg(fd, tx_msg, static_cast<unsigned>(n), 0);
  }
}

std::string HttpAnswer(std::size_t body, bool close) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body) + "\r\n" +
         (close ? "Connection: close\r\n\r\n" : "\r\n") + std::string(body, 'x');
}

bool EndsRequest(const char* bytes, ssize_t n) {
  return n >= 4 && std::memcmp(bytes + n - 4, "\r\n\r\n", 4) == 0;
}

// One connection after another: accept, read, write, close.
[[noreturn]] void HttpCloseLoop(int fd, const std::string& answer) {
  char buffer[kLargest];
  for (;;) {
    const int c = accept4(fd, nullptr, nullptr, SOCK_CLOEXEC);
    if (c < 0) continue;
    ssize_t n;
    do {
      n = read(c, buffer, sizeof buffer);
    } while (n > 0 && !EndsRequest(buffer, n));
    if (n > 0 && send(c, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) std::perror("send");
    close(c);
  }
}

[[noreturn]] void HttpKeepLoop(int fd, const std::string& answer) {
  char buffer[kLargest];
  epoll_event events[kBatch];
  const int ep = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event) != 0) Die("epoll");
  for (;;) {
    const int n = epoll_wait(ep, events, kBatch, -1);
    for (int i = 0; i < n; ++i) {
      const int c = events[i].data.fd;
      if (c == fd) {
        event.data.fd = accept4(fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (event.data.fd >= 0) epoll_ctl(ep, EPOLL_CTL_ADD, event.data.fd, &event);
        continue;
      }
      const ssize_t got = read(c, buffer, sizeof buffer);
      if (got > 0) {
        if (EndsRequest(buffer, got)) send(c, answer.data(), answer.size(), MSG_NOSIGNAL);
      } else if (got == 0 || errno != EAGAIN) {
        close(c);
      }
    }
  }
}

int Main(int argc, char** argv) {
  std::string udp, http, http_close;
  std::size_t answer_bytes = 20 + 30 * 6, http_bytes = 64 + 30 * 6;
  bool defer = false, pmtudisc_do = false;
  CLI::App app(
      "A bare echo: the least that a server on this machine can spend on an answer. Each listener "
      "has a "
      "thread of its own; runs until it is killed.",
      "muster-echo");
  app.add_option("--udp", udp, "ADDRESS:PORT; recvmmsg and sendmmsg, 64 a batch");
  app.add_option("--http", http, "ADDRESS:PORT; connections are kept (epoll, read, write)");
  app.add_option("--http-close", http_close,
                 "ADDRESS:PORT; a connection for each answer (accept, read, write, close)");
  app.add_option("--answer-bytes", answer_bytes, "Size of a UDP announce's answer")
      ->capture_default_str()
      ->check(CLI::Range(std::size_t{8}, kLargest));
  app.add_option("--http-bytes", http_bytes, "Size of an HTTP answer's body")
      ->capture_default_str();
  app.add_flag("--defer-accept", defer, "--http-close with TCP_DEFER_ACCEPT");
  app.add_flag("--pmtudisc-do", pmtudisc_do, "--udp with IP_PMTUDISC_DO (no fragments)");
  CLI11_PARSE(app, argc, argv);

  const auto at = [](const std::string& text) {
    const auto endpoint = Endpoint::Parse(text);
    if (!endpoint.ok()) {
      std::fprintf(stderr, "muster-echo: not ADDRESS:PORT: %s\n", text.c_str());
      std::exit(2);
    }
    return *endpoint;
  };
  std::vector<std::thread> threads;
  if (!udp.empty()) {
    const int fd = Listen(SOCK_DGRAM, at(udp));
    const int probe = IP_PMTUDISC_DO;
    if (pmtudisc_do) setsockopt(fd, SOL_IP, IP_MTU_DISCOVER, &probe, sizeof probe);
    threads.emplace_back(UdpLoop, fd, answer_bytes);
  }
  if (!http_close.empty()) {
    const int fd = Listen(SOCK_STREAM, at(http_close));
    const int seconds = 5;
    if (defer) setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds);
    threads.emplace_back(HttpCloseLoop, fd, HttpAnswer(http_bytes, true));
  }
  if (!http.empty()) {
    threads.emplace_back(HttpKeepLoop, Listen(SOCK_STREAM, at(http)),
                         HttpAnswer(http_bytes, false));
  }
  if (threads.empty()) {
    std::fputs("muster-echo: nothing to listen on; see --help\n", stderr);
    return 2;
  }
  for (auto& thread : threads) thread.join();
  return 0;
}

}  // namespace
}  // namespace muster::echo

int main(int argc, char** argv) { return muster::echo::Main(argc, argv); }
