// SPDX-License-Identifier: Apache-2.0
#include "net/http_client.h"

#include <gtest/gtest.h>

#include <future>
#include <memory>

#include "net/fake_server.h"
#include "net/loop_thread.h"

namespace muster {
namespace {

using std::chrono::milliseconds;

std::string Reply(std::string_view body, std::string_view more = "") {
  return "HTTP/1.1 200 OK\r\n" + std::string(more) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

class HttpClientTest : public testing::Test {
 protected:
  ~HttpClientTest() override {
    loop_.Run([this] { client_.reset(); });
  }

  void Ask(const Endpoint& server, const HttpClientOptions& options = {}) {
    AskHost({"127.0.0.1", server.port()}, options);
  }
  void AskHost(const HostPort& server, const HttpClientOptions& options = {}) {
    loop_.Run([&] { client_ = HttpClient::New(loop_.loop(), server, options); });
  }

  absl::StatusOr<ReceivedReply> Get(std::string_view target) {
    std::promise<absl::StatusOr<ReceivedReply>> reply;
    loop_.Post([&] {
      client_->Get(target, [&](absl::StatusOr<ReceivedReply> r) { reply.set_value(std::move(r)); });
      EXPECT_TRUE(client_->busy());
    });
    return reply.get_future().get();
  }
  std::string Body(std::string_view target) {
    const absl::StatusOr<ReceivedReply> reply = Get(target);
    return reply.ok() ? reply->body : std::string(reply.status().message());
  }

  LoopThread loop_;
  ClosingPtr<HttpClient> client_;
};

TEST_F(HttpClientTest, AsksAsABrowserWould) {
  FakeServer server([](FakeConnection& c) {
    const std::string request = c.ReceiveUntil("\r\n\r\n");
    c.Send(Reply(request));
    c.WaitForEnd();
  });
  AskHost({"localhost", server.endpoint().port()}, {.user_agent = "test/1"});
  EXPECT_EQ(Body("/a?b=c"),
            "GET /a?b=c HTTP/1.1\r\nHost: localhost:" + std::to_string(server.endpoint().port()) +
                "\r\nUser-Agent: test/1\r\n\r\n");
}

TEST_F(HttpClientTest, OneConnectionTakesManyRequests) {
  FakeServer server([](FakeConnection& c) {
    while (!c.ReceiveUntil("\r\n\r\n").empty()) c.Send(Reply("x"));
  });
  Ask(server.endpoint());
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Body("/"), "x");
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(HttpClientTest, AServerThatEndsTheConnectionIsAskedOnANewOne) {
  FakeServer server([](FakeConnection& c) {
    c.ReceiveUntil("\r\n\r\n");
    c.Send(Reply("x", "Connection: close\r\n"));
  });
  Ask(server.endpoint());
  EXPECT_EQ(Body("/"), "x");
  EXPECT_EQ(Body("/"), "x");
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(HttpClientTest, AServerThatHangsUpOnTheSecondRequestIsAskedOnceMore) {
  FakeServer server([](FakeConnection& c) {
    c.ReceiveUntil("\r\n\r\n");
    c.Send(Reply("x"));
    c.ReceiveUntil("\r\n\r\n");
  });
  Ask(server.endpoint());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Body("/"), "x");
  EXPECT_EQ(server.connections(), 3);
}

TEST_F(HttpClientTest, AServerThatAlwaysHangsUpIsAnError) {
  FakeServer server([](FakeConnection& c) { c.ReceiveUntil("\r\n\r\n"); });
  Ask(server.endpoint());
  const auto reply = Get("/");
  EXPECT_EQ(reply.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(reply.status().message().find("the connection broke"), std::string::npos);
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(HttpClientTest, AConnectionIsNotKeptWhenNotWanted) {
  FakeServer server([](FakeConnection& c) {
    EXPECT_NE(c.ReceiveUntil("\r\n\r\n").find("Connection: close"), std::string::npos);
    c.Send(Reply("x"));
    c.WaitForEnd();
  });
  Ask(server.endpoint(), {.idle_timeout = milliseconds(0)});
  EXPECT_EQ(Body("/"), "x");
  EXPECT_EQ(Body("/"), "x");
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(HttpClientTest, AnIdleConnectionIsClosedInTime) {
  std::promise<void> ended;
  FakeServer server([&](FakeConnection& c) {
    c.ReceiveUntil("\r\n\r\n");
    c.Send(Reply("x"));
    c.WaitForEnd();
    ended.set_value();
  });
  Ask(server.endpoint(), {.idle_timeout = milliseconds(50)});
  EXPECT_EQ(Body("/"), "x");
  ended.get_future().wait();
}

TEST_F(HttpClientTest, AClosedPortIsUnavailable) {
  Ask(ClosedPort());
  for (int i = 0; i < 2; ++i) {
    const auto reply = Get("/");
    EXPECT_EQ(reply.status().code(), absl::StatusCode::kUnavailable);
    EXPECT_NE(reply.status().message().find("connection refused"), std::string::npos);
  }
}

TEST_F(HttpClientTest, ANameThatIsNoneIsUnavailable) {
  AskHost({"no-such-host.invalid", 80});
  EXPECT_EQ(Get("/").status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(HttpClientTest, AReplyThatDoesNotEndIsGivenUpInTime) {
  FakeServer server([](FakeConnection& c) {
    c.ReceiveUntil("\r\n\r\n");
    c.Send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
    while (c.Send("x") && c.Wait(20)) {
    }
  });
  Ask(server.endpoint(), {.timeout = milliseconds(150)});
  EXPECT_EQ(Get("/").status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(HttpClientTest, ABadOrTooLongReplyIsAnError) {
  FakeServer server([](FakeConnection& c) {
    const bool bad = c.ReceiveUntil("\r\n\r\n").find("/bad") != std::string::npos;
    c.Send(bad ? "nonsense\r\n" : Reply(std::string(100, 'x')));
    c.WaitForEnd();
  });
  Ask(server.endpoint(), {.limits = {.max_body_bytes = 99}});
  EXPECT_EQ(Get("/bad").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Get("/long").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(HttpClientTest, MayBeClosedByTheReplyAndMidway) {
  FakeServer server([](FakeConnection& c) {
    if (c.ReceiveUntil("\r\n\r\n").find("/silent") == std::string::npos) c.Send(Reply("x"));
    c.WaitForEnd();
  });
  Ask(server.endpoint());
  std::promise<void> closed;
  loop_.Post([&] {
    client_->Get("/", [&](const absl::StatusOr<ReceivedReply>&) {
      client_.release()->Close([&] { closed.set_value(); });
    });
  });
  closed.get_future().wait();
  Ask(server.endpoint());
  std::promise<void> again;
  loop_.Run([&] {
    client_->Get("/silent", [](const absl::StatusOr<ReceivedReply>&) { FAIL(); });
    client_.release()->Close([&] { again.set_value(); });
  });
  again.get_future().wait();
}

}  // namespace
}  // namespace muster
