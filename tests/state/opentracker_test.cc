// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "state/bttrack_testing.h"

namespace muster {
namespace {

using testing::HasSubstr;

const std::string kHash = "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d";
const std::string kOther = "BBf4c61ddcc5e8a2dabede0f3b482cd9aea9434d";

Everything ReadDump(std::string_view bytes, std::size_t chunk = ~std::size_t{0}) {
  StringSource source(bytes, chunk);
  return ReadAll(*NewOpentrackerReader(&source, {}));
}

TEST(OpentrackerReader, GivesCountsAndTimesOfEveryLine) {
  const std::string bytes = kHash + ":29000000:17\n" + kOther + ":0:0\n";
  for (std::size_t chunk : {1, 7, 1000}) {
    const Everything all = ReadDump(bytes, chunk);
    EXPECT_TRUE(all.errors.empty());
    ASSERT_EQ(all.torrents.size(), 2u);
    EXPECT_EQ(all.torrents[0].info_hash.ToHex(), kHash);
    EXPECT_EQ(all.torrents[0].completed, 17u);
    EXPECT_EQ(all.torrents[0].last_active, InstantFromUnixSeconds(29'000'000LL * 60));
    EXPECT_TRUE(all.torrents[0].peers.empty());
  }
}

TEST(OpentrackerReader, TakesALastLineWithoutNewlineAndEmptyOnes) {
  EXPECT_EQ(ReadDump("\n" + kHash + ":1:2\r\n\n" + kOther + ":3:4").torrents.size(), 2u);
  EXPECT_TRUE(ReadDump("").torrents.empty());
}

TEST(OpentrackerReader, PassesOverALineThatIsNoneAndTellsItsNumber) {
  for (const std::string& wrong :
       {std::string("x"), kHash, kHash + ":", kHash + ":1", kHash + ":1:", kHash + ":1:x",
        kHash + ":1:2:3", kHash + ":-1:2", kHash + ":99999999999999999999:2", kHash + " 1:2",
        kHash + ":4223371201:1", "g" + kHash.substr(1) + ":1:2", std::string(10'000, 'x'),
        std::string(300'000, 'x')}) {
    const Everything all = ReadDump(kOther + ":1:2\n" + wrong + "\n" + kHash + ":3:4\n");
    ASSERT_EQ(all.errors.size(), 1u) << wrong.substr(0, 100);
    EXPECT_EQ(all.errors[0].code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(all.errors[0].message()), HasSubstr("line 2: "));
    EXPECT_EQ(all.torrents.size(), 2u);
  }
}

TEST(OpentrackerWriter, GivesTheLinesThatWereRead) {
  const std::string bytes = kHash + ":29000000:17\nbb" + kOther.substr(2) + ":0:0\n";
  const Everything all = ReadDump(bytes);
  StringSink sink;
  EXPECT_EQ(Written(*NewOpentrackerWriter(&sink, {}), sink, all), bytes);
}

TEST(OpentrackerWriter, TakesTheNewestPeersTimeAndOneLineForAllParts) {
  Everything all;
  SavedTorrent torrent = TorrentOf('a', 5);
  for (int minutes : {3, 9, 4}) {
    torrent.peers.resize(1);
    torrent.peers[0].last_seen = InstantFromUnixSeconds(minutes * 60 + 59);
    all.torrents.push_back(torrent);
  }
  torrent.info_hash = HashOf('b');
  torrent.peers.clear();
  all.torrents.push_back(torrent);
  StringSink sink;
  const auto writer = NewOpentrackerWriter(&sink, {.time = InstantFromUnixSeconds(600)});
  EXPECT_EQ(Written(*writer, sink, all),
            HashOf('a').ToHex() + ":9:5\n" + HashOf('b').ToHex() + ":10:5\n");
}

}  // namespace
}  // namespace muster
