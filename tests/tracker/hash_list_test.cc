// SPDX-License-Identifier: Apache-2.0
#include "muster/hash_list.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "muster/random.h"
#include "tracker/hash_table.h"

namespace muster {
namespace {

const std::string kV1 = "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d";
const std::string kV2 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

InfoHash HashOfHex(std::string_view hex) { return *InfoHash::FromHex(hex.substr(0, 40)); }

std::vector<InfoHash> SomeHashes(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<InfoHash> hashes;
  for (std::size_t i = 0; i < count; ++i) {
    std::uint8_t bytes[20];
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random.Next() >> 32);
    hashes.push_back(InfoHash::FromBytes(bytes));
  }
  return hashes;
}

// The hash with its first `bits` bits like those of `pattern`.
InfoHash BeginningLike(std::uint32_t pattern, int bits, const InfoHash& hash) {
  std::uint8_t bytes[20];
  std::copy_n(hash.data(), 20, bytes);
  const std::uint32_t same = ~0u << (32 - bits);
  for (int i = 0; i < 4; ++i) {
    const int shift = 24 - 8 * i;
    bytes[i] = static_cast<std::uint8_t>((bytes[i] & ~(same >> shift)) | (pattern & same) >> shift);
  }
  return InfoHash::FromBytes(bytes);
}

HashListReader::Result Read(std::string_view text, std::size_t piece = std::string::npos) {
  HashListReader reader;
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
    reader.Add(text.substr(0, piece));
  }
  return std::move(reader).Finish();
}

// --- lines ---

TEST(HashOfLine, IsAV1HashOrATruncatedV2Hash) {
  EXPECT_EQ(HashOfLine(kV1), HashOfHex(kV1));
  EXPECT_EQ(HashOfLine(kV2), HashOfHex(kV2));
  EXPECT_EQ(HashOfLine("AAF4C61DDCC5E8A2DABEDE0F3B482CD9AEA9434D"), HashOfHex(kV1));
}

TEST(HashOfLine, MayBeFollowedByAnythingButADigit) {
  for (const std::string& hash : {kV1, kV2}) {
    for (const char* rest : {"\r", " a comment", "#", "g", "-", "\t0123", "\n"}) {
      EXPECT_EQ(HashOfLine(hash + rest), HashOfHex(hash)) << rest;
    }
    EXPECT_EQ(HashOfLine(hash + "0"), std::nullopt);
    EXPECT_EQ(HashOfLine(hash + "f rest"), std::nullopt);
    EXPECT_EQ(HashOfLine(hash.substr(1)), std::nullopt);
  }
}

TEST(HashOfLine, IsNothingForOtherLines) {
  for (const std::string& line :
       {std::string(), std::string("#"), " " + kV1, kV1.substr(0, 39) + "g", "g" + kV1.substr(1),
        kV2.substr(0, 63), kV2.substr(0, 41), std::string(40, '\0'), std::string(40, '\xff'),
        std::string(1000, 'a')}) {
    EXPECT_EQ(HashOfLine(line), std::nullopt) << line;
  }
}

// --- files ---

TEST(HashListReader, ReadsALineAHash) {
  const auto result = Read("# torrents\n" + kV1 + " one\n\n" + kV2 + "\r\n" + kV1 + "\n");
  EXPECT_EQ(result.hashes, (std::vector{HashOfHex(kV1), HashOfHex(kV2), HashOfHex(kV1)}));
  EXPECT_EQ(result.bad_lines, 0u);
}

TEST(HashListReader, TakesALastLineWithoutItsEnd) {
  EXPECT_EQ(Read(kV2 + "\n" + kV1).hashes, (std::vector{HashOfHex(kV2), HashOfHex(kV1)}));
}

TEST(HashListReader, CountsBadLinesAndSaysWhereTheFirstIs) {
  const auto result = Read(kV1 + "\n" + kV1 + "0\n" + kV2 + "\nnonsense\n");
  EXPECT_EQ(result.hashes.size(), 2u);
  EXPECT_EQ(result.bad_lines, 2u);
  EXPECT_EQ(result.first_bad_line, 2u);
}

