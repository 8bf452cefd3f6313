// SPDX-License-Identifier: Apache-2.0
#include "wire/tracker_query.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "wire/http_announce.h"
#include "wire/udp_packet.h"

namespace muster {
namespace {

using std::string_literals::operator""s;
using Kind = UdpTrackerReply::Kind;

const TrackerQuery kQuery{.info_hash = *InfoHash::FromText("aaaaaaaaaaaaaaaaaaa "),
                          .tracker_id = *PeerId::FromText("-MU0100-T-1234567890"),
                          .key = 77,
                          .numwant = 20};

std::vector<std::string> Peers(const TrackerReply& reply) {
  std::vector<std::string> texts;
  for (const Endpoint& peer : reply.peers) texts.push_back(peer.ToString());
  return texts;
}

TEST(TrackerQueryTest, AsksByHttpAsNobodysPeer) {
  const std::string target = TrackerQueryTarget("/announce", kQuery);
  EXPECT_EQ(target.substr(0, 20), "/announce?info_hash=");
  for (const char* part : {"a%20&", "&port=0&", "&event=stopped&", "&left=1&", "&tracker=1&",
                           "&numwant=20&", "&key=77", "&compact=1&", "&peer_id=-MU"}) {
    EXPECT_NE(target.find(part), std::string::npos) << part;
  }
  EXPECT_EQ(TrackerQueryTarget("/a?key=1", kQuery).substr(0, 18), "/a?key=1&info_hash");
}

TEST(TrackerQueryTest, ReadsCompactPeersOfBothFamilies) {
  const auto reply = DecodeTrackerReply(
      "d8:intervali1800e5:peers12:\x7f\0\0\1\x1a\xe1\x0a\0\0\1\0\0"
      "6:peers618:\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\x1a\xe1"
      "e"s,
      50);
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->interval, Seconds(1800));
  EXPECT_EQ(Peers(*reply), (std::vector<std::string>{"127.0.0.1:6881", "[2001:db8::1]:6881"}));
}

TEST(TrackerQueryTest, ReadsPeersAsDictionariesAndLeavesNamesOut) {
  const auto reply = DecodeTrackerReply(
      "d5:peersld2:ip9:127.0.0.14:porti1eed2:ip7:a.b.c.d4:porti1eed2:ip3:::14:porti70000eed2:ip3:::"
      "14:porti2ee"
      "i7eee",
      50);
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(Peers(*reply), (std::vector<std::string>{"127.0.0.1:1", "[::1]:2"}));
}

TEST(TrackerQueryTest, AFailureIsShortAndHarmless) {
  const auto reply = DecodeTrackerReply("d14:failure reason10:disallowed5:peers6:123456e", 50);
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply->failure, "disallowed");
  EXPECT_TRUE(reply->peers.empty());
  const auto long_one =
      DecodeTrackerReply("d14:failure reason300:" + std::string(299, 'x') + "\ne", 50);
  EXPECT_EQ(long_one->failure, std::string(kMaxReplyText, 'x'));
  EXPECT_EQ(DecodeTrackerReply("d14:failure reason3:a\nbe", 50)->failure, "a?b");
  EXPECT_EQ(DecodeTrackerReply("d14:failure reason0:e", 50)->failure, "no reason given");
}

TEST(TrackerQueryTest, NoMorePeersAreTakenThanAskedFor) {
  const std::string many = "d5:peers6000:" + std::string(6000, 'x') + "e";
  EXPECT_EQ(DecodeTrackerReply(many, 20)->peers.size(), 20u);
  std::string list = "d5:peersl";
  for (int i = 0; i < 1000; ++i) list += "d2:ip9:127.0.0.14:porti1ee";
  EXPECT_FALSE(DecodeTrackerReply(list + "ee", 20).ok());  // beyond all reason
}

