// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <iterator>
#include <limits>
#include <random>
#include <set>
#include <string>
#include <string_view>

#include "muster/bencode.h"

namespace muster {
namespace {

TEST(BencodeWriter, WritesADocumentInOnePass) {
  std::string out = "before ";
  BencodeWriter writer(&out);
  writer.BeginDict();
  writer.Key("complete").Int(3);
  writer.Key("interval").Int(-1800);
  writer.Key("peers").BeginList();
  writer.BeginDict().Key("ip").String("::1").Key("port").Int(6881).End();
  writer.BeginDict().End();
  writer.End();
  writer.Key("warning").String("");
  writer.End();
  ASSERT_TRUE(writer.Finish().ok());
  EXPECT_EQ(out,
            "before d8:completei3e8:intervali-1800e5:peersld2:ip3:::14:porti6881eedee7:warning0:e");
}

TEST(BencodeWriter, WritesNumbersToTheEndsOf64Bits) {
  std::string out;
  BencodeWriter writer(&out);
  writer.BeginList()
      .Int(0)
      .Int(std::numeric_limits<std::int64_t>::min())
      .Int(std::numeric_limits<std::int64_t>::max())
      .End();
  ASSERT_TRUE(writer.Finish().ok());
  EXPECT_EQ(out, "li0ei-9223372036854775808ei9223372036854775807ee");
}

TEST(BencodeWriter, WritesASingleValue) {
  std::string out;
  BencodeWriter writer(&out);
  writer.String(std::string_view("\0e", 2));
  ASSERT_TRUE(writer.Finish().ok());
  EXPECT_EQ(out, std::string("2:\0e", 4));
}

TEST(BencodeWriter, ComparesKeysWithTheLastOneOfTheirOwnDictionary) {
  std::string out;
  BencodeWriter writer(&out);
  writer.BeginDict();
  writer.Key("").BeginDict().Key("z").Int(1).End();
  writer.Key("b").BeginList().BeginDict().Key("a").Int(1).End().End();
  writer.Key("c").Int(1);
  writer.Key("\xff").Int(1);
  writer.End();
  ASSERT_TRUE(writer.Finish().ok());
  BencodeDocument document;
  EXPECT_TRUE(document.Decode(out).ok());
}

TEST(BencodeWriter, SplicesADecodedValueByteForByte) {
  const std::string info = "d6:lengthi5e4:name1:xe";
  BencodeDocument document;
  ASSERT_TRUE(document.Decode(info).ok());
  std::string out;
  BencodeWriter writer(&out);
  writer.BeginDict()
      .Key("announce")
      .String("u")
      .Key("info")
      .Splice(document.root())
      .Key("z")
      .Int(1)
      .End();
  ASSERT_TRUE(writer.Finish().ok());
  EXPECT_EQ(out, "d8:announce1:u4:info" + info + "1:zi1ee");
}

TEST(BencodeWriter, SplicesWhatIsCanonicalWithinALenientDocument) {
  BencodeDocument document;
  ASSERT_TRUE(document.Decode("d4:infod1:ai1ee3:badi01ee", BencodeMode::kLenient).ok());
  std::string out;
  {
    BencodeWriter writer(&out);
    writer.Splice(document.root().Find("info"));
    EXPECT_TRUE(writer.Finish().ok());
    EXPECT_EQ(out, "d1:ai1ee");
  }
  for (const BencodeView& refused : {document.root(), document.root().Find("bad"), BencodeView()}) {
    BencodeWriter writer(&out);
    writer.BeginList().Splice(refused).End();
    EXPECT_TRUE(absl::IsFailedPrecondition(writer.Finish()));
    EXPECT_EQ(out, "d1:ai1ee");
  }
}

TEST(BencodeWriter, OrdersKeysOfAnySizeAsTheirBytes) {
  // Of few different bytes, so that many begin alike; 0 is what shorter ones seem to go on with.
  std::set<std::string> sorted;
  std::mt19937 random(1);
  for (int i = 0; i < 2000; ++i) {
    std::string key(random() % 12, '\0');
    for (char& c : key) c = "\0a\xff"[random() % 10 < 8 ? 1 : random() % 3];
    sorted.insert(key + std::string(random() % 40 == 0 ? 100 : 0, 'z'));
  }
  std::string expected = "d";
  for (const std::string& key : sorted) {
    expected += std::to_string(key.size()) + ":" + key + "i1e";
  }
  std::string out;
  BencodeWriter writer(&out);
  writer.BeginDict();
  for (const std::string& key : sorted) writer.Key(key).Int(1);
  ASSERT_TRUE(writer.End().Finish().ok());
  EXPECT_EQ(out, expected + "e");

  for (auto second = std::next(sorted.begin()); second != sorted.end(); ++second) {
    BencodeWriter swapped(&out);
    swapped.BeginDict().Key(*second).Int(1).Key(*std::prev(second)).Int(1).End();
    EXPECT_FALSE(swapped.Finish().ok()) << *second;
  }
}

// --- Mistakes ---

struct Misuse {
  std::string what;
  std::function<void(BencodeWriter&)> calls;
};

TEST(BencodeWriter, LeavesTheStringAsItWasAfterAnyMistake) {
  const Misuse misuses[] = {
      {"Finish() before the document is complete", [](BencodeWriter&) {}},
      {"Finish() before the document is complete", [](BencodeWriter& w) { w.BeginDict(); }},
      {"Finish() before the document is complete",
       [](BencodeWriter& w) { w.BeginList().BeginList().End(); }},
      {"more than one value", [](BencodeWriter& w) { w.Int(1).Int(2); }},
      {"more than one value", [](BencodeWriter& w) { w.BeginList().End().BeginList().End(); }},
      {"more than one value", [](BencodeWriter& w) { w.String("a").String("b"); }},
      {"End() with nothing open", [](BencodeWriter& w) { w.End(); }},
      {"End() with nothing open", [](BencodeWriter& w) { w.BeginDict().End().End(); }},
      {"End() after a key without a value", [](BencodeWriter& w) { w.BeginDict().Key("a").End(); }},
      {"a value without a key", [](BencodeWriter& w) { w.BeginDict().Int(1).End(); }},
      {"a value without a key",
       [](BencodeWriter& w) { w.BeginDict().Key("a").Int(1).Int(2).End(); }},
      {"a value without a key", [](BencodeWriter& w) { w.BeginDict().BeginList().End().End(); }},
      {"Key() where no key belongs", [](BencodeWriter& w) { w.Key("a"); }},
      {"Key() where no key belongs", [](BencodeWriter& w) { w.BeginList().Key("a").Int(1).End(); }},
      {"Key() where no key belongs",
       [](BencodeWriter& w) { w.BeginDict().Key("a").Key("b").Int(1).End(); }},
      {"keys out of order, or one of them twice",
       [](BencodeWriter& w) { w.BeginDict().Key("b").Int(1).Key("a").Int(2).End(); }},
      {"keys out of order, or one of them twice",
       [](BencodeWriter& w) { w.BeginDict().Key("a").Int(1).Key("a").Int(2).End(); }},
      {"keys out of order, or one of them twice",
       [](BencodeWriter& w) { w.BeginDict().Key("").Int(1).Key("").Int(2).End(); }},
      {"keys out of order, or one of them twice",
       [](BencodeWriter& w) {
         w.BeginDict().Key("b").BeginDict().Key("z").Int(1).End().Key("ab").Int(2).End();
       }},
      {"nested too deep",
       [](BencodeWriter& w) {
         for (std::size_t i = 0; i <= BencodeWriter::kMaxDepth; ++i) w.BeginList();
         for (std::size_t i = 0; i <= BencodeWriter::kMaxDepth; ++i) w.End();
       }},
  };
  for (const Misuse& misuse : misuses) {
    std::string out = "before";
    BencodeWriter writer(&out);
    misuse.calls(writer);
    const absl::Status status = writer.Finish();
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << misuse.what;
    EXPECT_EQ(std::string(status.message()), "bencode writer: " + misuse.what);
    EXPECT_EQ(out, "before") << misuse.what;
  }
}

TEST(BencodeWriter, RemembersTheFirstMistake) {
  std::string out;
  BencodeWriter writer(&out);
  writer.BeginDict().Int(1).End().End().Key("a");
  EXPECT_EQ(std::string(writer.Finish().message()), "bencode writer: a value without a key");
}

TEST(BencodeWriter, NestsAsDeepAsItSays) {
  std::string out;
  BencodeWriter writer(&out);
  for (std::size_t i = 0; i < BencodeWriter::kMaxDepth; ++i) writer.BeginList();
  for (std::size_t i = 0; i < BencodeWriter::kMaxDepth; ++i) writer.End();
  ASSERT_TRUE(writer.Finish().ok());
  BencodeDocument document;
  EXPECT_TRUE(document.Decode(out).ok());
}

TEST(BencodeWriter, TakesBackWhatWasNotFinished) {
  std::string out = "before";
  {
    BencodeWriter writer(&out);
    writer.BeginList().Int(1).String(std::string(1000, 'x'));  // more than it holds back
    EXPECT_NE(out, "before");
  }
  EXPECT_EQ(out, "before");
}

TEST(BencodeWriter, LeavesTheStringAloneOnceItIsFinished) {
  std::string out;
  {
    BencodeWriter writer(&out);
    writer.Int(1);
    ASSERT_TRUE(writer.Finish().ok());
    out += " after";
    writer.Int(2).BeginList().Key("a").String("b").End();
    EXPECT_FALSE(writer.Finish().ok());
  }
  EXPECT_EQ(out, "i1e after");
}

}  // namespace
}  // namespace muster
