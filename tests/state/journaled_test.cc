// SPDX-License-Identifier: Apache-2.0
//
// A snapshot with its journals, read as one, against what a restart makes of the same files.
#include "muster/journaled_state.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "muster/detailed_store.h"
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

// What a store that keeps details has of its peers, each in words.
std::multiset<std::string> NamedPeers(const SwarmStore& store) {
  std::multiset<std::string> peers;
  store.ForEach([&](const SwarmView& view) {
    view.ForEachPeer([&](const PeerRecord& record) {
      peers.insert(view.info_hash().ToHex() + " " + record.peer.ToString() + " " +
                   (record.peer_id != nullptr ? record.peer_id->ToHex() : "nameless") + " " +
                   PeerSideOf(*record.details, record.state) +
                   std::to_string(static_cast<int>(record.state)));
    });
    return true;
  });
  return peers;
}

// The same of what is read, after what a restart has of the files.
void ExpectWhatARestartFinds(const MemoryFileSystem& disk) {
  MemoryFileSystem copy;
  for (const auto& [path, data] : disk.Contents()) copy.Put(path, data);
  const Life again(&copy, {.peer_ids = true}, false, NewDetailedStore());
  ASSERT_TRUE(again.status.ok()) << again.status;
  for (const JournaledOptions& options : {JournaledOptions(), kTiny}) {
    const Opened opened(disk, options);
    const Everything all = ReadAll(*opened.reader);
    EXPECT_TRUE(all.errors.empty());
    std::multiset<std::string> read;
    for (const SavedTorrent& torrent : all.torrents) {
      for (const SavedPeer& peer : torrent.peers) {
        read.insert(torrent.info_hash.ToHex() + " " + peer.peer.ToString() + " " +
                    (peer.peer_id ? peer.peer_id->ToHex() : "nameless") + " " + peer.side +
                    std::to_string(static_cast<int>(peer.state)));
      }
    }
    EXPECT_EQ(read, NamedPeers(*again.store));
  }
}

// Some announces of a store that knows peers by their ids: of few ids at few endpoints.
void AnnounceNamed(const Life& life, std::uint64_t seed, int n) {
  Random random(seed);
  const char* const kGiven[] = {"192.0.2.1", "192.0.2.2", "2001:db8::1"};
  for (int i = 0; i < n; ++i) {
    AnnounceDetails details;
    details.from = *IpAddress::Parse(random.Below(4) == 0 ? "192.0.2.2" : "192.0.2.1");
    details.key = "key";
    details.left = random.Below(3);
    const auto address =
        random.Below(3) == 0 ? *IpAddress::Parse(kGiven[random.Below(3)]) : details.from;
    const bool nameless = random.Below(6) == 0;
    const PeerId id = nameless ? PeerId() : IdOf(static_cast<char>('a' + random.Below(5)));
    PeerBatch nobody({}, {});
    life.store->Apply(
        {.info_hash = HashOf(static_cast<char>('h' + random.Below(3))),
         .peer = Endpoint(address, static_cast<std::uint16_t>(1 + random.Below(2))),
         .peer_id = id,
         .state = details.left == 0 ? PeerState::kSeeder : static_cast<PeerState>(random.Below(4)),
         .replicated = nameless,
         .details = &details},
        kStart, nobody);
  }
}

TEST(JournaledState, OfAStoreThatKnowsIdsHasAllThatAreAtOneEndpoint) {
  MemoryFileSystem disk;
  const InfoHash hash = HashOf('h');
  const auto announce = [&](const Life& life, char id, PeerState state) {
    PeerBatch nobody({}, {});
    const PeerId peer_id = IdOf(id);
    life.store->Apply({.info_hash = hash,
                       .peer = *Endpoint::Parse("192.0.2.1:1"),
                       .peer_id = peer_id,
                       .state = state},
                      kStart, nobody);
  };
  Life life(&disk, {.peer_ids = true}, false, NewDetailedStore());
  announce(life, 'a', PeerState::kSeeder);
  ASSERT_TRUE(life.keeper->Save().ok());
  for (const char id : {'b', 'c', 'd'}) announce(life, id, PeerState::kDownloader);
  announce(life, 'c', PeerState::kStopped);
  ASSERT_TRUE(life.keeper->Sync().ok());
  life.Kill(disk);
  const Opened opened(disk, {});
  const Everything all = ReadAll(*opened.reader);
  ASSERT_EQ(all.torrents.size(), 1u);
  std::set<PeerId> ids;
  for (const SavedPeer& peer : all.torrents[0].peers) ids.insert(peer.peer_id.value());
  EXPECT_EQ(ids, (std::set<PeerId>{IdOf('a'), IdOf('b'), IdOf('d')}));
  ExpectWhatARestartFinds(disk);
}

TEST(JournaledState, OfAStoreThatKnowsIdsIsWhatARestartFinds) {
  for (std::uint64_t seed = 1; seed < 30; ++seed) {
    SCOPED_TRACE(seed);
    MemoryFileSystem disk;
    Life life(&disk, {.peer_ids = true}, false, NewDetailedStore());
    AnnounceNamed(life, seed, 40);
    if (seed % 3 != 0) {
      ASSERT_TRUE(life.keeper->Save().ok());
    }
    AnnounceNamed(life, seed + 100, 60);
    if (seed % 4 == 0) life.store->Remove(HashOf('i'));
    AnnounceNamed(life, seed + 200, static_cast<int>(seed));
    ASSERT_TRUE(life.keeper->Sync().ok());
    life.Kill(disk);
    ExpectWhatARestartFinds(disk);
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
