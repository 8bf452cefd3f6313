// SPDX-License-Identifier: Apache-2.0
//
// Who is in a swarm, what is counted, what is told to the observer. Part of conformance.h.
#ifndef MUSTER_TESTS_SWARM_CONFORMANCE_MEMBERSHIP_H_
#define MUSTER_TESTS_SWARM_CONFORMANCE_MEMBERSHIP_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "swarm/conformance.h"

namespace muster::testing_swarm {

inline SwarmCounts CountsOf(PeerState state, std::uint32_t completed = 0) {
  SwarmCounts counts{.completed = completed};
  if (state == PeerState::kSeeder) counts.seeders = 1;
  if (state == PeerState::kPartialSeeder) counts.partial_seeders = 1;
  if (state == PeerState::kDownloader) counts.downloaders = 1;
  return counts;
}

inline void ExpectTotalsAreARecount(const SwarmStore& store) {
  const StoreImage image = ImageOf(store);
  EXPECT_EQ(image.fault, "");
  const StoreTotals recount = image.Recount();
  const StoreTotals totals = store.Totals();
  EXPECT_EQ(totals.torrents, recount.torrents);
  EXPECT_EQ(totals.peers, recount.peers);
  EXPECT_EQ(totals.seeders, recount.seeders);
  EXPECT_EQ(totals.ipv6_peers, recount.ipv6_peers);
}

class DeltaLog final : public SwarmObserver {
 public:
  void OnDelta(const SwarmDelta& delta) override { deltas.push_back(delta); }
  std::vector<SwarmDelta> deltas;
};

// --- a peer is an endpoint ---

TEST_P(SwarmStoreConformance, TwoAnnouncesFromOneEndpointAreOnePeer) {
  const auto store = Make();
  for (const AddressFamily family : kBothFamilies) {
    const InfoHash hash = TestHash(static_cast<std::uint64_t>(family));
    const Ask ask{.hash = hash, .peer = TestPeer(7, family)};
    EXPECT_EQ(Announce(*store, ask).counts, CountsOf(PeerState::kDownloader));
    EXPECT_EQ(Announce(*store, ask).counts, CountsOf(PeerState::kDownloader));
    Ask other_id = ask;
    if (!GetParam().peers_by_id) other_id.id = PeerId();
    EXPECT_EQ(Announce(*store, other_id).counts, CountsOf(PeerState::kDownloader));
    EXPECT_EQ(store->Count(hash), CountsOf(PeerState::kDownloader));
  }
  ExpectTotalsAreARecount(*store);
}

TEST_P(SwarmStoreConformance, EndpointsThatDifferInPortOrAddressOrFamilyAloneAreDifferentPeers) {
  const auto store = Make();
  const InfoHash hash = TestHash(1);
  std::uint32_t peers = 0;
  for (const char* peer : {"192.0.2.1:6881", "192.0.2.1:6882", "192.0.2.1:7137", "192.0.2.2:6881",
                           "193.0.2.1:6881", "[2001:db8::1]:6881", "[2001:db8::1]:6882",
                           "[2001:db8::2]:6881", "[3001:db8::1]:6881", "[::c000:201]:6881"}) {
    EXPECT_EQ(
        Announce(*store, {.hash = hash, .peer = Endpoint::Parse(peer).value()}).counts.downloaders,
        ++peers)
        << peer;
  }
  ExpectTotalsAreARecount(*store);
}

TEST_P(SwarmStoreConformance, TheLastStateOfAPeerCounts) {
  const auto store = Make();
  for (const AddressFamily family : kBothFamilies) {
    for (const std::uint32_t size : kSizes) {
      const InfoHash hash = TestHash(size * 2 + static_cast<std::uint32_t>(family));
      for (std::uint32_t i = 0; i < size; ++i)
        Announce(*store, {.hash = hash, .peer = TestPeer(i, family)});
      for (const PeerState from : kStayingStates) {
        for (const PeerState to : kStayingStates) {
          const Endpoint peer = TestPeer(size / 2, family);
          Announce(*store, {.hash = hash, .peer = peer, .state = from});
          SwarmCounts expected = CountsOf(to);
          expected.downloaders += size - 1;
          EXPECT_EQ(Announce(*store, {.hash = hash, .peer = peer, .state = to}).counts, expected);
          EXPECT_EQ(store->Count(hash), expected);
        }
      }
    }
  }
  ExpectTotalsAreARecount(*store);
}

TEST_P(SwarmStoreConformance, TorrentsHaveNothingToDoWithEachOther) {
  const auto store = Make();
  for (std::uint64_t t = 0; t < 3000; ++t) {
    Announce(*store, {.hash = TestHash(t), .peer = TestPeer(1), .state = MixedState(t % 6)});
  }
  // Two that differ in the last bit only, and two in the first.
  const InfoHash near[] = {InfoHash::FromHex("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa").value(),
                           InfoHash::FromHex("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab").value(),
                           InfoHash::FromHex("2aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa").value()};
  for (const InfoHash& hash : near)
    EXPECT_EQ(Announce(*store, {.hash = hash, .peer = TestPeer(1)}).counts.peers(), 1u);
  for (std::uint64_t t = 0; t < 3000; t += 2)
    Announce(*store, {.hash = TestHash(t), .peer = TestPeer(1), .state = PeerState::kStopped});
  for (std::uint64_t t = 0; t < 3000; ++t) {
    if (t % 2 == 0) {
      EXPECT_EQ(store->Count(TestHash(t)), std::nullopt) << t;
    } else {
      EXPECT_EQ(store->Count(TestHash(t)), CountsOf(MixedState(t % 6))) << t;
    }
  }
  for (const InfoHash& hash : near) EXPECT_EQ(store->Count(hash), CountsOf(PeerState::kDownloader));
  ExpectTotalsAreARecount(*store);
}

TEST_P(SwarmStoreConformance, FamiliesShareASwarmAndItsCounts) {
  const auto store = Make();
  for (const std::uint32_t size : kSizes) {
    const InfoHash hash = TestHash(size);
    for (std::uint32_t i = 0; i < size; ++i) {
      for (const AddressFamily family : kBothFamilies)
        Announce(*store, {.hash = hash, .peer = TestPeer(i, family)});
    }
    EXPECT_EQ(store->Count(hash), (SwarmCounts{.downloaders = 2 * size}));
    const Answer answer =
        Announce(*store, {.hash = hash, .peer = TestPeer(0), .wanted = 1000, .random = size});
    EXPECT_EQ(answer.peers.size(), std::min(1000u, 2 * size - 1));
    if (size > 1) {
      EXPECT_GT(answer.Count(AddressFamily::kIpv4), 0u);
    }
    EXPECT_GT(answer.Count(AddressFamily::kIpv6), 0u);
  }
  ExpectTotalsAreARecount(*store);
}

// --- counts follow from states ---

TEST_P(SwarmStoreConformance, CountsFollowFromStatesWhileASwarmGrowsAndShrinks) {
  for (const bool mixed : {false, true}) {
    const auto store = Make();
    const InfoHash hash = TestHash(1);
    constexpr std::uint32_t kMost = 1000;
    SwarmCounts expected;
    const auto part = [&expected](std::uint32_t i) -> std::uint32_t& {
      return MixedState(i) == PeerState::kSeeder          ? expected.seeders
             : MixedState(i) == PeerState::kPartialSeeder ? expected.partial_seeders
                                                          : expected.downloaders;
    };
    const auto peer = [mixed](std::uint32_t i) {
      return TestPeer(i, mixed ? MixedFamily(i) : AddressFamily::kIpv4);
    };
    for (std::uint32_t i = 0; i < kMost; ++i) {
      ++part(i);
      ASSERT_EQ(Announce(*store, {.hash = hash, .peer = peer(i), .state = MixedState(i)}).counts,
                expected);
    }
    for (std::uint32_t i = 0; i + 1 < kMost; ++i) {
      --part(i);
      ASSERT_EQ(
          Announce(*store, {.hash = hash, .peer = peer(i), .state = PeerState::kStopped}).counts,
          expected);
      if (i % 50 == 0) ExpectTotalsAreARecount(*store);
    }
    EXPECT_EQ(store->Count(hash), expected);
  }
}

TEST_P(SwarmStoreConformance, TotalsAreARecountOfAllSwarms) {
  const auto store = Make();
  ExpectTotalsAreARecount(*store);
  std::uint64_t torrent = 0;
  for (const std::uint32_t size : kSizes) {
    Fill(*store, TestHash(torrent++), size, false);
    Fill(*store, TestHash(torrent++), size, true);
  }
  ExpectTotalsAreARecount(*store);
  EXPECT_EQ(store->Totals().torrents, 2 * kSizes.size());
  EXPECT_GT(store->Totals().bytes, 0u);
  // One more announce of each changes roles only.
  for (std::uint32_t i = 0; i < 1200; ++i) {
    Announce(*store, {.hash = TestHash(torrent - 1),
                      .peer = TestPeer(i, MixedFamily(i)),
                      .state = MixedState(i + 1)});
  }
  ExpectTotalsAreARecount(*store);
}

// --- completed ---

TEST_P(SwarmStoreConformance, CompletedGrowsByOneForAPeerWhileItIsRemembered) {
  const auto store = Make();
  for (const AddressFamily family : kBothFamilies) {
    for (const std::uint32_t size : kSizes) {
      const InfoHash hash = TestHash(size * 2 + static_cast<std::uint32_t>(family));
      for (std::uint32_t i = 0; i < size; ++i)
        Announce(*store, {.hash = hash, .peer = TestPeer(i, family)});
      const Endpoint peer = TestPeer(size / 2, family);
      const auto completed = [&](PeerState state, bool says_so) {
        return Announce(*store, {.hash = hash, .peer = peer, .state = state, .completed = says_so})
            .counts.completed;
      };
      EXPECT_EQ(completed(PeerState::kSeeder, true), 1u);
      EXPECT_EQ(completed(PeerState::kSeeder, true), 1u) << "a repeated announce";
      EXPECT_EQ(completed(PeerState::kDownloader, false), 1u) << "it lost a file";
      EXPECT_EQ(completed(PeerState::kSeeder, true), 1u) << "and has it again";
      EXPECT_EQ(completed(PeerState::kPartialSeeder, false), 1u);
      EXPECT_EQ(completed(PeerState::kSeeder, true), 1u);
    }
  }
}

TEST_P(SwarmStoreConformance, CompletedGrowsOnlyTogetherWithKSeeder) {
  const auto store = Make();
  const InfoHash hash = TestHash(1);
  const Endpoint peer = TestPeer(1);
  for (const PeerState state : {PeerState::kPartialSeeder, PeerState::kDownloader}) {
    Announce(*store, {.hash = hash, .peer = peer, .state = state, .completed = true});
    EXPECT_EQ(store->Count(hash), CountsOf(state)) << "a completion that is none";
  }
  Announce(*store, {.hash = hash, .peer = peer, .state = PeerState::kSeeder});
  EXPECT_EQ(store->Count(hash), CountsOf(PeerState::kSeeder)) << "a seeder that did not say so";
  Announce(*store, {.hash = hash, .peer = peer, .state = PeerState::kSeeder, .completed = true});
  EXPECT_EQ(store->Count(hash), CountsOf(PeerState::kSeeder, 1));
}

TEST_P(SwarmStoreConformance, APeerThatWasForgottenMayCompleteAgain) {
  const auto store = Make();
  const InfoHash hash = TestHash(1);
  const Ask done{.hash = hash, .peer = TestPeer(1), .state = PeerState::kSeeder, .completed = true};
  EXPECT_EQ(Announce(*store, done).counts.completed, 1u);
  Announce(*store, {.hash = hash, .peer = TestPeer(1), .state = PeerState::kStopped});
  EXPECT_EQ(Announce(*store, done).counts.completed, 2u);
}

TEST_P(SwarmStoreConformance, CompletedIsTheSumOverManyPeersAtEverySize) {
  for (const bool mixed : {false, true}) {
    const auto store = Make();
    const InfoHash hash = TestHash(1);
    for (std::uint32_t i = 0; i < 700; ++i) {
      ASSERT_EQ(
          Announce(*store, {.hash = hash,
                            .peer = TestPeer(i, mixed ? MixedFamily(i) : AddressFamily::kIpv6),
                            .state = PeerState::kSeeder,
                            .completed = i % 2 == 0})
              .counts.completed,
          i / 2 + 1);
    }
    for (std::uint32_t i = 0; i < 700; ++i) {
      ASSERT_EQ(
          Announce(*store, {.hash = hash,
                            .peer = TestPeer(i, mixed ? MixedFamily(i) : AddressFamily::kIpv6),
                            .state = PeerState::kStopped})
              .counts,
          (SwarmCounts{.seeders = 699 - i, .completed = 350}));
    }
  }
}

// --- a visitor ---

TEST_P(SwarmStoreConformance, AVisitorIsAnsweredAndNotRemembered) {
  const auto store = Make();
  const Endpoint visitor = *Endpoint::Parse("192.0.2.1:0");
  EXPECT_EQ(Announce(*store, {.hash = TestHash(1), .peer = visitor, .visitor = true}).counts,
            SwarmCounts{});
  EXPECT_EQ(store->Totals().torrents, 0u);
  for (const std::uint32_t size : kSizes) {
    const InfoHash hash = TestHash(size);
    Fill(*store, hash, size, true);
    const auto before = store->Count(hash);
    const Answer answer =
        Announce(*store, {.hash = hash, .peer = visitor, .wanted = 5000, .visitor = true});
    EXPECT_EQ(answer.counts, before);
    EXPECT_EQ(answer.peers.size(), size);
    EXPECT_EQ(store->Count(hash), before);
  }
  ExpectTotalsAreARecount(*store);
}

// --- a stopped peer ---

TEST_P(SwarmStoreConformance, AStoppedPeerIsGoneWhenApplyReturns) {
  const auto store = Make();
  for (const bool mixed : {false, true}) {
    for (const std::uint32_t size : kSizes) {
      for (const std::uint32_t goes : {0u, size / 2, size - 1}) {
        const InfoHash hash = TestHash(size * 8 + goes % 4 * 2 + (mixed ? 1 : 0));
        store->Remove(hash);
        Fill(*store, hash, size, mixed);
        const Endpoint peer = TestPeer(goes, mixed ? MixedFamily(goes) : AddressFamily::kIpv4);
        const Answer answer =
            Announce(*store, {.hash = hash, .peer = peer, .state = PeerState::kStopped});
        EXPECT_EQ(answer.counts.peers(), size - 1);
        EXPECT_TRUE(answer.peers.empty());
        const Answer others = Announce(
            *store, {.hash = hash, .peer = TestPeer(1 << 20), .wanted = 2000, .room4 = 2000});
        EXPECT_EQ(others.peers.size(), size - 1);
        EXPECT_EQ(std::count(others.peers.begin(), others.peers.end(), peer), 0);
      }
    }
  }
  ExpectTotalsAreARecount(*store);
}

TEST_P(SwarmStoreConformance, AStopOfAnUnknownPeerChangesNothing) {
  const auto store = Make();
  DeltaLog log;
  const InfoHash hash = TestHash(1);
  const Ask stop{.hash = hash, .peer = TestPeer(9), .state = PeerState::kStopped};
  store->SetObserver(&log);
  EXPECT_EQ(Announce(*store, stop).counts, SwarmCounts{});
  EXPECT_EQ(store->Count(hash), std::nullopt);
  for (const std::uint32_t size : {1u, 4u, 300u}) {
    Fill(*store, hash, size, true);
    log.deltas.clear();
    const auto before = store->Count(hash);
    EXPECT_EQ(Announce(*store, {.hash = hash, .peer = TestPeer(999), .state = PeerState::kStopped})
                  .counts,
              before);
    EXPECT_EQ(Announce(*store, {.hash = hash,
                                .peer = TestPeer(999, AddressFamily::kIpv6),
                                .state = PeerState::kStopped})
                  .counts,
              before);
    EXPECT_EQ(store->Count(hash), before);
    EXPECT_TRUE(log.deltas.empty());
  }
}

TEST_P(SwarmStoreConformance, ASwarmWithoutPeersIsForgotten) {
  const auto store = Make();
  for (const bool mixed : {false, true}) {
    for (const std::uint32_t size : kSizes) {
      const InfoHash hash = TestHash(size);
      Fill(*store, hash, size, mixed);
      for (std::uint32_t i = 0; i < size; ++i) {
        Announce(*store, {.hash = hash,
                          .peer = TestPeer(i, mixed ? MixedFamily(i) : AddressFamily::kIpv4),
                          .state = PeerState::kStopped});
      }
      EXPECT_EQ(store->Count(hash), std::nullopt);
    }
  }
  EXPECT_EQ(store->Totals().torrents, 0u);
  EXPECT_EQ(store->Totals().peers, 0u);
}

TEST_P(SwarmStoreConformance, ASwarmWithoutPeersKeepsItsCompletedCountAndTakesPeersOfAnyFamily) {
  const auto store = Make();
  for (const AddressFamily first : kBothFamilies) {
    for (const AddressFamily second : kBothFamilies) {
      const InfoHash hash =
          TestHash(2 * static_cast<std::uint64_t>(first) + static_cast<std::uint64_t>(second));
      Announce(*store, {.hash = hash,
                        .peer = TestPeer(1, first),
                        .state = PeerState::kSeeder,
                        .completed = true});
      Announce(*store, {.hash = hash, .peer = TestPeer(1, first), .state = PeerState::kStopped});
      EXPECT_EQ(store->Count(hash), (SwarmCounts{.completed = 1}));
      for (std::uint32_t i = 0; i < 5; ++i) {
        EXPECT_EQ(Announce(*store, {.hash = hash, .peer = TestPeer(i, second), .wanted = 9}).counts,
                  (SwarmCounts{.downloaders = i + 1, .completed = 1}));
      }
    }
  }
  ExpectTotalsAreARecount(*store);
}

// --- Count, ForEach, Remove ---

TEST_P(SwarmStoreConformance, AnUnknownTorrentHasNoCounts) {
  const auto store = Make();
  EXPECT_EQ(store->Count(TestHash(1)), std::nullopt);
  Announce(*store, {.hash = TestHash(1), .peer = TestPeer(1)});
  EXPECT_EQ(store->Count(TestHash(2)), std::nullopt);
  EXPECT_EQ(store->Count(InfoHash()), std::nullopt);
}

TEST_P(SwarmStoreConformance, ForEachVisitsEverySwarmInAscendingOrderWithAllItsPeers) {
  const auto store = Make();
  EXPECT_TRUE(ImageOf(*store).swarms.empty());
  std::map<InfoHash, std::map<Endpoint, PeerState>> expected;
  for (std::uint64_t t = 0; t < 1500; ++t) {
    const std::uint32_t size = t < kSizes.size() ? kSizes[t] : 1 + t % 4;
    Fill(*store, TestHash(t), size, t % 2 == 0);
    for (std::uint32_t i = 0; i < size; ++i) {
      expected[TestHash(t)][TestPeer(i, t % 2 == 0 ? MixedFamily(i) : AddressFamily::kIpv4)] =
          MixedState(i);
    }
  }
  const StoreImage image = ImageOf(*store);
  EXPECT_EQ(image.fault, "");
  ASSERT_EQ(image.swarms.size(), expected.size());
  for (const auto& [hash, swarm] : image.swarms) {
    std::map<Endpoint, PeerState> states;
    for (const auto& [peer, record] : swarm.peers) states[peer] = record.state;
    EXPECT_EQ(states, expected[hash]);
  }
}

TEST_P(SwarmStoreConformance, ForEachStopsWhenTheVisitorSaysFalse) {
  const auto store = Make();
  std::set<InfoHash> hashes;
  for (std::uint64_t t = 0; t < 200; ++t) {
    hashes.insert(TestHash(t));
    Announce(*store, {.hash = TestHash(t), .peer = TestPeer(1)});
  }
  for (const std::size_t stop_after : {1, 7, 199, 200}) {
    std::vector<InfoHash> seen;
    store->ForEach([&](const SwarmView& view) {
      seen.push_back(view.info_hash());
      return seen.size() < stop_after;
    });
    EXPECT_TRUE(std::equal(seen.begin(), seen.end(), hashes.begin()));
    EXPECT_EQ(seen.size(), stop_after);
  }
}

TEST_P(SwarmStoreConformance, AWalkSeesWhatIsThereAllTheWhileOnce) {
  const auto store = Make();
  constexpr std::uint64_t kStays = 1200;
  std::set<InfoHash> stays;
  for (std::uint64_t t = 0; t < kStays; ++t) {
    stays.insert(TestHash(t));
    Announce(*store, {.hash = TestHash(t), .peer = TestPeer(1)});
    Announce(*store, {.hash = TestHash(kStays + t), .peer = TestPeer(1)});
  }
  // Between two steps, some come and others go.
  const auto cursor = store->Walk(SwarmStore::kWholeSwarms);
  std::optional<InfoHash> last;
  std::size_t seen = 0;
  std::uint64_t step = 0;
  const auto visit = [&](const SwarmView& view) {
    EXPECT_TRUE(!last.has_value() || *last < view.info_hash());
    last = view.info_hash();
    seen += stays.count(view.info_hash());
    EXPECT_EQ(view.counts().peers(), 1u);
  };
  while (VisitNext(*cursor, visit)) {
    if (step < kStays) store->Remove(TestHash(kStays + step));
    Announce(*store, {.hash = TestHash(2 * kStays + step), .peer = TestPeer(1)});
    ++step;
  }
  EXPECT_EQ(seen, kStays);
  EXPECT_EQ(cursor->Next(visit), SwarmCursor::Step::kEnd) << "it stays at its end";
}

TEST_P(SwarmStoreConformance, AWalkMissesNothingOfManySwarmsWhoseNamesBeginAlike) {
  for (const std::size_t same : {2u, 8u}) {
    const auto store = Make();
    constexpr std::uint64_t kStays = 25'000;
    std::set<InfoHash> stays;
    const auto hash_of = [same](std::uint64_t t) { return CrowdedHash(t, same); };
    const auto announce = [&](const InfoHash& hash) {
      Announce(*store, {.hash = hash, .peer = TestPeer(1), .room4 = 0, .room6 = 0});
    };
    // One that goes before each that stays, so that those that stay move.
    for (std::uint64_t t = 0; t < kStays; ++t) {
      announce(hash_of(kStays + t));
      stays.insert(hash_of(t));
      announce(hash_of(t));
    }
    std::uint64_t gone = 0;
    std::uint64_t come = 0;
    const auto change = [&](std::uint64_t n) {
      for (; n > 0 && gone < kStays; --n) {
        store->Remove(hash_of(kStays + gone++));
        if (n % 2 == 0) announce(hash_of(2 * kStays + come++));
      }
    };
    std::optional<InfoHash> last;
    auto next = stays.begin();
    const auto visit = [&](const SwarmView& view) {
      const InfoHash& hash = view.info_hash();
      EXPECT_TRUE(!last.has_value() || *last < hash);
      last = hash;
      EXPECT_TRUE(next == stays.end() || hash <= *next) << *next << " was missed";
      if (next != stays.end() && hash == *next) ++next;
    };
    const auto cursor = store->Walk(SwarmStore::kWholeSwarms);
    std::uint64_t calls = 0;
    for (auto step = SwarmCursor::Step::kVisited; step != SwarmCursor::Step::kEnd; ++calls) {
      step = cursor->Next(visit);
      if (step == SwarmCursor::Step::kPrepared) change(100);
      if (calls % 8 == 0) change(4);
    }
    EXPECT_TRUE(next == stays.end()) << *next << " was missed";
  }
}

TEST_P(SwarmStoreConformance, AWalkPassesOverSwarmsThatAllHaveGone) {
  const auto store = Make();
  constexpr std::uint64_t kGoing = 3000;
  for (std::uint64_t t = 0; t < kGoing; ++t)
    Announce(*store, {.hash = CrowdedHash(t), .peer = TestPeer(1)});
  const auto last = *InfoHash::FromHex(std::string(40, 'f'));
  Announce(*store, {.hash = last, .peer = TestPeer(1)});
  std::vector<InfoHash> seen;
  const auto visit = [&](const SwarmView& view) { seen.push_back(view.info_hash()); };
  const auto cursor = store->Walk(SwarmStore::kWholeSwarms);
  EXPECT_TRUE(VisitNext(*cursor, visit));
  for (std::uint64_t t = 0; t < kGoing; ++t) store->Remove(CrowdedHash(t));
  EXPECT_TRUE(VisitNext(*cursor, visit));
  EXPECT_FALSE(VisitNext(*cursor, visit));
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[1], last);
}

