// SPDX-License-Identifier: Apache-2.0
#include "muster/ids.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <type_traits>

#include "absl/container/flat_hash_set.h"

namespace muster {
namespace {

constexpr char kHex[] = "00ff4c61ddcc5e8a2dabede0f3b482cd9aea9434";
constexpr char kUpperHex[] = "00FF4C61DDCC5E8A2DABEDE0F3B482CD9AEA9434";

TEST(InfoHash, IsZeroByDefault) {
  EXPECT_EQ(InfoHash().ToHex(), std::string(40, '0'));
  EXPECT_EQ(InfoHash(), *InfoHash::FromHex(std::string(40, '0')));
}

TEST(InfoHash, ReadsAndPrintsHexOfEitherCase) {
  ASSERT_TRUE(InfoHash::FromHex(kHex).ok());
  EXPECT_EQ(InfoHash::FromHex(kHex)->ToHex(), kHex);
  EXPECT_EQ(*InfoHash::FromHex(kUpperHex), *InfoHash::FromHex(kHex));
  EXPECT_EQ(InfoHash::FromHex(kHex)->bytes()[1], 0xff);
}

TEST(InfoHash, RefusesOtherHex) {
  for (std::string_view bad : {
           std::string_view(""),
           std::string_view("0ff4c61ddcc5e8a2dabede0f3b482cd9aea9434"),
           std::string_view("000ff4c61ddcc5e8a2dabede0f3b482cd9aea9434"),
           std::string_view("0000ff4c61ddcc5e8a2dabede0f3b482cd9aea9434"),
           std::string_view("g0ff4c61ddcc5e8a2dabede0f3b482cd9aea9434"),
           std::string_view("00ff4c61ddcc5e8a2dabede0f3b482cd9aea943\0", 40),
       }) {
    EXPECT_TRUE(absl::IsInvalidArgument(InfoHash::FromHex(bad).status())) << bad;
  }
}

TEST(InfoHash, IsTwentyBytesOfText) {
  const std::string text(
      "\0"
      "1234567890123456789",
      20);
  ASSERT_TRUE(InfoHash::FromText(text).ok());
  EXPECT_EQ(InfoHash::FromText(text)->text(), text);
  EXPECT_EQ(InfoHash::FromText(text)->bytes()[1], '1');
  EXPECT_EQ(InfoHash::FromBytes(InfoHash::FromText(text)->data()), *InfoHash::FromText(text));
  EXPECT_TRUE(absl::IsInvalidArgument(InfoHash::FromText(text.substr(1)).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(InfoHash::FromText(text + "x").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(InfoHash::FromText("").status()));
}

TEST(InfoHash, IsOrderedAsUnsignedBytes) {
  const InfoHash low = *InfoHash::FromHex("7fffffffffffffffffffffffffffffffffffffff");
  const InfoHash high = *InfoHash::FromHex("8000000000000000000000000000000000000000");
  EXPECT_LT(low, high);
  EXPECT_LT(low.text(), high.text());
  EXPECT_NE(low, high);
}

TEST(InfoHash, IsAKeyOfHashTables) {
  absl::flat_hash_set<InfoHash> set;
  set.insert(*InfoHash::FromHex(kHex));
  EXPECT_TRUE(set.contains(*InfoHash::FromHex(kUpperHex)));
  EXPECT_FALSE(set.contains(InfoHash()));
}

TEST(InfoHash, IsNoPeerId) {
  static_assert(!std::is_convertible_v<InfoHash, PeerId>);
  static_assert(!std::is_constructible_v<PeerId, InfoHash>);
  static_assert(std::is_trivially_copyable_v<InfoHash> && sizeof(InfoHash) == 20);
}

}  // namespace
}  // namespace muster
