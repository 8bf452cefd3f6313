// SPDX-License-Identifier: Apache-2.0
#include "muster/magnet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "metainfo/torrent_testing.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kV1[] = "c9e15763f722f23e98a29decdfae341b98d53056";
constexpr char kV2[] = "caf1e1c30e81cb361b9ee167c4aa64228a7fa4fa9f6105232b28ad099f3a302e";
const std::string kLink = std::string("magnet:?xt=urn:btih:") + kV1;

TEST(Magnet, NamesAV1TorrentByItsHash) {
  const auto link = Magnet::Parse(kLink);
  ASSERT_TRUE(link.ok()) << link.status();
  EXPECT_EQ(link->info_hashes.v1->ToHex(), kV1);
  EXPECT_EQ(link->info_hashes.v2, std::nullopt);
  EXPECT_EQ(link->ToString(), kLink);
}

TEST(Magnet, ReadsBase32OfEitherCase) {
  for (const std::string_view digits :
       {"ZHQVOY7XELZD5GFCTXWN7LRUDOMNKMCW", "zhqvoy7xelzd5gfctxwn7lrudomnkmcw"}) {
    const auto link = Magnet::Parse("magnet:?xt=urn:btih:" + std::string(digits));
    ASSERT_TRUE(link.ok()) << link.status();
    EXPECT_EQ(link->info_hashes.v1->ToHex(), kV1);
  }
}

TEST(Magnet, NamesV2AndHybridTorrents) {
  const std::string v2 = std::string("xt=urn:btmh:1220") + kV2;
  auto link = Magnet::Parse("magnet:?" + v2);
  ASSERT_TRUE(link.ok()) << link.status();
  EXPECT_EQ(link->info_hashes.v1, std::nullopt);
  EXPECT_EQ(link->info_hashes.v2->ToHex(), kV2);
  link = Magnet::Parse("magnet:?" + v2 + "&xt=urn:btih:" + kV1);
  ASSERT_TRUE(link.ok()) << link.status();
  EXPECT_EQ(link->info_hashes.v1->ToHex(), kV1);
  EXPECT_EQ(link->info_hashes.v2->ToHex(), kV2);
  EXPECT_EQ(link->ToString(), kLink + "&" + v2);
}

TEST(Magnet, ReadsEveryHint) {
  const auto link = Magnet::Parse(
      kLink +
      "&dn=A+name%21&xl=12345&tr=http%3A%2F%2Fa.example%2Fannounce%3Fk%3D1&tr=udp://b.example:6969"
      "&ws=https://seed.example/a+b&x.pe=192.0.2.1:6881&x.pe=%5B2001:db8::1%5D:1"
      "&x.pe=host.example:65535&so=0,2,4-7");
  ASSERT_TRUE(link.ok()) << link.status();
  EXPECT_EQ(link->name, "A name!");
  EXPECT_EQ(link->length, 12345);
  EXPECT_THAT(link->trackers, ElementsAre("http://a.example/announce?k=1", "udp://b.example:6969"));
  EXPECT_THAT(link->web_seeds, ElementsAre("https://seed.example/a+b"));
  EXPECT_THAT(link->peers, ElementsAre(HostPort{"192.0.2.1", 6881}, HostPort{"2001:db8::1", 1},
                                       HostPort{"host.example", 65535}));
  EXPECT_THAT(link->files, ElementsAre(Magnet::FileRange{0, 0}, Magnet::FileRange{2, 2},
                                       Magnet::FileRange{4, 7}));
}

TEST(Magnet, IsReadInEitherCaseAndWithNumbers) {
  const auto link = Magnet::Parse(std::string("MAGNET:?XT.1=URN%3ABTIH%3A") + kV1 +
                                  "&tr.1=a&TR.2=b&tr.x=c&t%72=d");
  ASSERT_TRUE(link.ok()) << link.status();
  EXPECT_EQ(link->info_hashes.v1->ToHex(), kV1);
  EXPECT_THAT(link->trackers, ElementsAre("a", "b", "d"));
}

TEST(Magnet, PassesOverHintsThatItCannotRead) {
  const auto link = Magnet::Parse(
      kLink +
      "&&=&x&kt=word&xs=http://x.example&tr=&xl=-5&xl=12x&x.pe=nobody&x.pe=[::1]&x.pe=a:0"
      "&x.pe=a:65536&so=,-,x,3-1,-5,4294967296,9&xt=urn:sha1:abc&dn=");
  ASSERT_TRUE(link.ok()) << link.status();
  Magnet expected;
  expected.info_hashes.v1 = *InfoHash::FromHex(kV1);
  expected.files = {{9, 9}};
  EXPECT_EQ(*link, expected);
}

TEST(Magnet, TakesAPercentSignThatEncodesNothingForItself) {
  const auto link = Magnet::Parse(kLink + "&dn=100%+%zz%4");
  ASSERT_TRUE(link.ok()) << link.status();
  EXPECT_EQ(link->name, "100% %zz%4");
}

TEST(Magnet, PutsRangesOfFilesInOrderAndTogether) {
  const auto link =
      Magnet::Parse(kLink + "&so=9,4-5,1,6,0,5-7&so=8,4294967295,4294967290-4294967295");
  ASSERT_TRUE(link.ok()) << link.status();
  EXPECT_THAT(link->files, ElementsAre(Magnet::FileRange{0, 1}, Magnet::FileRange{4, 9},
                                       Magnet::FileRange{4294967290, 4294967295}));
  EXPECT_THAT(link->ToString(), HasSubstr("&so=0-1,4-9,4294967290-4294967295"));
}

