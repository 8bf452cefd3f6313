// SPDX-License-Identifier: Apache-2.0
//
// What time does: ages, stepwise expiry, and how long a completed count is kept. Part of
// conformance.h.
#ifndef MUSTER_TESTS_SWARM_CONFORMANCE_TIME_H_
#define MUSTER_TESTS_SWARM_CONFORMANCE_TIME_H_

#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "swarm/conformance.h"

namespace muster::testing_swarm {

TEST_P(SwarmStoreConformance, ExpireForgetsThoseLastSeenBeforeAndNobodyElse) {
  for (const bool mixed : {false, true}) {
    for (const std::uint32_t size : kSizes) {
      const auto store = Make();
      const InfoHash hash = TestHash(size);
      // One a minute, over half an hour and around again.
      for (std::uint32_t i = 0; i < size; ++i) {
        Announce(*store,
                 {.hash = hash,
                  .peer = TestPeer(i, mixed ? MixedFamily(i) : AddressFamily::kIpv4),
                  .state = MixedState(i)},
                 kStart + static_cast<int>(i % 30) * kMinute);
      }
      for (int minute = 0; minute <= 30; minute += 5) {
        const std::uint64_t before = store->Totals().peers;
        const std::size_t gone = ExpireAll(*store, kStart + minute * kMinute);
        std::uint64_t left = 0;
        for (std::uint32_t i = 0; i < size; ++i) left += i % 30 >= std::uint32_t(minute) ? 1 : 0;
        EXPECT_EQ(store->Totals().peers, left) << "size " << size << ", minute " << minute;
        EXPECT_EQ(gone, before - left);
        const StoreImage image = ImageOf(*store);
        EXPECT_EQ(image.fault, "");
        if (left == 0) continue;
        for (const auto& [peer, record] : image.swarms.at(hash).peers)
          EXPECT_GE(record.last_seen, kStart + minute * kMinute);
      }
      EXPECT_EQ(store->Count(hash), std::nullopt) << "a swarm without peers is forgotten";
      EXPECT_EQ(store->Totals().torrents, 0u);
    }
  }
}

TEST_P(SwarmStoreConformance, APeerThatAnnouncesAgainIsSeenAnew) {
  for (const std::uint32_t size : kSizes) {
    const auto store = Make();
    const InfoHash hash = TestHash(size);
    Fill(*store, hash, size, true, kStart);
    const Instant later = kStart + 30 * kMinute;
    for (std::uint32_t i = 0; i < size; i += 2) {
      // In its old state, or in another.
      Announce(*store,
               {.hash = hash, .peer = TestPeer(i, MixedFamily(i)), .state = MixedState(i + i % 4)},
               later);
    }
    EXPECT_EQ(ExpireAll(*store, later), size / 2);
    EXPECT_EQ(store->Count(hash)->peers(), size - size / 2);
    for (const auto& [peer, record] : PeersOf(*store, hash)) EXPECT_EQ(record.last_seen, later);
    EXPECT_EQ(ExpireAll(*store, later), 0u);
  }
}

TEST_P(SwarmStoreConformance, AnUnknownPeersAskingWhenTheStoreIsFullRefreshesNobody) {
  const auto store = Make({.max_peers = 10});
  if (store == nullptr) GTEST_SKIP() << "a store without limits";
  Fill(*store, TestHash(1), 10, true, kStart);
  Announce(*store, {.hash = TestHash(1), .peer = TestPeer(99), .wanted = 10},
           kStart + 10 * kMinute);
  EXPECT_EQ(ExpireAll(*store, kStart + 5 * kMinute), 10u);
}

TEST_P(SwarmStoreConformance, ExpireWorksInStepsAndGoesOnWhereItStopped) {
  const auto store = Make();
  constexpr std::uint32_t kTorrents = 2000;
  for (std::uint32_t t = 0; t < kTorrents; ++t)
    Announce(*store, {.hash = TestHash(t), .peer = TestPeer(t)});
  EXPECT_EQ(store->Expire(kStart + kHour, 0), 0u);
  EXPECT_EQ(store->Totals().peers, kTorrents);
  // Each visits about so many swarms; nothing is visited again before the rest was.
  std::size_t gone = 0;
  for (std::size_t steps = 0; steps < 2 * StepsOfAPass(*store); steps += 20) {
    const std::size_t now_gone = store->Expire(kStart + kHour, 20);
    EXPECT_LE(now_gone, 24u);
    gone += now_gone;
    ASSERT_EQ(store->Totals().peers, kTorrents - gone);
  }
  EXPECT_EQ(gone, kTorrents);
  ExpectTotalsAreARecount(*store);
}

TEST_P(SwarmStoreConformance, AHugeSwarmTakesSeveralSteps) {
  for (const AddressFamily family : kBothFamilies) {
    const auto store = Make();
    const InfoHash hash = TestHash(1);
    constexpr std::uint32_t kPeers = 8000;
    for (std::uint32_t i = 0; i < kPeers; ++i)
      Announce(*store, {.hash = hash, .peer = TestPeer(i, family), .state = MixedState(i)},
               i % 2 == 0 ? kStart : kStart + 20 * kMinute);
    std::size_t gone = 0;
    std::size_t calls = 0;
    for (; gone < kPeers / 2 && calls < 10'000; ++calls) {
      const std::size_t now_gone = store->Expire(kStart + 20 * kMinute, 1);
      EXPECT_LE(now_gone, 500u) << "one step must stay short";
      gone += now_gone;
      if (calls % 32 == 0) {
        ExpectTotalsAreARecount(*store);
      }
    }
    EXPECT_EQ(gone, kPeers / 2);
    EXPECT_GT(calls, 20u);
    // The rest goes in one pass, the swarm with it.
    EXPECT_EQ(ExpireAll(*store, kStart + kHour), kPeers / 2);
    EXPECT_EQ(store->Count(hash), std::nullopt);
  }
}

TEST_P(SwarmStoreConformance, AnnouncesBetweenTheStepsOfASweepAreSafe) {
  const auto store = Make();
  const InfoHash hash = TestHash(1);
  constexpr std::uint32_t kPeers = 3000;
  Instant now = kStart;
  Random random(5);
  for (int round = 0; round < 40; ++round) {
    now += kMinute * 5;
    // In waves the swarm grows to thousands and dies down to nothing.
    const std::uint32_t joins = round % 10 < 5 ? 700 : 10;
    for (std::uint32_t i = 0; i < joins; ++i) {
      const std::uint32_t n = random.Below(kPeers);
      Announce(*store, {.hash = hash, .peer = TestPeer(n, MixedFamily(n)), .state = MixedState(i)},
               now);
      if (i % 10 == 0) store->Expire(now - 15 * kMinute, 1);
    }
    ExpectTotalsAreARecount(*store);
    // Two passes: a peer may have moved past the sweep while it was under way.
    ExpireAll(*store, now - 15 * kMinute);
    ExpireAll(*store, now - 15 * kMinute);
    const StoreImage image = ImageOf(*store);
    EXPECT_EQ(image.fault, "");
    for (const auto& [peer, record] : image.swarms.at(hash).peers)
      EXPECT_GE(record.last_seen, now - 15 * kMinute);
  }
}

TEST_P(SwarmStoreConformance, AgesAreToldToTheStoresResolution) {
  for (const Seconds timeout : {Seconds(45 * 60), Seconds(3600), Seconds(2 * 3600),
                                Seconds(24 * 3600), Seconds(30 * 24 * 3600)}) {
    const auto store = Make({.peer_timeout = timeout});
    const Seconds resolution = ResolutionFor(timeout);
    Random random(6);
    std::map<Endpoint, Instant> seen;
    Instant now = kStart;
    for (std::uint32_t i = 0; i < 500; ++i) {
      now = kStart + Seconds(static_cast<std::int64_t>(i) * timeout.count() / 500);
      const std::uint32_t n = random.Below(400);
      seen[TestPeer(n)] = now;
      Announce(*store, {.hash = TestHash(1), .peer = TestPeer(n), .state = MixedState(i)}, now);
    }
    for (const auto& [peer, record] : PeersOf(*store, TestHash(1))) {
      EXPECT_LE(record.last_seen, seen[peer]);
      EXPECT_GT(record.last_seen, seen[peer] - resolution) << "timeout " << timeout.count();
    }
    // Those that have not been seen for the timeout go, give or take a step of the resolution.
    for (const double part : {0.25, 0.5, 0.9}) {
      const Instant before =
          kStart + Seconds(static_cast<std::int64_t>(part * static_cast<double>(timeout.count())));
      ExpireAll(*store, before);
      const StoreImage image = ImageOf(*store);
      const auto& left = image.swarms.at(TestHash(1)).peers;
      for (const auto& [peer, at] : seen) {
        if (at >= before) {
          EXPECT_TRUE(left.contains(peer)) << "forgotten too early";
        }
        if (at < before - resolution) {
          EXPECT_FALSE(left.contains(peer)) << "not forgotten";
        }
      }
    }
  }
}

TEST_P(SwarmStoreConformance, AgesAreRightAsLongAsTheSweepComesByOnceInATimeout) {
  for (const Seconds timeout : {Seconds(45 * 60), Seconds(3600), Seconds(24 * 3600)}) {
    const auto store = Make({.peer_timeout = timeout});
    const Seconds resolution = ResolutionFor(timeout);
    Announce(*store, {.hash = TestHash(1), .peer = TestPeer(1)}, kStart);
    // A pass that just does not forget the peer yet, and the last moment before the next.
    EXPECT_EQ(ExpireAll(*store, kStart), 0u);
    const Instant late = kStart + 2 * timeout - 2 * resolution;
    Announce(*store, {.hash = TestHash(1), .peer = TestPeer(2)}, late);
    const auto peers = PeersOf(*store, TestHash(1));
    EXPECT_EQ(peers.at(TestPeer(1)).last_seen, kStart);
    EXPECT_GT(peers.at(TestPeer(2)).last_seen, late - resolution);
    EXPECT_EQ(ExpireAll(*store, late - timeout), 1u);
    EXPECT_EQ(PeersOf(*store, TestHash(1)).count(TestPeer(2)), 1u);
  }
}

TEST_P(SwarmStoreConformance, ASweepThatComesLateForgetsAllTheSame) {
  // The machine slept, or nobody called: however long it was.
  for (const int minutes : {46, 63, 64, 65, 75, 108, 127, 128, 129, 500, 10'000, 1'000'000}) {
    const auto store = Make();
    Fill(*store, TestHash(1), 300, true, kStart);
    Announce(*store, {.hash = TestHash(2), .peer = TestPeer(1)}, kStart);
    EXPECT_EQ(ExpireAll(*store, kStart + minutes * kMinute), 301u) << minutes;
  }
}

TEST_P(SwarmStoreConformance, ExpireTakesAnyTimeUpToNow) {
  for (const int minutes : {1, 30, 60, 85, 100}) {
    const auto store = Make();
    Announce(*store, {.hash = TestHash(1), .peer = TestPeer(1)}, kStart);
    const Instant now = kStart + minutes * kMinute;
    Announce(*store, {.hash = TestHash(1), .peer = TestPeer(2)}, now);
    EXPECT_EQ(ExpireAll(*store, kStart), 0u);
    EXPECT_EQ(ExpireAll(*store, now), 1u) << "all but those of this minute";
    EXPECT_EQ(ExpireAll(*store, now + kMinute), 1u) << "everyone";
  }
}

TEST_P(SwarmStoreConformance, TimeMayBeginAnywhere) {
  for (const Instant start :
       {InstantFromUnixSeconds(0), InstantFromUnixSeconds(59),
        InstantFromUnixSeconds(-1'000'000'000), InstantFromUnixSeconds(4'000'000'000)}) {
    SCOPED_TRACE(start.time_since_epoch().count());
    const auto store = Make();
    const InfoHash hash = TestHash(1);
    Announce(*store, {.hash = hash, .peer = TestPeer(1)}, start);
    Announce(*store,
             {.hash = hash, .peer = TestPeer(2), .state = PeerState::kSeeder, .completed = true},
             start + kMinute);
    for (const auto& [peer, record] : PeersOf(*store, hash)) {
      const Instant seen = peer == TestPeer(1) ? start : start + kMinute;
      EXPECT_LE(record.last_seen, seen);
      EXPECT_GT(record.last_seen, seen - kMinute);
    }
    EXPECT_EQ(ExpireAll(*store, start - 45 * kMinute), 0u);
    EXPECT_EQ(ExpireAll(*store, start + 2 * kMinute), 2u);
    for (const int minutes : {-45, 2, 24 * 60}) {
      ExpireAll(*store, start + minutes * kMinute);
      EXPECT_EQ(store->Count(hash), (SwarmCounts{.completed = 1})) << "kept for a day";
    }
    ExpireAll(*store, start + (24 * 60 + 4) * kMinute);
    EXPECT_EQ(store->Count(hash), std::nullopt);
  }
}

TEST_P(SwarmStoreConformance, ACompletedCountIsKeptForAWhileAfterTheLastPeer) {
  constexpr Seconds kKeep = 3 * kHour;
  // The last peer stops, or is forgotten.
  for (const bool stops : {false, true}) {
    for (const std::uint32_t size : {1u, 3u, 4u, 40u, 300u}) {
      const auto store = Make({.keep_completed = kKeep});
      const InfoHash hash = TestHash(size);
      for (std::uint32_t i = 0; i < size; ++i) {
        Announce(
            *store,
            {.hash = hash, .peer = TestPeer(i), .state = PeerState::kSeeder, .completed = true});
      }
      Announce(*store, {.hash = TestHash(0), .peer = TestPeer(1)});
      const Instant left = kStart + 10 * kMinute;
      for (std::uint32_t i = 0; stops && i < size; ++i) {
        Announce(*store, {.hash = hash, .peer = TestPeer(i), .state = PeerState::kStopped}, left);
      }
      EXPECT_EQ(ExpireAll(*store, left), stops ? 1u : size + 1);
      EXPECT_EQ(store->Count(TestHash(0)), std::nullopt) << "nothing to keep";
      EXPECT_EQ(store->Count(hash), (SwarmCounts{.completed = size}));
      ExpireAll(*store, left + kKeep - kMinute);
      EXPECT_EQ(store->Count(hash), (SwarmCounts{.completed = size}));
      EXPECT_EQ(PeersOf(*store, hash).size(), 0u);
      ExpireAll(*store, left + kKeep + 2 * kMinute);
      EXPECT_EQ(store->Count(hash), std::nullopt);
      EXPECT_EQ(store->Totals().torrents, 0u);
    }
  }
}

TEST_P(SwarmStoreConformance, ASwarmThatComesBackKeepsItsCompletedCountAnew) {
  constexpr Seconds kKeep = kHour;
  const auto store = Make({.keep_completed = kKeep});
  const InfoHash hash = TestHash(1);
  const auto visit = [&](Instant now) {
    Announce(*store,
             {.hash = hash, .peer = TestPeer(1), .state = PeerState::kSeeder, .completed = true},
             now);
    Announce(*store, {.hash = hash, .peer = TestPeer(1), .state = PeerState::kStopped}, now);
  };
  visit(kStart);
  visit(kStart + 50 * kMinute);
  ExpireAll(*store, kStart + 100 * kMinute);
  EXPECT_EQ(store->Count(hash), (SwarmCounts{.completed = 2}));
  ExpireAll(*store, kStart + 120 * kMinute);
  EXPECT_EQ(store->Count(hash), std::nullopt);
}

TEST_P(SwarmStoreConformance, ExpiryMakesRoomInAFullStore) {
  const auto store = Make({.max_torrents = 2, .max_peers = 4});
  if (store == nullptr) GTEST_SKIP() << "a store without limits";
  for (std::uint32_t i = 0; i < 4; ++i)
    Announce(*store, {.hash = TestHash(i / 2), .peer = TestPeer(i)});
  const Ask ask{.hash = TestHash(7), .peer = TestPeer(7)};
  EXPECT_EQ(Announce(*store, ask).counts.peers(), 0u);
  ExpireAll(*store, kStart + kMinute);
  EXPECT_EQ(Announce(*store, ask, kStart + kMinute).counts.peers(), 1u);
}

}  // namespace muster::testing_swarm

#endif  // MUSTER_TESTS_SWARM_CONFORMANCE_TIME_H_
