// SPDX-License-Identifier: Apache-2.0
//
// Who is chosen. Part of conformance.h.
#ifndef MUSTER_TESTS_SWARM_CONFORMANCE_CHOICE_H_
#define MUSTER_TESTS_SWARM_CONFORMANCE_CHOICE_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "swarm/conformance.h"

namespace muster::testing_swarm {

// Fills a swarm with `n` peers of each family, of all states.
inline void FillBoth(SwarmStore& store, const InfoHash& hash, std::uint32_t n) {
  for (std::uint32_t i = 0; i < n; ++i) {
    for (const AddressFamily family : kBothFamilies)
      Announce(store, {.hash = hash, .peer = TestPeer(i, family), .state = MixedState(i)});
  }
}

// --- who may be chosen ---

TEST_P(SwarmStoreConformance, TheAskingPeerIsNeverAmongTheChosen) {
  const auto store = Make();
  Random random(1);
  for (const std::uint32_t size : kSizes) {
    const InfoHash hash = TestHash(size);
    FillBoth(*store, hash, size);
    for (const AddressFamily family : kBothFamilies) {
      for (const PeerState state : kStayingStates) {
        for (const std::size_t wanted : {std::size_t{1}, std::size_t{size}, std::size_t{5000}}) {
          for (int draw = 0; draw < 20; ++draw) {
            const Endpoint peer = TestPeer(random.Below(size), family);
            const Answer answer = Announce(*store, {.hash = hash,
                                                    .peer = peer,
                                                    .state = state,
                                                    .wanted = wanted,
                                                    .random = random.Next()});
            ASSERT_EQ(std::count(answer.peers.begin(), answer.peers.end(), peer), 0)
                << "size " << size << ", wanted " << wanted;
          }
        }
      }
    }
  }
}

TEST_P(SwarmStoreConformance, OneThatUploadsOnlyIsGivenDownloadersOnly) {
  const auto store = Make();
  Random random(2);
  for (const std::uint32_t size : kSizes) {
    const InfoHash hash = TestHash(size);
    FillBoth(*store, hash, size);
    const auto swarm = PeersOf(*store, hash);
    for (const AddressFamily family : kBothFamilies) {
      // Peer 0 is a seeder; 3 a partial seeder where there is one.
      for (const std::uint32_t asks : {0u, 3u}) {
        if (asks >= size) continue;
        for (const std::size_t wanted : {std::size_t{10}, std::size_t{5000}}) {
          const Answer answer = Announce(*store, {.hash = hash,
                                                  .peer = TestPeer(asks, family),
                                                  .state = MixedState(asks),
                                                  .wanted = wanted,
                                                  .room4 = 5000,
                                                  .room6 = 5000,
                                                  .random = random.Next()});
          EXPECT_EQ(answer.peers.size(), std::min<std::size_t>(wanted, answer.counts.downloaders));
          for (const Endpoint& peer : answer.peers)
            ASSERT_EQ(swarm.at(peer).state, PeerState::kDownloader);
        }
      }
    }
  }
}

TEST_P(SwarmStoreConformance, ThoseWhoJustChangedTheirStateAreChosenByTheNewOne) {
  const auto store = Make();
  for (const std::uint32_t size : kSizes) {
    if (size < 3) continue;
    const InfoHash hash = TestHash(size);
    for (std::uint32_t i = 0; i < size; ++i) Announce(*store, {.hash = hash, .peer = TestPeer(i)});
    const Endpoint seeder = TestPeer(0);
    const Endpoint other = TestPeer(size - 1);
    const auto given = [&] {
      const Answer answer = Announce(*store, {.hash = hash,
                                              .peer = seeder,
                                              .state = PeerState::kSeeder,
                                              .wanted = 5000,
                                              .room4 = 5000});
      return std::count(answer.peers.begin(), answer.peers.end(), other);
    };
    EXPECT_EQ(given(), 1);
    Announce(*store, {.hash = hash, .peer = other, .state = PeerState::kSeeder});
    EXPECT_EQ(given(), 0);
    Announce(*store, {.hash = hash, .peer = other, .state = PeerState::kPartialSeeder});
    EXPECT_EQ(given(), 0);
    Announce(*store, {.hash = hash, .peer = other, .state = PeerState::kDownloader});
    EXPECT_EQ(given(), 1);
  }
}

// --- how many ---

TEST_P(SwarmStoreConformance, NoPeerIsChosenTwiceAndAllAreMembers) {
  const auto store = Make();
  Random random(3);
  for (const std::uint32_t size : kSizes) {
    const InfoHash hash = TestHash(size);
    FillBoth(*store, hash, size);
    const auto swarm = PeersOf(*store, hash);
    for (int draw = 0; draw < 300; ++draw) {
      const std::size_t wanted = random.Below(2 * size + 3);
      const Answer answer = Announce(*store, {.hash = hash,
                                              .peer = TestPeer(random.Below(size)),
                                              .state = PeerState::kDownloader,
                                              .wanted = wanted,
                                              .room4 = random.Below(size + 2),
                                              .room6 = random.Below(size + 2),
                                              .random = random.Next()});
      const std::set<Endpoint> different(answer.peers.begin(), answer.peers.end());
      ASSERT_EQ(different.size(), answer.peers.size()) << "size " << size;
      ASSERT_LE(answer.peers.size(), wanted);
      for (const Endpoint& peer : answer.peers) ASSERT_TRUE(swarm.contains(peer)) << peer;
    }
  }
}

TEST_P(SwarmStoreConformance, AsManyAreChosenAsAreWantedThereAndFit) {
  const auto store = Make();
  Random random(4);
  for (const std::uint32_t size : kSizes) {
    const InfoHash hash = TestHash(size);
    FillBoth(*store, hash, size);
    for (const std::size_t wanted : {0u, 1u, 2u, 7u, 50u, 333u, 5000u}) {
      for (const std::size_t room4 : {0u, 1u, 30u, 2000u}) {
        for (const std::size_t room6 : {0u, 3u, 67u, 2000u}) {
          const Answer answer = Announce(*store, {.hash = hash,
                                                  .peer = TestPeer(0),
                                                  .wanted = wanted,
                                                  .room4 = room4,
                                                  .room6 = room6,
                                                  .random = random.Next()});
          const std::size_t can4 = std::min<std::size_t>(size - 1, room4);
          const std::size_t can6 = std::min<std::size_t>(size, room6);
          ASSERT_EQ(answer.peers.size(), std::min(wanted, can4 + can6))
              << "size " << size << ", wanted " << wanted << ", room " << room4 << " and " << room6;
          ASSERT_LE(answer.Count(AddressFamily::kIpv4), can4);
          ASSERT_LE(answer.Count(AddressFamily::kIpv6), can6);
        }
      }
    }
  }
}

TEST_P(SwarmStoreConformance, EveryoneIsGivenWhenThatManyAreWanted) {
  const auto store = Make();
  for (const std::uint32_t size : kSizes) {
    const InfoHash hash = TestHash(size);
    FillBoth(*store, hash, size);
    const Answer answer = Announce(*store, {.hash = hash,
                                            .peer = TestPeer(size - 1),
                                            .wanted = 2 * size - 1,
                                            .room4 = size,
                                            .room6 = size,
                                            .random = size});
    std::set<Endpoint> expected;
    for (const auto& [peer, record] : PeersOf(*store, hash)) expected.insert(peer);
    expected.erase(TestPeer(size - 1));
    EXPECT_EQ(std::set<Endpoint>(answer.peers.begin(), answer.peers.end()), expected);
    EXPECT_EQ(answer.peers.size(), expected.size());
  }
}

TEST_P(SwarmStoreConformance, ABatchThatHoldsPeersAlreadyIsFilledUp) {
  const auto store = Make();
  FillBoth(*store, TestHash(1), 40);
  std::uint8_t ipv4[10 * 6];
  PeerBatch batch(absl::MakeSpan(ipv4), {});
  const std::uint8_t there[6] = {1, 2, 3, 4, 5, 6};
  batch.Append(AddressFamily::kIpv4, there, nullptr, 1);
  const InfoHash hash = TestHash(1);
  const PeerId id;
  store->Apply({.info_hash = hash, .peer = TestPeer(0), .peer_id = id, .wanted = 50}, kStart,
               batch);
  EXPECT_EQ(batch.size(), 10u);
  EXPECT_EQ(batch.peer(AddressFamily::kIpv4, 0),
            Endpoint::FromCompact(AddressFamily::kIpv4, there));
  EXPECT_EQ(batch.room(AddressFamily::kIpv4), 0u);
}

// --- families ---

TEST_P(SwarmStoreConformance, FamiliesWithMoreThanIsWantedGetAQuarterEachAndTheRestInProportion) {
  struct Case {
    std::uint32_t ipv4, ipv6;
  };
  for (const Case& c : {Case{100, 100}, Case{240, 60}, Case{60, 240}, Case{900, 100},
                        Case{100, 900}, Case{3000, 70}, Case{1500, 1500}}) {
    const auto store = Make();
    const InfoHash hash = TestHash(1);
    for (std::uint32_t i = 0; i < c.ipv4; ++i)
      Announce(*store, {.hash = hash, .peer = TestPeer(i)});
    for (std::uint32_t i = 0; i < c.ipv6; ++i)
      Announce(*store, {.hash = hash, .peer = TestPeer(i, AddressFamily::kIpv6)});
    for (const std::size_t wanted : {1u, 4u, 7u, 50u}) {
      Random random(wanted);
      constexpr int kDraws = 400;
      double sum4 = 0;
      for (int draw = 0; draw < kDraws; ++draw) {
        const Answer answer = Announce(*store, {.hash = hash,
                                                .peer = TestPeer(0),
                                                .wanted = wanted,
                                                .room4 = 60,
                                                .room6 = 60,
                                                .random = random.Next()});
        ASSERT_EQ(answer.peers.size(), wanted);
        ASSERT_GE(answer.Count(AddressFamily::kIpv4), wanted / 4);
        ASSERT_GE(answer.Count(AddressFamily::kIpv6), wanted / 4);
        sum4 += static_cast<double>(answer.Count(AddressFamily::kIpv4));
      }
      // The room counts as what a family can give.
      const auto quarter = static_cast<double>(wanted / 4);
      const double more4 = std::min(c.ipv4 - 1, 60u) - quarter;
      const double more6 = std::min(c.ipv6, 60u) - quarter;
      const double all = static_cast<double>(wanted);
      const double expected = quarter + (all - 2 * quarter) * more4 / (more4 + more6);
      EXPECT_NEAR(sum4 / kDraws, expected, 5 * std::sqrt(all / 4 / kDraws) + 0.02 * all)
          << c.ipv4 << " and " << c.ipv6 << ", wanted " << wanted;
    }
  }
}

// --- fairness ---

struct Draws {
  InfoHash hash;
  std::vector<Endpoint> askers;  // in turn
  PeerState state;               // of the askers
  std::size_t wanted;
  AddressFamily family;  // that there is room for
  // Each of these is expected to be chosen equally often, and no other at all.
  std::vector<Endpoint> eligible;
};

struct EndpointHash {
  std::size_t operator()(const Endpoint& peer) const {
    const auto bytes = peer.compact();
    return std::hash<std::string_view>()(
        {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
};

// Within five standard deviations for each, and within what chance does for all together.
inline void ExpectEveryoneIsChosenEquallyOften(SwarmStore& store, const Draws& d, double part) {
  const auto n = static_cast<double>(d.eligible.size());
  const double per_draw = std::min(n, static_cast<double>(d.wanted));
  // Whole rounds of the askers, about a thousand choices of each peer.
  const double rounds =
      std::ceil(part * 1000 * n / per_draw / static_cast<double>(d.askers.size()));
  const auto draws = static_cast<std::size_t>(rounds) * d.askers.size();
  std::unordered_map<Endpoint, std::size_t, EndpointHash> chosen;
  for (const Endpoint& peer : d.eligible) chosen[peer] = 0;
  Random random(d.wanted * 1000 + d.eligible.size());
  std::size_t total = 0;
  const bool ipv4 = d.family == AddressFamily::kIpv4;
  for (std::size_t i = 0; i < draws; ++i) {
    const Answer answer = Announce(store, {.hash = d.hash,
                                           .peer = d.askers[i % d.askers.size()],
                                           .state = d.state,
                                           .wanted = d.wanted,
                                           .room4 = ipv4 ? d.wanted : 0,
                                           .room6 = ipv4 ? 0 : d.wanted,
                                           .random = random.Next()});
    for (const Endpoint& peer : answer.peers) {
      const auto at = chosen.find(peer);
      ASSERT_NE(at, chosen.end()) << peer << " may not be chosen";
      ++at->second;
    }
    total += answer.peers.size();
  }
  const double expected = static_cast<double>(total) / n;
  const double p = expected / static_cast<double>(draws);
  const double sigma = std::sqrt(static_cast<double>(draws) * p * std::max(0.0, 1 - p));
  double squares = 0;
  for (const Endpoint& peer : d.eligible) {
    const double off = static_cast<double>(chosen[peer]) - expected;
    EXPECT_LE(std::abs(off), 5 * sigma + 0.001)
        << peer << " was chosen " << chosen[peer] << " times; expected " << expected << " of "
        << draws << ", of " << n << " peers, wanted " << d.wanted;
    squares += sigma > 0 ? off * off / (sigma * sigma) : 0;
  }
  // One for each peer, if all are equally likely. Neighbours may be chosen together, so that there
  // are fewer independent terms than peers.
  EXPECT_LE(squares / n, 1 + 6 * std::sqrt(2 * per_draw / n))
      << "of " << n << " peers, wanted " << d.wanted;
}

struct FairCase {
  std::uint32_t size;  // of each family
  std::size_t wanted;
};

class SwarmStoreFairness : public SwarmStoreConformance {
 protected:
  // Who may be chosen of a family, in a swarm made by FillBoth().
  static std::vector<Endpoint> Eligible(std::uint32_t size, AddressFamily family,
                                        bool downloaders_only) {
    std::vector<Endpoint> peers;
    for (std::uint32_t i = 0; i < size; ++i) {
      if (!downloaders_only || MixedState(i) == PeerState::kDownloader)
        peers.push_back(TestPeer(i, family));
    }
    return peers;
  }
  static void Check(const FairCase& c) {
    SCOPED_TRACE(::testing::Message() << c.size << " peers, " << c.wanted << " wanted");
    const auto store = Make();
    const InfoHash hash = TestHash(1);
    FillBoth(*store, hash, c.size);
    const double part = GetParam().part_of_draws;
    for (const AddressFamily family : kBothFamilies) {
      // A seeder asks, again and again; then a downloader that has just come.
      ExpectEveryoneIsChosenEquallyOften(*store,
                                         {.hash = hash,
                                          .askers = {TestPeer(0, family)},
                                          .state = PeerState::kSeeder,
                                          .wanted = c.wanted,
                                          .family = family,
                                          .eligible = Eligible(c.size, family, true)},
                                         part);
      const Endpoint stranger = TestPeer(1 << 20, family);
      ExpectEveryoneIsChosenEquallyOften(*store,
                                         {.hash = hash,
                                          .askers = {stranger},
                                          .state = PeerState::kDownloader,
                                          .wanted = c.wanted,
                                          .family = family,
                                          .eligible = Eligible(c.size, family, false)},
                                         part);
      Announce(*store, {.hash = hash, .peer = stranger, .state = PeerState::kStopped});
    }
    // All downloaders ask in turn: each is left out once a round.
    std::vector<Endpoint> all;
    for (std::uint32_t i = 0; i < c.size; ++i) all.push_back(TestPeer(i));
    for (const Endpoint& peer : all) Announce(*store, {.hash = hash, .peer = peer});
    ExpectEveryoneIsChosenEquallyOften(*store,
                                       {.hash = hash,
                                        .askers = all,
                                        .state = PeerState::kDownloader,
                                        .wanted = c.wanted,
                                        .family = AddressFamily::kIpv4,
                                        .eligible = all},
                                       part);
  }
};

TEST_P(SwarmStoreFairness, FivePeersAreChosenEquallyOften) {
  for (const std::size_t wanted : {1u, 2u, 3u}) Check({5, wanted});
}
TEST_P(SwarmStoreFairness, SixtyPeersAreChosenEquallyOften) {
  for (const std::size_t wanted : {1u, 20u, 50u}) Check({60, wanted});
}
TEST_P(SwarmStoreFairness, ThreeHundredPeersAreChosenEquallyOften) {
  for (const std::size_t wanted : {10u, 50u, 200u}) Check({300, wanted});
}
TEST_P(SwarmStoreFairness, ThousandsOfPeersAreChosenEquallyOften) {
  Check({GetParam().largest_fair, 50});
}
TEST_P(SwarmStoreFairness, ThousandsOfPeersAreChosenEquallyOftenWhenManyAreWanted) {
  for (const std::size_t wanted : {200u, 600u}) Check({GetParam().largest_fair, wanted});
}

}  // namespace muster::testing_swarm

#endif  // MUSTER_TESTS_SWARM_CONFORMANCE_CHOICE_H_
