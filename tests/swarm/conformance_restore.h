// SPDX-License-Identifier: Apache-2.0
//
// What is walked over, put back from a saved state, and told to observers so that it can be. Part of
// conformance.h.
#ifndef MUSTER_TESTS_SWARM_CONFORMANCE_RESTORE_H_
#define MUSTER_TESTS_SWARM_CONFORMANCE_RESTORE_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "swarm/conformance.h"

namespace muster::testing_swarm {

// A store by deltas alone: each is put into it as it comes.
class Follower final : public SwarmObserver {
 public:
  Follower(SwarmStore* store, const Instant* now) : store_(store), now_(now) {}
  void OnDelta(const SwarmDelta& delta) override {
    const PeerRecord peer{.peer = delta.peer,
                          .state = delta.state,
                          .completed = delta.counted,
                          .last_seen = delta.time,
                          .peer_id = &delta.peer_id,
                          .details = delta.details};
    EXPECT_TRUE(store_
                    ->Restore({.info_hash = delta.info_hash,
                               .completed = delta.completed_count,
                               .peers = {&peer, 1},
                               .empty_since = delta.time},
                              *now_)
                    .ok());
  }
  void OnRemove(const InfoHash& info_hash) override { store_->Remove(info_hash); }

 private:
  SwarmStore* const store_;
  const Instant* const now_;
};

// Puts all of one store into another.
inline void CopyStore(const SwarmStore& from, SwarmStore& to, Instant now,
                      std::size_t peers_a_visit) {
  const auto cursor = from.Walk(peers_a_visit);
  const auto visit = [&](const SwarmView& view) {
    std::vector<PeerRecord> peers;
    std::vector<PeerId> ids;
    std::vector<PeerDetails> details;
    ids.reserve(view.counts().peers());
    details.reserve(view.counts().peers());
    view.ForEachPeer([&](const PeerRecord& record) {
      peers.push_back(record);
      if (record.peer_id != nullptr) {
        ids.push_back(*record.peer_id);
        peers.back().peer_id = &ids.back();
      }
      if (record.details != nullptr) {
        details.push_back(*record.details);
        peers.back().details = &details.back();
      }
    });
    EXPECT_TRUE(to.Restore({.info_hash = view.info_hash(),
                            .completed = view.counts().completed,
                            .peers = peers,
                            .empty_since = view.empty_since()},
                           now)
                    .ok());
  };
  while (cursor->Next(visit) != SwarmCursor::Step::kEnd) {
  }
}

// Random announces over an hour, of a few torrents of every size.
inline Instant RandomHour(
    SwarmStore& store, std::uint64_t seed,
    const std::function<void(Instant)>& now_is = [](Instant) {}) {
  Random random(seed);
  Instant now = kStart;
  for (int i = 0; i < 20'000; ++i) {
    if (i % 400 == 0) now += kMinute;
    now_is(now);
    if (i % 1000 == 0) ExpireAll(store, now - 40 * kMinute);
    const std::uint32_t torrent = random.Below(8);
    const std::uint32_t pool = torrent == 0 ? 5000 : 1u << torrent;
    const std::uint32_t n = random.Below(pool);
    const std::uint32_t what = random.Below(8);
    Announce(store,
             {.hash = TestHash(torrent + 10 * random.Below(torrent == 0 ? 1 : 20)),
              .peer = TestPeer(n, MixedFamily(n)),
              .state = what == 0 ? PeerState::kStopped : MixedState(what),
              .completed = what % 2 == 0,
              .room4 = 0,
              .room6 = 0},
             now);
  }
  return now;
}

TEST_P(SwarmStoreConformance, WhatAWalkShowsMakesTheSameStoreAgain) {
  for (const bool ids : {false, true}) {
    const auto store = Make({.keep_peer_ids = ids});
    if (store == nullptr) continue;
    const Instant now = RandomHour(*store, 1);
    for (const std::size_t peers_a_visit : {1u, 64u, 100'000u}) {
      const auto copy = Make({.keep_peer_ids = ids});
      CopyStore(*store, *copy, now, peers_a_visit);
      EXPECT_EQ(ImageOf(*copy).fault, "");
      EXPECT_TRUE(ImageOf(*copy).swarms == ImageOf(*store).swarms) << peers_a_visit;
      ExpectTotalsAreARecount(*copy);
    }
  }
}

TEST_P(SwarmStoreConformance, DeltasInOrderMakeTheSameStoreAgainAndAgain) {
  const auto store = Make({.keep_completed = 20 * kMinute});
  const auto follower_store = Make({.keep_completed = 20 * kMinute});
  Instant now = kStart;
  Follower follower(follower_store.get(), &now);
  store->SetObserver(&follower);
  RandomHour(*store, 2, [&](Instant then) {
    if (then == now) return;
    now = then;
    ExpireAll(*follower_store, now - 40 * kMinute);
  });
  ExpireAll(*store, now - 40 * kMinute);
  ExpireAll(*follower_store, now - 40 * kMinute);
  const StoreImage expected = ImageOf(*store);
  const StoreImage followed = ImageOf(*follower_store);
  EXPECT_EQ(followed.fault, "");
  for (const auto& [hash, swarm] : expected.swarms) {
    if (swarm.peers.empty()) continue;  // kept for about as long
    ASSERT_TRUE(followed.swarms.contains(hash));
    EXPECT_EQ(followed.swarms.at(hash).counts, swarm.counts);
    EXPECT_TRUE(followed.swarms.at(hash).peers == swarm.peers);
  }
}

TEST_P(SwarmStoreConformance, DeltasThatAStateHasAlreadyMayBeAppliedAgain) {
  struct Recorder final : SwarmObserver {
    void OnDelta(const SwarmDelta& delta) override {
      deltas.push_back(delta);
      deltas.back().details = nullptr;  // it ends with the call
    }
    std::vector<SwarmDelta> deltas;
  } recorder;
  const auto store = Make({.keep_completed = 2 * kHour});
  store->SetObserver(&recorder);
  Random random(3);
  for (int i = 0; i < 3000; ++i) {
    const std::uint32_t n = random.Below(700);
    const std::uint32_t what = random.Below(6);
    Announce(*store, {.hash = TestHash(n % 5 == 0 ? 1 : 2),
                      .peer = TestPeer(n),
                      .state = what == 5 ? PeerState::kStopped : MixedState(what),
                      .completed = what == 0});
  }
  const auto copy = Make({.keep_completed = 2 * kHour});
  CopyStore(*store, *copy, kStart, 64);
  Follower follower(copy.get(), &kStart);
  for (const SwarmDelta& delta : recorder.deltas) follower.OnDelta(delta);
  EXPECT_TRUE(ImageOf(*copy).swarms == ImageOf(*store).swarms);
}

TEST_P(SwarmStoreConformance, APeerThatStaysIsInExactlyOnePartOfAWalkWhateverHappensMeanwhile) {
  for (const bool grows : {false, true}) {
    const auto store = Make();
    const InfoHash hash = TestHash(1);
    constexpr std::uint32_t kStaying = 2000;
    constexpr std::uint32_t kOthers = 20'000;
    const auto other = [](std::uint32_t i) { return TestPeer(100'000 + i); };
    for (std::uint32_t i = 0; i < kStaying; ++i)
      Announce(*store, {.hash = hash, .peer = TestPeer(i), .state = MixedState(i)});
    for (std::uint32_t i = 0; i < kOthers && !grows; ++i)
      Announce(*store, {.hash = hash, .peer = other(i), .room4 = 0});
    std::map<Endpoint, int> seen;
    std::uint32_t others = 0;
    const auto cursor = store->Walk(100);
    const auto visit = [&](const SwarmView& view) {
      view.ForEachPeer([&](const PeerRecord& record) { ++seen[record.peer]; });
    };
    while (cursor->Next(visit) != SwarmCursor::Step::kEnd) {
      // The swarm grows or shrinks to a tenth, and those who stay change their states.
      for (std::uint32_t i = 0; i < 2000 && others < kOthers; ++i, ++others) {
        Announce(*store, {.hash = hash,
                          .peer = other(others),
                          .state = grows ? PeerState::kDownloader : PeerState::kStopped,
                          .room4 = 0});
        const std::uint32_t n = others % kStaying;
        Announce(*store,
                 {.hash = hash, .peer = TestPeer(n), .state = MixedState(others), .room4 = 0});
      }
    }
    for (std::uint32_t i = 0; i < kStaying; ++i) ASSERT_EQ(seen[TestPeer(i)], 1) << i;
  }
}

TEST_P(SwarmStoreConformance, AWalkVisitsEverySwarmFromTheFirstToTheLastHash) {
  const auto store = Make();
  EXPECT_FALSE(VisitNext(*store->Walk(10), [](const SwarmView&) {}));

  std::set<InfoHash> all;
  std::uint8_t bytes[20] = {};
  all.insert(InfoHash::FromBytes(bytes));
  std::fill_n(bytes, 20, std::uint8_t{0xff});
  all.insert(InfoHash::FromBytes(bytes));
  for (std::uint64_t i = 0; i < 500; ++i) all.insert(TestHash(i));
  for (const InfoHash& hash : all) Announce(*store, {.hash = hash, .peer = TestPeer(1)});
  std::vector<InfoHash> seen;
  const auto cursor = store->Walk(10);
  while (VisitNext(*cursor, [&](const SwarmView& view) { seen.push_back(view.info_hash()); })) {
  }
  EXPECT_EQ(seen, std::vector<InfoHash>(all.begin(), all.end()));
}

TEST_P(SwarmStoreConformance, RestoreLeavesOutWhoIsTooOldAndBringsTheFutureToNow) {
  const auto store = Make({.peer_timeout = 45 * kMinute});
  std::vector<PeerRecord> peers;
  for (const int minutes : {-10, 0, 44, 46, 100'000}) {
    peers.push_back({.peer = TestPeer(peers.size()),
                     .state = PeerState::kSeeder,
                     .completed = false,
                     .last_seen = kStart - minutes * kMinute,
                     .peer_id = nullptr});
  }
  EXPECT_TRUE(store->Restore({.info_hash = TestHash(1), .peers = peers}, kStart).ok());
  const auto there = PeersOf(*store, TestHash(1));
  EXPECT_EQ(there.size(), 3u);
  EXPECT_EQ(there.at(TestPeer(0)).last_seen, kStart);
  EXPECT_EQ(there.at(TestPeer(2)).last_seen, kStart - 44 * kMinute);
  // A torrent of which nothing is left is not made.
  EXPECT_TRUE(
      store->Restore({.info_hash = TestHash(2), .peers = absl::MakeSpan(peers).subspan(3)}, kStart)
          .ok());
  EXPECT_EQ(store->Count(TestHash(2)), std::nullopt);
  ExpectTotalsAreARecount(*store);
}

TEST_P(SwarmStoreConformance, RestoredCountsNeverGoBackAndAreKeptAsLongAsOthers) {
  const auto store = Make({.keep_completed = 3 * kHour});
  const InfoHash hash = TestHash(1);
  std::uint32_t most = 0;
  for (const std::uint32_t n : {7u, 5u, 100'000u, 7u}) {
    most = std::max(most, n);
    EXPECT_TRUE(
        store
            ->Restore(
                {.info_hash = hash, .completed = n, .peers = {}, .empty_since = kStart - 2 * kHour},
                kStart)
            .ok());
    EXPECT_EQ(store->Count(hash), (SwarmCounts{.completed = most}));
  }
  EXPECT_EQ(store->Count(hash), (SwarmCounts{.completed = 100'000}));
  ExpireAll(*store, kStart + kHour - 10 * kMinute);
  EXPECT_EQ(store->Count(hash), (SwarmCounts{.completed = 100'000}));
  ExpireAll(*store, kStart + kHour + 10 * kMinute);
  EXPECT_EQ(store->Count(hash), std::nullopt);
}

TEST_P(SwarmStoreConformance, ARestoredCompletionIsNotCountedAgain) {
  const auto store = Make();
  const PeerId id = TestId(TestPeer(1));
  for (const bool counted : {true, false}) {
    const PeerRecord peer{.peer = TestPeer(1),
                          .state = PeerState::kDownloader,
                          .completed = counted,
                          .last_seen = kStart,
                          .peer_id = &id};
    EXPECT_TRUE(
        store->Restore({.info_hash = TestHash(1), .completed = 3, .peers = {&peer, 1}}, kStart)
            .ok());
    const Ask ask{
        .hash = TestHash(1), .peer = TestPeer(1), .state = PeerState::kSeeder, .completed = true};
    EXPECT_EQ(Announce(*store, ask).counts.completed, counted ? 3u : 4u);
    EXPECT_EQ(Announce(*store, ask).counts.completed, counted ? 3u : 4u);
  }
}

TEST_P(SwarmStoreConformance, RestoreKeepsToTheLimits) {
  const auto store = Make({.max_torrents = 2, .max_peers = 5});
  if (store == nullptr) GTEST_SKIP() << "a store without limits";
  std::vector<PeerRecord> peers;
  for (std::uint32_t i = 0; i < 3; ++i) {
    peers.push_back({.peer = TestPeer(i),
                     .state = PeerState::kDownloader,
                     .completed = false,
                     .last_seen = kStart,
                     .peer_id = nullptr});
  }
  for (std::uint32_t t = 0; t < 4; ++t)
    EXPECT_TRUE(store->Restore({.info_hash = TestHash(t), .peers = peers}, kStart).ok());
  EXPECT_EQ(store->Totals().torrents, 2u);
  EXPECT_EQ(store->Totals().peers, 5u);
  ExpectTotalsAreARecount(*store);
}

TEST_P(SwarmStoreConformance, RemovingIsTold) {
  struct Removals final : SwarmObserver {
    void OnDelta(const SwarmDelta&) override {}
    void OnRemove(const InfoHash& info_hash) override { seen.push_back(info_hash); }
    std::vector<InfoHash> seen;
  } removals;
  const auto store = Make();
  store->SetObserver(&removals);
  Announce(*store, {.hash = TestHash(1), .peer = TestPeer(1)});
  store->Remove(TestHash(2));
  store->Remove(TestHash(1));
  EXPECT_EQ(removals.seen, std::vector<InfoHash>{TestHash(1)});
}

}  // namespace muster::testing_swarm

#endif  // MUSTER_TESTS_SWARM_CONFORMANCE_RESTORE_H_
