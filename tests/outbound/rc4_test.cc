// SPDX-License-Identifier: Apache-2.0
#include "outbound/rc4.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/hex.h"

namespace muster {
namespace {

std::string KeyStream(const std::vector<std::uint8_t>& key, std::size_t drop) {
  std::string zeros(16, '\0');
  Rc4(key, drop).Apply(zeros.data(), zeros.size());
  return HexEncode({reinterpret_cast<const std::uint8_t*>(zeros.data()), zeros.size()});
}

// RFC 6229, 2.
TEST(Rc4Test, GivesTheKeyStreamsOfTheRfc) {
  const std::vector<std::uint8_t> key5 = {1, 2, 3, 4, 5};
  EXPECT_EQ(KeyStream(key5, 0), "b2396305f03dc027ccc3524a0a1118a8");
  EXPECT_EQ(KeyStream(key5, 1024), "30abbcc7c20b01609f23ee2d5f6bb7df");
  std::vector<std::uint8_t> key16(16);
  for (std::size_t i = 0; i < 16; ++i) key16[i] = static_cast<std::uint8_t>(i + 1);
  EXPECT_EQ(KeyStream(key16, 0), "9ac7cc9a609d1ef7b2932899cde41b97");
}

TEST(Rc4Test, TwiceIsTheTextAgainInAnyPieces) {
  const std::vector<std::uint8_t> key = {7, 7, 7};
  std::string text = "kept beside, and this is encrypted";
  Rc4(key, 3).ApplyFrom(text, 13);
  EXPECT_EQ(text.substr(0, 13), "kept beside, ");
  Rc4 back(key, 3);
  for (std::size_t i = 13; i < text.size(); ++i) back.Apply(&text[i], 1);
  EXPECT_EQ(text, "kept beside, and this is encrypted");
}

}  // namespace
}  // namespace muster