TEST(HashListReader, ReadsTheSameWhateverThePieces) {
  const std::string text = "# c\n" + kV1 + "\n" + kV2 + " comment " + std::string(200, 'x') + "\n" +
                           kV2 + "0\n" + std::string(100, ' ') + "no\n" + std::string(500, 'a') +
                           "\n\r\n" + kV1 + "\t\n  \n" + kV2;
  const auto whole = Read(text);
  EXPECT_EQ(whole.hashes.size(), 4u);
  EXPECT_EQ(whole.bad_lines, 2u);
  for (std::size_t piece = 1; piece <= 140; ++piece) {
    const auto pieces = Read(text, piece);
    EXPECT_EQ(pieces.hashes, whole.hashes) << piece;
    EXPECT_EQ(pieces.bad_lines, whole.bad_lines) << piece;
    EXPECT_EQ(pieces.first_bad_line, whole.first_bad_line) << piece;
  }
}

TEST(HashListReader, GivesTheLinesThatAreComplete) {
  HashListReader reader;
  reader.Add(kV1 + "\nbad\n" + kV2.substr(0, 30));
  auto result = reader.TakeLines();
  EXPECT_EQ(result.hashes, std::vector{HashOfHex(kV1)});
  EXPECT_EQ(result.first_bad_line, 2u);
  reader.Add(kV2.substr(30) + "\nbad\n");
  result = reader.TakeLines();
  EXPECT_EQ(result.hashes, std::vector{HashOfHex(kV2)});
  EXPECT_EQ(result.bad_lines, 1u);
  EXPECT_EQ(result.first_bad_line, 4u);
}

TEST(HashListReader, SetsNoMoreMemoryAsideThanItsLinesNeed) {
  HashListReader reader(3 * 41);
  reader.Add(kV1 + "\n" + kV1 + "\n" + kV1 + "\n");
  EXPECT_LE(std::move(reader).Finish().hashes.capacity(), 4u);
}

// --- the table ---

HashTable TableOf(std::vector<InfoHash> hashes, int same_bits = 0) {
  SortHashes(hashes);
  return HashTable(absl::MakeSpan(hashes), same_bits);
}

