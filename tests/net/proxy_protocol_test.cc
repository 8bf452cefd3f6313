// SPDX-License-Identifier: Apache-2.0
#include "net/proxy_protocol.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "net/client.h"
#include "net/http_listener.h"
#include "net/loop_thread.h"

namespace muster {
namespace {

using Result = ProxyPreamble::Result;

constexpr std::string_view kSignature{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::string_view kTcp4{"\xc0\0\x02\x01\xc6\x33\x64\x01\xdc\x04\x01\xbb", 12};

std::string Binary(int command, int family, std::string_view rest) {
  std::string bytes(kSignature);
  for (const int byte :
       {command, family, static_cast<int>(rest.size() >> 8), static_cast<int>(rest.size() & 255)})
    bytes += static_cast<char>(byte);
  return bytes + std::string(rest);
}
std::string Tcp6(std::string_view client) {
  const Endpoint endpoint(*IpAddress::Parse(client), 1);
  std::string bytes(reinterpret_cast<const char*>(endpoint.compact().data()), 16);
  return bytes + std::string(16 + 4, '\x01');
}

// What `bytes` give, also with something behind them and in whatever pieces they come.
ProxyPreamble Parse(const std::string& bytes) {
  const ProxyPreamble whole = ParseProxyPreamble(bytes + "GET / HTTP/1.1\r\n");
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    const Result part = ParseProxyPreamble(std::string_view(bytes).substr(0, n)).result;
    EXPECT_TRUE(part == Result::kNeedMore || (part == Result::kBad && whole.result == Result::kBad))
        << n;
  }
  if (whole.result == Result::kDone) {
    EXPECT_EQ(whole.size, bytes.size());
    EXPECT_EQ(ParseProxyPreamble(bytes).result, Result::kDone);
  }
  return whole;
}

TEST(ProxyPreamble, SaysWhomAConnectionIsFor) {
  const std::pair<std::string, std::string_view> cases[] = {
      {"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n", "192.0.2.1"},
      {"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255"},
      {"PROXY TCP6 2001:db8::1 2001:db8::2 1 0\r\n", "2001:db8::1"},
      {"PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
       "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
       "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
      {"PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n", "192.0.2.7"},
      {Binary(0x21, 0x11, kTcp4), "192.0.2.1"},
      {Binary(0x21, 0x11, std::string(kTcp4) + "more of it"), "192.0.2.1"},
      {Binary(0x21, 0x21, Tcp6("2001:db8::1")), "2001:db8::1"},
      {Binary(0x21, 0x21,
              std::string("\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\x02\x07", 16) + std::string(20, 'x')),
       "192.0.2.7"},
      {Binary(0x21, 0x11, std::string(kTcp4) + std::string(4096 - 12, 'x')), "192.0.2.1"},
  };
  for (const auto& [bytes, client] : cases) {
    const ProxyPreamble preamble = Parse(bytes);
    ASSERT_EQ(preamble.result, Result::kDone) << bytes;
    ASSERT_TRUE(preamble.client.has_value()) << bytes;
    EXPECT_EQ(preamble.client->ToString(), client);
  }
}

TEST(ProxyPreamble, MaySayThatTheProxySpeaksForItself) {
  for (const std::string& bytes :
       {std::string("PROXY UNKNOWN\r\n"), std::string("PROXY UNKNOWN what ever 1\r\n"),
        Binary(0x20, 0x00, ""), Binary(0x20, 0x11, kTcp4), Binary(0x21, 0x00, "abc"),
        Binary(0x21, 0x31, std::string(216, 'x'))}) {
    const ProxyPreamble preamble = Parse(bytes);
    EXPECT_EQ(preamble.result, Result::kDone) << bytes;
    EXPECT_FALSE(preamble.client.has_value()) << bytes;
  }
}

TEST(ProxyPreamble, IsBadWhenItIsNone) {
  for (const std::string& bytes : {std::string("GET / HTTP/1.1\r\n"),
                                   std::string("proxy TCP4 1.1.1.1 1.1.1.1 1 1\r\n"),
                                   std::string("PROXY\r\n"),
                                   std::string("PROXY \r\n"),
                                   std::string("PROXY TCP4\r\n"),
                                   std::string("PROXY TCP5 1.1.1.1 1.1.1.1 1 1\r\n"),
                                   std::string("PROXY TCP4 1.1.1.1 1.1.1.1 1\r\n"),
                                   std::string("PROXY TCP4 1.1.1.1 1.1.1.1 1 65536\r\n"),
                                   std::string("PROXY TCP4 1.1.1.1 1.1.1.1 1 1 \r\n") + "x",
                                   std::string("PROXY TCP4 1.1.1.1  1.1.1.1 1 1\r\n"),
                                   std::string("PROXY TCP4 1.1.1 1.1.1.1 1 1\r\n"),
                                   std::string("PROXY TCP4 ::1 ::1 1 1\r\n"),
                                   std::string("PROXY TCP6 1.1.1.1 1.1.1.1 1 1\r\n"),
                                   "PROXY UNKNOWN " + std::string(100, 'x') + "\r\n",
                                   std::string(200, '\r'),
                                   Binary(0x31, 0x11, kTcp4),
                                   Binary(0x22, 0x11, kTcp4),
                                   Binary(0x21, 0x12, kTcp4),
                                   Binary(0x21, 0x32, kTcp4),
                                   Binary(0x21, 0x11, kTcp4.substr(1)),
                                   Binary(0x21, 0x21, kTcp4),
                                   Binary(0x21, 0x11, std::string(4097, 'x'))}) {
    EXPECT_EQ(Parse(bytes).result, Result::kBad) << bytes;
  }
}

TEST(ProxyDatagram, SaysWhomItIsFor) {
  const std::string ipv4 = Binary(0x21, 0x12, std::string(kTcp4) + "more of it");
  const ProxyPreamble four = ParseProxyDatagram(ipv4 + "request");
  ASSERT_EQ(four.result, Result::kDone);
  EXPECT_EQ(four.size, ipv4.size());
  EXPECT_EQ(four.client->ToString(), "192.0.2.1");
  const ProxyPreamble six = ParseProxyDatagram(Binary(0x21, 0x22, Tcp6("2001:db8::1")));
  ASSERT_EQ(six.result, Result::kDone);
  EXPECT_EQ(six.client->ToString(), "2001:db8::1");
  for (const std::string& bytes : {Binary(0x20, 0x00, ""), Binary(0x20, 0x12, kTcp4),
                                   Binary(0x21, 0x00, "abc"), Binary(0x21, 0x32, "abc")}) {
    EXPECT_EQ(ParseProxyDatagram(bytes).result, Result::kDone) << bytes;
    EXPECT_FALSE(ParseProxyDatagram(bytes).client.has_value()) << bytes;
  }
}

TEST(ProxyDatagram, IsBadWhenItIsNoneOrCutOffOrOfAnotherTransport) {
  const std::string good = Binary(0x21, 0x12, kTcp4);
  for (std::size_t n = 0; n < good.size(); ++n)
    EXPECT_EQ(ParseProxyDatagram(good.substr(0, n)).result, Result::kBad) << n;
  for (const std::string& bytes :
       {std::string("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n"),
        std::string("PROXY UNKNOWN\r\n"), Binary(0x21, 0x11, kTcp4), Binary(0x21, 0x31, "abc"),
        Binary(0x21, 0x22, kTcp4), Binary(0x21, 0x42, kTcp4)}) {
    EXPECT_EQ(ParseProxyDatagram(bytes).result, Result::kBad) << bytes;
  }
}

bool IsThisMachine(const IpAddress& address) { return address.ToString() == "127.0.0.1"; }

// A listener that answers with the address that a request comes from.
class ProxiedListener : public testing::Test {
 protected:
  void Listen(std::function<bool(const IpAddress&)> proxies, HttpListenerOptions options = {}) {
    options.proxies = std::move(proxies);
    std::vector<HttpSocket> sockets;
    for (const bool proxied : {true, false}) {
      absl::StatusOr<UniqueFd> socket = ListenTcp(E("127.0.0.1:0"), {});
      ASSERT_TRUE(socket.ok()) << socket.status();
      (proxied ? proxied_ : plain_) = *LocalEndpoint(socket->get());
      sockets.push_back({*std::move(socket), proxied});
    }
    HttpHandlers handlers;
    handlers.answer = [](absl::Span<HttpExchange> batch, std::string& out) {
      for (HttpExchange& exchange : batch) {
        constexpr const char* kWhom[] = {"", " itself", " for nobody known"};
        const std::string body =
            exchange.from->ToString() + kWhom[static_cast<std::size_t>(exchange.on_behalf_of)];
        absl::StrAppend(&out, "HTTP/1.1 200 X\r\nContent-Length: ", body.size(), "\r\n\r\n", body);
        exchange.end = out.size();
      }
    };
    handlers.error = [](int status, std::string& out) {
      absl::StrAppend(&out, "HTTP/1.1 ", status, " X\r\nContent-Length: 0\r\n\r\n");
    };
    loop_.Run([&] {
      auto listener =
          HttpListener::Start(loop_.loop(), std::move(sockets), options, std::move(handlers),
                              &counters_, std::chrono::seconds(5), nullptr);
      ASSERT_TRUE(listener.ok()) << listener.status();
      listener_ = *std::move(listener);
    });
  }
  void TearDown() override {
    loop_.Run([this] { listener_.reset(); });
  }
  static std::string From(Client& client) {
    const auto response = client.ReceiveResponse();
    return response.has_value() ? response->body : "nothing";
  }

  static constexpr char kRequest[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  static constexpr char kLine[] = "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n";
  LoopThread loop_;
  HttpCounters counters_;
  ClosingPtr<HttpListener> listener_;
  Endpoint proxied_;
  Endpoint plain_;
};

TEST_F(ProxiedListener, TakesAProxysWordForEveryRequestOfItsConnection) {
  Listen(IsThisMachine);
  for (const std::string& begin : {std::string(kLine), Binary(0x21, 0x11, kTcp4)}) {
    Client client = Client::Tcp(proxied_);
    EXPECT_TRUE(client.Send(begin + kRequest + kRequest));
    EXPECT_EQ(From(client), "192.0.2.1");
    EXPECT_EQ(From(client), "192.0.2.1");
    EXPECT_TRUE(client.Send(kRequest));
    EXPECT_EQ(From(client), "192.0.2.1");
  }
  for (const auto& [begin, whom] : std::vector<std::pair<std::string, std::string>>{
           {Binary(0x20, 0x00, ""), "127.0.0.1 itself"},
           {Binary(0x21, 0x00, ""), "127.0.0.1 for nobody known"},
           {Binary(0x21, 0x31, std::string(216, 'u')), "127.0.0.1 for nobody known"},
           {"PROXY UNKNOWN\r\n", "127.0.0.1 for nobody known"}}) {
    Client client = Client::Tcp(proxied_);
    EXPECT_TRUE(client.Send(begin + kRequest + kRequest));
    EXPECT_EQ(From(client), whom);
    EXPECT_EQ(From(client), whom);
  }
}

TEST_F(ProxiedListener, TakesItInPieces) {
  Listen(IsThisMachine);
  const std::string bytes = Binary(0x21, 0x11, kTcp4) + kRequest;
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    Client client = Client::Tcp(proxied_);
    EXPECT_TRUE(client.Send(bytes.substr(0, cut)));
    // So that the pieces come apart.
    Client other = Client::Tcp(plain_);
    EXPECT_TRUE(other.Send(kRequest));
    EXPECT_EQ(From(other), "127.0.0.1");
    EXPECT_TRUE(client.Send(bytes.substr(cut)));
    EXPECT_EQ(From(client), "192.0.2.1") << cut;
  }
}

TEST_F(ProxiedListener, ClosesWhatDoesNotBeginSo) {
  Listen(IsThisMachine);
  Client client = Client::Tcp(proxied_);
  EXPECT_TRUE(client.Send(kRequest));
  EXPECT_NE(client.ReceiveToEnd(), Client::Got::kNothingInTime);
  EXPECT_EQ(client.received(), "");
}

TEST_F(ProxiedListener, BelievesNobodyElse) {
  Listen([](const IpAddress& address) { return address.ToString() == "127.0.0.9"; });
  Client client = Client::Tcp(proxied_);
  (void)client.Send(std::string(kLine) + kRequest);
  EXPECT_NE(client.ReceiveToEnd(), Client::Got::kNothingInTime);
  EXPECT_EQ(client.received(), "");
  EXPECT_EQ(counters_.turned_away.value(), 1u);
  // Elsewhere such a line is no request.
  Client other = Client::Tcp(plain_);
  EXPECT_TRUE(other.Send(std::string(kLine) + kRequest));
  const auto response = other.ReceiveResponse();
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->status, 400);
}

TEST_F(ProxiedListener, WaitsForItNoLongerThanForARequest) {
  Listen(IsThisMachine, {.request_timeout = std::chrono::milliseconds(50)});
  Client client = Client::Tcp(proxied_);
  EXPECT_TRUE(client.Send("PROXY TCP4 192.0.2.1"));
  EXPECT_EQ(client.ReceiveToEnd(), Client::Got::kEnd);
}

}  // namespace
}  // namespace muster
