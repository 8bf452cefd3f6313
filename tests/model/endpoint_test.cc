// SPDX-License-Identifier: Apache-2.0
#include "muster/endpoint.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"

namespace muster {
namespace {

IpAddress Address(std::string_view text) {
  absl::StatusOr<IpAddress> address = IpAddress::Parse(text);
  EXPECT_TRUE(address.ok()) << text;
  return address.value_or(IpAddress());
}

Endpoint Peer(std::string_view text) {
  absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(text);
  EXPECT_TRUE(endpoint.ok()) << text;
  return endpoint.value_or(Endpoint());
}

std::vector<std::uint8_t> Bytes(absl::Span<const std::uint8_t> bytes) {
  return {bytes.begin(), bytes.end()};
}

TEST(IpAddress, ParsesAndPrintsBothFamilies) {
  const std::pair<std::string, std::string> cases[] = {
      {"0.0.0.0", "0.0.0.0"},
      {"192.0.2.1", "192.0.2.1"},
      {"255.255.255.255", "255.255.255.255"},
      {"::", "::"},
      {"::1", "::1"},
      {"2001:DB8::1", "2001:db8::1"},
      {"2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"},
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},  // one group of zeros is not shortened
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},           // the longest run is
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},     // the first of two equal ones is
      {"2001:db8::192.0.2.33", "2001:db8::c000:221"},
      {"fe80::ffff:ffff:ffff:ffff", "fe80::ffff:ffff:ffff:ffff"},
      {"1111:2222:3333:4444:5555:6666:123.123.123.123", "1111:2222:3333:4444:5555:6666:7b7b:7b7b"},
  };
  for (const auto& [text, printed] : cases) {
    EXPECT_EQ(Address(text).ToString(), printed);
    EXPECT_EQ(Address(printed), Address(text));
    EXPECT_EQ(Address(text).family(),
              text.find(':') == std::string::npos ? AddressFamily::kIpv4 : AddressFamily::kIpv6);
  }
}

TEST(IpAddress, IsIpv4WhenItIsMapped) {
  for (std::string_view mapped :
       {"::ffff:192.0.2.1", "::FFFF:c000:201", "0:0:0:0:0:ffff:192.0.2.1"}) {
    EXPECT_EQ(Address(mapped).family(), AddressFamily::kIpv4);
    EXPECT_EQ(Address(mapped), Address("192.0.2.1"));
    EXPECT_EQ(Address(mapped).ToString(), "192.0.2.1");
  }
  EXPECT_EQ(Address("::fffe:192.0.2.1").family(), AddressFamily::kIpv6);
  EXPECT_EQ(Address("1::ffff:192.0.2.1").family(), AddressFamily::kIpv6);
}

TEST(IpAddress, HoldsItsBytesInNetworkOrder) {
  EXPECT_EQ(Bytes(Address("192.0.2.1").bytes()), (std::vector<std::uint8_t>{192, 0, 2, 1}));
  const std::uint8_t ipv6[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  EXPECT_EQ(Address("2001:db8::1"), IpAddress::FromIpv6(ipv6));
  EXPECT_EQ(Bytes(Address("2001:db8::1").bytes()), std::vector<std::uint8_t>(ipv6, ipv6 + 16));
  EXPECT_EQ(IpAddress(), Address("0.0.0.0"));
  EXPECT_NE(Address("0.0.0.0"), Address("::"));
}

TEST(IpAddress, KnowsTheUnspecifiedAndTheLoopbackOnes) {
  EXPECT_TRUE(Address("0.0.0.0").is_unspecified());
  EXPECT_TRUE(Address("::").is_unspecified());
  EXPECT_FALSE(Address("0.0.0.1").is_unspecified());
  EXPECT_FALSE(Address("1::").is_unspecified());
  EXPECT_TRUE(Address("127.0.0.1").is_loopback());
  EXPECT_TRUE(Address("127.255.255.254").is_loopback());
  EXPECT_TRUE(Address("::1").is_loopback());
  EXPECT_TRUE(Address("::ffff:127.0.0.1").is_loopback());
  EXPECT_FALSE(Address("128.0.0.1").is_loopback());
  EXPECT_FALSE(Address("::2").is_loopback());
  EXPECT_FALSE(Address("1::1").is_loopback());
}

TEST(IpAddress, RefusesAnythingElse) {
  for (const std::string& bad : {std::string(),
                                 std::string("1"),
                                 std::string("1.2.3"),
                                 std::string("1.2.3.4.5"),
                                 std::string("256.0.0.1"),
                                 std::string("01.2.3.4"),
                                 std::string("1.2.3.4 "),
                                 std::string(" 1.2.3.4"),
                                 std::string("0x7f.0.0.1"),
                                 std::string("127.1"),
                                 std::string("1.2.3.4\0", 8),
                                 std::string("::1\0junk", 8),
                                 std::string(":"),
                                 std::string(":::"),
                                 std::string("1:2:3:4:5:6:7"),
                                 std::string("1:2:3:4:5:6:7:8:9"),
                                 std::string("12345::"),
                                 std::string("1::2::3"),
                                 std::string("[::1]"),
                                 std::string("fe80::1%eth0"),
                                 std::string("::1:80:g"),
                                 std::string("localhost"),
                                 std::string(46, '0'),
                                 std::string(1'000'000, ':')}) {
    EXPECT_TRUE(absl::IsInvalidArgument(IpAddress::Parse(bad).status())) << bad.substr(0, 80);
  }
  EXPECT_LT(IpAddress::Parse(std::string(1'000'000, '1')).status().message().size(), 200u);
}

TEST(Endpoint, IsItsCompactForm) {
  const std::vector<std::uint8_t> ipv4 = {192, 0, 2, 1, 0x1a, 0xe1};
  EXPECT_EQ(Bytes(Peer("192.0.2.1:6881").compact()), ipv4);
  EXPECT_EQ(Endpoint::FromCompact(AddressFamily::kIpv4, ipv4.data()), Peer("192.0.2.1:6881"));
  const std::vector<std::uint8_t> ipv6 = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0,    0,
                                          0,    0,    0,    0,    0, 0, 1, 0xff, 0xfe};
  EXPECT_EQ(Bytes(Peer("[2001:db8::1]:65534").compact()), ipv6);
  EXPECT_EQ(Endpoint::FromCompact(AddressFamily::kIpv6, ipv6.data()), Peer("[2001:db8::1]:65534"));
  EXPECT_EQ(CompactSize(AddressFamily::kIpv4), ipv4.size());
  EXPECT_EQ(CompactSize(AddressFamily::kIpv6), ipv6.size());
}

