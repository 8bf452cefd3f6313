// SPDX-License-Identifier: Apache-2.0
#include "net/udp_listener.h"

#include <netinet/in.h>
#include <netinet/udp.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "net/client.h"
#include "net/loop_thread.h"

namespace muster {
namespace {

using std::chrono::milliseconds;

// Answers "re: " and the request; silence for "hush".
void Reply(UdpDatagram& datagram) {
  const std::string_view request = TextOf(datagram.request);
  const std::string text = request == "hush" ? "" : "re: " + std::string(request);
  std::copy(text.begin(), text.end(), datagram.answer.begin());
  datagram.answer = datagram.answer.first(text.size());
}

class UdpListenerTest : public testing::Test {
 protected:
  // A listener that answers by `Reply`, unless the test has a handler of its own.
  Endpoint Listen(std::string_view local, UdpListener::Handler handler = nullptr,
                  UdpListener::Proxies proxies = nullptr, const SocketOptions& options = {}) {
    absl::StatusOr<UniqueFd> socket = BindUdp(E(local), options);
    EXPECT_TRUE(socket.ok()) << socket.status();
    const Endpoint bound = *LocalEndpoint(socket->get());
    if (!handler) {
      handler = [this](absl::Span<UdpDatagram> batch) {
        batches_.push_back(batch.size());
        for (UdpDatagram& datagram : batch) Reply(datagram);
      };
    }
    loop_.Run([&] {
      auto listener = UdpListener::Start(loop_.loop(), *std::move(socket), std::move(handler),
                                         &counters_, nullptr, std::move(proxies));
      ASSERT_TRUE(listener.ok()) << listener.status();
      listeners_.push_back(*std::move(listener));
    });
    return bound;
  }
  // Sends so many at once, and waits until each was received or is known to be dropped.
  void Flood(const Endpoint& server, std::uint64_t datagrams) {
    Client client = Client::Udp();
    loop_.Meanwhile([&] {
      for (std::uint64_t i = 0; i < datagrams; ++i) client.SendTo(server, "hush");
    });
    loop_.RunUntil(
        [&] { return counters_.received.value() + counters_.kernel_drops.value() == datagrams; });
  }
  void TearDown() override {
    loop_.Run([this] { listeners_.clear(); });
  }
  // After the loop has done what it was at.
  ServerStatistics::Udp counters() {
    loop_.Run([] {});
    ServerStatistics sum;
    counters_.AddTo(sum);
    return sum.udp;
  }

