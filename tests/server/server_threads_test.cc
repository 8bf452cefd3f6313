// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "muster/server.h"
#include "net/client.h"
#include "server/announce.h"

namespace muster {
namespace {

const std::vector<Listener> kAll = {{Protocol::kUdp, E("127.0.0.1:0")},
                                    {Protocol::kHttp, E("127.0.0.1:0")},
                                    {Protocol::kUdp, E("[::1]:0")},
                                    {Protocol::kHttp, E("[::1]:0")}};

class ServerThreadsTest : public testing::Test {
 protected:
  ServerThreadsTest() : tracker_(*Tracker::Create({})) {}

  absl::StatusOr<std::unique_ptr<ServerThreads>> Start(const std::vector<Listener>& listeners,
                                                       std::size_t workers) {
    ServerOptions options;
    options.listeners = listeners;
    options.udp.socket_buffer = 0;
    return ServerThreads::Start(tracker_.get(), options, workers);
  }

  const std::unique_ptr<Tracker> tracker_;
};

std::size_t OpenFiles() {
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& file : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++files;
  }
  return files;
}

TEST_F(ServerThreadsTest, ManyClientsAreServedByManyWorkers) {
  auto server = Start(kAll, 4);
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ((*server)->workers(), 4u);
  const std::vector<Listener> listeners = (*server)->listeners();
  ASSERT_EQ(listeners.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(listeners[i].protocol, kAll[i].protocol);
    EXPECT_EQ(listeners[i].endpoint.address(), kAll[i].endpoint.address());
  }
  std::atomic<int> answered = 0;
  std::vector<std::thread> clients;
  for (int t = 0; t < 4; ++t) {
    clients.emplace_back([&, t] {
      const Listener& listener = listeners[static_cast<std::size_t>(t)];
      const bool ipv4 = listener.endpoint.family() == AddressFamily::kIpv4;
      for (int i = 0; i < 50; ++i) {
        const auto port = static_cast<std::uint16_t>(1000 * (t + 1) + i);
        if (listener.protocol == Protocol::kHttp) {
          Client client = Client::Tcp(listener.endpoint);
          if (!client.Send(HttpAnnounce(Hash(7), port))) continue;
          const auto response = client.ReceiveResponse();
          if (response.has_value() && response->status == 200) ++answered;
        } else {
          Client client = Client::Udp(ipv4 ? "127.0.0.1:0" : "[::1]:0");
          const std::uint64_t id = AskConnectionId(client, listener.endpoint);
          if (AnnounceByUdp(client, listener.endpoint, id, Hash(7), port)) ++answered;
        }
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(answered, 200);
  EXPECT_EQ(tracker_->store().Count(Hash(7))->peers(), 200u);
}

TEST_F(ServerThreadsTest, AConnectionIdOfOneWorkerIsGoodForAnother) {
  auto server = Start({kAll[0]}, 4);
  ASSERT_TRUE(server.ok());
  const Endpoint to = (*server)->listeners()[0].endpoint;
  Client first = Client::Udp();
  const std::uint64_t id = AskConnectionId(first, to);
  for (int i = 1; i <= 40; ++i) {  // from other ports, which go to other workers
    Client other = Client::Udp();
    EXPECT_TRUE(AnnounceByUdp(other, to, id, Hash(1), static_cast<std::uint16_t>(i)).has_value());
  }
}

TEST_F(ServerThreadsTest, AnAddressThatAnotherListensOnIsAnError) {
  for (const PortSharing sharing : {PortSharing::kNone, PortSharing::kFirst}) {
    const auto udp = BindUdp(E("127.0.0.1:0"), {.sharing = sharing});
    const auto tcp = ListenTcp(E("127.0.0.1:0"), {.sharing = sharing});
    const Endpoint udp_taken = *LocalEndpoint(udp->get()), tcp_taken = *LocalEndpoint(tcp->get());
    for (const std::size_t workers : {1, 3}) {
      EXPECT_EQ(Start({kAll[1], {Protocol::kUdp, udp_taken}}, workers).status().message(),
                "udp://" + udp_taken.ToString() + ": address already in use");
      EXPECT_EQ(Start({kAll[0], {Protocol::kHttp, tcp_taken}}, workers).status().message(),
                "http://" + tcp_taken.ToString() + ": address already in use");
    }
  }
}

TEST_F(ServerThreadsTest, TheSameListenerTwiceIsAnError) {
  const Endpoint free = *LocalEndpoint(BindUdp(E("127.0.0.1:0"), {})->get());
  EXPECT_FALSE(Start({{Protocol::kUdp, free}, {Protocol::kUdp, free}}, 2).ok());
}

TEST_F(ServerThreadsTest, OneWorkerSharesItsPortWithNobody) {
  auto server = Start({kAll[0], kAll[1]}, 1);
  ASSERT_TRUE(server.ok());
  EXPECT_FALSE(BindUdp((*server)->listeners()[0].endpoint, {.sharing = PortSharing::kJoin}).ok());
  EXPECT_FALSE(ListenTcp((*server)->listeners()[1].endpoint, {.sharing = PortSharing::kJoin}).ok());
}

// A port of all addresses of a family that is free, and `address` on it.
Endpoint FreeOn(std::string_view any, std::string_view address) {
  const auto udp = BindUdp(E(any), {});
  const Endpoint free = *LocalEndpoint(udp->get());
  const auto tcp = ListenTcp(free, {});
  if (!tcp.ok()) return FreeOn(any, address);
  return Endpoint(*IpAddress::Parse(address), free.port());
}

TEST_F(ServerThreadsTest, AllAddressesAndOneOfThemServeOnePortTogether) {
  const Endpoint one = FreeOn("0.0.0.0:0", "127.0.0.1");
  const Endpoint all(*IpAddress::Parse("0.0.0.0"), one.port());
  const Endpoint other(*IpAddress::Parse("127.0.0.2"), one.port());
  // In either order; and several workers share each of them.
  const std::vector<Listener> orders[] = {
      {{Protocol::kUdp, all},
       {Protocol::kHttp, all},
       {Protocol::kUdp, one},
       {Protocol::kHttp, one}},
      {{Protocol::kUdp, one},
       {Protocol::kHttp, one},
       {Protocol::kUdp, all},
       {Protocol::kHttp, all}},
  };
  for (const std::vector<Listener>& listeners : orders) {
    for (const std::size_t workers : {1, 3}) {
      auto server = Start(listeners, workers);
      ASSERT_TRUE(server.ok()) << server.status();
      for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ((*server)->listeners()[i].endpoint, listeners[i].endpoint);
      }
      for (const Endpoint& to : {one, other}) {
        for (std::uint16_t port = 1; port <= 20; ++port) {  // they come to all workers
          Client udp = Client::Udp();
          const std::uint64_t id = AskConnectionId(udp, to);
          udp.SendTo(to, UdpAnnounce(id, Hash(1), port));
          const auto answer = udp.Receive();
          ASSERT_TRUE(answer.has_value()) << to.ToString();
          EXPECT_EQ(answer->from, to);
          Client tcp = Client::Tcp(to);
          ASSERT_TRUE(tcp.Send(HttpAnnounce(Hash(1), port)));
          EXPECT_EQ(tcp.ReceiveResponse().value_or(Client::Response()).status, 200);
        }
      }
      for (const Endpoint& taken : {all, one, other}) {
        EXPECT_FALSE(BindUdp(taken, {}).ok());
        EXPECT_FALSE(ListenTcp(taken, {}).ok());
        if (workers > 1) continue;
        EXPECT_FALSE(BindUdp(taken, {.sharing = PortSharing::kJoin}).ok());
      }
      EXPECT_FALSE(Start(listeners, workers).ok());
    }
  }
}

TEST_F(ServerThreadsTest, AllIpv6AddressesAndOneOfThemServeOnePortTogether) {
  const Endpoint one = FreeOn("[::]:0", "::1");
  const Endpoint all(*IpAddress::Parse("::"), one.port());
  for (const std::size_t workers : {1, 3}) {
    auto server = Start({{Protocol::kUdp, one}, {Protocol::kUdp, all}}, workers);
    ASSERT_TRUE(server.ok()) << server.status();
    Client client = Client::Udp("[::1]:0");
    EXPECT_TRUE(AnnounceByUdp(client, one, AskConnectionId(client, one), Hash(1), 1).has_value());
  }
}

TEST_F(ServerThreadsTest, OneAddressThatAnotherListensOnIsAnErrorBesideAllOfThemToo) {
  for (const PortSharing sharing : {PortSharing::kNone, PortSharing::kFirst}) {
    const Endpoint one = FreeOn("0.0.0.0:0", "127.0.0.1");
    const Endpoint all(*IpAddress::Parse("0.0.0.0"), one.port());
    const Endpoint other(*IpAddress::Parse("127.0.0.2"), one.port());
    const auto udp = BindUdp(other, {.sharing = sharing});
    const auto tcp = ListenTcp(other, {.sharing = sharing});
    for (const std::size_t workers : {1, 3}) {
      EXPECT_EQ(Start({{Protocol::kUdp, one}, {Protocol::kUdp, all}}, workers).status().message(),
                "udp://" + all.ToString() + ": address already in use");
      EXPECT_EQ(Start({{Protocol::kHttp, one}, {Protocol::kHttp, all}}, workers).status().message(),
                "http://" + all.ToString() + ": address already in use");
    }
  }
}

TEST_F(ServerThreadsTest, TheSameListenerTwiceIsAnErrorBesideAllAddressesToo) {
  const Endpoint one = FreeOn("0.0.0.0:0", "127.0.0.1");
  const Listener all{Protocol::kUdp, Endpoint(*IpAddress::Parse("0.0.0.0"), one.port())};
  for (const std::size_t workers : {1, 2}) {
    EXPECT_FALSE(Start({all, {Protocol::kUdp, one}, {Protocol::kUdp, one}}, workers).ok());
    EXPECT_FALSE(Start({all, {Protocol::kUdp, one}, all}, workers).ok());
  }
}

TEST_F(ServerThreadsTest, RefusesToStartWithoutWorkers) {
  EXPECT_TRUE(absl::IsInvalidArgument(Start(kAll, 0).status()));
}

TEST_F(ServerThreadsTest, TakesAStepBetweenBindingAndServing) {
  const Endpoint free = *LocalEndpoint(BindUdp(E("127.0.0.1:0"), {})->get());
  ServerOptions options;
  options.listeners = {{Protocol::kUdp, free}};
  options.udp.socket_buffer = 0;
  bool bound = false;
  auto server = ServerThreads::Start(tracker_.get(), options, 2,
                                     [&](ServerThreads& starting) -> absl::Status {
                                       bound = !BindUdp(free, {}).ok();
                                       EXPECT_EQ(starting.listeners()[0].endpoint, free);
                                       return absl::OkStatus();
                                     });
  EXPECT_TRUE(server.ok()) << server.status();
  EXPECT_TRUE(bound);
}

TEST_F(ServerThreadsTest, ServesNothingWhenThatStepFails) {
  ServerOptions options;
  options.listeners = kAll;
  const auto server = ServerThreads::Start(tracker_.get(), options, 2, [](ServerThreads&) {
    return absl::FailedPreconditionError("no");
  });
  EXPECT_EQ(server.status(), absl::FailedPreconditionError("no"));
}

TEST_F(ServerThreadsTest, StopsTwiceWithoutHarmAndStillSaysWhereItWas) {
  auto server = Start(kAll, 2);
  ASSERT_TRUE(server.ok());
  const Endpoint udp = (*server)->listeners()[0].endpoint,
                 http = (*server)->listeners()[1].endpoint;
  (*server)->Stop();
  (*server)->Stop();
  EXPECT_EQ((*server)->listeners().size(), 4u);
  EXPECT_EQ((*server)->workers(), 2u);
  EXPECT_TRUE(BindUdp(udp, {}).ok()) << "the ports are free again";
  EXPECT_TRUE(ListenTcp(http, {}).ok());
}

TEST_F(ServerThreadsTest, StopsWhileRequestsAreUnderWay) {
  auto server = Start({kAll[1]}, 2);
  ASSERT_TRUE(server.ok());
  std::vector<Client> clients;
  const std::string request = HttpAnnounce(Hash(1), 1);
  for (int i = 0; i < 8; ++i) {
    clients.push_back(Client::Tcp((*server)->listeners()[0].endpoint));
    // One whole request, so that the connection is known to be accepted, and a half.
    EXPECT_TRUE(clients.back().Send(request));
    EXPECT_EQ(clients.back().ReceiveResponse()->status, 200);
    EXPECT_TRUE(clients.back().Send(request.substr(0, 40)));
  }
  std::thread stopper([&] { (*server)->Stop(); });
  for (Client& client : clients) {
    EXPECT_TRUE(client.Send(request.substr(40)));
    EXPECT_EQ(client.ReceiveResponse()->status, 200);
    EXPECT_EQ(client.ReceiveMore(), Client::Got::kEnd);
    client.Close();
  }
  stopper.join();
}

TEST_F(ServerThreadsTest, StartsAndStopsManyTimesAndLeavesNothing) {
  { auto once = Start(kAll, 2); }  // whatever is opened once and for all
  const std::size_t files = OpenFiles();
  for (int i = 0; i < 50; ++i) {
    auto server = Start(kAll, static_cast<std::size_t>(1 + i % 3));
    ASSERT_TRUE(server.ok()) << server.status();
    Client client = Client::Udp();
    EXPECT_NE(AskConnectionId(client, (*server)->listeners()[0].endpoint), 0u);
  }
  EXPECT_EQ(OpenFiles(), files);
}

TEST_F(ServerThreadsTest, AddsUpWhatItsWorkersCount) {
  auto server = Start(kAll, 3);
  ASSERT_TRUE(server.ok()) << server.status();
  for (const Listener& listener : (*server)->listeners()) {
    for (std::uint16_t port = 1; port <= 10; ++port) {
      if (listener.protocol == Protocol::kHttp) {
        Client client = Client::Tcp(listener.endpoint);
        EXPECT_TRUE(client.Send(HttpAnnounce(Hash(7), port)));
        EXPECT_TRUE(client.ReceiveResponse().has_value());
      } else {
        const bool ipv4 = listener.endpoint.family() == AddressFamily::kIpv4;
        Client client = Client::Udp(ipv4 ? "127.0.0.1:0" : "[::1]:0");
        const std::uint64_t id = AskConnectionId(client, listener.endpoint);
        EXPECT_TRUE(AnnounceByUdp(client, listener.endpoint, id, Hash(7), port).has_value());
      }
    }
  }
  // Any worker tells what all of them did.
  const auto& listeners = (*server)->listeners();
  const auto http = std::find_if(listeners.begin(), listeners.end(),
                                 [](const Listener& l) { return l.protocol == Protocol::kHttp; });
  Client client = Client::Tcp(http->endpoint);
  EXPECT_TRUE(client.Send("GET /stats?mode=tcp4 HTTP/1.1\r\nHost: x\r\n\r\n"));
  const auto page = client.ReceiveResponse();
  ASSERT_TRUE(page.has_value());
  EXPECT_EQ(page->body.substr(0, 6), "21\n20\n");
  (*server)->Stop();
  const ServerStatistics s = (*server)->Statistics();
  EXPECT_EQ(s.workers, 3u);
  for (const auto& families : s.requests) {
    for (const auto& kinds : families) {
      EXPECT_EQ(kinds[static_cast<std::size_t>(RequestKind::kAnnounce)]
                     [static_cast<std::size_t>(Outcome::kAnswered)],
                10u);
    }
  }
  EXPECT_EQ(s.Requests(Protocol::kUdp, RequestKind::kConnect, Outcome::kAnswered), 20u);
  EXPECT_EQ(s.udp.received, 40u);
  EXPECT_EQ(s.udp.answered, 40u);
  EXPECT_EQ(s.http.accepted, 21u);
  EXPECT_EQ(s.http.open, 0u);
}

}  // namespace
}  // namespace muster
