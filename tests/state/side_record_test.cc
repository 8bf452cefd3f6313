// SPDX-License-Identifier: Apache-2.0
//
// The side record of a store that keeps details comes back from a snapshot, from a journal, and from
// bttrack's dfile, and goes into one.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "muster/detailed_store.h"
#include "muster/snapshot.h"
#include "state/bttrack_testing.h"
#include "state/delta_record.h"
#include "state/keeper_testing.h"

namespace muster {
namespace {

using namespace testing_state;  // NOLINT(build/namespaces)
using testing_swarm::kMinute;
using testing_swarm::kStart;

constexpr DetailedStoreOptions kOptions{.nat_tries = 3};

const PeerDetails kDetails{.left = 1024,
                           .key = "secret",
                           .nat = 2,
                           .supports_crypto = true,
                           .requires_crypto = true,
                           .given_ip = "203.0.113.5"};

// A peer with all that may be said of it, and one that has been reached.
void Announce(SwarmStore& store) {
  const InfoHash hash = HashOf('h');
  const auto announce = [&](char id, const char* peer, AnnounceDetails details) {
    PeerBatch nobody({}, {});
    const PeerId peer_id = IdOf(id);
    const Endpoint endpoint = *Endpoint::Parse(peer);
    store.Apply({.info_hash = hash, .peer = endpoint, .peer_id = peer_id, .details = &details},
                kStart, nobody);
  };
  AnnounceDetails details;
  details.from = *IpAddress::Parse("10.0.0.5");
  details.key = "secret";
  details.left = 1024;
  details.supports_crypto = details.requires_crypto = true;
  announce('a', "203.0.113.5:7", details);
  for (int i = 0; i < 2; ++i)
    store.CountNatCheck({hash, IdOf('a'), *Endpoint::Parse("203.0.113.5:7"), NatOutcome::kRefused});
  details = AnnounceDetails();
  details.from = *IpAddress::Parse("192.0.2.2");
  announce('b', "192.0.2.2:2", details);
  store.CountNatCheck({hash, IdOf('b'), *Endpoint::Parse("192.0.2.2:2"), NatOutcome::kReachable});
}

// What it says of a peer by its id; nothing for one that is not there.
std::optional<PeerDetails> DetailsIn(const SwarmStore& store, char id) {
  std::optional<PeerDetails> found;
  store.ForEach([&](const SwarmView& view) {
    view.ForEachPeer([&](const PeerRecord& record) {
      if (record.peer_id != nullptr && *record.peer_id == IdOf(id)) found = *record.details;
    });
    return true;
  });
  return found;
}

void ExpectAllIsThere(const SwarmStore& store) {
  EXPECT_EQ(store.Totals().peers, 2u);
  EXPECT_EQ(DetailsIn(store, 'a'), kDetails);
  PeerDetails reached;
  reached.left = 0;
  reached.nat = 0;
  EXPECT_EQ(DetailsIn(store, 'b'), reached);
}

TEST(SideRecord, ComesBackFromASnapshot) {
  const auto store = NewDetailedStore(kOptions);
  Announce(*store);
  StringSink sink;
  ASSERT_TRUE(SaveState(*store, **NewSnapshotWriter(&sink, {.written = kStart})).ok());
  const auto again = NewDetailedStore(kOptions);
  StringSource source(sink.text);
  ASSERT_TRUE(LoadState(**NewSnapshotReader(&source), *again, kStart).ok());
  ExpectAllIsThere(*again);
}

TEST(SideRecord, IsLeftOutByAStoreThatKeepsNone) {
  const auto store = NewDetailedStore(kOptions);
  Announce(*store);
  StringSink sink;
  ASSERT_TRUE(SaveState(*store, **NewSnapshotWriter(&sink, {.written = kStart})).ok());
  const auto plain = NewMemoryStore();
  StringSource source(sink.text);
  ASSERT_TRUE(LoadState(**NewSnapshotReader(&source), *plain, kStart).ok());
  EXPECT_EQ(plain->Totals().peers, 2u);
}

TEST(SideRecord, ComesBackFromAJournalAfterAKill) {
  MemoryFileSystem disk;
  {
    Life life(&disk, {.peer_ids = true}, false, NewDetailedStore(kOptions));
    ASSERT_TRUE(life.status.ok()) << life.status;
    Announce(*life.store);
    ASSERT_TRUE(life.keeper->Sync().ok());
    life.Kill(disk);
  }
  Life again(&disk, {.peer_ids = true}, false, NewDetailedStore(kOptions));
  EXPECT_EQ(again.keeper->recovery().damages.size(), 0u);
  ExpectAllIsThere(*again.store);
}

TEST(SideRecord, WhoMovedIsOnlyWhereItIsNowAfterAKill) {
  MemoryFileSystem disk;
  const InfoHash hash = HashOf('h');
  const PeerId id = IdOf('a');
  {
    Life life(&disk, {}, false, NewDetailedStore());
    for (const char* peer : {"192.0.2.1:1", "192.0.2.1:2"}) {
      PeerBatch nobody({}, {});
      life.store->Apply({.info_hash = hash, .peer = *Endpoint::Parse(peer), .peer_id = id}, kStart,
                        nobody);
    }
    ASSERT_TRUE(life.keeper->Sync().ok());
    life.Kill(disk);
  }
  // Whether the store that comes next knows peers by their ids or by their endpoints.
  for (const bool detailed : {true, false}) {
    Life again(&disk, {}, false, detailed ? NewDetailedStore() : NewMemoryStore());
    EXPECT_EQ(again.store->Totals().peers, 1u);
    again.store->ForEach([](const SwarmView& view) {
      view.ForEachPeer([](const PeerRecord& record) { EXPECT_EQ(record.peer.port(), 2); });
      return true;
    });
    again.Kill(disk);
  }
}

TEST(SideRecord, GoesIntoBttracksDfile) {
  const auto store = NewDetailedStore(kOptions);
  Announce(*store);
  StringSink sink;
  ASSERT_TRUE(SaveState(*store, *NewBttrackWriter(&sink, {})).ok());
  EXPECT_NE(sink.text.find("8:given ip11:203.0.113.52:ip8:10.0.0.53:key6:secret4:lefti1024e"
                           "3:nati2e4:porti7e13:requirecryptoi1e13:supportcryptoi1e"),
            std::string::npos)
      << sink.text;
}

TEST(SideRecord, BttracksDfileIsTakenOverAndKept) {
  MemoryFileSystem disk;
  const std::string dfile = StateText(
      CountText('h', 9),
      TorrentText('h', PeerText('a', "10.0.0.5", 7, 1024, "3:nati2e", "secret", "203.0.113.5") +
                           PeerText('b', "192.0.2.2", 2, 0)));
  disk.Put(kPath, dfile);
  disk.written = kStart;
  {
    Life life(&disk, {.peer_ids = true}, false, NewDetailedStore(kOptions));
    ASSERT_TRUE(life.status.ok()) << life.status;
    EXPECT_EQ(life.store->Count(HashOf('h')),
              (SwarmCounts{.seeders = 1, .downloaders = 1, .completed = 9}));
    EXPECT_EQ(DetailsIn(*life.store, 'a')->key, "secret");
    EXPECT_EQ(DetailsIn(*life.store, 'a')->given_ip, "203.0.113.5");
    EXPECT_EQ(DetailsIn(*life.store, 'b')->nat, 0);
    EXPECT_EQ(disk.Contents().at(kPath), dfile) << "until the first snapshot";
    EXPECT_EQ(disk.Contents().at(std::string(kPath) + ".bttrack.1"), dfile);
    EXPECT_TRUE(life.keeper->Close().ok());
  }
  EXPECT_EQ(disk.Contents().at(kPath).substr(0, 8), kSnapshotMagic);
  EXPECT_EQ(disk.Contents().at(std::string(kPath) + ".bttrack.1"), dfile);
  Life again(&disk, {.peer_ids = true}, false, NewDetailedStore(kOptions));
  EXPECT_EQ(again.store->Totals().peers, 2u);
  EXPECT_EQ(again.store->Count(HashOf('h'))->completed, 9u);
}

TEST(SideRecord, ADfileThatIsTakenOverWithDamageGivesTheRest) {
  MemoryFileSystem disk;
  std::string dfile =
      StateText(CountText('h', 9), TorrentText('h', PeerText('a', "10.0.0.5", 7, 1)));
  dfile.resize(dfile.size() - 30);
  disk.Put(kPath, dfile);
  disk.written = kStart;
  Life life(&disk, {}, false, NewDetailedStore());
  ASSERT_TRUE(life.status.ok()) << life.status;
  EXPECT_FALSE(life.keeper->recovery().damages.empty());
  EXPECT_EQ(disk.Contents().at(std::string(kPath) + ".damaged.1"), dfile);
}

TEST(DeltaRecord, WithASideComesBackAndACutOneIsNone) {
  const SwarmDelta delta{
      HashOf('h'), *Endpoint::Parse("192.0.2.1:1"), IdOf('a'), PeerState::kSeeder, false, kStart};
  std::string bytes(DeltaRecord(delta, true, true).bytes());
  AppendDeltaSide("d3:key1:ke", bytes);
  Column whole(bytes);
  const auto read = TakeDelta(whole);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->side, "d3:key1:ke");
  EXPECT_TRUE(whole.empty());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    Column cut(std::string_view(bytes).substr(0, size));
    EXPECT_FALSE(TakeDelta(cut).has_value()) << size;
  }
}

}  // namespace
}  // namespace muster
