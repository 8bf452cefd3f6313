// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "muster/bencode.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr BencodeMode kStrict = BencodeMode::kStrict;
constexpr BencodeMode kLenient = BencodeMode::kLenient;

// --- What is accepted ---

TEST(BencodeDecoder, ReadsNumbersToTheEndsOf64Bits) {
  const std::pair<std::string, std::int64_t> cases[] = {
      {"i0e", 0},
      {"i7e", 7},
      {"i-1e", -1},
      {"i1234567890e", 1234567890},
      {"i9223372036854775807e", std::numeric_limits<std::int64_t>::max()},
      {"i-9223372036854775808e", std::numeric_limits<std::int64_t>::min()},
  };
  for (const auto& [bytes, number] : cases) {
    BencodeDocument document;
    ASSERT_TRUE(document.Decode(bytes).ok()) << bytes;
    EXPECT_EQ(document.root().type(), BencodeType::kInt);
    EXPECT_EQ(document.root().AsInt(), number);
    EXPECT_EQ(document.root().source(), bytes);
  }
}

TEST(BencodeDecoder, LendsStringsFromTheCallersBytes) {
  const std::string bytes(
      "4:a\0\xff"
      "e",
      6);
  BencodeDocument document;
  ASSERT_TRUE(document.Decode(bytes).ok());
  const std::optional<std::string_view> text = document.root().AsString();
  ASSERT_TRUE(text.has_value());
  EXPECT_EQ(*text, std::string_view("a\0\xff"
                                    "e",
                                    4));
  EXPECT_EQ(text->data(), bytes.data() + 2);
}

TEST(BencodeDecoder, ReadsEmptyValues) {
  BencodeDocument document;
  ASSERT_TRUE(document.Decode("0:").ok());
  EXPECT_EQ(document.root().AsString(), "");
  ASSERT_TRUE(document.Decode("le").ok());
  EXPECT_EQ(document.root().type(), BencodeType::kList);
  ASSERT_TRUE(document.Decode("de").ok());
  EXPECT_EQ(document.root().type(), BencodeType::kDict);
  ASSERT_TRUE(document.Decode("d0:0:e").ok());
  EXPECT_EQ(document.root().Find("").AsString(), "");
}

TEST(BencodeDecoder, LaysTokensOutAsTheHeaderDrawsThem) {
  BencodeDocument document;
  ASSERT_TRUE(document.Decode("d5:peersld2:ip9:127.0.0.14:porti6881eeee").ok());
  std::vector<std::uint32_t> offsets, extents;
  for (const bencode_internal::Token& token : document.tokens()) {
    offsets.push_back(token.offset);
    extents.push_back(token.extent);
  }
  EXPECT_THAT(offsets, ElementsAre(0, 1, 8, 9, 10, 14, 25, 31, 37, 38, 39, 40));
  EXPECT_THAT(extents, ElementsAre(11, 2, 8, 6, 2, 2, 2, 0, 0, 0, 0, 0));
}

// --- Looking around in a document ---

TEST(BencodeView, GivesTheExactBytesOfAnyValue) {
  const std::string bytes = "d8:announce3:url4:infod6:lengthi5e4:name1:xe5:nodesll1:ai1eeee";
  BencodeDocument document;
  ASSERT_TRUE(document.Decode(bytes).ok());
  const BencodeView root = document.root();
  EXPECT_EQ(root.source(), bytes);
  EXPECT_EQ(root.Find("announce").source(), "3:url");
  EXPECT_EQ(root.Find("info").source(), "d6:lengthi5e4:name1:xe");
  EXPECT_EQ(root.Find("info").offset(), bytes.find("d6:"));
  EXPECT_EQ(root.Find("info").Find("length").source(), "i5e");
  EXPECT_EQ(root.Find("nodes").source(), "ll1:ai1eee");
}

TEST(BencodeView, FindsEveryKeyAndNoOther) {
  BencodeDocument document;
  ASSERT_TRUE(document.Decode("d1:bi1e2:bbd1:ci9ee1:di3ee").ok());
  const BencodeView root = document.root();
  EXPECT_EQ(root.Find("b").AsInt(), 1);
  EXPECT_EQ(root.Find("bb").Find("c").AsInt(), 9);
  EXPECT_EQ(root.Find("d").AsInt(), 3);
  for (std::string_view absent : {"", "a", "ba", "bbb", "c", "e"})
    EXPECT_FALSE(root.Find(absent)) << absent;
}

