// SPDX-License-Identifier: Apache-2.0
#include "muster/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <uv.h>

#include <memory>
#include <string>
#include <vector>

#include "net/client.h"
#include "net/loop_thread.h"
#include "server/announce.h"

namespace muster {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

ServerOptions On(std::vector<Listener> listeners) {
  ServerOptions options;
  options.listeners = std::move(listeners);
  return options;
}

const Listener kUdp4{Protocol::kUdp, E("127.0.0.1:0")};
const Listener kUdp6{Protocol::kUdp, E("[::1]:0")};
const Listener kHttp4{Protocol::kHttp, E("127.0.0.1:0")};
const Listener kHttp6{Protocol::kHttp, E("[::1]:0")};

class ServerTest : public testing::Test {
 protected:
  ServerTest() : tracker_(*Tracker::Create({})) {}

  std::unique_ptr<Server> Listen(const ServerOptions& options) {
    std::unique_ptr<Server> server;
    loop_.Run([&] {
      auto listening = Server::Listen(loop_.loop(), tracker_.get(), options);
      ASSERT_TRUE(listening.ok()) << listening.status();
      server = *std::move(listening);
    });
    return server;
  }
  void Drop(std::unique_ptr<Server> server) {
    loop_.Run([&] { server.reset(); });
  }

  const std::unique_ptr<Tracker> tracker_;
  LoopThread loop_;
};

TEST_F(ServerTest, SaysWhereItListensInTheOrderOfTheOptions) {
  std::unique_ptr<Server> server = Listen(On({kHttp4, kUdp6, kUdp4, kHttp6}));
  const std::vector<Listener>& l = server->listeners();
  ASSERT_EQ(l.size(), 4u);
  const auto port = [&](int i) { return std::to_string(l[i].endpoint.port()); };
  for (const Listener& one : l) EXPECT_NE(one.endpoint.port(), 0);
  EXPECT_EQ(l[0].AnnounceUrl(), "http://127.0.0.1:" + port(0) + "/announce");
  EXPECT_EQ(l[1].AnnounceUrl(), "udp://[::1]:" + port(1) + "/announce");
  EXPECT_EQ(l[2].AnnounceUrl(), "udp://127.0.0.1:" + port(2) + "/announce");
  EXPECT_EQ(l[3].AnnounceUrl(), "http://[::1]:" + port(3) + "/announce");
  Drop(std::move(server));
}

TEST_F(ServerTest, PeersMeetWhateverProtocolTheySpeak) {
  std::unique_ptr<Server> server = Listen(On({kUdp4, kHttp4}));
  const Endpoint udp = server->listeners()[0].endpoint, http = server->listeners()[1].endpoint;
  Client u = Client::Udp();
  const std::uint64_t id = AskConnectionId(u, udp);
  EXPECT_EQ(AnnounceByUdp(u, udp, id, Hash(1), 1111), "");
  Client h = Client::Tcp(http);
  EXPECT_TRUE(h.Send(HttpAnnounce(Hash(1), 2222)));
  const auto response = h.ReceiveResponse();
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->status, 200);
  EXPECT_THAT(response->body, HasSubstr(std::string("5:peers6:\x7f\0\0\x01\x04\x57", 15)));
  EXPECT_EQ(AnnounceByUdp(u, udp, id, Hash(1), 1111), std::string("\x7f\0\0\x01\x08\xae", 6));
  Drop(std::move(server));
}

TEST_F(ServerTest, BindsEveryListenerOrNone) {
  const absl::StatusOr<UniqueFd> other = ListenTcp(E("127.0.0.1:0"), {});
  const Endpoint taken = *LocalEndpoint(other->get());
  const Endpoint free = *LocalEndpoint(BindUdp(E("127.0.0.1:0"), {})->get());
  loop_.Run([&] {
    const auto server = Server::Listen(loop_.loop(), tracker_.get(),
                                       On({{Protocol::kUdp, free}, {Protocol::kHttp, taken}}));
    ASSERT_FALSE(server.ok());
    EXPECT_EQ(server.status().message(), "http://" + taken.ToString() + ": address already in use");
  });
  EXPECT_TRUE(BindUdp(free, {}).ok());
}

