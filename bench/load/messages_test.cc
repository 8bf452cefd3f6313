// SPDX-License-Identifier: Apache-2.0
#include "load/messages.h"

#include <gtest/gtest.h>

#include "base/hex.h"
#include "base/text.h"
#include "load/run.h"

namespace muster::load {
namespace {

const char kHash[] = "0102030405060708090a0b0c0d0e0f1011121314";

InfoHash Hash() { return *InfoHash::FromHex(kHash); }

std::vector<std::uint8_t> Bytes(std::string_view hex) {
  std::vector<std::uint8_t> bytes(hex.size() / 2);
  EXPECT_TRUE(HexDecode(hex, absl::MakeSpan(bytes)));
  return bytes;
}

TEST(UdpPackets, AConnectIsTheProtocolIdAndATransaction) {
  std::uint8_t packet[kLargestRequest];
  ASSERT_EQ(WriteConnect(packet, 0xa1b2c3d4), kConnectSize);
  EXPECT_EQ(HexEncode({packet, kConnectSize}), "000004172710198000000000a1b2c3d4");
}

TEST(UdpPackets, AnAnnounceHasTheFieldsOfBep15AtTheirPlaces) {
  std::uint8_t packet[kLargestRequest];
  Job job;
  job.event = Event::kStarted;
  job.peer = {5, 0x1ae1, true};
  ASSERT_EQ(WriteAnnounce(packet, 0x1122334455667788, 7, Hash(), job, 30), kAnnounceSize);
  const std::string hex = HexEncode({packet, kAnnounceSize});
  EXPECT_EQ(hex.substr(0, 32), "11223344556677880000000100000007");
  EXPECT_EQ(hex.substr(32, 40), kHash);
  EXPECT_EQ(hex.substr(72, 16), "2d4d4c303130302d");     // the peer id begins "-ML0100-"
  EXPECT_EQ(hex.substr(112, 48), std::string(48, '0'));  // downloaded, left, uploaded
  EXPECT_EQ(hex.substr(160, 16), "0000000200000000");    // started, address
  EXPECT_EQ(hex.substr(184, 12), "0000001e1ae1");        // numwant, port
  job.peer.seeder = false;
  WriteAnnounce(packet, 1, 7, Hash(), job, 30);
  EXPECT_EQ(HexEncode({packet + 64, 8}), "0000000000100000");  // left
  job.event = Event::kCompleted;
  WriteAnnounce(packet, 1, 7, Hash(), job, 30);
  EXPECT_EQ(HexEncode({packet + 64, 8}), "0000000000000000");
}

TEST(UdpPackets, AScrapeAsksForOneHash) {
  std::uint8_t packet[kLargestRequest];
  ASSERT_EQ(WriteScrape(packet, 9, 8, Hash()), kScrapeSize);
  EXPECT_EQ(HexEncode({packet, kScrapeSize}),
            "00000000000000090000000200000008" + std::string(kHash));
}

TEST(HttpRequests, AnAnnounceEscapesTheHashAndSaysHowItEnds) {
  std::string text;
  Job job;
  job.event = Event::kStopped;
  job.peer = {0, 1024, false};
  const auto hash = InfoHash::FromText("aZ9-.%\xff 0123456789ab");
  ASSERT_TRUE(hash.ok());
  AppendHttpRequest(text, "/announce", "127.0.0.1:80", *hash, job, 50, false);
  EXPECT_EQ(
      text,
      "GET "
      "/announce?info_hash=aZ9%2D%2E%25%FF%200123456789ab&peer_id=-ML0100-123456710240&port=1024"
      "&uploaded=0&downloaded=0&left=1048576&event=stopped&compact=1&numwant=50 HTTP/1.1\r\n"
      "Host: 127.0.0.1:80\r\nUser-Agent: muster-load\r\nConnection: close\r\n\r\n");
}

TEST(HttpRequests, AScrapeGoesNextToTheAnnounce) {
  std::string text;
  Job job;
  job.action = Action::kScrape;
  AppendHttpRequest(text, "/announce/x/announce?key=1", "h", Hash(), job, 50, true);
  EXPECT_TRUE(text.starts_with("GET /announce/x/scrape?key=1&info_hash=%01%02")) << text;
  EXPECT_TRUE(text.ends_with("User-Agent: muster-load\r\n\r\n"));
}

TEST(UdpAnswers, AnAnnounceIsReadOrItsSizeIsWrong) {
  AnnounceView view;
  const auto answer = Bytes(
      "0000000100000007000007080000000200000003"
      "7f01000104d2"
      "7f01000204d3");
  ASSERT_EQ(ReadUdpAnnounce(answer, AddressFamily::kIpv4, view), Fault::kNone);
  EXPECT_EQ(view.interval, 1800u);
  EXPECT_EQ(view.leechers, 2u);
  EXPECT_EQ(view.seeders, 3u);
  EXPECT_EQ(view.peers.size(), 12u);
  EXPECT_EQ(ReadUdpAnnounce(answer, AddressFamily::kIpv6, view), Fault::kSize);
  EXPECT_EQ(ReadUdpAnnounce({answer.data(), 25}, AddressFamily::kIpv4, view), Fault::kSize);
  EXPECT_EQ(ReadUdpAnnounce({answer.data(), 19}, AddressFamily::kIpv4, view), Fault::kSize);
}

TEST(UdpAnswers, AScrapeIsRead) {
  ScrapeView view;
  const auto answer = Bytes("0000000200000007000000050000000600000007");
  ASSERT_EQ(ReadUdpScrape(answer, view), Fault::kNone);
  EXPECT_EQ(view.seeders, 5u);
  EXPECT_EQ(view.leechers, 7u);
  EXPECT_EQ(ReadUdpScrape({answer.data(), 19}, view), Fault::kSize);
}

TEST(HttpAnswers, AnAnnounceIsReadWhateverElseItHolds) {
  AnnounceView view;
  const std::string good(
      "d8:completei3e10:incompletei2e8:intervali1800e5:extrald1:ai1eee5:peers6:abcdefe");
  ASSERT_EQ(ReadHttpAnnounce(good, AddressFamily::kIpv4, view), Fault::kNone);
  EXPECT_EQ(view.seeders, 3u);
  EXPECT_EQ(view.leechers, 2u);
  EXPECT_EQ(view.interval, 1800u);
  EXPECT_EQ(view.peers.size(), 6u);
  for (std::size_t n = 0; n < good.size(); ++n) {
    AnnounceView cut;
    EXPECT_EQ(ReadHttpAnnounce(std::string_view(good).substr(0, n), AddressFamily::kIpv4, cut),
              Fault::kSyntax);
  }
  EXPECT_EQ(ReadHttpAnnounce(good + "x", AddressFamily::kIpv4, view), Fault::kSyntax);
}

TEST(HttpAnswers, AFailureReasonIsARefusal) {
  AnnounceView view;
  EXPECT_EQ(ReadHttpAnnounce("d14:failure reason2:noe", AddressFamily::kIpv4, view),
            Fault::kRefused);
}

TEST(HttpAnswers, AScrapeIsFoundByItsHash) {
  ScrapeView view;
  const std::string hash(Hash().text());
  const std::string body = "d5:filesd20:" + std::string(20, '\0') + "d8:completei9ee20:" + hash +
                           "d8:completei5e10:downloadedi1e10:incompletei6eeee";
  ASSERT_EQ(ReadHttpScrape(body, Hash(), view), Fault::kNone);
  EXPECT_EQ(view.seeders, 5u);
  EXPECT_EQ(view.leechers, 6u);
  ScrapeView other;
  ASSERT_EQ(ReadHttpScrape("d5:filesdee", Hash(), other), Fault::kNone);
  EXPECT_EQ(other.seeders, kUnknown);
}

TEST(HttpHeads, SayHowLongTheBodyIsAndWhoCloses) {
  HttpHead head;
  EXPECT_FALSE(ReadHttpHead("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", head));
  ASSERT_TRUE(ReadHttpHead("HTTP/1.1 200 OK\r\nX: y\r\ncontent-LENGTH:  12\r\n\r\nabc", head));
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body_size, 12u);
  EXPECT_EQ(head.size, 46u);
  EXPECT_FALSE(head.close);
  ASSERT_TRUE(ReadHttpHead("HTTP/1.1 404 No\r\nConnection: Close\r\n\r\n", head));
  EXPECT_EQ(head.status, 404);
  EXPECT_EQ(head.body_size, HttpHead::kNoLength);
  EXPECT_TRUE(head.close);
  ASSERT_TRUE(ReadHttpHead("HTTP/1.0 200 OK\r\n\r\n", head));
  EXPECT_TRUE(head.close);
  ASSERT_TRUE(ReadHttpHead("SSH-2.0-x\r\n\r\n", head));
  EXPECT_EQ(head.status, 0);
  ASSERT_TRUE(ReadHttpHead("HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n", head));
  EXPECT_EQ(head.status, 0);
}

class Checks : public testing::Test {
 protected:
  Checks() : plan_(*Plan::Make(Options())) {}
  static PlanOptions Options() {
    PlanOptions o;
    o.torrents = 1;
    o.peers = 10;
    o.sources = 2;
    o.seeders = 0.5;
    return o;
  }
  Asked Ask() const {
    return {
        &plan_, 0, {Action::kAnnounce, Event::kNone, plan_.PeersOf(0)[0]}, 3, AddressFamily::kIpv4,
        false};
  }
  // The peers 127.1.0.1 + source : 1024 + port.
  static std::vector<std::uint8_t> Compact(std::vector<std::pair<int, int>> peers) {
    std::vector<std::uint8_t> bytes;
    for (const auto& [source, port] : peers) {
      for (const int b : {127, 1, 0, 1 + source, 4, port})
        bytes.push_back(static_cast<std::uint8_t>(b));
    }
    return bytes;
  }
  Plan plan_;
};

TEST_F(Checks, CountsMustFitThePlan) {
  EXPECT_EQ(CheckAnnounce({1800, 5, 5, {}}, Ask()), Fault::kNone);
  EXPECT_EQ(CheckAnnounce({1800, 1, 0, {}}, Ask()), Fault::kNone);
  EXPECT_EQ(CheckAnnounce({1800, kUnknown, 0, {}}, Ask()), Fault::kNone);
  EXPECT_EQ(CheckAnnounce({1800, 0, 0, {}}, Ask()), Fault::kNone);
  EXPECT_EQ(CheckAnnounce({1800, 6, 5, {}}, Ask()), Fault::kCounts);
  EXPECT_EQ(CheckAnnounce({0, 5, 5, {}}, Ask()), Fault::kInterval);
}

TEST_F(Checks, NoMorePeersThanAskedForOrCounted) {
  const auto four = Compact({{0, 0}, {0, 1}, {1, 0}, {1, 1}});
  EXPECT_EQ(CheckAnnounce({1800, 5, 5, four}, Ask()), Fault::kTooMany);
  const auto two = Compact({{0, 0}, {0, 1}});
  EXPECT_EQ(CheckAnnounce({1800, 1, 0, two}, Ask()), Fault::kCounts);
}

TEST_F(Checks, PeersMustBePlannedOthersAndDistinct) {
  const Endpoint own = *Endpoint::Parse("127.1.0.1:1024");
  const auto check = [&](std::vector<std::pair<int, int>> peers) {
    const auto bytes = Compact(std::move(peers));
    return CheckPeers({1800, 5, 5, bytes}, Ask(), own);
  };
  EXPECT_EQ(check({}), Fault::kNone);
  EXPECT_EQ(check({{0, 1}, {1, 0}, {1, 4}}), Fault::kNone);
  EXPECT_EQ(check({{0, 0}}), Fault::kSelf);
  EXPECT_EQ(check({{0, 5}}), Fault::kStranger);
  EXPECT_EQ(check({{2, 0}}), Fault::kStranger);
  EXPECT_EQ(check({{0, 1}, {1, 1}, {0, 1}}), Fault::kTwice);
  Asked lenient = Ask();
  lenient.allow_self = true;
  const auto self = Compact({{0, 0}});
  EXPECT_EQ(CheckPeers({1800, 5, 5, self}, lenient, own), Fault::kNone);
}

TEST_F(Checks, AFilledTorrentIsScrapedExactly) {
  const std::uint32_t seeders = plan_.Seeders(0);
  EXPECT_EQ(CheckScrape({seeders, 10 - seeders}, Ask(), true), Fault::kNone);
  EXPECT_EQ(CheckScrape({seeders + 1, 9 - seeders}, Ask(), true), Fault::kCounts);
  EXPECT_EQ(CheckScrape({seeders, 9 - seeders}, Ask(), true), Fault::kCounts);
  EXPECT_EQ(CheckScrape({kUnknown, kUnknown}, Ask(), true), Fault::kCounts);
  EXPECT_EQ(CheckScrape({0, 9}, Ask(), false), Fault::kNone);
  EXPECT_EQ(CheckScrape({0, 11}, Ask(), false), Fault::kCounts);
}

TEST(Target, IsLoopbackUnlessAllowed) {
  const auto udp = Target::FromUrl("udp://127.0.0.1:6969", false);
  ASSERT_TRUE(udp.ok());
  EXPECT_TRUE(udp->udp && udp->loopback);
  const auto http = Target::FromUrl("http://[::1]:80/x/announce?k=1", false);
  ASSERT_TRUE(http.ok());
  EXPECT_FALSE(http->udp);
  EXPECT_EQ(http->family, AddressFamily::kIpv6);
  EXPECT_EQ(http->host, "[::1]:80");
  EXPECT_EQ(http->path, "/x/announce?k=1");
  EXPECT_TRUE(Target::FromUrl("udp://localhost:1/announce", false).ok());
  EXPECT_FALSE(Target::FromUrl("udp://192.0.2.1:6969", false).ok());
  EXPECT_FALSE(Target::FromUrl("udp://[2001:db8::1]:6969", false).ok());
  EXPECT_FALSE(Target::FromUrl("udp://tracker.invalid:6969", false).ok());
  EXPECT_FALSE(Target::FromUrl("udp://127.0.0.1", false).ok());
  EXPECT_FALSE(Target::FromUrl("ftp://127.0.0.1:1", false).ok());
  const auto remote = Target::FromUrl("udp://192.0.2.1:6969", true);
  ASSERT_TRUE(remote.ok());
  EXPECT_FALSE(remote->loopback);
}

}  // namespace
}  // namespace muster::load
