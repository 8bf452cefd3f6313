// SPDX-License-Identifier: Apache-2.0
//
// FakeServer: a TCP port on loopback whose connections a test's function serves one after another,
// on a thread of its own.
#ifndef MUSTER_TESTS_NET_FAKE_SERVER_H_
#define MUSTER_TESTS_NET_FAKE_SERVER_H_

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "gtest/gtest.h"
#include "muster/endpoint.h"
#include "net/socket.h"

namespace muster {

// The server's end of a connection. Its functions give up when the server is stopped.
class FakeConnection {
 public:
  FakeConnection(int fd, int stop_fd) : fd_(fd), stop_fd_(stop_fd) {}

  // False when the client, or the test, has ended.
  bool Send(std::string_view bytes) {
    return send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
  }
  // What comes next; empty at the end.
  std::string Receive() {
    if (!Wait(-1)) return {};
    char bytes[16384];
    const ssize_t n = recv(fd_.get(), bytes, sizeof bytes, 0);
    return n > 0 ? std::string(bytes, static_cast<std::size_t>(n)) : std::string();
  }
  // All up to and with `end`.
  std::string ReceiveUntil(std::string_view end) {
    std::string all;
    while (all.find(end) == std::string::npos) {
      const std::string more = Receive();
      if (more.empty()) return {};
      all += more;
    }
    return all;
  }
  std::string ReceiveAll(std::size_t size) {
    std::string all;
    while (all.size() < size) {
      const std::string more = Receive();
      if (more.empty()) return all;
      all += more;
    }
    return all;
  }
  void WaitForEnd() {
    while (!Receive().empty()) {
    }
  }
  // False once the server is stopped; true when something is to be received, or after this time.
  bool Wait(int milliseconds) {
    pollfd fds[] = {{fd_.get(), POLLIN, 0}, {stop_fd_, POLLIN, 0}};
    poll(fds, 2, milliseconds);
    return fds[1].revents == 0;
  }

 private:
  UniqueFd fd_;
  const int stop_fd_;
};

class FakeServer {
 public:
  using Serve = std::function<void(FakeConnection&)>;

  explicit FakeServer(Serve serve, std::string_view address = "127.0.0.1:0")
      : serve_(std::move(serve)) {
    const SocketAddress to(*Endpoint::Parse(address));
    listener_ = UniqueFd(socket(to.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(bind(listener_.get(), &to.any, to.size), 0);
    EXPECT_EQ(listen(listener_.get(), 64), 0);
    endpoint_ = *LocalEndpoint(listener_.get());
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    stop_read_ = UniqueFd(ends[0]);
    stop_write_ = UniqueFd(ends[1]);
    thread_ = std::thread([this] { Run(); });
  }
  ~FakeServer() {
    stop_write_.reset();
    thread_.join();
  }
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  const Endpoint& endpoint() const { return endpoint_; }
  int connections() const { return connections_; }

 private:
  void Run() {
    while (true) {
      pollfd fds[] = {{listener_.get(), POLLIN, 0}, {stop_read_.get(), POLLIN, 0}};
      poll(fds, 2, -1);
      if (fds[1].revents != 0) return;
      const int fd = accept(listener_.get(), nullptr, nullptr);
      if (fd < 0) continue;
      ++connections_;
      FakeConnection connection(fd, stop_read_.get());
      serve_(connection);
    }
  }

  const Serve serve_;
  UniqueFd listener_, stop_read_, stop_write_;
  Endpoint endpoint_;
  std::atomic<int> connections_ = 0;
  std::thread thread_;
};

// A port of loopback that is closed.
inline Endpoint ClosedPort() {
  const SocketAddress any(*Endpoint::Parse("127.0.0.1:0"));
  const UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(bind(fd.get(), &any.any, any.size), 0);
  return *LocalEndpoint(fd.get());
}

}  // namespace muster

#endif  // MUSTER_TESTS_NET_FAKE_SERVER_H_
