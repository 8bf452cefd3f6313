// SPDX-License-Identifier: Apache-2.0
//
// What a mirror needs done, over a real tree.
#include "muster-torrentd/keeper.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/folder.h"
#include "helpers.h"

namespace torrentd {
namespace {

using musterd::Eventually;
using std::chrono::hours;
using std::chrono::milliseconds;

class KeeperTest : public testing::Test {
 protected:
  KeeperTest() {
    tree_.Write("root/yum/a.rpm", std::string(50'000, 'a'));
    tree_.Write("trackers", "http://a/announce\n");
    auto mirror = muster::Mirror::Create({.root = tree_ / "root",
                                          .trackers_file = tree_ / "trackers",
                                          .cache_folder = tree_ / "cache",
                                          .piece_length = 16384,
                                          .threads = 1},
                                         now_);
    EXPECT_TRUE(mirror.ok()) << mirror.status();
    mirror_ = *std::move(mirror);
  }
  ~KeeperTest() override { mirror_->Stop(); }

  void Start(KeeperOptions options) {
    options.trackers_file = tree_ / "trackers";
    options.root = tree_ / "root";
    auto keeper = Keeper::Start(options, mirror_.get(), &log_);
    ASSERT_TRUE(keeper.ok()) << keeper.status();
    keeper_ = *std::move(keeper);
  }
  bool HasHashed(std::int64_t bytes) {
    return Eventually([&] { return mirror_->Statistics().hashed_bytes == bytes; });
  }

  const muster::Folder tree_;
  // A mirror that is asked as of then does not look at its trackers by itself.
  const muster::Instant now_ =
      std::chrono::floor<muster::Seconds>(std::chrono::system_clock::now()) + muster::Seconds(30);
  musterd::Heard log_;
  std::unique_ptr<muster::Mirror> mirror_;
  std::unique_ptr<Keeper> keeper_;
};

TEST_F(KeeperTest, CleansTheCacheAgainAndAgain) {
  Start({.hash_interval = hours(1), .clean_interval = milliseconds(5)});
  for (const std::uint64_t files : {1u, 2u, 3u}) {
    tree_.Write("root/yum/" + std::to_string(files), std::string(100, 'x'));
    ASSERT_TRUE(mirror_->HashAhead({"/yum/" + std::to_string(files)}, now_).ok());
    EXPECT_TRUE(Eventually([&] { return mirror_->Statistics().cached_entries == files; }));
  }
}

TEST_F(KeeperTest, HashesWhatTheSystemTellsOf) {
  Start({.hash_ahead = {"/yum/**"}, .hash_interval = hours(1), .clean_interval = hours(1)});
  EXPECT_TRUE(HasHashed(50'000));
  tree_.Write("root/yum/new/b.rpm", std::string(1000, 'b'));
  EXPECT_TRUE(HasHashed(51'000));
}

// Whoever writes to a file by another name of it, in another folder, is not told of.
TEST_F(KeeperTest, HashesWhatItFindsByLooking) {
  tree_.Write("outside", "short");
  std::filesystem::create_hard_link(tree_ / "outside", tree_ / "root/yum/b.rpm");
  Start({.hash_ahead = {"/yum/**"}, .hash_interval = milliseconds(10), .clean_interval = hours(1)});
  EXPECT_TRUE(HasHashed(50'005));
  tree_.Write("outside", "longer");
  EXPECT_TRUE(HasHashed(50'011));
}

TEST_F(KeeperTest, LooksWhenItIsTold) {
  tree_.Write("outside", "short");
  std::filesystem::create_hard_link(tree_ / "outside", tree_ / "root/yum/b.rpm");
  Start({.hash_ahead = {"/yum/**"}, .hash_interval = hours(1), .clean_interval = hours(1)});
  EXPECT_TRUE(HasHashed(50'005));
  tree_.Write("outside", "longer");
  keeper_->LookNow();
  EXPECT_TRUE(HasHashed(50'011));
}

TEST_F(KeeperTest, ReadsTrackersAndCleansWhileItHashes) {
  tree_.Write("root/yum/huge", "");
  std::filesystem::resize_file(tree_ / "root/yum/huge", std::uintmax_t{1} << 35);
  Start(
      {.hash_ahead = {"/yum/huge"}, .hash_interval = hours(1), .clean_interval = milliseconds(5)});
  EXPECT_TRUE(Eventually([this] { return mirror_->Statistics().hashed_bytes > 0; }));
  tree_.Write("trackers", "http://a/announce\nhttp://b/announce\n");
  EXPECT_TRUE(Eventually([this] { return mirror_->tracker_count(now_) == 2; }));
  mirror_->Stop();
}

}  // namespace
}  // namespace torrentd
