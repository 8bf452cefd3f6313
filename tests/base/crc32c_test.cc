// SPDX-License-Identifier: Apache-2.0
#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "muster/random.h"

namespace muster {
namespace {

TEST(Crc32c, GivesTheValuesOfRfc3720) {
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  std::string ascending;
  for (char c = 0; c < 32; ++c) ascending += c;
  EXPECT_EQ(Crc32c(ascending), 0x46dd794eu);
  EXPECT_EQ(Crc32c(""), 0u);
}

TEST(Crc32c, IsTheSameByTablesByInstructionAndInParts) {
  Random random(1);
  std::string text;
  for (int i = 0; i < 300; ++i) text += static_cast<char>(random.Next());
  for (std::size_t begin = 0; begin < 9; ++begin) {
    for (std::size_t size = 0; size + begin <= text.size(); size += 7) {
      const std::string_view part = std::string_view(text).substr(begin, size);
      const std::uint32_t whole = Crc32c(part);
      EXPECT_EQ(whole, Crc32cByTables(part));
      EXPECT_EQ(whole, Crc32c(part.substr(size / 3), Crc32c(part.substr(0, size / 3))));
    }
  }
}

}  // namespace
}  // namespace muster