TEST(Magnet, SaysWhatOfItsHashesIsWrongAndWhere) {
  const std::pair<std::string, std::string> cases[] = {
      {"http://a.example", "expected \"magnet:?\" at byte 0"},
      {"magnet:", "expected \"magnet:?\" at byte 0"},
      {"magnet:?dn=a", "no xt with an info hash at byte 12"},
      {"magnet:?xt=urn:sha1:a", "no xt with an info hash at byte 21"},
      {"magnet:?dn=a&xt=urn:btih:abc", "a btih that is neither"},
      {kLink + "0", "a btih that is neither 40 hexadecimal nor 32 base32 digits at byte 8"},
      {"magnet:?xt=urn:btih:1HQVOY7XELZD5GFCTXWN7LRUDOMNKMCW", "a btih that is neither"},
      {"magnet:?xt=urn:btmh:" + std::string(kV2), "a btmh that is not 1220"},
      {"magnet:?xt=urn:btmh:12", "a btmh that is not 1220"},
      {"magnet:?xt=urn:btmh:1221" + std::string(kV2), "a btmh that is not 1220"},
      {"magnet:?xt=urn:btmh:1220" + std::string(kV1), "a btmh that is not 1220"},
      {kLink + "&xt=urn:btih:" + std::string(40, '0'),
       "another info hash of the same kind at byte 61"},
  };
  for (const auto& [text, message] : cases) {
    const auto link = Magnet::Parse(text);
    EXPECT_TRUE(absl::IsInvalidArgument(link.status())) << text;
    EXPECT_THAT(Message(link), HasSubstr(message)) << text;
  }
  EXPECT_TRUE(Magnet::Parse(kLink + "&xt=urn:btih:" + kV1).ok());
}

TEST(Magnet, KeepsToItsLimits) {
  const MagnetLimits limits{.max_size = 100, .max_parameters = 3};
  EXPECT_TRUE(Magnet::Parse(kLink + "&a&b", limits).ok());
  EXPECT_THAT(Message(Magnet::Parse(kLink + "&a&b&c", limits)),
              HasSubstr("more than 3 parameters"));
  EXPECT_TRUE(Magnet::Parse(kLink + "&so=1,3,5", limits).ok());
  EXPECT_THAT(Message(Magnet::Parse(kLink + "&so=1,3,5,7", limits)),
              HasSubstr("more than 3 ranges"));
  EXPECT_TRUE(
      Magnet::Parse(kLink + "&dn=" + std::string(100 - kLink.size() - 4, 'a'), limits).ok());
  EXPECT_THAT(
      Message(Magnet::Parse(kLink + "&dn=" + std::string(100 - kLink.size() - 3, 'a'), limits)),
      HasSubstr("more than 100 bytes"));
}

TEST(Magnet, IsWrittenSoThatItReadsTheSame) {
  Magnet magnet;
  magnet.info_hashes.v1 = *InfoHash::FromHex(kV1);
  magnet.info_hashes.v2 = *InfoHashV2::FromHex(kV2);
  for (int c = 0; c < 256; ++c) magnet.name.push_back(static_cast<char>(c));
  magnet.length = 0;
  magnet.trackers = {"http://a.example/?a=b&c=d", "+%41"};
  magnet.web_seeds = {"x#y"};
  magnet.peers = {{"2001:db8::1", 6881}, {"host", 1}};
  magnet.files = {{0, 0}, {2, 3}};
  const auto again = Magnet::Parse(magnet.ToString());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(*again, magnet);
  EXPECT_EQ(again->ToString(), magnet.ToString());
}

TEST(Magnet, OfATorrentHasItsNameSizeTrackersAndSeeds) {
  namespace tt = testing_torrent;
  tt::Dict around;
  tt::List tiers;
  tiers.emplace_back(tt::ListOf({"http://a.example/announce", "udp://b.example:1"}));
  tiers.emplace_back(tt::ListOf({"http://c.example/announce"}));
  around["announce-list"] = std::move(tiers);
  around["url-list"] = "http://seed.example/";
  const auto torrent = Metainfo::Parse(tt::Torrent(tt::SingleInfo(), std::move(around)));
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  const Magnet magnet = Magnet::Of(*torrent);
  EXPECT_EQ(magnet.info_hashes, torrent->info_hashes());
  EXPECT_EQ(magnet.name, "name");
  EXPECT_EQ(magnet.length, 50000);
  EXPECT_THAT(magnet.trackers, ElementsAre("http://a.example/announce", "udp://b.example:1",
                                           "http://c.example/announce"));
  EXPECT_THAT(magnet.web_seeds, ElementsAre("http://seed.example/"));
  EXPECT_THAT(magnet.peers, IsEmpty());
  EXPECT_EQ(
      magnet.ToString(),
      "magnet:?xt=urn:btih:" + torrent->info_hashes().v1->ToHex() +
          "&dn=name&xl=50000&tr=http%3A%2F%2Fa.example%2Fannounce&tr=udp%3A%2F%2Fb.example%3A1"
          "&tr=http%3A%2F%2Fc.example%2Fannounce&ws=http%3A%2F%2Fseed.example%2F");
}

}  // namespace
}  // namespace muster