TEST_P(SwarmStoreConformance, AWalkShowsASwarmAsItIsWhenItIsSeen) {
  const auto store = Make();
  for (std::uint64_t t = 0; t < 50; ++t)
    Announce(*store, {.hash = TestHash(t), .peer = TestPeer(1)});
  const auto cursor = store->Walk(SwarmStore::kWholeSwarms);
  for (std::uint32_t step = 0; step < 50; ++step) {
    ASSERT_TRUE(VisitNext(
        *cursor, [&](const SwarmView& view) { EXPECT_EQ(view.counts().downloaders, step + 1); }));
    for (std::uint64_t t = 0; t < 50; ++t)
      Announce(*store, {.hash = TestHash(t), .peer = TestPeer(step + 2)});
  }
}

TEST_P(SwarmStoreConformance, SaysWhenThePeerWasSeenLast) {
  const auto store = Make();
  DeltaLog log;
  store->SetObserver(&log);
  for (const std::uint32_t size : kSizes) {
    const InfoHash hash = TestHash(size);
    Fill(*store, hash, size, /*mixed=*/true);
    const Endpoint peer = TestPeer(size - 1, MixedFamily(size - 1));
    const auto minutes_at = [&](Instant now, PeerState state) {
      std::int32_t minutes = -1;
      PeerBatch nobody({}, {});
      store->Apply({.info_hash = hash,
                    .peer = peer,
                    .peer_id = TestId(peer),
                    .state = state,
                    .minutes_since_seen = &minutes,
                    .replicated = state == PeerState::kSeeder},
                   now, nobody);
      EXPECT_EQ(log.deltas.back().minutes_since_seen, minutes);
      EXPECT_EQ(log.deltas.back().replicated, state == PeerState::kSeeder);
      return minutes;
    };
    EXPECT_EQ(minutes_at(kStart, PeerState::kDownloader), 0) << size;
    EXPECT_EQ(minutes_at(kStart + 7 * kMinute, PeerState::kSeeder), 7) << size;
    EXPECT_EQ(minutes_at(kStart + 30 * kMinute, PeerState::kSeeder), 23) << size;
    EXPECT_EQ(minutes_at(kStart + 31 * kMinute, PeerState::kStopped), -1) << size;
    EXPECT_EQ(minutes_at(kStart + 31 * kMinute, PeerState::kSeeder), -1) << "it is new again";
  }
}

