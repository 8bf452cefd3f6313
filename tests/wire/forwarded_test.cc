// SPDX-License-Identifier: Apache-2.0
#include "wire/forwarded.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace muster {
namespace {

constexpr ProxyHeader kX = ProxyHeader::kXForwardedFor;
constexpr ProxyHeader kStandard = ProxyHeader::kForwarded;

// The client of a request with these header lines, or "refused". Proxies are 10/8 and
// 2001:db8:a::/48.
std::string Client(const std::string& lines, ProxyHeader header,
                   std::string_view from = "10.0.0.1") {
  const Cidr networks[] = {*Cidr::Parse("10.0.0.0/8"), *Cidr::Parse("2001:db8:a::/48")};
  const std::string bytes = "GET /announce HTTP/1.1\r\nHost: t\r\n" + lines + "\r\n";
  HttpRequestParser parser({});
  EXPECT_EQ(parser.Parse(bytes), HttpRequestParser::Result::kDone) << lines;
  const auto client = ClientAddress(parser.request(), *IpAddress::Parse(from),
                                    IpSet(absl::MakeConstSpan(networks)), header);
  if (client.ok()) return client->ToString();
  EXPECT_TRUE(absl::IsInvalidArgument(client.status())) << client.status();
  return "refused";
}
std::string X(const std::string& value, std::string_view from = "10.0.0.1") {
  return Client("X-Forwarded-For: " + value + "\r\n", kX, from);
}
std::string Standard(const std::string& value, std::string_view from = "10.0.0.1") {
  return Client("Forwarded: " + value + "\r\n", kStandard, from);
}

TEST(ClientAddress, IsTheConnectionsWithoutAProxy) {
  EXPECT_EQ(Client("", kX, "192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(X("198.51.100.7", "192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(X("nonsense", "192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(Standard("for=198.51.100.7", "192.0.2.1"), "192.0.2.1");
}

TEST(ClientAddress, IsTheProxysWhereItSpeaksForNobody) {
  for (const ProxyHeader header : {kX, kStandard}) {
    EXPECT_EQ(Client("", header), "10.0.0.1");
    EXPECT_EQ(Client("X-Forwarded-For:\r\nForwarded: \r\n", header), "10.0.0.1");
    EXPECT_EQ(Client("X-Forwarded-For: , ,\r\nForwarded: , ,\r\n", header), "10.0.0.1");
  }
}

TEST(ClientAddress, IsTheLastHopThatIsNotTrusted) {
  EXPECT_EQ(X("198.51.100.7"), "198.51.100.7");
  EXPECT_EQ(X("203.0.113.1, 198.51.100.7"), "198.51.100.7");
  EXPECT_EQ(X("203.0.113.1, 198.51.100.7, 10.0.0.9,10.1.1.1"), "198.51.100.7");
  EXPECT_EQ(X("203.0.113.1,198.51.100.7 ,2001:db8:a::1"), "198.51.100.7");
  EXPECT_EQ(Standard("for=203.0.113.1, for=198.51.100.7;proto=http;by=10.0.0.1, For=10.0.0.9"),
            "198.51.100.7");
}

TEST(ClientAddress, IsTheFirstHopWhenAllAreTrusted) {
  EXPECT_EQ(X("10.0.0.7, 10.0.0.8"), "10.0.0.7");
  EXPECT_EQ(Standard("for=10.0.0.7,for=10.0.0.8"), "10.0.0.7");
}

TEST(ClientAddress, IsReadFromAllLinesOfTheHeaderInTheirOrder) {
  EXPECT_EQ(Client("X-Forwarded-For: 203.0.113.1\r\nx-forwarded-FOR: 198.51.100.7\r\n"
                   "X-Forwarded-For: 10.0.0.2\r\n",
                   kX),
            "198.51.100.7");
  EXPECT_EQ(Client("Forwarded: for=203.0.113.1\r\nForwarded: for=198.51.100.7\r\n", kStandard),
            "198.51.100.7");
}

TEST(ClientAddress, IsNotReadFromTheOtherHeader) {
  const std::string both = "X-Forwarded-For: 198.51.100.7\r\nForwarded: for=203.0.113.1\r\n";
  EXPECT_EQ(Client(both, kX), "198.51.100.7");
  EXPECT_EQ(Client(both, kStandard), "203.0.113.1");
  EXPECT_EQ(Client("Forwarded: for=203.0.113.1\r\n", kX), "10.0.0.1");
}

TEST(ClientAddress, MayHaveAPortAndBrackets) {
  EXPECT_EQ(X("198.51.100.7:4711"), "198.51.100.7");
  EXPECT_EQ(X("2001:db8::7"), "2001:db8::7");
  EXPECT_EQ(X("[2001:db8::7]"), "2001:db8::7");
  EXPECT_EQ(X("[2001:db8::7]:4711"), "2001:db8::7");
  EXPECT_EQ(X("::ffff:198.51.100.7"), "198.51.100.7");
  EXPECT_EQ(Standard("for=\"[2001:db8::7]:4711\""), "2001:db8::7");
  EXPECT_EQ(Standard("for=\"198.51.100.7:4711\""), "198.51.100.7");
  EXPECT_EQ(Standard("for=\"198.51.100.7:_hidden\""), "198.51.100.7");
  EXPECT_EQ(Standard("For = \"198.51.100.7\" ; proto = http"), "198.51.100.7");
  EXPECT_EQ(Standard("by=\"a,b;for=1.2.3.4\";for=198.51.100.7;host=\"x\\\",for=1.2.3.4\""),
            "198.51.100.7");
}

TEST(ClientAddress, IsRefusedWhereATrustedProxyNamesNone) {
  for (const char* hop :
       {"unknown", "_hidden", "host.example", "198.51.100.7.1", "[2001:db8::7", "[2001:db8::7]x",
        "fe80::1%eth0", "1", "[198.51.100.7]", "[2001:db8::7]:", "[2001:db8::7]:x",
        "[2001:db8::7]:123456", "198.51.100.7:", "198.51.100.7:-1", "[]", "["}) {
    EXPECT_EQ(X(hop), "refused") << hop;
    EXPECT_EQ(X(std::string(hop) + ", 10.0.0.2"), "refused") << hop;
    EXPECT_EQ(X(std::string(hop) + ", 198.51.100.7"), "198.51.100.7") << hop;
  }
  EXPECT_EQ(Standard("for=unknown"), "refused");
  EXPECT_EQ(Standard("for=198.51.100.7, proto=http"), "refused");
  EXPECT_EQ(Standard("for=\"198.51.100.7"), "refused");
  EXPECT_EQ(Standard("for"), "refused");
}

TEST(ClientAddress, IsNotWhatAClientSaysInWordsThatItLeavesOpen) {
  // What the proxy appends, to the same line or as one of its own.
  for (const std::string proxys : {"for=\"[2001:db8::1]\"", "for=\"198.51.100.7:80\"",
                                   "for=198.51.100.7", "for=198.51.100.7;by=\"_x\""}) {
    for (const std::string clients :
         {"for=\"[6.6.6.6]:", "for=\"[2001:db8::6]:", "for=\"6.6.6.6:", "for=\"6.6.6.6;x=\\",
          "for=6.6.6.6;x=\"\\\\", "for=6.6.6.6\"", "\"", "for=\"6.6.6.6\" x", "x=\"", "for=\"\\"}) {
      EXPECT_EQ(Standard(clients + ", " + proxys), "refused") << clients;
      EXPECT_EQ(Client("Forwarded: " + clients + "\r\nForwarded: " + proxys + "\r\n", kStandard),
                Standard(proxys))
          << clients;
    }
  }
}

TEST(ClientAddress, IsRefusedBehindMoreProxiesThanAnybodyHas) {
  std::string many = "10.0.0.2";
  for (std::size_t i = 1; i < kMaxForwardedHops; ++i) many += ",10.0.0.2";
  EXPECT_EQ(X(many), "10.0.0.2");
  EXPECT_EQ(X("198.51.100.7," + many), "refused");
  EXPECT_EQ(X(many + ",198.51.100.7"), "198.51.100.7");
}

}  // namespace
}  // namespace muster
