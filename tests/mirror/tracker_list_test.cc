// SPDX-License-Identifier: Apache-2.0
#include "mirror/tracker_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/folder.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Instant kTestTime = InstantFromUnixSeconds(1'000'000);

TEST(TrackerListTest, HasAUrlALine) {
  EXPECT_THAT(*ParseTrackers("http://a/announce\r\n\n # no\n#http://x/\n  udp://b:1 \n"
                             "http://a/announce\nhttp://c/announce"),
              ElementsAre("http://a/announce", "udp://b:1", "http://c/announce"));
  EXPECT_THAT(*ParseTrackers(""), IsEmpty());
  EXPECT_EQ(ParseTrackers("http://a/\nnot a url\n").status().message(),
            "line 2: not a URL: 'not a url'");
  EXPECT_FALSE(ParseTrackers("://a").ok());
}

// The digests, by Python: hashlib.sha1((url + hex).encode()).digest().
TEST(TrackerListTest, EachTorrentHasItsOwnOrder) {
  const std::vector<std::string> trackers = {"http://a/announce", "http://b/announce",
                                             "http://c/announce", "http://d/announce"};
  EXPECT_THAT(SaltedOrder(trackers, "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"),
              ElementsAre("http://a/announce", "http://b/announce", "http://c/announce",
                          "http://d/announce"));
  EXPECT_THAT(SaltedOrder(trackers, "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
              ElementsAre("http://c/announce", "http://b/announce", "http://d/announce",
                          "http://a/announce"));
}

TEST(TrackerListTest, AChangedFileIsReadAgainInTime) {
  const Folder folder;
  folder.Write("trackers", "http://a/\n");
  TrackersFile file(folder.path("trackers"), Seconds(60));
  EXPECT_THAT(*file.Get(kTestTime), ElementsAre("http://a/"));
  folder.Write("trackers", "http://a/\nhttp://b/\n");
  EXPECT_THAT(*file.Get(kTestTime + Seconds(59)), ElementsAre("http://a/"));
  EXPECT_THAT(*file.Get(kTestTime + Seconds(60)), ElementsAre("http://a/", "http://b/"));
  folder.Write("trackers", "http://other/\n");
  EXPECT_TRUE(file.Look(kTestTime + Seconds(61)).ok());
  EXPECT_THAT(*file.Get(kTestTime + Seconds(61)), ElementsAre("http://other/"));
}

TEST(TrackerListTest, WhatCannotBeReadChangesNothing) {
  const Folder folder;
  folder.Write("trackers", "http://a/\n");
  TrackersFile file(folder.path("trackers"), Seconds(60));
  EXPECT_TRUE(file.Look(kTestTime).ok());
  std::filesystem::remove(folder.path("trackers"));
  EXPECT_EQ(file.Look(kTestTime + Seconds(60)).code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(*file.Get(kTestTime + Seconds(200)), ElementsAre("http://a/"));
  folder.Write("trackers", "http://b/\nnonsense\n");
  EXPECT_THAT(std::string(file.Look(kTestTime).message()), HasSubstr("line 2"));
  EXPECT_THAT(*file.Get(kTestTime + Seconds(400)), ElementsAre("http://a/"));
}

TEST(TrackerListTest, WithoutAFileThereAreNone) {
  TrackersFile file("", Seconds(60));
  EXPECT_TRUE(file.Look(kTestTime).ok());
  EXPECT_THAT(*file.Get(kTestTime), IsEmpty());
}

}  // namespace
}  // namespace muster
