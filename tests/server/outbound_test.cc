// SPDX-License-Identifier: Apache-2.0
//
// What a server sends by itself: from an announce at its door to a peer, or to another tracker.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "muster/detailed_store.h"
#include "muster/server.h"
#include "net/client.h"
#include "net/fake_server.h"
#include "net/loop_thread.h"
#include "server/announce.h"

namespace muster {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

const std::string kPeerId = "-TS0001-abcdefghijkl";  // of HttpAnnounce()

// A client that does the handshake.
void ShakeHands(FakeConnection& c) {
  c.ReceiveAll(48);
  c.Send(
      "\x13"
      "BitTorrent protocol" +
      std::string(8, '\0') + std::string(20, 'h') + kPeerId);
  c.WaitForEnd();
}

class OutboundTest : public testing::Test {
 protected:
  OutboundTest() {
    options_.listeners = {{Protocol::kHttp, E("127.0.0.1:0")}, {Protocol::kUdp, E("127.0.0.1:0")}};
    options_.udp.socket_buffer = 0;
    options_.announce.reachable = nullptr;
  }

  void Start(std::unique_ptr<SwarmStore> store, std::size_t workers = 2) {
    tracker_ = *Tracker::Create({}, std::move(store));
    auto server = ServerThreads::Start(tracker_.get(), options_, workers);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }
  void Check(milliseconds timeout) {
    options_.outbound.nat_check = NatCheckOptions{.timeout = timeout, .allow_private = true};
    options_.outbound.on_nat_check = [this](const NatChecked& checked, bool known) {
      if (!told_.exchange(true)) checked_.set_value({checked, known});
    };
  }
  void StartWithChecks(milliseconds timeout) {
    Check(timeout);
    Start(NewDetailedStore({.nat_tries = 3}));
  }

  // The body of the answer.
  std::string Announce(std::uint16_t port) {
    return Announce(port, server_->listeners()[0].endpoint);
  }
  static std::string Announce(std::uint16_t port, const Endpoint& http) {
    Client client = Client::Tcp(http);
    EXPECT_TRUE(client.Send(HttpAnnounce(Hash('h'), port)));
    const auto response = client.ReceiveResponse();
    return response ? response->body : "";
  }
  std::pair<NatChecked, bool> FirstCheck() { return checked_.get_future().get(); }

