// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>

#include "muster/bencode.h"

namespace muster {
namespace {

TEST(BencodeValue, EncodesWhatItIsMadeOf) {
  EXPECT_EQ(BencodeValue().Encode(), "0:");
  EXPECT_EQ(BencodeValue(0).Encode(), "i0e");
  EXPECT_EQ(BencodeValue(true).Encode(), "i1e");
  EXPECT_EQ(BencodeValue(std::uint32_t{4294967295}).Encode(), "i4294967295e");
  EXPECT_EQ(BencodeValue(std::numeric_limits<std::int64_t>::min()).Encode(),
            "i-9223372036854775808e");
  EXPECT_EQ(BencodeValue("text").Encode(), "4:text");
  EXPECT_EQ(BencodeValue(std::string(3, '\0')).Encode(), std::string("3:\0\0\0", 5));
  EXPECT_EQ(BencodeValue(BencodeValue::List()).Encode(), "le");
  EXPECT_EQ(BencodeValue(BencodeValue::Dict()).Encode(), "de");
}

TEST(BencodeValue, TakesNoTypeWhoseNumbersItMightNotHold) {
  static_assert(!std::is_constructible_v<BencodeValue, std::uint64_t>);
  static_assert(!std::is_constructible_v<BencodeValue, double>);
  static_assert(!std::is_constructible_v<BencodeValue, char>);
  static_assert(std::is_constructible_v<BencodeValue, std::uint32_t>);
  static_assert(!std::is_copy_constructible_v<BencodeValue>);
  static_assert(std::is_nothrow_move_constructible_v<BencodeValue>);
}

TEST(BencodeValue, EncodesTheSameBytesInWhateverOrderItWasFilled) {
  std::string keys[] = {"announce", "b", "", "info", "\xff", "bb"};
  std::sort(std::begin(keys), std::end(keys));
  std::string first;
  do {
    BencodeValue::Dict dict;
    for (const std::string& key : keys) dict[key] = static_cast<int>(key.size());
    const std::string bytes = BencodeValue(std::move(dict)).Encode();
    if (first.empty()) first = bytes;
    ASSERT_EQ(bytes, first);
  } while (std::next_permutation(std::begin(keys), std::end(keys)));
  EXPECT_EQ(first,
            "d0:i0e8:announcei8e1:bi1e2:bbi2e4:infoi4e1:\xff"
            "i1ee");
}

TEST(BencodeValue, AppendsToAString) {
  std::string out = "x";
  BencodeValue(1).AppendTo(&out);
  EXPECT_EQ(out, "xi1e");
}

TEST(BencodeValue, GivesWhatItHoldsToReadAndToChange) {
  BencodeValue::Dict dict;
  dict["n"] = 1;
  dict["s"] = "a";
  dict["l"] = BencodeValue::List();
  BencodeValue value(std::move(dict));
  ASSERT_NE(value.AsDict(), nullptr);
  EXPECT_EQ(value.AsList(), nullptr);
  EXPECT_EQ(value.AsInt(), nullptr);
  EXPECT_EQ(value.AsString(), nullptr);
  *(*value.AsDict())["n"].AsInt() += 41;
  (*value.AsDict())["s"].AsString()->append("bc");
  (*value.AsDict())["l"].AsList()->push_back("item");
  EXPECT_EQ(value.Encode(), "d1:ll4:iteme1:ni42e1:s3:abce");
}

TEST(BencodeValue, OfADecodedCanonicalDocumentEncodesToTheSameBytes) {
  for (const std::string bytes :
       {"i-5e", "0:", "le", "de", "llleelee", "d0:0:e", "d1:ade1:bd1:cleee",
        "li1e1:ad1:bli2eeei3ee",
        "d8:announce3:url4:infod6:lengthi5e4:name1:x12:piece lengthi16384e6:pieces0:ee"}) {
    BencodeDocument document;
    ASSERT_TRUE(document.Decode(bytes).ok()) << bytes;
    EXPECT_EQ(BencodeValue::From(document.root()).Encode(), bytes);
  }
}

TEST(BencodeValue, OfALenientDocumentEncodesCanonically) {
  BencodeDocument document;
  ASSERT_TRUE(
      document.Decode("d1:zi01e1:a02:xy1:zld1:qi1eee1:mi-0eejunk", BencodeMode::kLenient).ok());
  EXPECT_EQ(BencodeValue::From(document.root()).Encode(), "d1:a2:xy1:mi0e1:zi1ee");
}

TEST(BencodeValue, OfAnInnerValueIsThatValueOnly) {
  BencodeDocument document;
  ASSERT_TRUE(document.Decode("d1:ali1eld1:x0:eee1:bi2ee").ok());
  EXPECT_EQ(BencodeValue::From(document.root().Find("a")).Encode(), "li1eld1:x0:eee");
  EXPECT_EQ(BencodeValue::From(document.root().Find("b")).Encode(), "i2e");
  EXPECT_EQ(BencodeValue::From(document.root().Find("c")).Encode(), "0:");
}

TEST(BencodeValue, MayBeDeeperThanTheStack) {
  constexpr int kDepth = 1'000'000;
  const std::string lists = std::string(kDepth, 'l') + std::string(kDepth, 'e');
  BencodeDocument document;
  ASSERT_TRUE(document.Decode(lists, BencodeMode::kStrict, {.max_depth = kDepth}).ok());
  BencodeValue value = BencodeValue::From(document.root());
  EXPECT_EQ(value.Encode(), lists);
  value = 1;  // destroys it

  BencodeValue nested;
  for (int i = 0; i < kDepth; ++i) {
    BencodeValue::Dict dict;
    dict["a"] = std::move(nested);
    nested = std::move(dict);
  }
  EXPECT_EQ(nested.Encode().size(), std::size_t{kDepth} * 5 + 2);
  BencodeValue::List holder;
  holder.push_back(std::move(nested));
}

}  // namespace
}  // namespace muster