TEST(BencodeView, WalksListsAndDictionariesInTheOrderOfTheSource) {
  BencodeDocument document;
  ASSERT_TRUE(document.Decode("d1:ali1eli2eei3ee1:bd1:xi4ee1:ci5ee").ok());
  std::vector<std::string> seen;
  for (const BencodeEntry& entry : document.root().entries()) {
    seen.push_back(std::string(entry.key) + "=" + std::string(entry.value.source()));
  }
  EXPECT_THAT(seen, ElementsAre("a=li1eli2eei3ee", "b=d1:xi4ee", "c=i5e"));
  std::vector<std::string> items;
  for (BencodeView item : document.root().Find("a").items()) items.emplace_back(item.source());
  EXPECT_THAT(items, ElementsAre("i1e", "li2ee", "i3e"));
}

TEST(BencodeView, OfNothingHasNothing) {
  const BencodeView nothing;
  EXPECT_FALSE(nothing);
  EXPECT_EQ(nothing.type(), BencodeType::kNone);
  EXPECT_EQ(nothing.AsInt(), std::nullopt);
  EXPECT_EQ(nothing.AsString(), std::nullopt);
  EXPECT_FALSE(nothing.Find("a").Find("b"));
  EXPECT_EQ(nothing.items().begin(), nothing.items().end());
  EXPECT_EQ(nothing.entries().begin(), nothing.entries().end());
  EXPECT_EQ(nothing.source(), "");
  EXPECT_FALSE(nothing.is_canonical());
}

TEST(BencodeView, GivesNothingForAnotherType) {
  BencodeDocument document;
  ASSERT_TRUE(document.Decode("d1:ai1e1:l1:x1:zl1:yee").ok());
  const BencodeView root = document.root();
  EXPECT_EQ(root.AsInt(), std::nullopt);
  EXPECT_EQ(root.AsString(), std::nullopt);
  EXPECT_EQ(root.items().begin(), root.items().end());
  EXPECT_EQ(root.Find("a").AsString(), std::nullopt);
  EXPECT_EQ(root.Find("a").StringOr("other"), "other");
  EXPECT_EQ(root.Find("l").AsInt(), std::nullopt);
  EXPECT_EQ(root.Find("l").IntOr(-5), -5);
  EXPECT_FALSE(root.Find("a").Find("a"));
  EXPECT_EQ(root.Find("z").entries().begin(), root.Find("z").entries().end());
  EXPECT_FALSE(root.Find("z").Find("y"));
}

// --- What is refused, and where ---

struct Refused {
  std::string bytes;
  std::size_t position;
  std::string what;
};

std::ostream& operator<<(std::ostream& out, const Refused& refused) { return out << refused.bytes; }

void ExpectRefused(const Refused& refused, BencodeMode mode, const BencodeLimits& limits = {}) {
  BencodeDocument document;
  const absl::Status status = document.Decode(refused.bytes, mode, limits);
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << refused << ": " << status;
  EXPECT_EQ(BencodeErrorPosition(status), refused.position) << refused << ": " << status;
  EXPECT_EQ(std::string(status.message()),
            "bencode: " + refused.what + " at byte " + std::to_string(refused.position));
  EXPECT_FALSE(document.root()) << refused;
}

class RefusedByBothModes : public testing::TestWithParam<Refused> {};

TEST_P(RefusedByBothModes, NamesTheBytePosition) {
  ExpectRefused(GetParam(), kStrict);
  ExpectRefused(GetParam(), kLenient);
}

constexpr char kTooEarly[] = "the input ends too early";