TEST_P(SwarmStoreConformance, CountsDownloadsOfTorrentsThatAreGoneToo) {
  const auto store = Make();
  for (std::uint64_t t = 0; t < 5; ++t) {
    Announce(
        *store,
        {.hash = TestHash(t), .peer = TestPeer(1), .state = PeerState::kSeeder, .completed = true});
    Announce(
        *store,
        {.hash = TestHash(t), .peer = TestPeer(1), .state = PeerState::kSeeder, .completed = true});
  }
  store->Remove(TestHash(1));
  EXPECT_EQ(store->Totals().completed, 5u);
}

TEST_P(SwarmStoreConformance, RemoveForgetsASwarmWithItsPeersAndItsCounts) {
  const auto store = Make();
  EXPECT_FALSE(store->Remove(TestHash(1)));
  for (const bool mixed : {false, true}) {
    for (const std::uint32_t size : kSizes) {
      const InfoHash hash = TestHash(size);
      Fill(*store, hash, size, mixed);
      Announce(*store,
               {.hash = hash, .peer = TestPeer(0), .state = PeerState::kSeeder, .completed = true});
      Fill(*store, TestHash(9), 2, mixed);
      EXPECT_TRUE(store->Remove(hash));
      EXPECT_EQ(store->Count(hash), std::nullopt);
      EXPECT_FALSE(store->Remove(hash));
      EXPECT_NE(store->Count(TestHash(9)), std::nullopt);
      ExpectTotalsAreARecount(*store);
    }
  }
  EXPECT_TRUE(store->Remove(TestHash(9)));
  EXPECT_EQ(store->Totals().torrents, 0u);
  EXPECT_EQ(store->Totals().peers, 0u);
  EXPECT_EQ(store->Totals().seeders, 0u);
}

