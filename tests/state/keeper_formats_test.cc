// SPDX-License-Identifier: Apache-2.0
//
// A keeper that keeps its state as bttrack did, and one that finds a state of another format.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "state/bttrack_testing.h"
#include "state/keeper_testing.h"
#include "state/recovery.h"

namespace muster {
namespace {

using namespace testing_state;  // NOLINT(build/namespaces)
using testing_swarm::kMinute;
using testing_swarm::kStart;

const StateKeeperOptions kAsBttrack{.format = StateFormat::kBttrack, .peer_ids = true};

// What bttrack's format can hold of a store: no ages, no partial seeders, nobody's completion.
StoreImages AsBttrackKnows(StoreImages images) {
  for (auto& [hash, swarm] : images) {
    swarm.counts.downloaders += std::exchange(swarm.counts.partial_seeders, 0);
    for (auto& [endpoint, peer] : swarm.peers) {
      if (peer.state == PeerState::kPartialSeeder) peer.state = PeerState::kDownloader;
      peer.completed = false;
      peer.last_seen = kStart;
    }
  }
  return images;
}

StateFormat FormatAt(const MemoryFileSystem& disk, const std::string& path) {
  const auto contents = disk.Contents();
  const auto found = contents.find(path);
  return found == contents.end() ? StateFormat::kUnknown : DetectStateFormat(found->second);
}

// A dfile with everything, of two torrents.
std::string Dfile() {
  return StateText(CountText('a', 7) + CountText('b', 1),
                   TorrentText('a', PeerText('A', "192.0.2.1", 6881, 0) +
                                        PeerText('B', "2001:db8::1", 6882, 5, "3:nati3e", "key")),
                   "12:allowed_listd20:aaaaaaaaaaaaaaaaaaaai1ee", "3:zzz1:z");
}

TEST(KeeperOfBttracksFormat, KeepsPeersWithIdsAndCountsButNotTheirAges) {
  MemoryFileSystem disk;
  disk.written = kStart;
  StoreImages before;
  {
    Life life(&disk, kAsBttrack);
    ASSERT_TRUE(life.status.ok()) << life.status;
    life.Announces(1, 500);
    ASSERT_TRUE(life.keeper->Save().ok());
    EXPECT_EQ(FormatAt(disk, kPath), StateFormat::kBttrack);
    life.Announces(2, 500);
    before = life.Image();
    EXPECT_TRUE(life.keeper->Close().ok());
  }
  EXPECT_EQ(disk.Contents().size(), 1u) << "no journal, nothing set aside";
  Life again(&disk, kAsBttrack);
  ASSERT_TRUE(again.status.ok()) << again.status;
  EXPECT_TRUE(again.Image() == AsBttrackKnows(before));
  EXPECT_EQ(again.keeper->recovery().format, StateFormat::kBttrack);
  EXPECT_EQ(again.keeper->recovery().written, kStart);
}

TEST(KeeperOfBttracksFormat, HasNoJournal) {
  MemoryFileSystem disk;
  Life life(&disk, kAsBttrack);
  EXPECT_TRUE(absl::IsFailedPrecondition(life.keeper->Sync()));
  EXPECT_TRUE(disk.Contents().empty());
}

TEST(KeeperOfBttracksFormat, GivesBackWhatTheStateSaysBesideItsTorrents) {
  MemoryFileSystem disk;
  disk.written = kStart;
  disk.Put(kPath, Dfile());
  {
    Life life(&disk, kAsBttrack);
    ASSERT_TRUE(life.status.ok()) << life.status;
    EXPECT_EQ(life.keeper->recovery().torrents, 2u);
    EXPECT_EQ(life.keeper->recovery().peers, 2u);
    EXPECT_TRUE(life.keeper->recovery().set_aside.empty());
    EXPECT_TRUE(life.keeper->Close().ok());
  }
  const Everything all = ReadBttrack(disk.Contents().at(kPath));
  EXPECT_EQ(all.side, ReadBttrack(Dfile()).side);
  EXPECT_EQ(all.Of('a').completed, 7u);
  EXPECT_EQ(all.Of('b').completed, 1u);
  ASSERT_EQ(all.Of('a').peers.size(), 2u);
  EXPECT_EQ(all.Of('a').peers[0].peer_id, IdOf('A'));
}

TEST(KeeperOfAnotherFormat, IsReadFromWhateverIsThereAndKeepsIt) {
  const std::string dump =
      HashOf('a').ToHex() + ":28333333:7\n" + HashOf('b').ToHex() + ":28333333:1\n";
  const struct {
    std::string file;
    StateFormat kept;
    std::string aside;
    std::size_t peers;
  } cases[] = {{Dfile(), StateFormat::kMuster, "/state/dfile.bttrack.1", 2},
               {dump, StateFormat::kMuster, "/state/dfile.opentracker.1", 0},
               {dump, StateFormat::kBttrack, "/state/dfile.opentracker.1", 0}};
  for (const auto& one : cases) {
    MemoryFileSystem disk;
    disk.written = kStart - kMinute;
    disk.Put(kPath, one.file);
    {
      Life life(&disk, {.format = one.kept, .peer_ids = true});
      ASSERT_TRUE(life.status.ok()) << life.status;
      EXPECT_EQ(life.Image().size(), 2u);
      EXPECT_EQ(life.keeper->recovery().peers, one.peers);
      EXPECT_EQ(life.keeper->recovery().set_aside, std::vector<std::string>{one.aside});
      EXPECT_TRUE(life.log.Has("/state/dfile is kept as " + one.aside));
      EXPECT_EQ(disk.Contents().at(kPath), one.file) << "until the first snapshot";
      EXPECT_TRUE(life.keeper->Close().ok());
    }
    EXPECT_EQ(FormatAt(disk, kPath), one.kept);
    EXPECT_EQ(disk.Contents().at(one.aside), one.file);
    Life again(&disk, {.format = one.kept, .peer_ids = true});
    EXPECT_EQ(again.Image().size(), 2u);
    EXPECT_EQ(again.keeper->recovery().peers, one.peers);
    EXPECT_TRUE(again.keeper->recovery().set_aside.empty());
  }
}

TEST(KeeperOfAnotherFormat, GoesOverToBttracksWithTheJournalsOfAKill) {
  MemoryFileSystem disk;
  disk.written = kStart;
  StoreImages before;
  {
    Life life(&disk, {.peer_ids = true});
    life.Announces(1, 200);
    ASSERT_TRUE(life.keeper->Save().ok());
    life.Announces(2, 200);
    ASSERT_TRUE(life.keeper->Sync().ok());
    before = life.Image();
    life.Kill(disk);
  }
  {
    Life life(&disk, kAsBttrack);
    EXPECT_TRUE(life.Image() == before);
    EXPECT_TRUE(life.keeper->Close().ok());
  }
  EXPECT_EQ(FormatAt(disk, kPath), StateFormat::kBttrack);
  EXPECT_EQ(FormatAt(disk, "/state/dfile.muster.1"), StateFormat::kMuster);
  EXPECT_EQ(disk.Contents().size(), 2u) << "no journal is left";
  Life again(&disk, kAsBttrack);
  EXPECT_TRUE(again.Image() == AsBttrackKnows(before));
}

// Its journal could not be told from one of a snapshot that stood there before.
TEST(KeeperOfAnotherFormat, SyncsNothingBeforeTheFirstSnapshot) {
  MemoryFileSystem disk;
  disk.written = kStart;
  disk.Put(kPath, Dfile());
  disk.Put(JournalPath(kPath, 3), "stale");
  {
    Life life(&disk);
    ASSERT_TRUE(life.status.ok()) << life.status;
    life.Announces(1, 50);
    EXPECT_TRUE(absl::IsUnavailable(life.keeper->Sync()));
    life.Kill(disk);
  }
  StoreImages before;
  {
    Life life(&disk);
    EXPECT_EQ(life.Image().size(), 2u) << "as if nothing had been announced";
    life.Announces(1, 50);
    ASSERT_TRUE(life.keeper->Save().ok());
    life.Announces(2, 50);
    EXPECT_TRUE(life.keeper->Sync().ok());
    before = life.Image();
    life.Kill(disk);
  }
  EXPECT_TRUE(Life(&disk).Image() == before);
}

TEST(KeeperOfAnotherFormat, IsRefusedWhereItHasNoPeers) {
  MemoryFileSystem disk;
  const Life life(&disk, {.format = StateFormat::kOpentracker});
  EXPECT_TRUE(absl::IsInvalidArgument(life.status)) << life.status;
}

TEST(KeeperOfAnotherFormat, ADamagedDfileIsSetAsideAndItsRestIsRead) {
  MemoryFileSystem disk;
  disk.written = kStart;
  std::string damaged = Dfile();
  damaged.resize(damaged.size() - 60);
  disk.Put(kPath, damaged);
  Life life(&disk, kAsBttrack);
  ASSERT_TRUE(life.status.ok()) << life.status;
  EXPECT_EQ(life.keeper->recovery().set_aside, std::vector<std::string>{"/state/dfile.damaged.1"});
  EXPECT_TRUE(life.Image().contains(HashOf('a')));
  EXPECT_TRUE(life.keeper->Close().ok());
  EXPECT_EQ(disk.Contents().at("/state/dfile.damaged.1"), damaged);
  EXPECT_TRUE(ReadBttrack(disk.Contents().at(kPath)).errors.empty());
}

TEST(KeeperOfBttracksFormat, WhateverOperationFailsNothingSavedIsLost) {
  for (const bool for_good : {false, true}) {
    for (const int after : {0, 1, 2}) {
      bool failed = true;
      for (std::size_t k = 1; failed; ++k) {
        failed = false;
        MemoryFileSystem disk;
        disk.written = kStart;
        std::vector<StoreImages> moments;
        std::size_t good = 0;
        {
          Life first(&disk, kAsBttrack);
          first.Announces(1, 60);
          moments.push_back(AsBttrackKnows(first.Image()));
          ASSERT_TRUE(first.keeper->Close().ok());
          disk.operations = 0;
          disk.fault = [&](Op) {
            if (disk.operations < k || (disk.operations > k && !for_good)) return absl::OkStatus();
            failed = true;
            return absl::ResourceExhaustedError("no space left");
          };
          Life life(&disk, kAsBttrack);
          for (std::uint64_t i = 0; i < 3 && life.keeper != nullptr; ++i) {
            life.Announces(2 + i, 40);
            moments.push_back(AsBttrackKnows(life.Image()));
            if (life.keeper->Save().ok()) good = moments.size() - 1;
          }
          life.Kill(disk);
        }
        if (after > 0) disk.LosePower(after == 2);
        const Life again(&disk, kAsBttrack);
        ASSERT_TRUE(again.status.ok()) << again.status;
        const auto image = again.Image();
        EXPECT_TRUE(std::find(moments.begin() + static_cast<std::ptrdiff_t>(good), moments.end(),
                              image) != moments.end())
            << "operation " << k;
      }
    }
  }
}

}  // namespace
}  // namespace muster
