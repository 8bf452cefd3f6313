// SPDX-License-Identifier: Apache-2.0
//
// The keeper on a real disk, with its threads.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/folder.h"
#include "muster/tracker.h"
#include "state/keeper_testing.h"

namespace muster {
namespace {

using namespace testing_state;  // NOLINT(build/namespaces)
using std::chrono::milliseconds;
using testing_swarm::Announce;
using testing_swarm::ImageOf;
using testing_swarm::kStart;
using testing_swarm::TestHash;
using testing_swarm::TestPeer;

StateKeeperOptions Quick(LogSink* log = nullptr) {
  StateKeeperOptions options;
  options.save_interval = milliseconds(20);
  options.sync_interval = milliseconds(1);
  options.retry_interval = milliseconds(1);
  options.log = log;
  options.clock = [] { return kStart; };
  return options;
}

TEST(KeeperOnDisk, SavesAndSyncsBesideAnnouncesOfManyThreadsAndGivesAllBack) {
  const Folder folder;
  std::map<InfoHash, testing_swarm::SwarmImage> before;
  for (int life = 0; life < 3; ++life) {
    RecordingLog log;
    const auto store = NewMemoryStore({.hash_seed = 1});
    auto keeper = StateKeeper::Open(folder / "state", store.get(), Quick(&log));
    ASSERT_TRUE(keeper.ok()) << keeper.status();
    EXPECT_TRUE(ImageOf(*store).swarms == before);
    store->SetObserver(keeper->get());
    std::vector<std::thread> threads;
    for (std::uint64_t t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        Random random(t + 10 * static_cast<std::uint64_t>(life));
        for (int i = 0; i < 20'000; ++i) {
          const std::uint32_t torrent = random.Below(50);
          Announce(*store,
                   {.hash = TestHash(torrent),
                    .peer = TestPeer(random.Below(torrent == 0 ? 2000 : 20)),
                    .state = static_cast<PeerState>(random.Below(4)),
                    .completed = random.Below(2) == 0,
                    .room4 = 0,
                    .room6 = 0},
                   kStart);
          if (i % 5000 == 0) {
            EXPECT_TRUE((*keeper)->Sync().ok());
          }
          if (i % 9000 == 0) {
            EXPECT_TRUE((*keeper)->Save().ok());
          }
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    before = ImageOf(*store).swarms;
    EXPECT_TRUE((*keeper)->Close().ok());
    EXPECT_EQ(log.complaints(), 0) << log.lines().back();
  }
}

TEST(KeeperOnDisk, AnotherKeeperOfTheSameStateIsRefused) {
  const Folder folder;
  const auto store = NewMemoryStore({});
  auto keeper = StateKeeper::Open(folder / "state", store.get(), Quick());
  ASSERT_TRUE(keeper.ok());
  const auto other = StateKeeper::Open(folder / "state", store.get(), Quick());
  EXPECT_TRUE(absl::IsUnavailable(other.status())) << other.status();
  EXPECT_TRUE((*keeper)->Close().ok());
  EXPECT_TRUE(StateKeeper::Open(folder / "state", store.get(), Quick()).ok());
}

TEST(KeeperOnDisk, AFolderThatIsNotThereIsAnError) {
  const Folder folder;
  const auto store = NewMemoryStore({});
  const auto keeper = StateKeeper::Open(folder / "nowhere/state", store.get(), Quick());
  EXPECT_TRUE(absl::IsNotFound(keeper.status())) << keeper.status();
}

TEST(KeeperOnDisk, AFolderThatGoesDisturbsNobodyAndIsWrittenToWhenItIsBack) {
  const Folder folder;
  std::filesystem::create_directory(folder / "inner");
  RecordingLog log;
  const auto store = NewMemoryStore({.hash_seed = 1});
  auto keeper = StateKeeper::Open(folder / "inner/state", store.get(), Quick(&log));
  ASSERT_TRUE(keeper.ok());
  store->SetObserver(keeper->get());
  std::filesystem::remove_all(folder / "inner");
  Announce(*store, {.hash = TestHash(1), .peer = TestPeer(1)});
  while (!log.Has("the state cannot be written")) std::this_thread::yield();
  std::filesystem::create_directory(folder / "inner");
  while (!log.Has("no longer: the state cannot be written")) std::this_thread::yield();
  while (!(*keeper)->Sync().ok()) std::this_thread::yield();
  const auto before = ImageOf(*store).swarms;
  // As a kill would leave it.
  std::filesystem::copy(folder / "inner", folder / "copy");
  const auto again = NewMemoryStore({.hash_seed = 1});
  const auto other = StateKeeper::Open(folder / "copy/state", again.get(), Quick());
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_TRUE(ImageOf(*again).swarms == before);
  EXPECT_TRUE((*keeper)->Close().ok());
}

TEST(KeeperOnDisk, FailuresCarryThePathAndTheReason) {
  const Folder folder;
  FileSystem& files = *PosixFileSystem();
  EXPECT_TRUE(absl::IsNotFound(files.Open(folder / "a").status()));
  EXPECT_NE(files.Open(folder / "a").status().message().find(folder / "a"), std::string::npos);
  ASSERT_TRUE(files.Create(folder / "a").ok());
  EXPECT_TRUE(absl::IsAlreadyExists(files.Create(folder / "a").status()));
  EXPECT_TRUE(files.Link(folder / "a", folder / "b").ok());
  EXPECT_TRUE(absl::IsAlreadyExists(files.Link(folder / "a", folder / "b")));
  EXPECT_TRUE(files.Rename(folder / "b", folder / "c").ok());
  EXPECT_TRUE(absl::IsNotFound(files.Rename(folder / "b", folder / "c")));
  EXPECT_TRUE(files.Remove(folder / "c").ok());
  EXPECT_TRUE(absl::IsNotFound(files.Remove(folder / "c")));
  EXPECT_TRUE(absl::IsNotFound(files.List(folder / "nowhere").status()));
  EXPECT_TRUE(absl::IsNotFound(files.SyncFolder(folder / "nowhere")));
  EXPECT_EQ(FolderOf("name"), ".");
  EXPECT_EQ(FolderOf("/name"), "/");
}

}  // namespace
}  // namespace muster