TEST_P(SwarmStoreConformance, PrefetchIsAHintOnly) {
  const auto store = Make();
  Fill(*store, TestHash(1), 300, true);
  Fill(*store, TestHash(2), 20, true);
  Fill(*store, TestHash(3), 2, true);
  std::vector<InfoHash> hashes;
  for (std::uint64_t t = 0; t < 200; ++t) hashes.push_back(TestHash(t));
  const Endpoint peers[] = {TestPeer(7), TestPeer(7, AddressFamily::kIpv6)};
  std::vector<SwarmHint> coming;
  for (const InfoHash& hash : hashes) {
    coming.push_back({hash.data()});
    for (const Endpoint& peer : peers) coming.push_back({hash.data(), &peer});
  }
  const auto before = ImageOf(*store).swarms;
  store->Prefetch({});
  store->Prefetch(coming);
  EXPECT_EQ(ImageOf(*store).swarms, before);
}

// --- limits ---

TEST_P(SwarmStoreConformance, AStoreWithItsFillOfPeersAnswersButDoesNotRememberMore) {
  for (const bool mixed : {false, true}) {
    for (const std::uint32_t size : {2u, 20u, 300u}) {
      const auto store = Make({.max_peers = size + 1});
      if (store == nullptr) GTEST_SKIP() << "a store without limits";
      DeltaLog log;
      const InfoHash hash = TestHash(1);
      Fill(*store, hash, size, mixed);
      Announce(*store, {.hash = TestHash(2), .peer = TestPeer(0)});
      store->SetObserver(&log);
      const auto counts = store->Count(hash);
      const auto family = mixed ? AddressFamily::kIpv6 : AddressFamily::kIpv4;

      for (const PeerState state : kStayingStates) {
        const Answer stranger = Announce(*store, {.hash = hash,
                                                  .peer = TestPeer(5000, family),
                                                  .state = state,
                                                  .completed = true,
                                                  .wanted = 1000});
        EXPECT_EQ(stranger.counts, counts);
        EXPECT_EQ(stranger.peers.size(),
                  state == PeerState::kDownloader ? size : counts->downloaders);
      }
      EXPECT_EQ(store->Count(hash), counts);
      EXPECT_EQ(Announce(*store, {.hash = TestHash(3), .peer = TestPeer(1)}).counts.peers(), 0u);
      EXPECT_EQ(store->Count(TestHash(3)), std::nullopt) << "nor a swarm that would be empty";
      EXPECT_TRUE(log.deltas.empty()) << "what is not remembered is not told";

      // Those who are there go on; each who goes makes room for one.
      EXPECT_EQ(
          Announce(
              *store,
              {.hash = hash, .peer = TestPeer(1), .state = PeerState::kSeeder, .completed = true})
              .counts.completed,
          1u);
      Announce(*store, {.hash = TestHash(2), .peer = TestPeer(0), .state = PeerState::kStopped});
      EXPECT_EQ(Announce(*store, {.hash = hash, .peer = TestPeer(5000, family)}).counts.peers(),
                size + 1);
      EXPECT_EQ(Announce(*store, {.hash = hash, .peer = TestPeer(5001, family)}).counts.peers(),
                size + 1);
      ExpectTotalsAreARecount(*store);
      EXPECT_TRUE(store->Remove(hash));
      EXPECT_EQ(Announce(*store, {.hash = hash, .peer = TestPeer(5001, family)}).counts.peers(),
                1u);
    }
  }
}

