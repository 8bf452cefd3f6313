// SPDX-License-Identifier: Apache-2.0
#include "outbound/peer_handshake.h"

#include <gtest/gtest.h>

#include "outbound/mse_peer.h"
#include "outbound/outbound_testing.h"

namespace muster {
namespace {

const std::string kAnswer =
    "\x13"
    "BitTorrent protocol\x01\x02\x03\x04\x05\x06\x07\x08"
    "aaaaaaaaaaaaaaaaaaaa-XX0001-123456789012";

// The outcome of an answer, the same in any pieces.
std::optional<NatOutcome> OutcomeOf(std::string_view answer, std::optional<PeerId> peer = kPeer) {
  std::string out;
  const std::optional<NatOutcome> whole =
      PeerHandshake(kHash, peer, std::nullopt).Receive(answer, out);
  PeerHandshake slow(kHash, peer, std::nullopt);
  std::optional<NatOutcome> outcome;
  for (std::size_t i = 0; i < answer.size() && !outcome; ++i) {
    outcome = slow.Receive(answer.substr(i, 1), out);
  }
  EXPECT_EQ(outcome, whole);
  EXPECT_EQ(out, "");
  return whole;
}

std::string With(std::size_t at, char c) {
  std::string answer = kAnswer;
  answer[at] = c;
  return answer;
}

TEST(PeerHandshakeTest, SaysFortyEightBytesWithoutAPeerId) {
  std::string out;
  PeerHandshake(kHash, kPeer, std::nullopt).Begin(out);
  EXPECT_EQ(out,
            "\x13"
            "BitTorrent protocol" +
                std::string(8, '\0') + "aaaaaaaaaaaaaaaaaaaa");
}

TEST(PeerHandshakeTest, TheRightAnswerIsReachableAtItsLastByte) {
  EXPECT_EQ(OutcomeOf(kAnswer), NatOutcome::kReachable);
  EXPECT_EQ(OutcomeOf(kAnswer + "a bitfield"), NatOutcome::kReachable);
  for (std::size_t size = 1; size < kAnswer.size(); ++size) {
    EXPECT_EQ(OutcomeOf(kAnswer.substr(0, size)), std::nullopt) << size;
  }
}

TEST(PeerHandshakeTest, TheFirstWrongByteDecides) {
  for (std::size_t at = 0; at < kAnswer.size(); ++at) {
    const std::string answer = With(at, '!').substr(0, at + 1);
    const std::optional<NatOutcome> expected = at < 20   ? NatOutcome::kNotBitTorrent
                                               : at < 28 ? std::optional<NatOutcome>()
                                               : at < 48 ? NatOutcome::kOtherInfoHash
                                                         : NatOutcome::kOtherPeerId;
    EXPECT_EQ(OutcomeOf(answer), expected) << at;
  }
}

TEST(PeerHandshakeTest, AnyPeerIdWillDoWhenNoneIsKnown) {
  EXPECT_EQ(OutcomeOf(With(60, '!'), std::nullopt), NatOutcome::kReachable);
}

TEST(PeerHandshakeTest, AnEncryptedPeerIsReachable) {
  for (const std::uint32_t select : {1, 2}) {
    PeerHandshake we(kHash, kPeer, MseChance::FromSystem());
    MsePeer peer({.skey = kHash, .select = select, .said = kAnswer});
    std::string out;
    we.Begin(out);
    std::optional<NatOutcome> outcome;
    for (int turn = 0; turn < 3 && !outcome; ++turn) {
      const std::string answer = peer.Receive(out);
      out.clear();
      outcome = we.Receive(answer, out);
    }
    EXPECT_EQ(outcome, NatOutcome::kReachable);
    EXPECT_EQ(peer.fault, "");
    std::string opening;
    PeerHandshake(kHash, kPeer, std::nullopt).Begin(opening);
    EXPECT_EQ(peer.initial, opening);
  }
}

TEST(PeerHandshakeTest, APeerThatAnswersPlainlyToEncryptionDoesNotPass) {
  PeerHandshake we(kHash, kPeer, MseChance::FromSystem());
  std::string out;
  EXPECT_EQ(we.Receive(kAnswer, out), std::nullopt);  // might be the beginning of a key
  EXPECT_EQ(we.Receive(std::string(700, 'x'), out), NatOutcome::kNoEncryption);
}

}  // namespace
}  // namespace muster