INSTANTIATE_TEST_SUITE_P(
    BencodeDecoder, RefusedByBothModes,
    testing::Values(
        // Input that ends too early.
        Refused{"", 0, kTooEarly}, Refused{"i", 1, kTooEarly}, Refused{"i-", 2, kTooEarly},
        Refused{"i12", 3, kTooEarly}, Refused{"5", 1, kTooEarly}, Refused{"l", 1, kTooEarly},
        Refused{"d", 1, kTooEarly}, Refused{"d1:a", 4, kTooEarly}, Refused{"d1:ai1e", 7, kTooEarly},
        Refused{"li1el", 5, kTooEarly},
        // Numbers.
        Refused{"ie", 1, "expected a digit"}, Refused{"i-e", 2, "expected a digit"},
        Refused{"i--1e", 2, "expected a digit"}, Refused{"i+1e", 1, "expected a digit"},
        Refused{"i 1e", 1, "expected a digit"}, Refused{"ixe", 1, "expected a digit"},
        Refused{"i1.5e", 2, "expected the 'e' of a number"},
        Refused{"i1-e", 2, "expected the 'e' of a number"},
        Refused{"i9223372036854775808e", 1, "a number over 64 bits"},
        Refused{"i-9223372036854775809e", 2, "a number over 64 bits"},
        Refused{"i9999999999999999999e", 1, "a number over 64 bits"},
        Refused{"i10000000000000000000e", 1, "a number of more than 19 digits"},
        Refused{"i-18446744073709551616e", 2, "a number of more than 19 digits"},
        // Strings.
        Refused{"2:a", 0, "a string that goes on after the end of input"},
        Refused{"1:", 0, "a string that goes on after the end of input"},
        Refused{"li1e3:ab", 4, "a string that goes on after the end of input"},
        Refused{"9223372036854775807:a", 0, "a string that goes on after the end of input"},
        Refused{"9999999999999999999:a", 0, "a string that goes on after the end of input"},
        Refused{"99999999999999999999:a", 0, "a number of more than 19 digits"},
        Refused{"1x", 1, "expected ':'"}, Refused{"-1:a", 0, "expected a value"},
        Refused{":a", 0, "expected a value"},
        // Structure.
        Refused{"e", 0, "expected a value"}, Refused{" i1e", 0, "expected a value"},
        Refused{"lxe", 1, "expected a value"}, Refused{"di1ei2ee", 1, "expected a key"},
        Refused{"dlei2ee", 1, "expected a key"}, Refused{"d1:ai1exe", 7, "expected a key"},
        Refused{"d1:ae", 4, "a key without a value"},
        Refused{"d1:ai1e1:be", 10, "a key without a value"}));

class RefusedByTheStrictMode : public testing::TestWithParam<Refused> {};

TEST_P(RefusedByTheStrictMode, NamesTheBytePosition) { ExpectRefused(GetParam(), kStrict); }

TEST_P(RefusedByTheStrictMode, IsAcceptedByTheLenientModeAndKnownNotToBeCanonical) {
  BencodeDocument document;
  ASSERT_TRUE(document.Decode(GetParam().bytes, kLenient).ok());
  // Bytes after a value say nothing about the value.
  EXPECT_EQ(document.root().is_canonical(), document.size() < GetParam().bytes.size());
}

INSTANTIATE_TEST_SUITE_P(BencodeDecoder, RefusedByTheStrictMode,
                         testing::Values(Refused{"i00e", 1, "a leading zero"},
                                         Refused{"i01e", 1, "a leading zero"},
                                         Refused{"i-01e", 2, "a leading zero"},
                                         Refused{"i-0e", 1, "-0"},
                                         Refused{"li1e03:abce", 4, "a leading zero"},
                                         Refused{"d01:ai1ee", 1, "a leading zero"},
                                         Refused{"d1:bi1e1:ai2ee", 7, "a key out of order"},
                                         Refused{"d2:aai1e1:ai2ee", 8, "a key out of order"},
                                         Refused{"d1:ai1e1:ai2ee", 7, "a double key"},
                                         Refused{"d0:i1e0:i2ee", 6, "a double key"},
                                         Refused{"d1:bd1:xi1ee1:ai2ee", 12, "a key out of order"},
                                         Refused{"d1:bld1:z0:ee1:bi2ee", 13, "a double key"},
                                         Refused{"d1:\xff"
                                                 "i1e1:ai2ee",
                                                 7, "a key out of order"},
                                         Refused{"ld1:bi1e1:ai2eee", 8, "a key out of order"},
                                         Refused{"i1e\n", 3, "more after the end of the value"},
                                         Refused{"dede", 2, "more after the end of the value"},
                                         Refused{"lee", 2, "more after the end of the value"}));