  UdpCounters counters_;
  LoopThread loop_;
  std::vector<ClosingPtr<UdpListener>> listeners_;  // on the loop's thread
  std::vector<std::size_t> batches_;
};

TEST_F(UdpListenerTest, TakesTheWordOfItsProxiesAloneAndAnswersThem) {
  std::vector<std::string> asked;
  const Endpoint server = Listen(
      "0.0.0.0:0",
      [&asked](absl::Span<UdpDatagram> batch) {
        for (UdpDatagram& datagram : batch) {
          asked.push_back(datagram.from.address().ToString());
          Reply(datagram);
        }
      },
      [](const IpAddress& from) { return from.ToString() == "127.0.0.2"; });
  const Endpoint here(*IpAddress::Parse("127.0.0.1"), server.port());
  const std::string header(
      "\r\n\r\n\0\r\nQUIT\n\x21\x12\0\x0c\xc0\0\x02\x01\x7f\0\0\x01\0\x01\0\x02", 28);
  const std::string health("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16);
  Client stranger = Client::Udp("127.0.0.3:0");
  stranger.SendTo(here, header + "a");
  Client proxy = Client::Udp("127.0.0.2:0");
  proxy.SendTo(here, "b");
  proxy.SendTo(here, header.substr(0, 27));
  proxy.SendTo(here, header + "c");
  proxy.SendTo(here, health + "d");
  EXPECT_EQ(proxy.Receive()->bytes, "re: c");
  EXPECT_EQ(proxy.Receive()->bytes, "re: d");
  loop_.Run([&] { EXPECT_EQ(asked, (std::vector<std::string>{"192.0.2.1", "127.0.0.2"})); });
  EXPECT_EQ(counters().received, 5u);
  EXPECT_EQ(counters().noise, 3u);
}

TEST_F(UdpListenerTest, AnswersEachSenderInItsOrder) {
  const Endpoint server = Listen("127.0.0.1:0");
  std::vector<Client> clients;
  for (int c = 0; c < 5; ++c) clients.push_back(Client::Udp());
  loop_.Meanwhile([&] {
    for (int i = 0; i < 40; ++i) {
      for (int c = 0; c < 5; ++c) {
        clients[c].SendTo(server, std::to_string(c) + "/" + std::to_string(i));
      }
    }
  });
  for (int c = 0; c < 5; ++c) {
    for (int i = 0; i < 40; ++i) {
      const auto answer = clients[c].Receive();
      ASSERT_TRUE(answer.has_value());
      EXPECT_EQ(answer->bytes, "re: " + std::to_string(c) + "/" + std::to_string(i));
      EXPECT_EQ(answer->from, server);
    }
  }
  loop_.Run([this] { EXPECT_EQ(batches_, (std::vector<std::size_t>{64, 64, 64, 8})); });
  EXPECT_EQ(counters().received, 200u);
  EXPECT_EQ(counters().answered, 200u);
}

TEST_F(UdpListenerTest, TellsTheHandlerWhoAsks) {
  std::vector<Endpoint> askers;
  const auto remember = [&](absl::Span<UdpDatagram> batch) {
    for (UdpDatagram& datagram : batch) {
      askers.push_back(datagram.from);
      Reply(datagram);
    }
  };
  const Endpoint ipv4 = Listen("127.0.0.1:0", remember);
  const Endpoint ipv6 = Listen("[::1]:0", remember);
  Client four = Client::Udp("127.0.0.3:0"), six = Client::Udp("[::1]:0");
  four.SendTo(ipv4, "a");
  EXPECT_TRUE(four.Receive().has_value());
  six.SendTo(ipv6, "b");
  const auto answer = six.Receive();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->from, ipv6);
  loop_.Run([&] { EXPECT_EQ(askers, (std::vector<Endpoint>{four.local(), six.local()})); });
}

TEST_F(UdpListenerTest, AnswersFromTheAddressThatWasAsked) {
  const Endpoint server = Listen("0.0.0.0:0");
  Client client = Client::Udp();
  for (const char* address : {"127.0.0.2", "127.0.0.9", "127.0.0.1"}) {
    const Endpoint asked(*IpAddress::Parse(address), server.port());
    client.SendTo(asked, "x");
    const auto answer = client.Receive();
    ASSERT_TRUE(answer.has_value()) << address;
    EXPECT_EQ(answer->from, asked);
  }
}

TEST_F(UdpListenerTest, AnswersABatchFromManyAddressesEachFromItsOwn) {
  const Endpoint server = Listen("0.0.0.0:0");
  Client client = Client::Udp();
  const auto address = [&](int i) {
    const std::uint8_t bytes[4] = {127, 0, 1, static_cast<std::uint8_t>(i + 1)};
    return Endpoint(IpAddress::FromIpv4(bytes), server.port());
  };
  loop_.Meanwhile([&] {
    // Silence in between must not shift one's address to another's answer.
    for (int i = 0; i < 100; ++i)
      client.SendTo(address(i), i % 3 == 1 ? "hush" : std::to_string(i));
  });
  for (int i = 0; i < 100; ++i) {
    if (i % 3 == 1) continue;
    const auto answer = client.Receive();
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->bytes, "re: " + std::to_string(i));
    EXPECT_EQ(answer->from, address(i));
  }
}

TEST_F(UdpListenerTest, AnswersOnTheIpv6WildcardWithoutTakingIpv4) {
  const Endpoint server = Listen("[::]:0");
  Client six = Client::Udp("[::1]:0");
  const Endpoint asked(*IpAddress::Parse("::1"), server.port());
  for (int i = 0; i < 3; ++i) {
    six.SendTo(asked, "x");
    const auto answer = six.Receive();
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->from, asked);
  }
  // The port is free for IPv4.
  EXPECT_TRUE(BindUdp(Endpoint(*IpAddress::Parse("0.0.0.0"), server.port()), {}).ok());
}

TEST_F(UdpListenerTest, LeavesSilenceUnsent) {
  const Endpoint server = Listen("127.0.0.1:0");
  Client client = Client::Udp();
  for (const char* text : {"hush", "1", "hush", "hush", "2"}) client.SendTo(server, text);
  EXPECT_EQ(client.Receive()->bytes, "re: 1");
  EXPECT_EQ(client.Receive()->bytes, "re: 2");
  EXPECT_EQ(counters().received, 5u);
  EXPECT_EQ(counters().answered, 2u);
}

TEST_F(UdpListenerTest, DropsARequestThatIsTooLong) {
  const Endpoint server = Listen("127.0.0.1:0", [](absl::Span<UdpDatagram> batch) {
    for (UdpDatagram& datagram : batch) {
      StoreBig16(datagram.answer.data(), static_cast<std::uint16_t>(datagram.request.size()));
      datagram.answer = datagram.answer.first(2);
    }
  });
  Client client = Client::Udp();
  client.SendTo(server, std::string(UdpListener::kMaxRequest + 1, 'x'));
  client.SendTo(server, std::string(UdpListener::kMaxRequest, 'x'));
  const auto answer = client.Receive();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(LoadBig16(BytesOf(answer->bytes).data()), UdpListener::kMaxRequest);
  client.SetTimeout(milliseconds(20));
  EXPECT_FALSE(client.Receive().has_value());
  EXPECT_EQ(counters().received, 2u);
  EXPECT_EQ(counters().noise, 1u);
}

