// SPDX-License-Identifier: Apache-2.0
#include "muster/info_hashes.h"

#include <gtest/gtest.h>

#include <string>

namespace muster {
namespace {

constexpr char kHexV2[] = "00f1e1c30e81cb361b9ee167c4aa64228a7fa4fa9f6105232b28ad099f3a302e";

TEST(InfoHashV2, ReadsAndPrintsHexOfEitherCase) {
  ASSERT_TRUE(InfoHashV2::FromHex(kHexV2).ok());
  EXPECT_EQ(InfoHashV2::FromHex(kHexV2)->ToHex(), kHexV2);
  EXPECT_EQ(
      *InfoHashV2::FromHex("00F1E1C30E81CB361B9EE167C4AA64228A7FA4FA9F6105232B28AD099F3A302E"),
      *InfoHashV2::FromHex(kHexV2));
  EXPECT_EQ(InfoHashV2().ToHex(), std::string(64, '0'));
}

TEST(InfoHashV2, RefusesOtherHex) {
  for (const std::string& bad : {std::string(), std::string(40, '0'), std::string(63, '0'),
                                 std::string(65, '0'), std::string(63, '0') + "g"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(InfoHashV2::FromHex(bad).status())) << bad;
  }
}

TEST(InfoHashV2, IsKnownToTrackersByItsFirstBytes) {
  EXPECT_EQ(InfoHashV2::FromHex(kHexV2)->Truncated().ToHex(), std::string(kHexV2, 40));
}

}  // namespace
}  // namespace muster