TEST(BencodeDecoder, ComparesKeysAsUnsignedBytes) {
  BencodeDocument document;
  EXPECT_TRUE(document
                  .Decode("d1:ai1e1:\xff"
                          "i2ee")
                  .ok());
  EXPECT_TRUE(document.Decode(std::string("d0:i0e1:\0i1e2:\0\0i2ee", 20)).ok());
}

// --- The lenient mode ---

TEST(BencodeLenientMode, FindsUnsortedKeysAndTheFirstOfDoubleOnes) {
  BencodeDocument document;
  ASSERT_TRUE(document.Decode("d1:zi1e1:ai2e1:zi3e1:mi4ee", kLenient).ok());
  EXPECT_EQ(document.root().Find("z").AsInt(), 1);
  EXPECT_EQ(document.root().Find("a").AsInt(), 2);
  EXPECT_EQ(document.root().Find("m").AsInt(), 4);
  EXPECT_FALSE(document.root().Find("b"));
}

TEST(BencodeLenientMode, ReadsNumbersWithZerosInFront) {
  BencodeDocument document;
  ASSERT_TRUE(document.Decode("li007ei-007ei-0e003:abci0000000000000000001ee", kLenient).ok());
  std::vector<std::string> texts;
  std::vector<std::int64_t> numbers;
  for (BencodeView item : document.root().items()) {
    if (item.type() == BencodeType::kInt) numbers.push_back(item.IntOr(99));
    if (item.type() == BencodeType::kString) texts.emplace_back(item.StringOr("?"));
  }
  EXPECT_THAT(numbers, ElementsAre(7, -7, 0, 1));
  EXPECT_THAT(texts, ElementsAre("abc"));
  EXPECT_FALSE(document.Decode("i00000000000000000001e", kLenient).ok());
}

TEST(BencodeLenientMode, TellsHowManyBytesTheValueTook) {
  BencodeDocument document;
  ASSERT_TRUE(document.Decode("d1:ai1eepiece data", kLenient).ok());
  EXPECT_EQ(document.size(), 8u);
  EXPECT_EQ(document.root().source(), "d1:ai1ee");
}

TEST(BencodeLenientMode, KnowsOfEachValueWhetherItIsCanonical) {
  BencodeDocument document;
  ASSERT_TRUE(document.Decode("d1:bld1:xi1eee1:ald1:xi01eee1:cli1ei02ei3eee", kLenient).ok());
  const BencodeView root = document.root();
  EXPECT_FALSE(root.is_canonical());
  EXPECT_TRUE(root.Find("b").is_canonical());
  EXPECT_FALSE(root.Find("a").is_canonical());
  std::vector<bool> canonical;
  for (BencodeView item : root.Find("c").items()) canonical.push_back(item.is_canonical());
  EXPECT_THAT(canonical, ElementsAre(true, false, true));
}

// --- Limits ---

TEST(BencodeLimits, BoundTheDepth) {
  BencodeDocument document;
  EXPECT_TRUE(document.Decode("i1e", kStrict, {.max_depth = 0}).ok());
  ExpectRefused({"le", 0, "nested deeper than 0"}, kStrict, {.max_depth = 0});
  EXPECT_TRUE(document.Decode("lld1:ai1eeleee", kStrict, {.max_depth = 3}).ok());
  ExpectRefused({"lld1:aleeee", 6, "nested deeper than 3"}, kStrict, {.max_depth = 3});
  const std::string by_default = std::string(100, 'l') + std::string(100, 'e');
  EXPECT_TRUE(document.Decode(by_default).ok());
  ExpectRefused({"l" + by_default + "e", 100, "nested deeper than 100"}, kLenient);
}

TEST(BencodeLimits, MayAllowAnyDepth) {
  const std::string deep = std::string(1'000'000, 'l') + std::string(1'000'000, 'e');
  BencodeDocument document;
  ASSERT_TRUE(document.Decode(deep, kStrict, {.max_depth = deep.size()}).ok());
  EXPECT_EQ(document.root().source(), deep);
}

