// SPDX-License-Identifier: Apache-2.0
#include "http/query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace muster {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

std::vector<std::pair<std::string, std::string>> Read(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> all;
  QueryReader reader(query);
  while (reader.Next()) all.emplace_back(reader.name(), reader.value());
  return all;
}

template <std::size_t kRoom = 32>
std::optional<std::string> Decode(std::string_view text) {
  std::array<std::uint8_t, kRoom> bytes;
  const std::optional<std::size_t> size = PercentDecode(text, absl::MakeSpan(bytes));
  if (!size) return std::nullopt;
  return std::string(bytes.begin(), bytes.begin() + *size);
}

TEST(QueryReader, GivesNamesAndValuesAsSent) {
  EXPECT_THAT(Read("a=1&b%20=%41&c"),
              ElementsAre(Pair("a", "1"), Pair("b%20", "%41"), Pair("c", "")));
}

TEST(QueryReader, SplitsAtTheFirstEqualsSign) {
  EXPECT_THAT(Read("a=b=c&=d&e="), ElementsAre(Pair("a", "b=c"), Pair("", "d"), Pair("e", "")));
}

TEST(QueryReader, PassesOverEmptyParameters) {
  EXPECT_THAT(Read("&&a=1&&&b=2&"), ElementsAre(Pair("a", "1"), Pair("b", "2")));
  EXPECT_THAT(Read(""), IsEmpty());
  EXPECT_THAT(Read("&"), IsEmpty());
}

TEST(QueryReader, DoesNotSplitAtSemicolons) {
  EXPECT_THAT(Read("a=1;b=2"), ElementsAre(Pair("a", "1;b=2")));
}

TEST(QueryReader, HasNothingAfterTheEnd) {
  QueryReader reader("a=1");
  EXPECT_TRUE(reader.Next());
  EXPECT_FALSE(reader.Next());
  EXPECT_FALSE(reader.Next());
}

TEST(PercentDecode, TakesDigitsOfEitherCase) {
  EXPECT_EQ(Decode("%4a%4A%fF"), std::string("JJ\xff"));
}

TEST(PercentDecode, DecodesEveryByteInEveryForm) {
  for (int c = 0; c < 256; ++c) {
    for (const char* digits : {"0123456789abcdef", "0123456789ABCDEF"}) {
      EXPECT_EQ(Decode(std::string{'%', digits[c >> 4], digits[c & 15]}),
                std::string(1, static_cast<char>(c)));
    }
    if (c != '%') {
      EXPECT_EQ(Decode(std::string(1, static_cast<char>(c))), std::string(1, static_cast<char>(c)));
    }
  }
}

TEST(PercentDecode, LeavesAPlusAlone) { EXPECT_EQ(Decode("a+b%2B"), "a+b+"); }

TEST(PercentDecode, RefusesBrokenEscapes) {
  for (const char* text : {"%", "%4", "a%", "%g0", "%0g", "%%41", "%-1", "% 1"}) {
    EXPECT_EQ(Decode(text), std::nullopt) << text;
  }
}

TEST(PercentDecode, RefusesWhatDoesNotFit) {
  EXPECT_EQ(Decode<2>("ab"), "ab");
  EXPECT_EQ(Decode<2>("%61%62"), "ab");
  EXPECT_EQ(Decode<2>("abc"), std::nullopt);
  EXPECT_EQ(Decode<2>("ab%63"), std::nullopt);
}

}  // namespace
}  // namespace muster
