// SPDX-License-Identifier: Apache-2.0
#include "outbound/mse.h"

#include <gtest/gtest.h>

#include "outbound/mse_peer.h"
#include "outbound/outbound_testing.h"

namespace muster {
namespace {

using Result = MseInitiator::Result;

MseChance Chance(std::size_t pad = 77) {
  MseChance chance;
  for (std::size_t i = 0; i < chance.private_key.size(); ++i) {
    chance.private_key[i] = static_cast<std::uint8_t>(i * 37 + 11);
  }
  chance.pad = std::string(pad, 'a');
  return chance;
}

struct Talk {
  Result result;
  std::string said;
  std::string fault;
  std::string initial;
};

// Lets both sides talk; what the peer says arrives in pieces of `piece` bytes.
Talk LetThemTalk(const MsePeerOptions& options, std::size_t piece,
                 const MseChance& chance = Chance()) {
  MseInitiator we(kHash, chance, "what we say");
  MsePeer peer(options);
  Talk talk{Result::kNeedMore, {}, {}, {}};
  std::string to_peer;
  we.Begin(to_peer);
  while (!to_peer.empty()) {
    const std::string to_us = peer.Receive(to_peer);
    to_peer.clear();
    for (std::size_t i = 0; i < to_us.size(); i += piece) {
      talk.result = we.Receive(to_us.substr(i, piece), to_peer, talk.said);
    }
  }
  talk.fault = peer.fault;
  talk.initial = peer.initial;
  return talk;
}

TEST(MseTest, BothSidesComeToTheSameSecret) {
  MsePrivateKey a = Chance().private_key;
  MsePrivateKey b;
  b.fill(3);
  const auto at_a = MseSecret(MsePublicKey(b), a);
  const auto at_b = MseSecret(MsePublicKey(a), b);
  ASSERT_TRUE(at_a && at_b);
  EXPECT_EQ(*at_a, *at_b);
}

TEST(MseTest, KeysThatGiveTheSecretAwayAreRefused) {
  MseKey key{};
  EXPECT_FALSE(MseSecret(key, Chance().private_key));  // 0
  key.back() = 1;
  EXPECT_FALSE(MseSecret(key, Chance().private_key));
  key.back() = 2;
  EXPECT_TRUE(MseSecret(key, Chance().private_key));
  key.fill(0xff);
  EXPECT_FALSE(MseSecret(key, Chance().private_key));  // more than the prime
}

TEST(MseTest, TheHandshakeGoesThroughWhateverThePiecesThePadsAndTheSelection) {
  for (const std::size_t pad : {0, 1, 511, 512}) {
    for (const std::uint32_t select : {1, 2}) {
      for (const std::size_t piece : {1, 7, 100, 10'000}) {
        const Talk talk = LetThemTalk({.skey = kHash,
                                       .select = select,
                                       .pad_b = pad,
                                       .pad_d = 512 - pad,
                                       .said = "what it says"},
                                      piece, Chance(pad));
        SCOPED_TRACE(testing::Message() << pad << ' ' << select << ' ' << piece);
        EXPECT_EQ(talk.result, Result::kDone);
        EXPECT_EQ(talk.said, "what it says");
        EXPECT_EQ(talk.initial, "what we say");
        EXPECT_EQ(talk.fault, "");
      }
    }
  }
}

TEST(MseTest, APadOrASelectionThatNoPeerMaySendFails) {
  EXPECT_EQ(LetThemTalk({.skey = kHash, .pad_b = 513}, 10'000).result, Result::kFailed);
  EXPECT_EQ(LetThemTalk({.skey = kHash, .pad_b = 513}, 1).result, Result::kFailed);
  EXPECT_EQ(LetThemTalk({.skey = kHash, .select = 3}, 10'000).result, Result::kFailed);
  EXPECT_EQ(LetThemTalk({.skey = kHash, .claimed_pad_d = 513}, 10'000).result, Result::kFailed);
  EXPECT_EQ(LetThemTalk({.skey = kHash, .claimed_pad_d = 51}, 10'000).result, Result::kNeedMore);
}

TEST(MseTest, NoiseFailsAfterAKeyAndAPadAtMost) {
  for (const std::size_t piece : {1, 13, 2000}) {
    MseInitiator we(kHash, Chance(), "");
    std::string out, said;
    std::size_t taken = 0;
    while (we.Receive(std::string(piece, 'x'), out, said) != Result::kFailed) taken += piece;
    EXPECT_LE(taken, kMseKeySize + kMseMaxPad + 8);
    EXPECT_EQ(we.Receive("more", out, said), Result::kFailed);
    EXPECT_EQ(said, "");
  }
}

TEST(MseTest, APeerWithAnotherTorrentIsNotUnderstood) {
  const Talk talk = LetThemTalk({.skey = *InfoHash::FromText("bbbbbbbbbbbbbbbbbbbb")}, 10'000);
  EXPECT_NE(talk.result, Result::kDone);
}

TEST(MseTest, ChanceOfTheSystemIsNeverTheSame) {
  const MseChance a = MseChance::FromSystem();
  const MseChance b = MseChance::FromSystem();
  EXPECT_NE(a.private_key, b.private_key);
  EXPECT_LE(a.pad.size(), kMseMaxPad);
}

}  // namespace
}  // namespace muster
