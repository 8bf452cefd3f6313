// SPDX-License-Identifier: Apache-2.0
#include "base/hex.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace muster {
namespace {

TEST(Hex, KnowsEveryDigitAndNoOtherCharacter) {
  const std::string lower = "0123456789abcdef";
  const std::string upper = "0123456789ABCDEF";
  for (int i = 0; i < 256; ++i) {
    const char c = static_cast<char>(i);
    const std::size_t value = std::min(lower.find(c), upper.find(c));
    EXPECT_EQ(HexDigitValue(c), value == std::string::npos ? -1 : static_cast<int>(value)) << i;
  }
}

TEST(Hex, EncodesInLowerCaseAndDecodesEitherCase) {
  std::vector<std::uint8_t> every(256);
  for (int i = 0; i < 256; ++i) every[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(i);
  std::string hex = HexEncode(every);
  EXPECT_EQ(hex.substr(0, 8), "00010203");
  EXPECT_EQ(hex.substr(504), "fcfdfeff");
  std::vector<std::uint8_t> decoded(256);
  EXPECT_TRUE(HexDecode(hex, absl::MakeSpan(decoded)));
  EXPECT_EQ(decoded, every);
  for (char& c : hex) c = static_cast<char>(std::toupper(c));
  decoded.assign(256, 0);
  EXPECT_TRUE(HexDecode(hex, absl::MakeSpan(decoded)));
  EXPECT_EQ(decoded, every);
}

TEST(Hex, PercentEncodingLeavesOnlyWhatIsSafeInAUrl) {
  std::string every;
  for (int i = 0; i < 256; ++i) every.push_back(static_cast<char>(i));
  std::string url = "x=";
  AppendPercentEncoded(every, url);
  EXPECT_EQ(url.size(), 2 + 66 + 3 * (256u - 66));
  EXPECT_EQ(url.substr(0, 8), "x=%00%01");
  EXPECT_NE(url.find("%2C-.%2F0123456789%3A"), std::string::npos);
  EXPECT_NE(url.find("%5E_%60a"), std::string::npos);
  EXPECT_NE(url.find("z%7B%7C%7D~%7F%80"), std::string::npos);
}

TEST(Hex, OfNothingIsNothing) {
  EXPECT_EQ(HexEncode({}), "");
  EXPECT_TRUE(HexDecode("", {}));
}

TEST(Hex, RefusesTextOfAnotherLengthOrWithOtherCharacters) {
  std::array<std::uint8_t, 2> to;
  EXPECT_TRUE(HexDecode("00ff", absl::MakeSpan(to)));
  for (std::string_view bad :
       {"", "00f", "00ff0", "00ff00", "0x0f", "00fg", "g0ff", " 0ff", "00f "}) {
    EXPECT_FALSE(HexDecode(bad, absl::MakeSpan(to))) << bad;
  }
}

}  // namespace
}  // namespace muster