TEST_P(SwarmStoreConformance, AStoreWithItsFillOfTorrentsAnswersButDoesNotRememberMore) {
  const auto store = Make({.max_torrents = 3});
  if (store == nullptr) GTEST_SKIP() << "a store without limits";
  for (std::uint64_t t = 0; t < 5; ++t) {
    EXPECT_EQ(
        Announce(*store, {.hash = TestHash(t), .peer = TestPeer(1), .wanted = 5}).counts.peers(),
        t < 3 ? 1u : 0u);
  }
  EXPECT_EQ(store->Totals().torrents, 3u);
  EXPECT_EQ(Announce(*store, {.hash = TestHash(2), .peer = TestPeer(2)}).counts.peers(), 2u);
  Announce(*store, {.hash = TestHash(0), .peer = TestPeer(1), .state = PeerState::kStopped});
  EXPECT_EQ(Announce(*store, {.hash = TestHash(4), .peer = TestPeer(1)}).counts.peers(), 1u);
  EXPECT_EQ(Announce(*store, {.hash = TestHash(5), .peer = TestPeer(1)}).counts.peers(), 0u);
  EXPECT_TRUE(store->Remove(TestHash(1)));
  EXPECT_EQ(Announce(*store, {.hash = TestHash(5), .peer = TestPeer(1)}).counts.peers(), 1u);
  ExpectTotalsAreARecount(*store);
}

