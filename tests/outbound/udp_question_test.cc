// SPDX-License-Identifier: Apache-2.0
#include "outbound/udp_question.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "wire/udp_packet.h"

namespace muster {
namespace {

using Step = UdpQuestion::Result;

const TrackerQuery kQuery{.info_hash = *InfoHash::FromText("aaaaaaaaaaaaaaaaaaaa"), .numwant = 9};

std::string Connected(const UdpQuestion& question, std::uint64_t id) {
  std::uint8_t bytes[kMaxUdpAnswer];
  const UdpHeader header = DecodeUdpHeader(BytesOf(question.datagram()));
  return std::string(TextOf({bytes, EncodeUdpConnect(header.transaction_id, id, bytes)}));
}
std::string Answered(const UdpQuestion& question) {
  std::uint8_t bytes[kMaxUdpAnswer];
  const UdpHeader header = DecodeUdpHeader(BytesOf(question.datagram()));
  const std::size_t size = EncodeUdpAnnounceHeader(header.transaction_id, {}, bytes);
  return std::string(TextOf({bytes, size})) + std::string("\1\2\3\4\0\7", 6);
}

TEST(UdpQuestionTest, ConnectsThenAnnouncesThenHasItsAnswer) {
  UdpQuestion question(kQuery, "/announce", AddressFamily::kIpv4, Random(1));
  EXPECT_EQ(DecodeUdpHeader(BytesOf(question.datagram())).kind, UdpKind::kConnect);
  EXPECT_EQ(question.Receive(Connected(question, 42)), Step::kSend);
  const UdpHeader announce = DecodeUdpHeader(BytesOf(question.datagram()));
  EXPECT_EQ(announce.kind, UdpKind::kAnnounce);
  EXPECT_EQ(announce.connection_id, 42u);
  EXPECT_EQ(question.Receive(Answered(question)), Step::kDone);
  ASSERT_EQ(question.reply().peers.size(), 1u);
  EXPECT_EQ(question.reply().peers[0].ToString(), "1.2.3.4:7");
}

TEST(UdpQuestionTest, WhatDoesNotAnswerItIsIgnored) {
  UdpQuestion question(kQuery, "", AddressFamily::kIpv4, Random(1));
  std::string other = Connected(question, 42);
  other[7] = static_cast<char>(other[7] ^ 1);  // the transaction
  EXPECT_EQ(question.Receive(other), Step::kIgnored);
  EXPECT_EQ(question.Receive(Answered(question)), Step::kIgnored);  // not connected yet
  EXPECT_EQ(question.Receive(""), Step::kIgnored);
  const std::string connected = Connected(question, 42);
  EXPECT_EQ(question.Receive(connected), Step::kSend);
  EXPECT_EQ(question.Receive(connected), Step::kIgnored);  // once more, late
  EXPECT_EQ(question.Receive(Connected(question, 43)), Step::kIgnored);
  EXPECT_EQ(question.Receive(Answered(question)), Step::kDone);
}

TEST(UdpQuestionTest, AnErrorIsAnAnswer) {
  UdpQuestion question(kQuery, "", AddressFamily::kIpv4, Random(1));
  std::uint8_t bytes[100];
  const auto header = DecodeUdpHeader(BytesOf(question.datagram()));
  const std::size_t size = EncodeUdpError(header.transaction_id, "disallowed", 100, bytes);
  EXPECT_EQ(question.Receive(TextOf({bytes, size})), Step::kDone);
  EXPECT_EQ(question.reply().failure, "disallowed");
}

}  // namespace
}  // namespace muster
