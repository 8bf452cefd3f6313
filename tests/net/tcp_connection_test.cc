// SPDX-License-Identifier: Apache-2.0
#include "net/tcp_connection.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <string>

#include "net/fake_server.h"
#include "net/loop_thread.h"

namespace muster {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Recorder final : public TcpConnection::Handler {
 public:
  void OnConnected() override { connection->Send(to_send); }
  void OnReceived(std::string_view bytes) override { received.append(bytes); }
  void OnEnded(TcpEnd why) override { ended.set_value(why); }

  ClosingPtr<TcpConnection> connection;
  std::string to_send;
  std::string received;
  std::promise<TcpEnd> ended;
};

class TcpConnectionTest : public testing::Test {
 protected:
  ~TcpConnectionTest() override {
    loop_.Run([this] { recorder_.connection.reset(); });
  }
  TcpEnd ConnectAndWait(const Endpoint& to, milliseconds deadline) {
    loop_.Run([&] {
      recorder_.connection = TcpConnection::Connect(loop_.loop(), to, deadline, &recorder_);
    });
    return recorder_.ended.get_future().get();
  }

  Recorder recorder_;
  LoopThread loop_;
};

TEST_F(TcpConnectionTest, SendsMoreThanTheKernelTakesAtOnce) {
  recorder_.to_send = std::string(20'000'000, 'x');
  FakeServer server([](FakeConnection& c) {
    c.Send(c.ReceiveAll(20'000'000).size() == 20'000'000 ? "all" : "less");
  });
  EXPECT_EQ(ConnectAndWait(server.endpoint(), seconds(60)), TcpEnd::kClosed);
  EXPECT_EQ(recorder_.received, "all");
}

TEST_F(TcpConnectionTest, AServerThatTakesNothingMeetsTheDeadline) {
  recorder_.to_send = std::string(20'000'000, 'x');
  std::promise<void> enough;
  FakeServer server([&](FakeConnection&) { enough.get_future().wait(); });
  EXPECT_EQ(ConnectAndWait(server.endpoint(), milliseconds(50)), TcpEnd::kDeadline);
  enough.set_value();
}

TEST_F(TcpConnectionTest, AResetIsToldApartFromAnEnd) {
  recorder_.to_send = "unread";
  FakeServer server([](FakeConnection& c) { c.Wait(-1); });  // closes with unread bytes
  EXPECT_EQ(ConnectAndWait(server.endpoint(), seconds(60)), TcpEnd::kReset);
}

TEST_F(TcpConnectionTest, AClosedPortIsRefused) {
  EXPECT_EQ(ConnectAndWait(ClosedPort(), seconds(60)), TcpEnd::kRefused);
}

}  // namespace
}  // namespace muster