// --- peer ids ---

TEST_P(SwarmStoreConformance, PeerIdsStayWithTheirPeersAtEverySize) {
  const auto store = Make({.keep_peer_ids = true});
  if (store == nullptr) GTEST_SKIP() << "a store without peer ids";
  for (const bool mixed : {false, true}) {
    const InfoHash hash = TestHash(mixed ? 1 : 2);
    constexpr std::uint32_t kMost = 600;
    const auto peer = [mixed](std::uint32_t i) {
      return TestPeer(i, mixed ? MixedFamily(i) : AddressFamily::kIpv4);
    };
    const auto check = [&](const Answer& answer) {
      ASSERT_EQ(answer.ids.size(), answer.peers.size());
      for (std::size_t i = 0; i < answer.peers.size(); ++i)
        ASSERT_EQ(answer.ids[i], TestId(answer.peers[i])) << answer.peers[i];
    };
    Random random(7);
    for (std::uint32_t i = 0; i < kMost; ++i) {
      check(Announce(*store, {.hash = hash,
                              .peer = peer(i),
                              .state = MixedState(i),
                              .wanted = i % 7 == 0 ? 1000u : 30u,
                              .random = random.Next(),
                              .want_ids = true}));
    }
    // Roles change, and some go: the others keep their own.
    for (std::uint32_t i = 0; i < kMost; ++i) {
      const Ask ask{.hash = hash,
                    .peer = peer(i),
                    .state = i % 3 == 0 ? PeerState::kStopped : MixedState(i + 1),
                    .wanted = 50,
                    .random = random.Next(),
                    .want_ids = true};
      check(Announce(*store, ask));
    }
    const auto left = PeersOf(*store, hash);
    EXPECT_EQ(left.size(), kMost - kMost / 3);
    for (const auto& [endpoint, record] : left) EXPECT_EQ(record.id, TestId(endpoint));
    // And down to one.
    for (std::uint32_t i = 0; i + 1 < kMost; ++i)
      Announce(*store, {.hash = hash, .peer = peer(i), .state = PeerState::kStopped});
    check(
        Announce(*store, {.hash = hash, .peer = TestPeer(1 << 20), .wanted = 5, .want_ids = true}));
  }
}

