// SPDX-License-Identifier: Apache-2.0
//
// What the in-memory store promises beyond the contract.
#include "swarm/memory_store.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <vector>

#include "swarm/swarm_testing.h"

namespace muster {
namespace {

using namespace testing_swarm;  // NOLINT(build/namespaces)

TEST(MemoryStore, KeepsTorrentsThatNobodyHasFinishedWhereItIsTold) {
  for (const bool keep : {false, true}) {
    const auto store =
        NewMemoryStore({.keep_completed = kHour, .keep_empty = keep, .hash_seed = 1});
    const InfoHash hash = TestHash(1);
    for (const PeerState state : {PeerState::kDownloader, PeerState::kStopped}) {
      Announce(*store, {.hash = hash, .peer = TestPeer(1), .state = state});
    }
    EXPECT_EQ(store->Count(hash).has_value(), keep);
    // It comes back from a saved state too.
    const auto copy = NewMemoryStore({.keep_completed = kHour, .keep_empty = keep, .hash_seed = 2});
    ASSERT_TRUE(copy->Restore({.info_hash = hash}, kStart).ok());
    EXPECT_EQ(copy->Count(hash).has_value(), keep);
    // For as long as one that somebody has finished.
    for (int i = 0; i < 200; ++i) store->Expire(kStart + kHour + 2 * kMinute, 64);
    EXPECT_FALSE(store->Count(hash).has_value());
  }
}

TEST(MemoryStore, KeepsCompletedCountsBeyondSixteenBits) {
  const auto store = NewMemoryStore({.keep_completed = kHour, .hash_seed = 1});
  const InfoHash hash = TestHash(1);
  // Crosses 65,535 while the swarm is in its record, and comes back to it without peers.
  for (std::uint32_t i = 1; i <= 66'000; ++i) {
    ASSERT_EQ(Announce(*store, {.hash = hash,
                                .peer = TestPeer(i % 3, i % 2 == 0 ? AddressFamily::kIpv4
                                                                   : AddressFamily::kIpv6),
                                .state = PeerState::kSeeder,
                                .completed = true,
                                .room4 = 0,
                                .room6 = 0})
                  .counts,
              (SwarmCounts{.seeders = 1, .completed = i}));
    ASSERT_EQ(Announce(*store, {.hash = hash,
                                .peer = TestPeer(i % 3, i % 2 == 0 ? AddressFamily::kIpv4
                                                                   : AddressFamily::kIpv6),
                                .state = PeerState::kStopped,
                                .room4 = 0,
                                .room6 = 0})
                  .counts,
              (SwarmCounts{.completed = i}));
  }
  for (std::uint32_t i = 0; i < 5; ++i) Announce(*store, {.hash = hash, .peer = TestPeer(i)});
  EXPECT_EQ(store->Count(hash), (SwarmCounts{.downloaders = 5, .completed = 66'000}));
  // The time at which it was left is kept to four minutes then.
  ExpireAll(*store, kStart + 10 * kMinute);
  ExpireAll(*store, kStart + 68 * kMinute);
  EXPECT_EQ(store->Count(hash), (SwarmCounts{.completed = 66'000}));
  ExpireAll(*store, kStart + 76 * kMinute);
  EXPECT_EQ(store->Count(hash), std::nullopt);
}

TEST(MemoryStore, GivesMemoryBackWhenPeersGo) {
  const auto store = NewMemoryStore({.hash_seed = 1});
  const std::uint64_t empty = store->Totals().bytes;
  for (std::uint32_t t = 0; t < 100'000; ++t) {
    const std::uint32_t peers = t % 101 == 0 ? 200 : 1 + t % 3;
    for (std::uint32_t p = 0; p < peers; ++p) {
      Announce(*store, {.hash = TestHash(t), .peer = TestPeer(p), .room4 = 0, .room6 = 0},
               t % 2 == 0 ? kStart : kStart + kHour);
    }
  }
  const std::uint64_t full = store->Totals().bytes;
  EXPECT_GT(full, empty + 100'000 * 44);
  // Half of the torrents go, scattered over all pages; a few passes tidy up.
  for (int pass = 0; pass < 4; ++pass) ExpireAll(*store, kStart + 30 * kMinute);
  EXPECT_EQ(store->Totals().torrents, 50'000u);
  EXPECT_LT(store->Totals().bytes - empty, (full - empty) * 4 / 5);
  for (int pass = 0; pass < 4; ++pass) ExpireAll(*store, kStart + 2 * kHour);
  EXPECT_EQ(store->Totals().torrents, 0u);
  // Each of the 1,024 shards may keep a chunk for the next torrent.
  EXPECT_LT(store->Totals().bytes - empty, 1024u * 16 * 44 * 5 / 4 + 100'000);
}

TEST(MemoryStore, SpendsFiftyBytesOnATorrentWithOnePeer) {
  const auto store = NewMemoryStore({.hash_seed = 1});
  const std::uint64_t empty = store->Totals().bytes;
  constexpr std::uint64_t kTorrents = 200'000;
  for (std::uint64_t t = 0; t < kTorrents; ++t)
    Announce(*store, {.hash = TestHash(t), .peer = TestPeer(1), .room4 = 0, .room6 = 0});
  EXPECT_LT(store->Totals().bytes - empty, kTorrents * 55);
}

TEST(MemoryStore, PrefetchesInALargeStore) {
  const auto store = NewMemoryStore({.hash_seed = 1});
  for (std::uint32_t t = 0; t < 90'000; ++t)
    Announce(*store, {.hash = TestHash(t), .peer = TestPeer(1), .room4 = 0, .room6 = 0});
  for (std::uint32_t p = 0; p < 3000; ++p) {
    Announce(*store, {.hash = TestHash(1), .peer = TestPeer(p)});
    Announce(*store, {.hash = TestHash(p % 50), .peer = TestPeer(p, AddressFamily::kIpv6)});
  }
  ASSERT_GT(store->Totals().bytes, 4u << 20) << "smaller stores pass the hint over";
  std::vector<InfoHash> hashes;
  for (std::uint64_t i = 0; i < 200; ++i) hashes.push_back(TestHash(i % 2 == 0 ? i : i * 1000));
  const Endpoint peer = TestPeer(5);
  std::vector<SwarmHint> coming;
  for (const InfoHash& hash : hashes) coming.push_back({hash.data(), &peer});
  for (std::size_t n = 0; n <= coming.size(); ++n)
    store->Prefetch(absl::MakeConstSpan(coming).first(n));
  for (std::uint64_t i = 0; i < 200; ++i)
    EXPECT_EQ(store->Count(hashes[i]).has_value(), (i % 2 == 0 ? i : i * 1000) < 90'000);
}

TEST(MemoryStore, KeepsNoPeerIdsUnlessAsked) {
  const auto store = NewMemoryStore();
  Announce(*store, {.hash = TestHash(1), .peer = TestPeer(1)});
  EXPECT_EQ(PeersOf(*store, TestHash(1)).at(TestPeer(1)).id, std::nullopt);
}

TEST(MemoryStore, AnEqualSeedAndEqualChanceGiveAnEqualChoice) {
  const auto draw = [](std::uint64_t seed) {
    const auto store = NewMemoryStore({.hash_seed = seed});
    for (std::uint32_t p = 0; p < 3000; ++p)
      Announce(*store, {.hash = TestHash(1), .peer = TestPeer(p)});
    return Announce(*store, {.hash = TestHash(1), .peer = TestPeer(0), .wanted = 50, .random = 99})
        .peers;
  };
  EXPECT_EQ(draw(5), draw(5));
  EXPECT_NE(draw(5), draw(6));
}

}  // namespace
}  // namespace muster