TEST(BencodeLimits, BoundTheTokensAndTheirMemory) {
  // A list of three numbers: two tokens for the list, one for each number, one for the end.
  BencodeDocument document;
  EXPECT_TRUE(document.Decode("li1ei2ei3ee", kStrict, {.max_tokens = 6}).ok());
  EXPECT_EQ(document.tokens().size(), 6u);
  ExpectRefused({"li1ei2ei3ee", 11, "more than 5 tokens"}, kStrict, {.max_tokens = 5});
  ExpectRefused({"li1ei2ei3ee", 10, "more than 4 tokens"}, kStrict, {.max_tokens = 4});
  ExpectRefused({"li1ei2ei3ee", 7, "more than 3 tokens"}, kStrict, {.max_tokens = 3});
  ExpectRefused({"li1ei2ei3ee", 0, "more than 0 tokens"}, kStrict, {.max_tokens = 0});

  std::string many = "l";
  for (int i = 0; i < 100'000; ++i) many += "le";
  many += "e";
  BencodeDocument bounded;
  EXPECT_FALSE(bounded.Decode(many, kStrict, {.max_tokens = 1'000}).ok());
  EXPECT_LE(bounded.token_capacity(), 1'000u);
}

TEST(BencodeLimits, HoldForADocumentThatHasMoreMemory) {
  BencodeDocument document;
  ASSERT_TRUE(document.Decode("li1ei2ei3ee").ok());
  EXPECT_FALSE(document.Decode("li1ei2ei3ee", kStrict, {.max_tokens = 5}).ok());
}

TEST(BencodeLimits, BoundTheSize) {
  BencodeDocument document;
  EXPECT_TRUE(document.Decode("5:hello", kStrict, {.max_size = 7}).ok());
  ExpectRefused({"5:hello", 6, "more than 6 bytes"}, kStrict, {.max_size = 6});
  ExpectRefused({"i1ejunk", 6, "more than 6 bytes"}, kLenient, {.max_size = 6});
}

// --- A document that is used again ---

TEST(BencodeDocument, NeedsNoMemoryForADecodeThatIsNotLarger) {
  BencodeDocument document;
  ASSERT_TRUE(document.Decode("d1:ali1ei2ei3ei4eee").ok());
  const bencode_internal::Token* const place = document.tokens().data();
  const std::size_t capacity = document.token_capacity();
  ASSERT_TRUE(document.Decode("li5ee").ok());
  EXPECT_EQ(document.tokens().data(), place);
  EXPECT_EQ(document.token_capacity(), capacity);
  EXPECT_EQ(document.root().source(), "li5ee");
}

TEST(BencodeDocument, IsEmptyBeforeTheFirstDecodeAndAfterAFailedOne) {
  BencodeDocument document;
  EXPECT_FALSE(document.root());
  EXPECT_EQ(document.size(), 0u);
  ASSERT_TRUE(document.Decode("i1e").ok());
  EXPECT_FALSE(document.Decode("i1").ok());
  EXPECT_FALSE(document.root());
  EXPECT_THAT(document.tokens(), IsEmpty());
}

TEST(BencodeDocument, KeepsItsViewsWhenItMoves) {
  BencodeDocument document;
  ASSERT_TRUE(document.Decode("d1:ai1ee").ok());
  const BencodeView view = document.root().Find("a");
  const BencodeDocument moved = std::move(document);
  EXPECT_EQ(view.AsInt(), 1);
  EXPECT_EQ(moved.root().Find("a").AsInt(), 1);
}

TEST(BencodeError, CarriesItsPosition) {
  const absl::Status status = BencodeError("no piece length", 42);
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("no piece length at byte 42"));
  EXPECT_EQ(BencodeErrorPosition(status), 42u);
  EXPECT_EQ(BencodeErrorPosition(absl::InvalidArgumentError("other")), std::nullopt);
  EXPECT_EQ(BencodeErrorPosition(absl::OkStatus()), std::nullopt);
}

}  // namespace
}  // namespace muster