TEST_P(SwarmStoreConformance, ANewPeerIdOfAPeerTakesThePlaceOfTheOld) {
  if (GetParam().peers_by_id) GTEST_SKIP() << "another id is another peer";
  const auto store = Make({.keep_peer_ids = true});
  if (store == nullptr) GTEST_SKIP() << "a store without peer ids";
  for (const std::uint32_t size : kSizes) {
    const InfoHash hash = TestHash(size);
    Fill(*store, hash, size, true);
    const PeerId fresh = PeerId::FromText("-TR4000-abcdefghijkl").value();
    const Endpoint peer = TestPeer(size - 1, MixedFamily(size - 1));
    Announce(*store, {.hash = hash, .peer = peer, .state = MixedState(size - 1), .id = fresh});
    EXPECT_EQ(PeersOf(*store, hash).at(peer).id, fresh);
  }
}

TEST_P(SwarmStoreConformance, AStoreThatKeepsNoPeerIdsGivesNone) {
  const auto store = Make();
  Fill(*store, TestHash(1), 10, true);
  const bool keeps = PeersOf(*store, TestHash(1)).begin()->second.id.has_value();
  const Answer answer =
      Announce(*store, {.hash = TestHash(1), .peer = TestPeer(99), .wanted = 50, .want_ids = true});
  EXPECT_EQ(answer.peers.size(), 10u);
  EXPECT_EQ(answer.ids.size(), keeps ? 10u : 0u);
  for (const auto& [peer, record] : PeersOf(*store, TestHash(1)))
    EXPECT_EQ(record.id.has_value(), keeps);
}

