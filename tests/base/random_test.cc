// SPDX-License-Identifier: Apache-2.0
#include "muster/random.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>

namespace muster {
namespace {

TEST(Random, GivesTheSequenceOfSplitmix64) {
  // The reference implementation's first three numbers for the seed 1234567.
  Random random(1234567);
  EXPECT_EQ(random.Next(), 6457827717110365317u);
  EXPECT_EQ(random.Next(), 3203168211198807973u);
  EXPECT_EQ(random.Next(), 9817491932198370423u);
}

TEST(Random, StaysBelowItsBoundAndReachesEveryNumber) {
  Random random(7);
  constexpr std::uint32_t kBound = 10;
  constexpr int kDraws = 100'000;
  std::array<int, kBound> drawn{};
  for (int i = 0; i < kDraws; ++i) {
    const std::uint32_t number = random.Below(kBound);
    ASSERT_LT(number, kBound);
    ++drawn[number];
  }
  // Ten thousand each is expected; the standard deviation is 95.
  for (int times : drawn) EXPECT_NEAR(times, kDraws / kBound, 500);
  EXPECT_EQ(random.Below(1), 0u);
  for (int i = 0; i < 1000; ++i) ASSERT_LT(random.Below(~std::uint32_t{0}), ~std::uint32_t{0});
}

TEST(Random, FromTheSystemDiffersEachTime) {
  EXPECT_NE(Random::FromSystem().Next(), Random::FromSystem().Next());
}

}  // namespace
}  // namespace muster
