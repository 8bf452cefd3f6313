// SPDX-License-Identifier: Apache-2.0
//
// A snapshot with its journals, read as one, against what a restart makes of the same files.
#include "muster/journaled_state.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "state/bttrack_testing.h"
#include "state/delta_sorter.h"
#include "state/keeper_testing.h"

namespace muster {
namespace {

using namespace testing_state;  // NOLINT(build/namespaces)
using testing_swarm::kStart;
using testing_swarm::TestHash;

// Files of a state, in strings, opened as a tool would.
struct Opened {
  Opened(const MemoryFileSystem& disk, const JournaledOptions& options) {
    for (auto& [path, data] : disk.Contents()) {
      if (path == kPath) {
        snapshot = data;
      } else {
        journals.push_back({path, data});
      }
    }
    if (!snapshot.empty()) {
      source = std::make_unique<StringSource>(snapshot);
      auto opened = OpenState(source.get(), {});
      EXPECT_TRUE(opened.ok()) << opened.status();
      base = *std::move(opened);
    }
    std::vector<JournalSource> sources;
    for (const auto& [path, data] : journals) {
      journal_sources.push_back(std::make_unique<StringSource>(data, 1000));
      sources.push_back({path, journal_sources.back().get()});
    }
    reader = NewJournaledReader(base.reader.get(), std::move(sources), options);
  }