// --- deltas ---

TEST_P(SwarmStoreConformance, ADeltaSaysWhatWasAccepted) {
  const auto store = Make();
  DeltaLog log;
  store->SetObserver(&log);
  const InfoHash hash = TestHash(1);
  const Endpoint peer = TestPeer(3, AddressFamily::kIpv6);
  Announce(*store, {.hash = hash, .peer = peer}, kStart);
  Announce(*store, {.hash = hash, .peer = peer, .state = PeerState::kSeeder, .completed = true},
           kStart + kMinute);
  Announce(*store, {.hash = hash, .peer = peer, .state = PeerState::kSeeder, .completed = true},
           kStart + 2 * kMinute);
  Announce(*store, {.hash = hash, .peer = peer, .state = PeerState::kStopped},
           kStart + 3 * kMinute);
  ASSERT_EQ(log.deltas.size(), 4u);
  const PeerState states[] = {PeerState::kDownloader, PeerState::kSeeder, PeerState::kSeeder,
                              PeerState::kStopped};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(log.deltas[i].info_hash, hash);
    EXPECT_EQ(log.deltas[i].peer, peer);
    EXPECT_EQ(log.deltas[i].peer_id, TestId(peer));
    EXPECT_EQ(log.deltas[i].state, states[i]);
    EXPECT_EQ(log.deltas[i].completed, i == 1) << "the one that counted";
    EXPECT_EQ(log.deltas[i].time, kStart + static_cast<int>(i) * kMinute);
  }
}

TEST_P(SwarmStoreConformance, DeltasReplayedIntoAnEmptyStoreGiveTheSameSwarms) {
  const auto store = Make();
  const auto copy = Make();
  DeltaLog log;
  store->SetObserver(&log);
  Random random(11);
  Instant now = kStart;
  for (int i = 0; i < 20'000; ++i) {
    if (i % 500 == 0) now += kMinute;
    // A huge, a middling and some small swarms.
    const std::uint32_t torrent = random.Below(6);
    const std::uint32_t pool = torrent == 0 ? 3000 : torrent == 1 ? 300 : 5;
    const std::uint32_t n = random.Below(pool);
    const std::uint32_t what = random.Below(8);
    Announce(*store,
             {.hash = TestHash(torrent),
              .peer = TestPeer(n, MixedFamily(n)),
              .state = what == 0 ? PeerState::kStopped : MixedState(what),
              .completed = what == 6},
             now);
  }
  for (const SwarmDelta& delta : log.deltas) {
    Announce(*copy,
             {.hash = delta.info_hash,
              .peer = delta.peer,
              .state = delta.state,
              .completed = delta.completed,
              .id = delta.peer_id},
             delta.time);
  }
  EXPECT_TRUE(ImageOf(*store).swarms == ImageOf(*copy).swarms);
}

}  // namespace muster::testing_swarm

#endif  // MUSTER_TESTS_SWARM_CONFORMANCE_MEMBERSHIP_H_