TEST(Endpoint, ParsesWhatItPrints) {
  for (std::string_view text : {"0.0.0.0:0", "192.0.2.1:6881", "255.255.255.255:65535", "[::]:0",
                                "[::1]:1", "[2001:db8::1]:65535"}) {
    EXPECT_EQ(Peer(text).ToString(), text);
  }
}

TEST(Endpoint, GivesItsAddressAndPort) {
  const Endpoint endpoint(Address("2001:db8::1"), 0x1ae1);
  EXPECT_EQ(endpoint.address(), Address("2001:db8::1"));
  EXPECT_EQ(endpoint.port(), 0x1ae1);
  EXPECT_EQ(endpoint.family(), AddressFamily::kIpv6);
  Endpoint other = Peer("192.0.2.1:1");
  other.set_port(65535);
  EXPECT_EQ(other, Peer("192.0.2.1:65535"));
  EXPECT_EQ(other.address(), Address("192.0.2.1"));
  EXPECT_EQ(Endpoint(), Peer("0.0.0.0:0"));
}

TEST(Endpoint, OfAMappedAddressIsThatOfTheIpv4Address) {
  EXPECT_EQ(Peer("[::ffff:192.0.2.1]:80"), Peer("192.0.2.1:80"));
  EXPECT_EQ(Peer("[::ffff:192.0.2.1]:80").ToString(), "192.0.2.1:80");
}

TEST(Endpoint, DiffersByFamilyAddressAndPort) {
  absl::flat_hash_set<Endpoint> set = {Peer("192.0.2.1:80"), Peer("192.0.2.1:81"),
                                       Peer("192.0.2.2:80"), Peer("[::]:0"),
                                       Peer("0.0.0.0:0"),    Peer("[::ffff:192.0.2.1]:80")};
  EXPECT_EQ(set.size(), 5u);
}

TEST(Endpoint, RefusesAnythingElse) {
  for (std::string_view bad : {"",
                               ":",
                               "192.0.2.1",
                               "192.0.2.1:",
                               ":80",
                               "192.0.2.1:65536",
                               "192.0.2.1:100000",
                               "192.0.2.1:-1",
                               "192.0.2.1:+1",
                               "192.0.2.1: 1",
                               "192.0.2.1:1 ",
                               "192.0.2.1:0x1",
                               "192.0.2.1:80:80",
                               "::1",
                               "::1:80",
                               "2001:db8::1:80",
                               "[::1]",
                               "[::1]:",
                               "[::1]80",
                               "[::1:80",
                               "::1]:80",
                               "[]:80",
                               "[[::1]]:80",
                               "[192.0.2.1]:80",
                               "localhost:80",
                               "example.org:80"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Endpoint::Parse(bad).status())) << bad;
  }
  EXPECT_FALSE(Endpoint::Parse(std::string_view("192.0.2.1:8\0", 12)).ok());
}

}  // namespace
}  // namespace muster