  std::string snapshot;
  std::vector<std::pair<std::string, std::string>> journals;
  std::unique_ptr<StringSource> source;
  std::vector<std::unique_ptr<StringSource>> journal_sources;
  OpenedState base;
  std::unique_ptr<JournaledReader> reader;
};

StoreImages Loaded(StateReader& reader) {
  const auto store = NewMemoryStore({.keep_peer_ids = true, .hash_seed = 1});
  const auto loaded = LoadState(reader, *store, kStart);
  EXPECT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_TRUE(loaded.ok() && loaded->damages.empty());
  const auto image = testing_swarm::ImageOf(*store);
  EXPECT_EQ(image.fault, "");
  return image.swarms;
}

const JournaledOptions kTiny{.sort_memory = 3000, .spool_folder = ::testing::TempDir()};

TEST(JournaledState, IsWhatARestartFinds) {
  for (std::uint64_t seed = 1; seed < 20; ++seed) {
    MemoryFileSystem disk;
    StoreImages before;
    {
      Life life(&disk, {.peer_ids = true});
      life.Announces(seed, seed % 4 == 0 ? 0 : 200);
      if (seed % 3 != 0) {
        ASSERT_TRUE(life.keeper->Save().ok());
      }
      life.Announces(seed + 100, 100);
      if (seed % 2 == 0) life.store->Remove(TestHash(3));
      ASSERT_TRUE(life.keeper->Sync().ok());
      life.Announces(seed + 200, static_cast<int>(seed));
      life.store->Remove(TestHash(5));
      ASSERT_TRUE(life.keeper->Sync().ok());
      before = life.Image();
      life.Kill(disk);
    }
    for (const JournaledOptions& options : {JournaledOptions(), kTiny}) {
      const Opened opened(disk, options);
      EXPECT_TRUE(Loaded(*opened.reader) == before) << seed;
      ASSERT_FALSE(opened.reader->journals().empty());
      EXPECT_GT(opened.reader->journals().back().changes, 5u);
      EXPECT_EQ(opened.reader->journals().back().torn_end, "");
    }
  }
}

TEST(JournaledState, OfAHugeSwarmIsWholeAsWell) {
  MemoryFileSystem disk;
  StoreImages before;
  {
    Life life(&disk);
    for (std::uint32_t i = 0; i < 12'000; ++i)
      testing_swarm::Announce(*life.store,
                              {.hash = TestHash(1), .peer = testing_swarm::TestPeer(i)});
    ASSERT_TRUE(life.keeper->Save().ok());
    for (std::uint32_t i = 11'000; i < 13'000; ++i)
      testing_swarm::Announce(*life.store,
                              {.hash = TestHash(1),
                               .peer = testing_swarm::TestPeer(i),
                               .state = i % 2 == 0 ? PeerState::kStopped : PeerState::kSeeder});
    ASSERT_TRUE(life.keeper->Sync().ok());
    before = life.Image();
    life.Kill(disk);
  }
  const Opened opened(disk, kTiny);
  const Everything all = ReadAll(*opened.reader);
  ASSERT_EQ(all.torrents.size(), 1u);
  EXPECT_EQ(all.torrents[0].peers.size(), before.begin()->second.peers.size());
}

TEST(JournaledState, TellsDamageWithTheJournalsNameAndATornEndApart) {
  MemoryFileSystem disk;
  {
    Life life(&disk);
    life.Announces(1, 50);
    ASSERT_TRUE(life.keeper->Sync().ok());
    life.Announces(2, 50);
    ASSERT_TRUE(life.keeper->Sync().ok());
    life.Kill(disk);
  }
  const std::string path = "/state/dfile.journal.1";
  const std::string good = disk.Contents().at(path);
  std::string damaged = good;
  damaged[100] ^= 1;  // in the first of two groups
  disk.Put(path, damaged);
  Opened opened(disk, {});
  Everything all = ReadAll(*opened.reader);
  ASSERT_EQ(all.errors.size(), 1u);
  EXPECT_EQ(all.errors[0].message().find(path + ": block 0 at offset 32"), 0u) << all.errors[0];
  EXPECT_FALSE(all.torrents.empty());

  disk.Put(path, good.substr(0, good.size() - 1));
  Opened torn(disk, {});
  all = ReadAll(*torn.reader);
  EXPECT_TRUE(all.errors.empty());
  EXPECT_NE(torn.reader->journals()[0].torn_end.find("is cut off"), std::string::npos);

  disk.Put(path, std::string(100, 'x'));
  Opened foreign(disk, {});
  all = ReadAll(*foreign.reader);
  ASSERT_EQ(all.errors.size(), 1u);
  EXPECT_EQ(all.errors[0].message(), path + ": not a journal");
}

TEST(JournaledState, OfAJournalAloneIsOpenedByItsContent) {
  MemoryFileSystem disk;
  StoreImages before;
  {
    Life life(&disk, {.peer_ids = true});
    life.Announces(1, 100);
    ASSERT_TRUE(life.keeper->Sync().ok());
    before = life.Image();
    life.Kill(disk);
  }
  const std::string journal = disk.Contents().at("/state/dfile.journal.1");
  for (const std::size_t chunk : {1, 50, 1'000'000}) {
    StringSource source(journal, chunk);
    const auto opened = OpenState(&source, {});
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_EQ(opened->format, StateFormat::kJournal);
    EXPECT_EQ(opened->written, kStart);
    EXPECT_TRUE(Loaded(*opened->reader) == before);
    ASSERT_NE(opened->journaled, nullptr);
    EXPECT_EQ(opened->journaled->journals()[0].sequence, 1u);
  }
}

TEST(JournaledState, FailsWhereItsFolderCannotBeWrittenTo) {
  MemoryFileSystem disk;
  {
    Life life(&disk);
    life.Announces(1, 500);
    ASSERT_TRUE(life.keeper->Sync().ok());
    life.Kill(disk);
  }
  const Opened opened(disk, {.sort_memory = 1000, .spool_folder = "/nowhere"});
  SavedTorrent torrent;
  EXPECT_TRUE(absl::IsNotFound(opened.reader->Next(torrent).status()));
}

TEST(DeltaSorter, SortsByInfoHashAndKeepsTheOrderOfEach) {
  for (const std::size_t memory : {std::size_t{500}, std::size_t{20'000}, std::size_t{1} << 20}) {
    DeltaSorter sorter(memory, ::testing::TempDir());
    Random random(memory);
    constexpr int kChanges = 3000;
    for (int i = 0; i < kChanges; ++i) {
      ReadDelta change;
      change.removed = random.Below(10) == 0;
      change.delta.info_hash = TestHash(random.Below(100));
      change.delta.peer = testing_swarm::TestPeer(1);
      change.delta.state = PeerState::kSeeder;
      change.delta.completed_count = static_cast<std::uint32_t>(i);
      ASSERT_TRUE(sorter.Add(change).ok());
    }
    ReadDelta change;
    InfoHash last_hash;
    std::uint32_t last = 0;
    int seen = 0;
    while (true) {
      const auto more = sorter.Next(change);
      ASSERT_TRUE(more.ok()) << more.status();
      if (!*more) break;
      ++seen;
      ASSERT_FALSE(change.delta.info_hash < last_hash);
      if (!change.removed) {
        if (last_hash == change.delta.info_hash) {
          ASSERT_GT(change.delta.completed_count, last);
        }
        last = change.delta.completed_count;
      }
      if (last_hash != change.delta.info_hash) last = change.delta.completed_count;
      last_hash = change.delta.info_hash;
    }
    EXPECT_EQ(seen, kChanges) << memory;
  }
}

}  // namespace
}  // namespace muster
