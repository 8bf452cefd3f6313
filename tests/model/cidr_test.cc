// SPDX-License-Identifier: Apache-2.0
#include "muster/cidr.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "model/ip_testing.h"

namespace muster {
namespace {

Cidr Net(std::string_view text) {
  const auto network = Cidr::Parse(text);
  EXPECT_TRUE(network.ok()) << text << ": " << network.status();
  return network.ok() ? *network : Cidr();
}

TEST(Cidr, ReadsNetworksOfBothFamiliesAndLoneAddresses) {
  for (const std::string_view text : {"0.0.0.0/0", "10.0.0.0/8", "192.0.2.128/25", "192.0.2.7/32",
                                      "::/0", "2001:db8::/32", "2001:db8::1/128", "fe80::/10"}) {
    EXPECT_EQ(Net(text).ToString(), text);
  }
  EXPECT_EQ(Net("192.0.2.7").ToString(), "192.0.2.7/32");
  EXPECT_EQ(Net("2001:db8::1").ToString(), "2001:db8::1/128");
}

TEST(Cidr, ClearsTheBitsBehindThePrefix) {
  EXPECT_EQ(Net("192.0.2.255/25").ToString(), "192.0.2.128/25");
  EXPECT_EQ(Net("255.255.255.255/0"), Cidr());
  EXPECT_EQ(Net("2001:db8:ffff::1/33").ToString(), "2001:db8:8000::/33");
}

TEST(Cidr, OfMappedAddressesIsTheIpv4Network) {
  EXPECT_EQ(Net("::ffff:192.0.2.0/120"), Net("192.0.2.0/24"));
  EXPECT_EQ(Net("::ffff:0:0/96"), Net("0.0.0.0/0"));
  EXPECT_EQ(Net("::ffff:192.0.2.1"), Net("192.0.2.1/32"));
  EXPECT_TRUE(Net("10.0.0.0/8").Contains(Ip("::ffff:10.1.2.3")));
  EXPECT_FALSE(Cidr::Parse("::ffff:192.0.2.0/95").ok());  // holds more than mapped addresses
}

TEST(Cidr, OfIpv6EndsBeforeTheMappedAddresses) {
  for (const std::string_view text : {"::/80", "::8000:0:0/81", "::fffe:0:0/95"}) {
    EXPECT_EQ(Net(text).last(), Ip("::fffe:ffff:ffff")) << text;
    EXPECT_TRUE(Net(text).Contains(Net(text).last())) << text;
    EXPECT_FALSE(Net(text).Contains(Ip("::ffff:192.0.2.1"))) << text;
  }
  EXPECT_EQ(Net("::/79").last(), Ip("::1:ffff:ffff:ffff"));
}

TEST(Cidr, RefusesEverythingElse) {
  for (const std::string& text :
       {std::string(), std::string("/"), std::string("/8"), std::string("10.0.0.0/"),
        std::string("10.0.0.0/33"), std::string("::/129"), std::string("10.0.0.0/-1"),
        std::string("10.0.0.0/+8"), std::string("10.0.0.0/8 "), std::string(" 10.0.0.0/8"),
        std::string("10.0.0.0/8/8"), std::string("10.0.0/8"), std::string("10.0.0.0/0x8"),
        std::string("10.0.0.0/1000000000000"), std::string("[::1]/128"), std::string("host/8"),
        std::string("10.0.0.0\0/8", 11), std::string("fe80::1%eth0/64")}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Cidr::Parse(text).status())) << text;
  }
  EXPECT_FALSE(Cidr::Of(Ip("10.0.0.0"), 33).ok());
  EXPECT_FALSE(Cidr::Of(Ip("10.0.0.0"), -1).ok());
  EXPECT_TRUE(Cidr::Of(Ip("::"), 128).ok());
}

TEST(Cidr, ContainsExactlyTheAddressesFromItsFirstToItsLast) {
  const struct {
    std::string_view network, before, first, last, after;
  } rows[] = {
      {"192.0.2.64/26", "192.0.2.63", "192.0.2.64", "192.0.2.127", "192.0.2.128"},
      {"10.0.0.0/8", "9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"},
      {"192.0.2.7/32", "192.0.2.6", "192.0.2.7", "192.0.2.7", "192.0.2.8"},
      {"2001:db8::/33", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
       "2001:db8::", "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff", "2001:db8:8000::"},
      {"2001:db8::1/128", "2001:db8::", "2001:db8::1", "2001:db8::1", "2001:db8::2"},
  };
  for (const auto& row : rows) {
    const Cidr network = Net(row.network);
    EXPECT_EQ(network.first(), Ip(row.first)) << row.network;
    EXPECT_EQ(network.last(), Ip(row.last)) << row.network;
    EXPECT_TRUE(network.Contains(Ip(row.first))) << row.network;
    EXPECT_TRUE(network.Contains(Ip(row.last))) << row.network;
    EXPECT_FALSE(network.Contains(Ip(row.before))) << row.network;
    EXPECT_FALSE(network.Contains(Ip(row.after))) << row.network;
  }
}

TEST(Cidr, OfOneFamilyHoldsNothingOfTheOther) {
  EXPECT_FALSE(Net("0.0.0.0/0").Contains(Ip("::1")));
  EXPECT_FALSE(Net("::/0").Contains(Ip("127.0.0.1")));
  EXPECT_FALSE(Net("::/0").Contains(Ip("::ffff:127.0.0.1")));
}

}  // namespace
}  // namespace muster