TEST_F(ServerTest, RefusesTheSameListenerTwice) {
  const Endpoint free = *LocalEndpoint(BindUdp(E("127.0.0.1:0"), {})->get());
  loop_.Run([&] {
    const auto server = Server::Listen(loop_.loop(), tracker_.get(),
                                       On({{Protocol::kUdp, free}, {Protocol::kUdp, free}}));
    EXPECT_EQ(server.status().message(), "udp://" + free.ToString() + ": address already in use");
  });
}

TEST_F(ServerTest, RefusesOptionsThatItCannotWorkWith) {
  loop_.Run([&] {
    EXPECT_TRUE(
        absl::IsInvalidArgument(Server::Listen(loop_.loop(), tracker_.get(), On({})).status()));
  });
}

TEST_F(ServerTest, ClosingAnswersWhatIsThereAndLetsRequestsFinish) {
  std::unique_ptr<Server> server = Listen(On({kUdp4, kHttp4}));
  const Endpoint udp = server->listeners()[0].endpoint, http = server->listeners()[1].endpoint;
  Client under_way = Client::Tcp(http), idle = Client::Tcp(http), u = Client::Udp();
  const std::string request = HttpAnnounce(Hash(1), 1);
  EXPECT_TRUE(idle.Send(request));
  EXPECT_TRUE(idle.ReceiveResponse().has_value());
  EXPECT_TRUE(under_way.Send(request.substr(0, 30)));
  bool closed = false;
  loop_.Run([&] {
    u.SendTo(udp, UdpConnect());
    server->Close([&] { closed = true; });
    EXPECT_FALSE(closed);
  });
  EXPECT_TRUE(u.Receive().has_value());
  EXPECT_EQ(idle.ReceiveMore(), Client::Got::kEnd);
  EXPECT_TRUE(under_way.Send(request.substr(30)));
  EXPECT_EQ(under_way.ReceiveResponse()->status, 200);
  EXPECT_EQ(under_way.ReceiveMore(), Client::Got::kEnd);
  loop_.RunUntil([&] { return closed; });
  EXPECT_TRUE(BindUdp(udp, {}).ok()) << "the ports are free again";
  EXPECT_TRUE(ListenTcp(http, {}).ok());
  Drop(std::move(server));
}

TEST_F(ServerTest, ClosingEndsInTime) {
  ServerOptions options = On({kHttp4});
  options.drain_timeout = milliseconds(50);
  std::unique_ptr<Server> server = Listen(options);
  Client client = Client::Tcp(server->listeners()[0].endpoint);
  EXPECT_TRUE(client.Send("GET /never"));
  bool closed = false;
  loop_.Run([&] { server->Close([&] { closed = true; }); });
  loop_.RunUntil([&] { return closed; });
  Drop(std::move(server));
}

TEST_F(ServerTest, EveryCloseIsHeardOf) {
  std::unique_ptr<Server> server = Listen(On({kUdp4, kHttp4}));
  std::string heard;
  loop_.Run([&] {
    server->Close([&] {
      heard += 'a';
      server->Close([&] { heard += 'c'; });
    });
    server->Close(nullptr);
    server->Close([&] { heard += 'b'; });
  });
  loop_.RunUntil([&] { return heard == "abc"; });
  loop_.Run([&] { server->Close([&] { heard += 'd'; }); });
  EXPECT_EQ(heard, "abcd");
  EXPECT_EQ(server->listeners().size(), 2u);
  Drop(std::move(server));
}

TEST_F(ServerTest, MayBeDroppedBeforeWhileAndAfterItCloses) {
  for (int when = 0; when < 4; ++when) {
    std::unique_ptr<Server> server = Listen(On({kUdp4, kHttp4}));
    bool closed = false;
    loop_.Run([&] {
      if (when == 0) return server.reset();
      server->Close([&] {
        closed = true;
        if (when == 1) server.reset();
      });
      if (when == 2) server.reset();
    });
    if (when > 0) loop_.RunUntil([&] { return closed; });
    loop_.Run([&] { server.reset(); });
  }
}

