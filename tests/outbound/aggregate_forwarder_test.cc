// SPDX-License-Identifier: Apache-2.0
#include "outbound/aggregate_forwarder.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <string>
#include <vector>

#include "net/fake_server.h"
#include "net/loop_thread.h"
#include "outbound/outbound_testing.h"

namespace muster {
namespace {

using std::chrono::milliseconds;

class AggregateForwarderTest : public testing::Test {
 protected:
  ~AggregateForwarderTest() override {
    loop_.Run([this] { forwarder_.reset(); });
  }

  void Start(const Endpoint& aggregator, std::string_view path_and_password,
             const std::function<void(AggregateForwardOptions&)>& change = {}) {
    auto options = AggregateForwardOptions::Parse("http://" + aggregator.ToString() +
                                                  std::string(path_and_password));
    ASSERT_TRUE(options.ok()) << options.status();
    options->connections = 1;
    options->min_pause = options->max_pause = milliseconds(20);
    if (change) change(*options);
    loop_.Run(
        [&] { forwarder_ = AggregateForwarder::Start(loop_.loop(), *options, &log_, &counters_); });
  }
  void Forward(std::string_view query) {
    loop_.Run([&] { forwarder_->Forward(query, *IpAddress::Parse("192.0.2.7")); });
  }

  LogLines log_;
  OutboundCounters counters_;
  LoopThread loop_;
  ClosingPtr<AggregateForwarder> forwarder_;
};

TEST_F(AggregateForwarderTest, SendsTheQueryAsItCameWithThePasswordAndThePeer) {
  std::promise<std::string> request;
  FakeServer server([&](FakeConnection& c) {
    request.set_value(c.ReceiveUntil("\r\n\r\n"));
    c.Send(HttpReplyText("d8:response2:OKe"));
    c.WaitForEnd();
  });
  Start(server.endpoint(), "/announce,s&cret,1");
  Forward("info_hash=%01&port=6881");
  const std::string got = request.get_future().get();
  EXPECT_EQ(got.find("GET /announce?info_hash=%01&port=6881&password=s%26cret%2C1 HTTP/1.1\r\n"),
            0u);
  EXPECT_NE(got.find("\r\nX-Forwarded-For: 192.0.2.7\r\n"), std::string::npos);
  loop_.RunUntil([&] { return counters_.forwarded.value() == 1; });
}

TEST_F(AggregateForwarderTest, OneConnectionTakesThemAllInTheirOrder) {
  std::vector<std::string> targets;
  std::promise<void> all;
  FakeServer server([&](FakeConnection& c) {
    for (std::string request; !(request = c.ReceiveUntil("\r\n\r\n")).empty();) {
      targets.push_back(request.substr(0, request.find(" HTTP")));
      c.Send(HttpReplyText("de"));
    }
  });
  Start(server.endpoint(), "/a?b");
  loop_.Run([&] {
    for (int i = 0; i < 5; ++i) {
      forwarder_->Forward("n=" + std::to_string(i), IpAddress());
    }
    EXPECT_EQ(forwarder_->queued(), 4u);
  });
  loop_.RunUntil([&] { return counters_.forwarded.value() == 5; });
  EXPECT_EQ(targets, (std::vector<std::string>{"GET /a?b&n=0", "GET /a?b&n=1", "GET /a?b&n=2",
                                               "GET /a?b&n=3", "GET /a?b&n=4"}));
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(AggregateForwarderTest, TheQueueIsBoundedWhenTheAggregatorIsSilent) {
  FakeServer server([](FakeConnection& c) { c.WaitForEnd(); });
  Start(server.endpoint(), "/", [](AggregateForwardOptions& o) { o.max_queued = 3; });
  loop_.Run([&] {
    for (int i = 0; i < 10; ++i) forwarder_->Forward("x=1", IpAddress());
    EXPECT_EQ(forwarder_->queued(), 3u);
    EXPECT_EQ(counters_.forward_dropped.value(), 6u);
  });
}

TEST_F(AggregateForwarderTest, AnAggregatorThatIsDownIsLeftAloneAndSaidOnce) {
  Start(ClosedPort(), "/",
        [](AggregateForwardOptions& o) { o.min_pause = o.max_pause = std::chrono::hours(1); });
  Forward("x=1");
  loop_.RunUntil([&] { return counters_.forward_failed.value() == 1; });
  Forward("x=2");
  loop_.Run([&] {
    EXPECT_EQ(forwarder_->queued(), 1u);
    EXPECT_EQ(log_.lines.size(), 1u);
  });
}

TEST_F(AggregateForwarderTest, WhatWaitedIsSentWhenTheAggregatorIsBack) {
  std::atomic<bool> up = false;
  FakeServer server([&](FakeConnection& c) {
    if (!up) return;
    while (!c.ReceiveUntil("\r\n\r\n").empty()) c.Send(HttpReplyText("de"));
  });
  Start(server.endpoint(), "/");
  Forward("x=1");
  loop_.RunUntil([&] { return counters_.forward_failed.value() == 1; });
  up = true;
  Forward("x=2");
  Forward("x=3");
  loop_.RunUntil([&] { return counters_.forwarded.value() == 2; });
  loop_.Run([&] { EXPECT_EQ(log_.lines.back(), "the aggregator takes announces again"); });
}

TEST_F(AggregateForwarderTest, ARefusalIsSaidInTheAggregatorsWordsOnce) {
  FakeServer server([&](FakeConnection& c) {
    while (!c.ReceiveUntil("\r\n\r\n").empty())
      c.Send(HttpReplyText("d14:failure reason3:n\no\x65"));
  });
  Start(server.endpoint(), "/");
  Forward("x=1");
  Forward("x=2");
  loop_.RunUntil([&] { return counters_.forward_refused.value() == 2; });
  loop_.Run([&] {
    EXPECT_EQ(log_.lines, std::vector<std::string>{"the aggregator refuses announces: n?o"});
  });
}

TEST_F(AggregateForwarderTest, AQueryThatIsNoAnnounceIsDropped) {
  Start(ClosedPort(), "/");
  Forward(std::string(AggregateForwarder::kMaxQuery + 1, 'x'));
  EXPECT_EQ(counters_.forward_dropped.value(), 1u);
}

TEST(AggregateForwardOptionsTest, AreReadInTheFormOfBttrack) {
  const auto plain = AggregateForwardOptions::Parse("http://a/announce");
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ(plain->password, "");
  EXPECT_EQ(AggregateForwardOptions::Parse("http://a/announce,x,y")->password, "x,y");
  EXPECT_EQ(AggregateForwardOptions::Parse("http://a/announce,")->password, "");
  EXPECT_FALSE(AggregateForwardOptions::Parse("udp://a:80,x").ok());
  EXPECT_FALSE(AggregateForwardOptions::Parse("").ok());
}

}  // namespace
}  // namespace muster