TEST(TrackerQueryTest, IntervalsAreKeptWithinADay) {
  EXPECT_EQ(DecodeTrackerReply("d8:intervali-5ee", 1)->interval, Seconds(0));
  EXPECT_EQ(DecodeTrackerReply("d8:intervali99999999999ee", 1)->interval, kMaxReplyInterval);
  EXPECT_EQ(DecodeTrackerReply("d8:interval1:xe", 1)->interval, Seconds(0));
}

TEST(TrackerQueryTest, WhatIsNoAnswerIsAnError) {
  for (const char* body : {"", "le", "<html>", "d8:interval", "i5e"}) {
    EXPECT_FALSE(DecodeTrackerReply(body, 50).ok()) << body;
  }
}

TEST(TrackerQueryTest, AsksByUdpWhatATrackerReads) {
  const std::string connect = EncodeUdpConnectQuery(5);
  EXPECT_EQ(DecodeUdpHeader(BytesOf(connect)).kind, UdpKind::kConnect);
  for (const std::size_t size : {0, 10, 246, 600}) {
    const std::string target(size, '/');
    const std::string announce = EncodeUdpTrackerQuery(9, 6, kQuery, target);
    const UdpHeader header = DecodeUdpHeader(BytesOf(announce));
    EXPECT_EQ(header.kind, UdpKind::kAnnounce);
    EXPECT_EQ(header.connection_id, 9u);
    EXPECT_EQ(header.transaction_id, 6u);
    AnnounceRequest request;
    std::string url;
    ASSERT_TRUE(DecodeUdpAnnounce(BytesOf(announce), Endpoint(), request, url));
    EXPECT_EQ(request.info_hash, kQuery.info_hash);
    EXPECT_EQ(request.peer_id, kQuery.tracker_id);
    EXPECT_EQ(request.event, Event::kStopped);
    EXPECT_EQ(request.left, 1u);
    EXPECT_EQ(request.numwant, 20);
    EXPECT_EQ(request.key, 77u);
    EXPECT_EQ(request.url, target + "?tracker=1");
  }
}

TEST(TrackerQueryTest, ReadsWhatATrackerAnswersByUdp) {
  std::uint8_t bytes[kMaxUdpAnswer];
  const auto text = [&](std::size_t n) { return std::string(TextOf({bytes, n})); };
  const auto connect =
      DecodeUdpTrackerReply(text(EncodeUdpConnect(5, 99, bytes)), AddressFamily::kIpv4, 9);
  EXPECT_EQ(connect.kind, Kind::kConnect);
  EXPECT_EQ(connect.transaction_id, 5u);
  EXPECT_EQ(connect.connection_id, 99u);
  AnnounceAnswer answer;
  answer.interval = Seconds(120);
  const std::string announce = text(EncodeUdpAnnounceHeader(6, answer, bytes)) +
                               std::string("\x7f\0\0\1\0\7\x7f\0\0\2\0\7\x7f\0", 14);
  const auto peers = DecodeUdpTrackerReply(announce, AddressFamily::kIpv4, 9);
  EXPECT_EQ(peers.kind, Kind::kAnnounce);
  EXPECT_EQ(peers.reply.interval, Seconds(120));
  EXPECT_EQ(Peers(peers.reply), (std::vector<std::string>{"127.0.0.1:7", "127.0.0.2:7"}));
  EXPECT_EQ(DecodeUdpTrackerReply(announce, AddressFamily::kIpv4, 1).reply.peers.size(), 1u);
  const auto error = DecodeUdpTrackerReply(text(EncodeUdpError(7, "no such torrent", 500, bytes)),
                                           AddressFamily::kIpv4, 9);
  EXPECT_EQ(error.kind, Kind::kError);
  EXPECT_EQ(error.reply.failure, "no such torrent");
  for (const std::size_t size : {0, 7, 8, 15}) {
    EXPECT_EQ(DecodeUdpTrackerReply(std::string(size, '\0'), AddressFamily::kIpv4, 9).kind,
              Kind::kNoise);
  }
}

}  // namespace
}  // namespace muster
