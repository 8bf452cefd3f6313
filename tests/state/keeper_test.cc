// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "state/blocks.h"
#include "state/keeper_testing.h"

namespace muster {
namespace {

using namespace testing_state;  // NOLINT(build/namespaces)
using testing_swarm::kMinute;
using testing_swarm::kStart;

std::set<std::string> NamesOn(const MemoryFileSystem& disk) {
  std::set<std::string> names;
  for (const auto& [path, data] : disk.Contents()) names.insert(NameOf(path));
  return names;
}

TEST(StateKeeper, WhatWasClosedIsThereAgainAndInOneFile) {
  MemoryFileSystem disk;
  StoreImages before;
  {
    Life life(&disk);
    ASSERT_TRUE(life.status.ok()) << life.status;
    EXPECT_EQ(NamesOn(disk), (std::set<std::string>{"dfile.journal.1"}));
    life.Announces(1, 500);
    before = life.Image();
    EXPECT_TRUE(life.keeper->Close().ok());
    EXPECT_TRUE(life.keeper->Close().ok());
    EXPECT_EQ(life.log.complaints(), 0);
  }
  EXPECT_EQ(NamesOn(disk), (std::set<std::string>{"dfile"}));
  disk.LosePower(false);
  Life again(&disk);
  EXPECT_TRUE(again.Image() == before);
  EXPECT_EQ(again.keeper->recovery().torrents, before.size());
  EXPECT_EQ(again.keeper->recovery().written, kStart);
  EXPECT_TRUE(again.log.Has("torrents with"));
}

TEST(StateKeeper, EverythingUpToTheLastSyncComesBackAfterAKillAndAPowerLoss) {
  for (const bool power : {false, true}) {
    for (const bool ids : {false, true}) {
      MemoryFileSystem disk;
      StoreImages before;
      for (std::uint64_t life_number = 1; life_number < 6; ++life_number) {
        Life life(&disk, {.peer_ids = ids});
        ASSERT_TRUE(life.status.ok());
        ASSERT_TRUE(life.Image() == before) << life_number;
        life.Announces(life_number, 200);
        if (life_number % 2 == 0) {
          ASSERT_TRUE(life.keeper->Save().ok());
        }
        life.Announces(life_number + 100, 200);
        ASSERT_TRUE(life.keeper->Sync().ok());
        before = life.Image();
        life.Kill(disk);
        if (power) disk.LosePower(life_number % 3 == 0);
      }
    }
  }
}

TEST(StateKeeper, ASnapshotTakesThePlaceOfTheJournalsBeforeIt) {
  MemoryFileSystem disk;
  Life life(&disk);
  for (int i = 1; i < 5; ++i) {
    life.Announces(static_cast<std::uint64_t>(i), 100);
    ASSERT_TRUE(life.keeper->Save().ok());
    EXPECT_EQ(NamesOn(disk),
              (std::set<std::string>{"dfile", "dfile.journal." + std::to_string(i + 1)}));
  }
}

TEST(StateKeeper, RemovedTorrentsStayRemoved) {
  MemoryFileSystem disk;
  {
    Life life(&disk);
    life.Announces(1, 300);
    ASSERT_TRUE(life.keeper->Save().ok());
    ASSERT_TRUE(life.store->Remove(testing_swarm::TestHash(3)));
    ASSERT_TRUE(life.keeper->Sync().ok());
    life.Kill(disk);
  }
  Life again(&disk);
  EXPECT_FALSE(again.Image().contains(testing_swarm::TestHash(3)));
  EXPECT_GT(again.Image().size(), 5u);
}

TEST(StateKeeper, WithoutAJournalTheLastSnapshotComesBackAndOldJournalsGo) {
  MemoryFileSystem disk;
  {
    Life life(&disk);
    life.Announces(1, 300);
    ASSERT_TRUE(life.keeper->Sync().ok());
    life.Kill(disk);
  }
  Life life(&disk, {.journal = false});
  EXPECT_TRUE(absl::IsFailedPrecondition(life.keeper->Sync()));
  EXPECT_GT(life.Image().size(), 5u);
  ASSERT_TRUE(life.keeper->Save().ok());
  EXPECT_EQ(NamesOn(disk), (std::set<std::string>{"dfile"}));
  const auto before = life.Image();
  life.Announces(2, 300);
  life.Kill(disk);
  EXPECT_TRUE(Life(&disk).Image() == before);
}

// Runs a life of several saves and syncs in which the disk does what `fault` says, kills it, and
// sees what the next one finds: a state of one moment, and none before the last sync or save that
// was good.
void ExpectNoFaultLosesWhatWasSynced(const std::function<void(MemoryFileSystem&)>& set_fault,
                                     bool lose_power, bool names_first, const std::string& what) {
  MemoryFileSystem disk;
  std::vector<StoreImages> moments;
  std::size_t good = 0;
  {
    Life first(&disk);
    first.Announces(1, 60);
    moments.push_back(first.Image());
    ASSERT_TRUE(first.keeper->Close().ok());
  }
  {
    disk.operations = 0;
    set_fault(disk);
    Life life(&disk);
    const auto step = [&](std::uint64_t seed, bool save) {
      if (life.keeper == nullptr) return;
      life.Announces(seed, 40);
      moments.push_back(life.Image());
      const absl::Status status = save ? life.keeper->Save() : life.keeper->Sync();
      if (status.ok()) good = moments.size() - 1;
    };
    step(2, false);
    step(3, true);
    step(4, false);
    step(5, true);
    step(6, false);
    step(7, false);
    if (life.keeper == nullptr) {
      EXPECT_FALSE(life.status.ok());
    }
    life.Kill(disk);
  }
  if (lose_power) disk.LosePower(names_first);
  Life again(&disk);
  ASSERT_TRUE(again.status.ok()) << what << ": " << again.status;
  const auto image = again.Image();
  const bool found = std::any_of(moments.begin() + static_cast<std::ptrdiff_t>(good), moments.end(),
                                 [&](const auto& moment) { return moment == image; });
  EXPECT_TRUE(found) << what << ": the state is of no moment from " << good << " on";
  // And it goes on from there.
  again.Announces(9, 40);
  const auto last = again.Image();
  EXPECT_TRUE(again.keeper->Close().ok());
  EXPECT_TRUE(Life(&disk).Image() == last) << what;
}

TEST(StateKeeper, WhateverOperationFailsNothingSyncedIsLost) {
  for (const bool for_good : {false, true}) {
    for (const int after : {0, 1, 2}) {  // killed; power lost; the same with names home already
      bool failed = true;
      for (std::size_t k = 1; std::exchange(failed, false); ++k) {
        ExpectNoFaultLosesWhatWasSynced(
            [&](MemoryFileSystem& disk) {
              disk.fault = [&disk, &failed, k, for_good](Op) {
                if (disk.operations < k || (disk.operations > k && !for_good))
                  return absl::OkStatus();
                failed = true;
                return absl::ResourceExhaustedError("no space left");
              };
            },
            after > 0, after == 2,
            (for_good ? "from operation " : "operation ") + std::to_string(k) + ", " +
                std::to_string(after));
      }
    }
  }
}

TEST(StateKeeper, WhateverKindOfOperationFailsNothingSyncedIsLost) {
  for (const Op op : {Op::kOpen, Op::kRead, Op::kCreate, Op::kWrite, Op::kSync, Op::kRename,
                      Op::kLink, Op::kRemove, Op::kSyncFolder, Op::kList}) {
    for (std::size_t from = 0; from < 60; from += 3) {
      ExpectNoFaultLosesWhatWasSynced(
          [&](MemoryFileSystem& disk) {
            disk.fault = [&disk, op, from](Op done) {
              return done == op && disk.operations > from
                         ? absl::InternalError("input/output error")
                         : absl::OkStatus();
            };
          },
          true, from % 2 == 0, "kind " + std::to_string(static_cast<int>(op)));
    }
  }
}

TEST(StateKeeper, ShortWritesAreGoneOnWith) {
  for (const std::size_t most : {std::size_t{1}, std::size_t{7}, std::size_t{100}}) {
    ExpectNoFaultLosesWhatWasSynced([&](MemoryFileSystem& disk) { disk.most_at_once = most; }, true,
                                    false, "short writes");
  }
}

TEST(StateKeeper, AFullDiskIsToldOnceAndWhatComesMeanwhileIsThereWhenItWorksAgain) {
  MemoryFileSystem disk;
  Life life(&disk);
  life.Announces(1, 100);
  ASSERT_TRUE(life.keeper->Save().ok());
  const auto good = disk.Contents().at(kPath);
  disk.fault = [](Op op) {
    return op == Op::kWrite ? absl::ResourceExhaustedError("no space left") : absl::OkStatus();
  };
  for (std::uint64_t i = 0; i < 10; ++i) {
    life.Announces(i, 50);
    EXPECT_FALSE(life.keeper->Sync().ok());
    EXPECT_FALSE(life.keeper->Save().ok());
  }
  EXPECT_EQ(life.log.complaints(), 2) << "the journal's and the snapshot's, once each";
  EXPECT_TRUE(life.log.Has("no space left"));
  EXPECT_EQ(disk.Contents().at(kPath), good);
  disk.fault = [](Op) { return absl::OkStatus(); };
  EXPECT_TRUE(life.keeper->Sync().ok());
  EXPECT_TRUE(life.log.Has("no longer: the journal of /state/dfile cannot be written"));
  const auto before = life.Image();
  life.Kill(disk);
  EXPECT_TRUE(Life(&disk).Image() == before);
}

TEST(StateKeeper, WhatNoMemoryHoldsWaitsForTheNextSnapshot) {
  MemoryFileSystem disk;
  Life life(&disk, {.max_pending_bytes = 4096});
  life.Announces(1, 4000);  // 16 buffers of 256 bytes
  EXPECT_TRUE(absl::IsUnavailable(life.keeper->Sync()));
  EXPECT_TRUE(life.keeper->Save().ok());
  EXPECT_TRUE(life.keeper->Sync().ok());
  const auto before = life.Image();
  life.Kill(disk);
  EXPECT_TRUE(Life(&disk).Image() == before);
}

TEST(StateKeeper, AJournalThatWasRemovedIsFollowedByASnapshot) {
  MemoryFileSystem disk;
  Life life(&disk);
  life.Announces(1, 100);
  ASSERT_TRUE(disk.Remove("/state/dfile.journal.1").ok());
  EXPECT_FALSE(life.keeper->Sync().ok());
  EXPECT_FALSE(life.keeper->Sync().ok());
  EXPECT_TRUE(life.keeper->Save().ok());
  EXPECT_TRUE(life.keeper->Sync().ok());
  const auto before = life.Image();
  life.Kill(disk);
  EXPECT_TRUE(Life(&disk).Image() == before);
}

// --- files that are damaged, or none of ours ---

TEST(StateKeeper, AForeignFileIsSetAsideAndToldAndNeverOverwritten) {
  MemoryFileSystem disk;
  disk.Put(kPath, "a file of somebody else");
  disk.Put("/state/dfile.damaged.1", "another one");
  disk.Put("/state/dfile.tmp", "and one that is in the way");
  disk.Put("/state/dfile.journal.4", "and one that is named as a journal is, but is none");
  {
    Life life(&disk);
    ASSERT_TRUE(life.status.ok()) << life.status;
    EXPECT_EQ(life.keeper->recovery().set_aside,
              (std::vector<std::string>{"/state/dfile.tmp.damaged.1", "/state/dfile.damaged.2",
                                        "/state/dfile.journal.4.damaged.1"}));
    EXPECT_TRUE(life.log.Has("/state/dfile is kept as /state/dfile.damaged.2"));
    life.Announces(1, 10);
    EXPECT_TRUE(life.keeper->Close().ok());
  }
  const auto contents = disk.Contents();
  EXPECT_EQ(contents.at("/state/dfile.damaged.1"), "another one");
  EXPECT_EQ(contents.at("/state/dfile.damaged.2"), "a file of somebody else");
  EXPECT_EQ(contents.at("/state/dfile.tmp.damaged.1"), "and one that is in the way");
  EXPECT_EQ(contents.at("/state/dfile.journal.4.damaged.1"),
            "and one that is named as a journal is, but is none");
  EXPECT_FALSE(contents.contains("/state/dfile.journal.4"));
}

// A disk with a snapshot and a journal of changes since.
void MakeState(MemoryFileSystem& disk, StoreImages& at_snapshot, StoreImages& at_end) {
  Life life(&disk);
  life.Announces(1, 60);
  at_snapshot = life.Image();
  ASSERT_TRUE(life.keeper->Save().ok());
  for (std::uint64_t i = 0; i < 4; ++i) {
    life.Announces(i + 2, 5);
    ASSERT_TRUE(life.keeper->Sync().ok());
  }
  at_end = life.Image();
  life.Kill(disk);
}

TEST(StateKeeper, AJournalCutOffAtEveryByteGivesWhatIsWhole) {
  MemoryFileSystem disk;
  StoreImages at_snapshot;
  StoreImages at_end;
  MakeState(disk, at_snapshot, at_end);
  const auto contents = disk.Contents();
  const std::string journal = contents.at("/state/dfile.journal.2");
  std::uint64_t before = 0;
  for (std::size_t size = 0; size <= journal.size(); ++size) {
    MemoryFileSystem copy;
    copy.Put(kPath, contents.at(kPath));
    copy.Put("/state/dfile.journal.2", journal.substr(0, size));
    Life life(&copy);
    ASSERT_TRUE(life.status.ok()) << size;
    EXPECT_TRUE(life.keeper->recovery().set_aside.empty()) << "torn, not damaged: " << size;
    EXPECT_EQ(life.log.complaints(), 0);
    EXPECT_GE(life.keeper->recovery().deltas, before);
    before = life.keeper->recovery().deltas;
    if (size < 60) {
      EXPECT_TRUE(life.Image() == at_snapshot);
    }
    if (size == journal.size()) {
      EXPECT_TRUE(life.Image() == at_end);
    }
  }
  EXPECT_GT(before, 10u);
}

TEST(StateKeeper, EverySingleFlippedBitIsSurvivedToldAndSetAside) {
  MemoryFileSystem disk;
  StoreImages at_snapshot;
  StoreImages at_end;
  MakeState(disk, at_snapshot, at_end);
  const auto contents = disk.Contents();
  for (const std::string name : {kPath, "/state/dfile.journal.2"}) {
    const std::string& file = contents.at(name);
    for (std::size_t bit = 0; bit < file.size() * 8; bit += name == kPath ? 7 : 1) {
      MemoryFileSystem copy;
      for (const auto& [path, data] : contents) copy.Put(path, data);
      std::string damaged = file;
      damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
      copy.Put(name, damaged);
      Life life(&copy);
      // A higher version is no damage, but its checksum has to be right.
      ASSERT_TRUE(life.status.ok()) << life.status;
      const RecoveryReport& report = life.keeper->recovery();
      const bool last_group = report.damages.empty();  // as if it had been torn
      if (!last_group) {
        ASSERT_EQ(report.set_aside, (std::vector<std::string>{name + ".damaged.1"})) << bit;
        EXPECT_EQ(copy.Contents().at(name + ".damaged.1"), damaged);
        EXPECT_TRUE(life.log.Has("offset"));
      } else {
        EXPECT_NE(name, kPath);
        EXPECT_TRUE(life.log.Has("is left out"));
      }
      EXPECT_TRUE(life.keeper->Close().ok());
      if (!last_group) {
        EXPECT_EQ(copy.Contents().at(name + ".damaged.1"), damaged) << "not overwritten";
      }
      // Each peer is one that was there at some time, or nothing is invented.
      for (const auto& [hash, swarm] : life.Image())
        ASSERT_TRUE(at_snapshot.contains(hash) || at_end.contains(hash));
    }
  }
}

TEST(StateKeeper, ANewerVersionIsLeftAloneAndIsAnError) {
  for (const bool journal : {false, true}) {
    MemoryFileSystem disk;
    const std::string file = journal ? "/state/dfile.journal.7" : kPath;
    disk.Put(file, EncodeFileHeader(journal ? kJournalMagic : kSnapshotMagic, {.version = 2}) +
                       "something new");
    const auto before = disk.Contents();
    Life life(&disk);
    EXPECT_FALSE(life.status.ok());
    EXPECT_NE(life.status.message().find("newer muster"), std::string::npos) << life.status;
    EXPECT_EQ(disk.Contents(), before);
  }
}

TEST(StateKeeper, AStateThatCannotBeReadIsAnErrorAndIsLeftAlone) {
  MemoryFileSystem disk;
  disk.Put(kPath, "");
  disk.fault = [](Op op) {
    return op == Op::kOpen ? absl::PermissionDeniedError("no permission") : absl::OkStatus();
  };
  Life life(&disk);
  EXPECT_TRUE(absl::IsPermissionDenied(life.status)) << life.status;
  EXPECT_EQ(NamesOn(disk), (std::set<std::string>{"dfile"}));
}

TEST(StateKeeper, WrongOptionsAreRefused) {
  MemoryFileSystem disk;
  const auto store = NewMemoryStore({});
  for (const StateKeeperOptions& options :
       {StateKeeperOptions{.save_interval = std::chrono::milliseconds(0)},
        StateKeeperOptions{.sync_interval = std::chrono::milliseconds(0)},
        StateKeeperOptions{.max_pending_bytes = 1}}) {
    EXPECT_TRUE(absl::IsInvalidArgument(
        StateKeeperImpl::Open(&disk, kPath, store.get(), options).status()));
  }
  EXPECT_TRUE(
      absl::IsInvalidArgument(StateKeeperImpl::Open(&disk, "folder/", store.get(), {}).status()));
}

}  // namespace
}  // namespace muster
