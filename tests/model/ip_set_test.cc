// SPDX-License-Identifier: Apache-2.0
#include "muster/ip_set.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "model/ip_testing.h"

namespace muster {
namespace {

IpSet SetOf(const std::vector<std::string_view>& texts) {
  std::vector<IpRange> ranges;
  for (std::string_view text : texts) {
    const auto range = IpRange::Parse(text);
    EXPECT_TRUE(range.ok()) << text << ": " << range.status();
    if (range.ok()) ranges.push_back(*range);
  }
  return IpSet(absl::MakeConstSpan(ranges));
}

std::vector<std::string> Shown(const IpSet& set) {
  std::vector<std::string> texts;
  for (const IpRange& range : set.Ranges()) {
    texts.push_back(range.first.ToString() + "-" + range.last.ToString());
  }
  return texts;
}

using Texts = std::vector<std::string>;

TEST(IpRange, IsTwoAddressesOrANetwork) {
  EXPECT_EQ(IpRange::Parse("192.0.2.1-192.0.2.9")->last, Ip("192.0.2.9"));
  EXPECT_EQ(IpRange::Parse("2001:db8::/32")->last, Ip("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"));
  EXPECT_EQ(IpRange::Parse("192.0.2.1")->last, Ip("192.0.2.1"));
  for (std::string_view text :
       {"", "-", "192.0.2.9-192.0.2.1", "192.0.2.1-", "-192.0.2.1", "192.0.2.1-2001:db8::1",
        "192.0.2.1-192.0.2.2-192.0.2.3", "192.0.2.1 - 192.0.2.2", "192.0.2.0/24-192.0.3.0"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(IpRange::Parse(text).status())) << text;
  }
}

TEST(IpSet, OfNothingHoldsNothing) {
  EXPECT_TRUE(IpSet().empty());
  EXPECT_FALSE(IpSet().Contains(Ip("0.0.0.0")));
  EXPECT_FALSE(IpSet().Contains(Ip("::")));
  EXPECT_EQ(Shown(IpSet()), Texts());
}

TEST(IpSet, MergesRangesThatOverlapOrTouch) {
  EXPECT_EQ(Shown(SetOf({"10.0.1.0/24", "10.0.0.0/24", "10.0.0.7", "10.0.4.0-10.0.4.9",
                         "10.0.4.5-10.0.5.0"})),
            (Texts{"10.0.0.0-10.0.1.255", "10.0.4.0-10.0.5.0"}));
  EXPECT_EQ(Shown(SetOf({"::ffff:ffff:ffff:ffff", "0:0:0:1::", "10.0.0.0", "10.0.0.2"})),
            (Texts{"10.0.0.0-10.0.0.0", "10.0.0.2-10.0.0.2", "::ffff:ffff:ffff:ffff-0:0:0:1::"}));
}

TEST(IpSet, ReachesToBothEndsOfTheAddressSpace) {
  const IpSet all = SetOf({"128.0.0.0-255.255.255.255", "0.0.0.0/1", "8000::/1", "::/1"});
  EXPECT_EQ(Shown(all),
            (Texts{"0.0.0.0-255.255.255.255", "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}));
  for (const char* text : {"0.0.0.0", "255.255.255.255", "::", "ffff::", "2001:db8::1"}) {
    EXPECT_TRUE(all.Contains(Ip(text))) << text;
  }
  const IpSet ends = SetOf({"255.255.255.255", "0.0.0.0"});
  EXPECT_TRUE(ends.Contains(Ip("255.255.255.255")));
  EXPECT_TRUE(ends.Contains(Ip("0.0.0.0")));
  EXPECT_FALSE(ends.Contains(Ip("255.255.255.254")));
  EXPECT_FALSE(ends.Contains(Ip("0.0.0.1")));
}

TEST(IpSet, KeepsTheFamiliesApart) {
  const IpSet ipv4 = SetOf({"0.0.0.0/0"});
  EXPECT_TRUE(ipv4.Contains(Ip("::ffff:192.0.2.1")));  // that is an IPv4 address
  EXPECT_FALSE(ipv4.Contains(Ip("::1")));
  EXPECT_FALSE(SetOf({"::/0"}).Contains(Ip("192.0.2.1")));
}

TEST(IpSet, PassesOverRangesThatMakeNoSense) {
  const IpRange odd[] = {{Ip("10.0.0.2"), Ip("10.0.0.1")}, {Ip("::"), Ip("10.0.0.1")}};
  EXPECT_TRUE(IpSet(absl::MakeConstSpan(odd)).empty());
}

TEST(IpSet, IsMadeOfNetworksToo) {
  const Cidr networks[] = {*Cidr::Parse("192.0.2.0/25"), *Cidr::Parse("192.0.2.128/25")};
  EXPECT_EQ(Shown(IpSet(absl::MakeConstSpan(networks))), (Texts{"192.0.2.0-192.0.2.255"}));
}

// Enough ranges that the first level has several steps, and the last one is not full.
TEST(IpSet, FindsEveryOneOfManyRangesAndNothingBetweenThem) {
  for (const std::size_t count : {std::size_t{1}, std::size_t{63}, std::size_t{64}, std::size_t{65},
                                  std::size_t{1000}, std::size_t{4096}}) {
    std::vector<IpRange> ranges;
    const auto address = [](std::size_t n, bool ipv6) {
      const auto byte = [&](int shift) { return static_cast<std::uint8_t>(n >> shift); };
      const std::array<std::uint8_t, 16> wide = {0x20, 1, 0, 0, byte(16), byte(8), byte(0)};
      const std::array<std::uint8_t, 4> narrow = {10, byte(16), byte(8), byte(0)};
      return ipv6 ? IpAddress::FromIpv6(wide.data()) : IpAddress::FromIpv4(narrow.data());
    };
    for (std::size_t i = 0; i < count; ++i) {
      for (const bool ipv6 : {false, true}) {
        ranges.push_back({address(4 * i + 1, ipv6), address(4 * i + 2, ipv6)});
      }
    }
    const IpSet set{absl::MakeConstSpan(ranges)};
    EXPECT_EQ(set.Ranges().size(), 2 * count);
    for (std::size_t i = 0; i <= 4 * count; ++i) {
      const bool inside = i % 4 == 1 || i % 4 == 2;
      EXPECT_EQ(set.Contains(address(i, false)), inside) << i << " of " << count;
      EXPECT_EQ(set.Contains(address(i, true)), inside) << i << " of " << count;
    }
  }
}

TEST(NetworkList, HasANetworkInTheFirstWordOfALine) {
  const IpList list = ParseIpList(
      "# networks\r\n"
      "192.0.2.0/25 # AS64496 Example\r\n"
      "\n"
      "  2001:db8::/32\tExample\n"
      "192.0.2.128#no blank\n"
      "10.0.0.0-10.0.0.9 a range\n"
      "   \t\n"
      "192.0.2.129",
      IpListFormat::kNetworks);
  EXPECT_EQ(list.entries, 5u);
  EXPECT_EQ(list.bad_lines, 0u);
  EXPECT_EQ(Shown(list.set), (Texts{"10.0.0.0-10.0.0.9", "192.0.2.0-192.0.2.129",
                                    "2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"}));
}

TEST(NetworkList, CountsBadLinesAndSaysWhereTheFirstIs) {
  const IpList list = ParseIpList("10.0.0.1\n10.0.0\n10.0.0.2\nhost\n", IpListFormat::kNetworks);
  EXPECT_EQ(list.entries, 2u);
  EXPECT_EQ(list.bad_lines, 2u);
  EXPECT_EQ(list.first_bad_line, 2u);
  EXPECT_EQ(Shown(list.set), Texts{"10.0.0.1-10.0.0.2"});
}

TEST(NamedRangeList, HasARangeBehindTheLastColon) {
  const IpList list = ParseIpList(
      "# block list\n"
      "Example Ltd. #1: Hosts:192.0.2.0-192.0.2.255\n"
      "text:text:198.51.100.7\n"
      "203.0.113.0 - 203.0.113.9 # no name\r\n"
      "\n",
      IpListFormat::kNamedRanges);
  EXPECT_EQ(list.entries, 3u);
  EXPECT_EQ(list.bad_lines, 0u);
  EXPECT_EQ(Shown(list.set), (Texts{"192.0.2.0-192.0.2.255", "198.51.100.7-198.51.100.7",
                                    "203.0.113.0-203.0.113.9"}));
}

TEST(NamedRangeList, TakesNetworksAsWell) {
  const IpList list = ParseIpList("a:192.0.2.0/24\n10.0.0.0/33\n", IpListFormat::kNamedRanges);
  EXPECT_EQ(Shown(list.set), Texts{"192.0.2.0-192.0.2.255"});
  EXPECT_EQ(list.bad_lines, 1u);
}

TEST(NamedRangeList, RepeatsNoRangeForABadLine) {
  const IpList list =
      ParseIpList("a:10.0.0.1-10.0.0.2\nb:10.0.0.9-10.0.0.3\nc:\nd\ne:2001:db8::x\n",
                  IpListFormat::kNamedRanges);
  EXPECT_EQ(list.entries, 1u);
  EXPECT_EQ(list.bad_lines, 4u);
  EXPECT_EQ(list.first_bad_line, 2u);
}

TEST(NamedRangeList, TakesIpv6) {
  const struct {
    std::string_view line;
    std::string_view range;
  } kLines[] = {
      {"2001:db8:1::/48", "2001:db8:1::-2001:db8:1:ffff:ffff:ffff:ffff:ffff"},
      {"name:2001:db8::/32", "2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"},
      {"a: name: 2001:db8::/127 # of it", "2001:db8::-2001:db8::1"},
      {"name:2001:db8::1-2001:db8::5", "2001:db8::1-2001:db8::5"},
      {"2001:db8::1 - 2001:db8::5", "2001:db8::1-2001:db8::5"},
      {"a name-2:2001:db8::7", "2001:db8::7-2001:db8::7"},
      {"fe80::1", "fe80::1-fe80::1"},
      {"name:::1", "::1-::1"},
      {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0-1:2:3:4:5:6:7:0"},
      // A name that could be part of the address.
      {"12:bad:2001:db8::1-2001:db8::5", "2001:db8::1-2001:db8::5"},
      {"bad:fe80::1-fe80::5", "fe80::1-fe80::5"},
      {"bad:2001:db8::7", "2001:db8::7-2001:db8::7"},
      {"64:ff9b::/128", "64:ff9b::-64:ff9b::"},
      // What is IPv4 behind the last colon stays that.
      {"2001:db8::192.0.2.1", "192.0.2.1-192.0.2.1"},
  };
  for (const auto& [line, range] : kLines) {
    const IpList list = ParseIpList(line, IpListFormat::kNamedRanges);
    EXPECT_EQ(Shown(list.set), Texts{std::string(range)}) << line;
  }
  for (const std::string_view line :
       {"2001:db8::5-2001:db8::1", "name:2001:db8::1-192.0.2.1", "name:192.0.2.1-2001:db8::5",
        "name:2001:db8::x-2001:db8::5", "name:2001:db8::/129", "name:2001:db8::1-", ":", "a:-:"}) {
    EXPECT_EQ(ParseIpList(line, IpListFormat::kNamedRanges).bad_lines, 1u) << line;
  }
}

TEST(IpLists, OfNothingAreEmpty) {
  for (const auto format : {IpListFormat::kNetworks, IpListFormat::kNamedRanges}) {
    for (std::string_view text : {"", "\n", "#\n\n#", " \t\r\n"}) {
      const IpList list = ParseIpList(text, format);
      EXPECT_TRUE(list.set.empty());
      EXPECT_EQ(list.entries + list.bad_lines, 0u);
    }
  }
}

}  // namespace
}  // namespace muster