TEST(HashTable, FindsWhatItHoldsAndNothingElse) {
  for (const std::size_t count : {0, 1, 2, 3, 4, 7, 8, 15, 16, 17, 1000, 600'000}) {
    const std::vector<InfoHash> inside = SomeHashes(count, 1);
    const HashTable table = TableOf(inside);
    EXPECT_EQ(table.size(), count);
    for (const InfoHash& hash : inside) EXPECT_TRUE(table.Contains(hash));
    for (const InfoHash& hash : SomeHashes(1000, 2)) EXPECT_FALSE(table.Contains(hash));
    EXPECT_FALSE(table.Contains(InfoHash()));
    std::vector<InfoHash> sorted = inside;
    std::sort(sorted.begin(), sorted.end());
    EXPECT_EQ(table.hashes(), sorted);
  }
}

TEST(HashTable, CountsAHashThatIsThereTwiceOnce) {
  const HashTable table = TableOf({HashOfHex(kV1), HashOfHex(kV2), HashOfHex(kV1), HashOfHex(kV1)});
  EXPECT_EQ(table.size(), 2u);
  EXPECT_EQ(table.hashes().size(), 2u);
  std::vector<InfoHash> many(10'000, HashOfHex(kV1));
  many.push_back(HashOfHex(kV2));
  many.resize(20'000, HashOfHex(kV1));
  EXPECT_EQ(TableOf(many).hashes(), table.hashes());
}

TEST(HashTable, FindsHashesThatSomebodyChoseToCrowdTogether) {
  std::vector<InfoHash> inside, outside;
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    std::uint8_t bytes[20] = {};
    bytes[18] = static_cast<std::uint8_t>(i >> 8);
    bytes[19] = static_cast<std::uint8_t>(i);
    (i % 2 == 0 ? inside : outside).push_back(InfoHash::FromBytes(bytes));
  }
  const std::uint8_t last[20] = {0xff, 0xff, 0xff, 0xff, 0xff};
  inside.push_back(InfoHash::FromBytes(last));
  std::reverse(inside.begin(), inside.end());
  const HashTable table = TableOf(inside);
  const std::vector<InfoHash> hashes = table.hashes();
  EXPECT_TRUE(std::is_sorted(hashes.begin(), hashes.end()));
  for (const InfoHash& hash : inside) EXPECT_TRUE(table.Contains(hash));
  for (const InfoHash& hash : outside) EXPECT_FALSE(table.Contains(hash));
  EXPECT_FALSE(table.Contains(HashOfHex(std::string(40, 'f'))));
}

TEST(HashTable, FindsHashesThatCrowdTogetherAtTheEnd) {
  std::vector<InfoHash> inside, outside;
  for (int i = 0; i < 512; ++i) {
    std::array<std::uint8_t, 20> bytes;
    bytes.fill(0xff);
    bytes[18] = static_cast<std::uint8_t>(i >> 8 | 0xfe);
    bytes[19] = static_cast<std::uint8_t>(i);
    (i % 3 == 0 ? inside : outside).push_back(InfoHash::FromBytes(bytes.data()));
  }
  const HashTable table = TableOf(inside);
  for (const InfoHash& hash : inside) EXPECT_TRUE(table.Contains(hash));
  for (const InfoHash& hash : outside) EXPECT_FALSE(table.Contains(hash));
}

TEST(HashTable, IsNotCrowdedByBitsThatAllHashesBeginWith) {
  for (const int same_bits : {1, 4, 8, 31}) {
    std::vector<InfoHash> inside = SomeHashes(10'000, 1), outside = SomeHashes(1000, 2);
    for (auto* hashes : {&inside, &outside}) {
      for (InfoHash& hash : *hashes) hash = BeginningLike(~0u, same_bits, hash);
    }
    const HashTable table = TableOf(inside, same_bits);
    // Those that all look for a place at the end would need many more.
    EXPECT_LE(table.bytes(), 10'000u * 31) << same_bits;
    for (const InfoHash& hash : inside) ASSERT_TRUE(table.Contains(hash)) << same_bits;
    for (const InfoHash& hash : outside) ASSERT_FALSE(table.Contains(hash)) << same_bits;
  }
}

TEST(HashTable, FindsHashesThatBeginAlikeAmongOthers) {
  for (const std::uint32_t alike : {2u, 100u, 400u, 600u}) {
    std::vector<InfoHash> inside = SomeHashes(10'000, 1), outside = SomeHashes(1000, 2);
    for (std::uint32_t i = 0; i < 2 * alike; ++i) {
      std::uint8_t bytes[20] = {0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77};
      bytes[18] = static_cast<std::uint8_t>(i >> 8);
      bytes[19] = static_cast<std::uint8_t>(i);
      (i % 2 == 0 ? inside : outside).push_back(InfoHash::FromBytes(bytes));
    }
    const HashTable table = TableOf(inside);
    for (const InfoHash& hash : inside) ASSERT_TRUE(table.Contains(hash)) << alike;
    for (const InfoHash& hash : outside) ASSERT_FALSE(table.Contains(hash)) << alike;
  }
}

TEST(HashTable, TakesHalfAsMuchMemoryAgainAsItsHashes) {
  EXPECT_LE(TableOf(SomeHashes(100'000, 3)).bytes(), 100'000u * 30);
}

// --- the list ---

TEST(HashList, IsReplacedAsAWhole) {
  HashList list;
  EXPECT_FALSE(list.Contains(HashOfHex(kV1)));
  list.Replace({HashOfHex(kV1)});
  EXPECT_TRUE(list.Contains(HashOfHex(kV1)));
  list.Replace({HashOfHex(kV2)});
  EXPECT_FALSE(list.Contains(HashOfHex(kV1)));
  EXPECT_TRUE(list.Contains(HashOfHex(kV2)));
  EXPECT_EQ(list.size(), 1u);
}

TEST(HashList, TakesSingleHashesOnAndOff) {
  HashList list({HashOfHex(kV1)});
  list.Change({{HashOfHex(kV2), true}});
  EXPECT_TRUE(list.Contains(HashOfHex(kV1)));
  EXPECT_TRUE(list.Contains(HashOfHex(kV2)));
  list.Change({{HashOfHex(kV1), false}});
  EXPECT_FALSE(list.Contains(HashOfHex(kV1)));
  EXPECT_EQ(list.size(), 1u);
  list.Change({{HashOfHex(kV1), true}, {HashOfHex(kV2), false}});
  EXPECT_TRUE(list.Contains(HashOfHex(kV1)));
  EXPECT_FALSE(list.Contains(HashOfHex(kV2)));
}

TEST(HashList, LetsTheLastOfSeveralChangesCount) {
  HashList list;
  list.Change({{HashOfHex(kV1), true},
               {HashOfHex(kV1), false},
               {HashOfHex(kV2), false},
               {HashOfHex(kV2), true}});
  EXPECT_FALSE(list.Contains(HashOfHex(kV1)));
  EXPECT_TRUE(list.Contains(HashOfHex(kV2)));
  list.Change({});
  EXPECT_EQ(list.size(), 1u);
}

TEST(HashList, ForgetsChangesWhenItIsReplaced) {
  HashList list({HashOfHex(kV1)});
  list.Change({{HashOfHex(kV1), false}, {HashOfHex(kV2), true}});
  list.Replace({HashOfHex(kV1)});
  EXPECT_TRUE(list.Contains(HashOfHex(kV1)));
  EXPECT_FALSE(list.Contains(HashOfHex(kV2)));
}

TEST(HashList, AnswersTheSameAboutWhatItWasToldComes) {
  const std::vector<InfoHash> some = SomeHashes(2000, 6);
  std::vector<SwarmHint> coming;
  for (const InfoHash& hash : some) coming.push_back({hash.data()});
  HashList list;
  list.Prefetch(coming);
  list.Replace(std::vector<InfoHash>(some.begin(), some.begin() + 1000));
  list.Prefetch(coming);
  for (std::size_t i = 0; i < some.size(); ++i) EXPECT_EQ(list.Contains(some[i]), i < 1000);
}

// Against a plain set, past the point where changes are worked into the table of a part: most of the
// hashes are of one.
TEST(HashList, HoldsTheRightHashesAfterAnyChanges) {
  std::vector<InfoHash> some = SomeHashes(6000, 4);
  for (std::size_t i = 0; i < some.size(); ++i) {
    if (i % 12 != 0) some[i] = BeginningLike(0x50000000, 4, some[i]);
  }
  std::vector<InfoHash> base(some.begin(), some.begin() + 3000);
  std::set<InfoHash> expected(base.begin(), base.end());
  HashList list(std::move(base));
  Random random(5);
  for (int round = 0; round < 400; ++round) {
    std::vector<HashChange> changes;
    for (std::uint32_t i = random.Below(20); i > 0; --i) {
      changes.push_back({some[random.Below(6000)], random.Below(2) == 0});
      if (changes.back().listed) {
        expected.insert(changes.back().info_hash);
      } else {
        expected.erase(changes.back().info_hash);
      }
    }
    list.Change(changes);
    ASSERT_EQ(list.size(), expected.size()) << round;
    for (const HashChange& change : changes) {
      EXPECT_EQ(list.Contains(change.info_hash), expected.count(change.info_hash) > 0) << round;
    }
  }
  for (const InfoHash& hash : some) EXPECT_EQ(list.Contains(hash), expected.count(hash) > 0);
}

}  // namespace
}  // namespace muster