TEST_F(ServerTest, DroppingDoesNotTouchTheTrackerAfterwards) {
  auto tracker = *Tracker::Create({});
  std::unique_ptr<Server> server;
  loop_.Run([&] { server = *Server::Listen(loop_.loop(), tracker.get(), On({kUdp4, kHttp4})); });
  const Endpoint http = server->listeners()[1].endpoint;
  Client under_way = Client::Tcp(http);
  const std::string request = HttpAnnounce(Hash(1), 1);
  EXPECT_TRUE(under_way.Send(request.substr(0, 30)));
  loop_.Run([&] {
    server.reset();
    tracker.reset();
    under_way.Send(request.substr(30));
  });
  EXPECT_NE(under_way.ReceiveMore(), Client::Got::kBytes);
}

TEST_F(ServerTest, TwoOnOneLoopDoNotMind) {
  std::unique_ptr<Server> a = Listen(On({kUdp4, kHttp4})), b = Listen(On({kUdp4, kHttp4}));
  Client client = Client::Udp();
  const Endpoint to_b = b->listeners()[0].endpoint;
  EXPECT_NE(AskConnectionId(client, a->listeners()[0].endpoint), 0u);
  Drop(std::move(a));
  EXPECT_NE(AskConnectionId(client, to_b), 0u);
  Drop(std::move(b));
}

TEST_F(ServerTest, LeavesNothingOnTheLoop) {
  uv_loop_t loop;
  ASSERT_EQ(uv_loop_init(&loop), 0);
  auto server = Server::Listen(&loop, tracker_.get(), On({kUdp4, kUdp6, kHttp4, kHttp6}));
  ASSERT_TRUE(server.ok());
  EXPECT_NE(uv_loop_alive(&loop), 0);
  bool closed = false;
  (*server)->Close([&] { closed = true; });
  EXPECT_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
  EXPECT_TRUE(closed);
  EXPECT_EQ(uv_loop_close(&loop), 0);
}

// A store that only notes how it is swept.
class SweptStore final : public SwarmStore {
 public:
  struct Sweep {
    Instant last_seen_before;
    std::size_t max_swarms;
  };
  explicit SweptStore(std::vector<Sweep>* sweeps) : sweeps_(sweeps) {}

  SwarmCounts Apply(const SwarmUpdate&, Instant, PeerBatch&) override { return {}; }
  std::optional<SwarmCounts> Count(const InfoHash&) const override { return std::nullopt; }
  std::size_t Expire(Instant last_seen_before, std::size_t max_swarms) override {
    sweeps_->push_back({last_seen_before, max_swarms});
    return 0;
  }
  std::unique_ptr<SwarmCursor> Walk(std::size_t) const override { return nullptr; }
  bool Remove(const InfoHash&) override { return false; }
  StoreTotals Totals() const override {
    StoreTotals totals;
    totals.torrents = 100'000'000;  // so that it is in a hurry
    return totals;
  }
  void SetObserver(SwarmObserver*) override {}

 private:
  std::vector<Sweep>* const sweeps_;
};

TEST_F(ServerTest, SweepsTheStoreInSteps) {
  std::vector<SweptStore::Sweep> sweeps;  // on the loop's thread
  TrackerOptions options;
  options.peer_timeout = Seconds(4000);
  auto tracker = *Tracker::Create(options, std::make_unique<SweptStore>(&sweeps));
  std::unique_ptr<Server> server;
  loop_.Run([&] { server = *Server::Listen(loop_.loop(), tracker.get(), On({kUdp4})); });
  loop_.RunUntil([&] { return sweeps.size() >= 3; });
  const Instant now = std::chrono::floor<Seconds>(std::chrono::system_clock::now());
  loop_.Run([&] {
    for (const SweptStore::Sweep& sweep : sweeps) {
      EXPECT_GT(sweep.max_swarms, 1'000u);
      EXPECT_LE(sweep.last_seen_before, now - Seconds(4000));
      EXPECT_GE(sweep.last_seen_before, now - Seconds(4060));
    }
    server.reset();
  });
}

}  // namespace
}  // namespace muster