TEST_F(UdpListenerTest, TakesAnEmptyDatagram) {
  const Endpoint server = Listen("127.0.0.1:0");
  Client client = Client::Udp();
  client.SendTo(server, "");
  EXPECT_EQ(client.Receive()->bytes, "re: ");
}

TEST_F(UdpListenerTest, AnAnswerThatCannotBeSentDoesNotStopTheOthers) {
  const std::vector<std::uint8_t> huge(70'000);
  const Endpoint server = Listen("127.0.0.1:0", [&](absl::Span<UdpDatagram> batch) {
    for (UdpDatagram& datagram : batch) {
      if (TextOf(datagram.request) == "huge") {
        datagram.answer = {const_cast<std::uint8_t*>(huge.data()), huge.size()};
      } else {
        Reply(datagram);
      }
    }
  });
  Client client = Client::Udp();
  loop_.Meanwhile([&] {
    for (const char* text : {"huge", "1", "2", "huge", "3", "huge"}) client.SendTo(server, text);
  });
  for (const char* text : {"re: 1", "re: 2", "re: 3"}) EXPECT_EQ(client.Receive()->bytes, text);
  EXPECT_EQ(counters().send_failed, 3u);
}

TEST_F(UdpListenerTest, DropsARequestFromPortZero) {
  const UniqueFd raw(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_UDP));
  if (raw.get() < 0) GTEST_SKIP() << "needs CAP_NET_RAW";
  const Endpoint server = Listen("127.0.0.1:0");
  struct {
    udphdr header;
    char text[4];
  } packet{};
  packet.header.dest = htons(server.port());
  packet.header.len = htons(sizeof packet);
  std::memcpy(packet.text, "zero", 4);
  const SocketAddress to{Endpoint(server.address(), 0)};
  ASSERT_EQ(sendto(raw.get(), &packet, sizeof packet, 0, &to.any, to.size),
            static_cast<ssize_t>(sizeof packet));
  Client client = Client::Udp();
  client.SendTo(server, "x");
  EXPECT_EQ(client.Receive()->bytes, "re: x");
  EXPECT_EQ(counters().received, 2u);
  loop_.Run([this] { EXPECT_EQ(batches_, std::vector<std::size_t>{1}); });
}

TEST_F(UdpListenerTest, ClosingAnswersWhatHasComeAlready) {
  const Endpoint server = Listen("127.0.0.1:0");
  Client client = Client::Udp();
  bool closed = false;
  loop_.Run([&] {
    for (int i = 0; i < 100; ++i) client.SendTo(server, std::to_string(i));
    listeners_[0].release()->Close([&] { closed = true; });
    listeners_.clear();
    EXPECT_FALSE(closed);
  });
  for (int i = 0; i < 100; ++i) EXPECT_EQ(client.Receive()->bytes, "re: " + std::to_string(i));
  loop_.RunUntil([&] { return closed; });
  EXPECT_TRUE(BindUdp(server, {}).ok()) << "the port is free again";
}

TEST_F(UdpListenerTest, LetsOthersHaveTheirTurnDuringAFlood) {
  // Each batch is followed by another one before it is answered: the socket is always readable.
  constexpr std::uint64_t kFlood = 5000;
  Client client = Client::Udp();
  Endpoint server;
  std::uint64_t sent = 0;
  server = Listen("127.0.0.1:0", [&](absl::Span<UdpDatagram> batch) {
    for (UdpDatagram& datagram : batch) datagram.answer = {};
    for (std::size_t i = 0; i < UdpListener::kBatch && sent < kFlood; ++i, ++sent) {
      client.SendTo(server, "more");
    }
  });
  loop_.Run([&] {
    for (std::size_t i = 0; i < UdpListener::kBatch; ++i, ++sent) client.SendTo(server, "first");
  });
  // The test's own turns come in between.
  std::uint64_t turns = 0;
  loop_.RunUntil([&] {
    ++turns;
    return counters_.received.value() == kFlood;
  });
  EXPECT_GE(turns, 5u);
}

TEST_F(UdpListenerTest, CountsWhatTheKernelDropped) {
  Flood(Listen("127.0.0.1:0", nullptr, nullptr, {.buffer = 100'000}), 3000);
  EXPECT_GT(counters().kernel_drops, 0u);
  EXPECT_GT(counters().latency.count() + counters().received, 0u);
}

TEST_F(UdpListenerTest, CountsWhatTheKernelDroppedThoughASmallBufferFillsNoBatch) {
  Flood(Listen("127.0.0.1:0", nullptr, nullptr, {.buffer = 1}), 100);  // its least
  loop_.Run(
      [&] { EXPECT_LT(*std::max_element(batches_.begin(), batches_.end()), UdpListener::kBatch); });
}

}  // namespace
}  // namespace muster
