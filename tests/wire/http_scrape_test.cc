// SPDX-License-Identifier: Apache-2.0
#include "wire/http_scrape.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace muster {
namespace {

const std::string kA(20, 'a');
const std::string kB(20, 'b');
const std::string kC(20, 'c');

InfoHash Hash(const std::string& text) { return *InfoHash::FromText(text); }
std::string_view Nameless(const InfoHash&) { return {}; }

TEST(DecodeHttpScrape, SortsAndUnifies) {
  std::vector<InfoHash> hashes = {Hash(kC)};
  ASSERT_TRUE(DecodeHttpScrape(
                  "info_hash=" + kB + "&x=%&info_hash=%61" + kA.substr(1) + "&info%5fhash=" + kB, 3,
                  TooManyTorrents::kRefused, hashes)
                  .ok());
  EXPECT_THAT(hashes, testing::ElementsAre(Hash(kA), Hash(kB)));
}

TEST(DecodeHttpScrape, WithoutHashesIsAScrapeOfAll) {
  for (const char* query : {"", "&", "x=1"}) {
    std::vector<InfoHash> hashes = {Hash(kA)};
    EXPECT_TRUE(DecodeHttpScrape(query, 3, TooManyTorrents::kRefused, hashes).ok()) << query;
    EXPECT_TRUE(hashes.empty()) << query;
  }
}

TEST(DecodeHttpScrape, RefusesWhatMakesNoSense) {
  std::vector<InfoHash> hashes;
  const auto error = [&](const std::string& query, std::size_t max = 2) {
    const absl::Status status = DecodeHttpScrape(query, max, TooManyTorrents::kRefused, hashes);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << query;
    return std::string(status.message());
  };
  EXPECT_EQ(error("info_hash="), "info_hash is not 20 percent-encoded bytes");
  EXPECT_EQ(error("info_hash=a"), "info_hash is not 20 percent-encoded bytes");
  EXPECT_EQ(error("info_hash=" + kA + "%61"), "info_hash is not 20 percent-encoded bytes");
  EXPECT_EQ(error("info_hash=" + kA + "&info_hash=" + kA + "&info_hash=" + kA),
            "too many torrents in one scrape");
}

TEST(DecodeHttpScrape, LeavesOutAllButTheFirstOfTooManyWhereThatIsWanted) {
  std::vector<InfoHash> hashes;
  const std::string first = "info_hash=" + kC + "&info_hash=" + kA;
  for (const std::string& query : {first, first + "&info_hash=" + kB, first + "&info_hash=x"}) {
    ASSERT_TRUE(DecodeHttpScrape(query, 2, TooManyTorrents::kLeftOut, hashes).ok()) << query;
    EXPECT_THAT(hashes, testing::ElementsAre(Hash(kA), Hash(kC)));
  }
  EXPECT_FALSE(DecodeHttpScrape("info_hash=x", 2, TooManyTorrents::kLeftOut, hashes).ok());
}

TEST(EncodeHttpScrape, LeavesUnknownTorrentsOut) {
  const std::vector<InfoHash> hashes = {Hash(kA), Hash(kB), Hash(kC)};
  const std::vector<std::optional<SwarmCounts>> rows = {
      SwarmCounts{.seeders = 1, .partial_seeders = 2, .downloaders = 3, .completed = 4},
      std::nullopt, SwarmCounts{}};
  std::string out = "x";
  EncodeHttpScrape(hashes, rows, {Seconds(900)}, Nameless, out);
  EXPECT_EQ(out, "xd5:filesd20:" + kA +
                     "d8:completei1e10:downloadedi4e11:downloadersi3e10:incompletei5ee20:" + kC +
                     "d8:completei0e10:downloadedi0e11:downloadersi0e10:incompletei0eee5:flagsd20:"
                     "min_request_intervali900eee");
}

TEST(EncodeHttpScrape, TellsNamesAndLeavesOutWhatBttrackDoesNotHave) {
  const std::vector<InfoHash> hashes = {Hash(kA), Hash(kB)};
  const std::vector<std::optional<SwarmCounts>> rows = {SwarmCounts{}, SwarmCounts{}};
  std::string out;
  EncodeHttpScrape(
      hashes, rows, {}, [](const InfoHash& hash) { return hash == Hash(kB) ? "b" : ""; }, out);
  EXPECT_EQ(out, "d5:filesd20:" + kA + "d8:completei0e10:downloadedi0e10:incompletei0ee20:" + kB +
                     "d8:completei0e10:downloadedi0e10:incompletei0e4:name1:beee");
}

TEST(EncodeHttpScrape, HasFilesEvenWhenNothingIsKnown) {
  std::string out;
  EncodeHttpScrape({}, {}, {Seconds(1)}, Nameless, out);
  EXPECT_EQ(out, "d5:filesde5:flagsd20:min_request_intervali1eee");
}

}  // namespace
}  // namespace muster