  ServerOptions options_;
  std::unique_ptr<Tracker> tracker_;
  std::atomic<bool> told_ = false;
  std::promise<std::pair<NatChecked, bool>> checked_;
  std::unique_ptr<ServerThreads> server_;
};

TEST_F(OutboundTest, APeerThatAnswersTheHandshakeIsHandedOut) {
  FakeServer peer(ShakeHands);
  StartWithChecks(milliseconds(20'000));
  Announce(peer.endpoint().port());
  const auto [checked, known] = FirstCheck();
  EXPECT_EQ(checked.outcome, NatOutcome::kReachable);
  EXPECT_EQ(checked.peer, peer.endpoint());
  EXPECT_EQ(checked.peer_id, *PeerId::FromText(kPeerId));
  EXPECT_TRUE(known);
  Client client = Client::Udp();
  const Endpoint udp = server_->listeners()[1].endpoint;
  const auto peers =
      AnnounceByUdp(client, udp, AskConnectionId(client, udp), Hash('h'), /*port=*/7);
  EXPECT_EQ(peers, TextOf(peer.endpoint().compact()));
  EXPECT_EQ(server_->Statistics().outbound.NatChecks(NatOutcome::kReachable), 1u);
}

TEST_F(OutboundTest, ALoopOfTheApplicationSendsAsWell) {
  FakeServer peer(ShakeHands), silent([](FakeConnection&c) { c.WaitForEnd(); });
  Check(milliseconds(20'000));
  tracker_ = *Tracker::Create({}, NewDetailedStore({.nat_tries = 3}));
  LoopThread loop;
  std::unique_ptr<Server> server;
  loop.Run([&] { server = *Server::Listen(loop.loop(), tracker_.get(), options_); });
  Announce(peer.endpoint().port(), server->listeners()[0].endpoint);
  EXPECT_EQ(FirstCheck().first.outcome, NatOutcome::kReachable);
  EXPECT_EQ(server->Statistics().outbound.NatChecks(NatOutcome::kReachable), 1u);
  Announce(silent.endpoint().port(), server->listeners()[0].endpoint);
  bool closed = false;
  loop.Run([&] { server->Close([&] { closed = true; }); });  // with a check under way
  loop.RunUntil([&] { return closed; });
  loop.Run([&] { server.reset(); });
}

TEST_F(OutboundTest, APeerThatAcceptsAndSaysNothingIsNot) {
  FakeServer silent([](FakeConnection& c) { c.WaitForEnd(); });
  StartWithChecks(milliseconds(50));
  Announce(silent.endpoint().port());
  const auto [checked, known] = FirstCheck();
  EXPECT_EQ(checked.outcome, NatOutcome::kTimeout);
  EXPECT_TRUE(known);
  EXPECT_EQ(tracker_->store().Count(Hash('h'))->peers(), 1u) << "it is counted";
}

TEST_F(OutboundTest, AServerThatStopsTellsOfItsChecksAndLeavesNothingBehind) {
  FakeServer silent([](FakeConnection& c) { c.WaitForEnd(); });
  StartWithChecks(milliseconds(20'000));
  Announce(silent.endpoint().port());
  server_.reset();
  EXPECT_EQ(FirstCheck().first.outcome, NatOutcome::kCancelled);
}

TEST_F(OutboundTest, AnnouncesReachTheAggregatorWithTheirAddressAndThePassword) {
  std::promise<std::string> request;
  std::atomic<bool> told = false;
  FakeServer aggregator([&](FakeConnection& c) {
    const std::string got = c.ReceiveUntil("\r\n\r\n");
    if (!got.empty() && !told.exchange(true)) request.set_value(got);
    c.Send("HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\nd8:response2:OKe");
    c.WaitForEnd();
  });
  options_.outbound.aggregate_forward = *AggregateForwardOptions::Parse(
      "http://" + aggregator.endpoint().ToString() + "/announce,pass word");
  Start(NewMemoryStore());
  Announce(77);
  const std::string got = request.get_future().get();
  EXPECT_THAT(got, testing::StartsWith("GET /announce?info_hash=%68"));
  EXPECT_THAT(got, HasSubstr("&port=77&uploaded=0"));
  EXPECT_THAT(got, HasSubstr("&password=pass%20word HTTP/1.1\r\n"));
  EXPECT_THAT(got, HasSubstr("X-Forwarded-For: 127.0.0.1\r\n"));
}

TEST_F(OutboundTest, NoAnnounceWaitsForAnAggregatorThatIsDownOrSilent) {
  FakeServer silent([](FakeConnection& c) { c.WaitForEnd(); });
  for (const Endpoint& aggregator : {ClosedPort(), silent.endpoint()}) {
    options_.outbound.aggregate_forward =
        *AggregateForwardOptions::Parse("http://" + aggregator.ToString() + "/announce");
    options_.outbound.aggregate_forward->max_queued = 10;
    Start(NewMemoryStore());
    for (std::uint16_t port = 1; port <= 100; ++port)
      ASSERT_THAT(Announce(port), HasSubstr("8:complete"));
    server_->Stop();
    const ServerStatistics::Outbound sent = server_->Statistics().outbound;
    EXPECT_EQ(sent.forwarded, 0u);
    EXPECT_GT(sent.forward_dropped, 0u);
  }
}

TEST_F(OutboundTest, AMultitrackerWantsATrackerThatRemembersForeignPeers) {
  options_.outbound.multitracker = MultitrackerOptions();
  tracker_ = *Tracker::Create({});
  EXPECT_THAT(ServerThreads::Start(tracker_.get(), options_, 1).status().message(),
              HasSubstr("max_foreign_peers"));
}

TEST_F(OutboundTest, WhatIsSetBeforeItServesHoldsForTheFirstAnswer) {
  options_.announce.tracker_queries = TrackerQueries::kAutodetect;
  tracker_ = *Tracker::Create({});
  auto server = ServerThreads::Start(tracker_.get(), options_, 2, [](ServerThreads& starting) {
    starting.SetTorrentTrackers({{Hash('h'), {"http://127.0.0.1:1/announce"}}});
    return absl::OkStatus();
  });
  ASSERT_TRUE(server.ok()) << server.status();
  const auto ask = [&](char hash) {
    Client client = Client::Tcp((*server)->listeners()[0].endpoint);
    EXPECT_TRUE(client.Send(HttpAnnounce(Hash(hash), 1, "&tracker=1")));
    const auto response = client.ReceiveResponse();
    return response ? response->body : "";
  };
  EXPECT_THAT(ask('h'), HasSubstr("8:complete"));
  EXPECT_THAT(ask('i'), HasSubstr("is not authorized for multitracker use"));
}

TEST_F(OutboundTest, TorrentsMayBeSetFromAnyThreadAtAnyTime) {
  options_.outbound.multitracker = MultitrackerOptions();
  options_.announce.tracker_queries = TrackerQueries::kAutodetect;
  tracker_ = *Tracker::Create({.max_foreign_peers = 10});
  auto server = ServerThreads::Start(tracker_.get(), options_, 2);
  ASSERT_TRUE(server.ok()) << server.status();
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i)
        (*server)->SetTorrentTrackers({{Hash('h'), {"http://127.0.0.1:1/announce"}}});
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace muster
