// SPDX-License-Identifier: Apache-2.0
#include "musterd/tracker_list.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace musterd {
namespace {

const std::string kHash = "0123456789abcdef0123456789abcdef01234567";
const std::string kOther = "ffffffffffffffffffffffffffffffffffffffff";

TEST(TrackerList, HasATorrentALineWithItsTrackers) {
  const auto torrents = ReadTrackerList(
      "# remark\n\n " + kHash + " http://a.example/announce\tudp://b.example:80 # c\r\n" + kOther,
      "list");
  ASSERT_TRUE(torrents.ok()) << torrents.status();
  ASSERT_EQ(torrents->size(), 2u);
  EXPECT_EQ((*torrents)[0].info_hash.ToHex(), kHash);
  EXPECT_EQ((*torrents)[0].trackers,
            (std::vector<std::string>{"http://a.example/announce", "udp://b.example:80"}));
  EXPECT_EQ((*torrents)[1].info_hash.ToHex(), kOther);
  EXPECT_TRUE((*torrents)[1].trackers.empty());
  EXPECT_TRUE(ReadTrackerList("", "list")->empty());
}

TEST(TrackerList, SaysWhichLineIsWrong) {
  const auto error = [](const std::string& text) {
    return std::string(ReadTrackerList(text, "list").status().message());
  };
  EXPECT_EQ(error(kHash + "\n12ab\n"), "list:2: '12ab' is no info hash of 40 digits");
  EXPECT_EQ(error(kHash + " https://a.example/").substr(0, 8), "list:1: ");
  EXPECT_EQ(error(kHash + " http://a.example/ nonsense").substr(0, 8), "list:1: ");
  EXPECT_FALSE(ReadTrackerListFile("/nonexistent").ok());
  EXPECT_TRUE(ReadTrackerListFile("")->empty());
}

TEST(TrackerFeed, TellsTheServerWhatAllSourcesSayLast) {
  std::vector<std::size_t> told;
  TrackerFeed feed;
  const auto two = *ReadTrackerList(kHash + "\n" + kOther, "list");
  const auto one = *ReadTrackerList(kHash, "list");
  feed.Set(TrackerFeed::Source::kList, two);
  EXPECT_EQ(feed.All().size(), 2u);
  feed.Attach([&](const TrackerFeed::Torrents& all) { told.push_back(all.size()); });
  feed.Set(TrackerFeed::Source::kDirectory, one);
  feed.Set(TrackerFeed::Source::kList, {});
  EXPECT_EQ(told, (std::vector<std::size_t>{2, 3, 1}));
}

}  // namespace
}  // namespace musterd
