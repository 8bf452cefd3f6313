// SPDX-License-Identifier: Apache-2.0
#include "load/plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <tuple>

#include "load/workload.h"

namespace muster::load {
namespace {

Popularity Parse(const char* text) {
  auto p = Popularity::FromText(text);
  EXPECT_TRUE(p.ok()) << text;
  return p.value_or(Popularity{});
}

std::vector<std::uint32_t> Sizes(const char* popularity, std::uint32_t torrents,
                                 std::uint32_t peers) {
  auto sizes = SwarmSizes(Parse(popularity), torrents, peers);
  EXPECT_TRUE(sizes.ok()) << popularity << ": " << sizes.status();
  return std::move(sizes).value_or(std::vector<std::uint32_t>{});
}

TEST(Popularity, RefusesWhatItDoesNotKnow) {
  for (const char* text : {"", "Zipf", "zipf:", "zipf:x", "zipf:-1", "zipf:11", "uniform:1"}) {
    EXPECT_FALSE(Popularity::FromText(text).ok()) << text;
  }
}

TEST(SwarmSizes, AddUpExactlyAndLeaveNoTorrentEmpty) {
  for (const char* popularity : {"zipf", "zipf:0.5", "zipf:2", "uniform", "mixed"}) {
    for (const auto& [torrents, peers] : {std::pair{1u, 7u},
                                          {2u, 3u},
                                          {10u, 15u},
                                          {1000u, 1777u},
                                          {10'000u, 100'000u},
                                          {100'000u, 500'000u}}) {
      const auto sizes = Sizes(popularity, torrents, peers);
      ASSERT_EQ(sizes.size(), torrents);
      EXPECT_EQ(std::accumulate(sizes.begin(), sizes.end(), std::uint64_t{0}), peers)
          << popularity << " " << torrents;
      EXPECT_GE(*std::min_element(sizes.begin(), sizes.end()), 1u);
    }
  }
}

TEST(SwarmSizes, ZipfGivesTheFirstTwiceAsManyAsTheSecond) {
  const auto sizes = Sizes("zipf:1", 1000, 1'001'000);
  EXPECT_NEAR(sizes[0] - 1.0, 2 * (sizes[1] - 1.0), 2);
  EXPECT_NEAR(sizes[0] - 1.0, 1'000'000 / 7.4855, 2);
}

TEST(SwarmSizes, MixedLeavesHalfOfTheTorrentsWithOnePeer) {
  const auto sizes = Sizes("mixed", 10'000, 50'000);
  EXPECT_EQ(std::count(sizes.begin(), sizes.end(), 1u), 5000);
}

TEST(SwarmSizes, TheMixedCaseOfTheComparisonFitsOneAddress) {
  const auto sizes = Sizes("mixed", 1'000'000, 5'000'000);
  EXPECT_LE(*std::max_element(sizes.begin(), sizes.end()), Plan::kPorts);
}

TEST(SwarmSizes, RefuseNumbersThatTheirKindForbids) {
  EXPECT_FALSE(SwarmSizes(Parse("zipf"), 0, 0).ok());
  EXPECT_FALSE(SwarmSizes(Parse("zipf"), 10, 9).ok());
  EXPECT_FALSE(SwarmSizes(Parse("single"), 10, 11).ok());
  EXPECT_FALSE(SwarmSizes(Parse("mixed"), 10, 14).ok());
  EXPECT_FALSE(SwarmSizes(Parse("one"), 2, 10).ok());
  EXPECT_EQ(Sizes("single", 10, 10), std::vector<std::uint32_t>(10, 1));
  EXPECT_EQ(Sizes("one", 1, 10), std::vector<std::uint32_t>(1, 10));
}

PlanOptions Small(std::uint32_t sources, bool own_addresses) {
  PlanOptions o;
  o.torrents = 100;
  o.peers = 5000;
  o.sources = sources;
  o.own_addresses = own_addresses;
  o.seeders = 0.3;
  return o;
}

TEST(Plan, EveryPeerHasAnEndpointOfItsOwnInItsTorrent) {
  for (const bool own : {true, false}) {
    for (const std::uint32_t sources : {1u, 3u, 8u}) {
      const auto plan = Plan::Make(Small(sources, own));
      ASSERT_TRUE(plan.ok());
      std::set<std::tuple<std::uint32_t, std::uint32_t, std::uint16_t>> seen;
      std::vector<std::uint32_t> sizes(100);
      for (std::uint32_t s = 0; s < sources; ++s) {
        for (const PlannedPeer& peer : plan->PeersOf(s)) {
          EXPECT_TRUE(seen.insert({peer.torrent, own ? s : 0, peer.port}).second);
          EXPECT_TRUE(plan->Has(peer.torrent, own ? s : 0, peer.port));
          ++sizes[peer.torrent];
        }
      }
      EXPECT_EQ(seen.size(), 5000u);
      for (std::uint32_t t = 0; t < 100; ++t) EXPECT_EQ(sizes[t], plan->SwarmSize(t));
    }
  }
}

TEST(Plan, KnowsWhoIsNotInATorrent) {
  const auto plan = Plan::Make(Small(3, true));
  ASSERT_TRUE(plan.ok());
  std::uint32_t in = 0;
  for (std::uint32_t s = 0; s < 5; ++s) {
    for (std::uint32_t port = 0; port < 65536; ++port) {
      in += plan->Has(7, s, static_cast<std::uint16_t>(port)) ? 1 : 0;
    }
  }
  EXPECT_EQ(in, plan->SwarmSize(7));
}

TEST(Plan, IsTheSameForTheSameSeedAndAnotherForAnother) {
  PlanOptions o = Small(2, true);
  const auto a = Plan::Make(o), b = Plan::Make(o);
  o.seed = 2;
  const auto c = Plan::Make(o);
  ASSERT_TRUE(a.ok() && b.ok() && c.ok());
  const auto same = [](const Plan& x, const Plan& y) {
    return std::equal(x.PeersOf(0).begin(), x.PeersOf(0).end(), y.PeersOf(0).begin(),
                      y.PeersOf(0).end(), [](const PlannedPeer& p, const PlannedPeer& q) {
                        return p.torrent == q.torrent && p.port == q.port && p.seeder == q.seeder;
                      });
  };
  EXPECT_TRUE(same(*a, *b));
  EXPECT_FALSE(same(*a, *c));
  EXPECT_EQ(a->Hash(3), b->Hash(3));
  EXPECT_NE(a->Hash(3), c->Hash(3));
}

TEST(Plan, CountsItsSeeders) {
  const auto plan = Plan::Make(Small(2, true));
  ASSERT_TRUE(plan.ok());
  std::vector<std::uint32_t> seeders(100);
  std::uint32_t all = 0;
  for (std::uint32_t s = 0; s < 2; ++s) {
    for (const PlannedPeer& peer : plan->PeersOf(s)) {
      seeders[peer.torrent] += peer.seeder ? 1 : 0;
      all += peer.seeder ? 1 : 0;
    }
  }
  for (std::uint32_t t = 0; t < 100; ++t) EXPECT_EQ(plan->Seeders(t), seeders[t]);
  EXPECT_NEAR(all, 1500, 150);
}

TEST(Plan, GivesEachTorrentAHashOfItsOwn) {
  PlanOptions o;
  o.torrents = o.peers = 50'000;
  const auto plan = Plan::Make(o);
  ASSERT_TRUE(plan.ok());
  std::set<InfoHash> hashes;
  for (std::uint32_t t = 0; t < o.torrents; ++t) hashes.insert(plan->Hash(t));
  EXPECT_EQ(hashes.size(), o.torrents);
}

TEST(Plan, RefusesASwarmWithMorePeersThanItsAddressesHavePorts) {
  PlanOptions o;
  o.torrents = 1;
  o.popularity.kind = Popularity::Kind::kOne;
  o.peers = Plan::kPorts + 1;
  o.sources = 2;
  EXPECT_TRUE(Plan::Make(o).ok());
  o.own_addresses = false;
  EXPECT_FALSE(Plan::Make(o).ok());
  o.peers = Plan::kPorts;
  const auto full = Plan::Make(o);
  ASSERT_TRUE(full.ok());
  EXPECT_TRUE(full->Has(0, 0, 65535));
}

TEST(Plan, MeanAnswerCountsTheOthersUpToWhatIsAskedFor) {
  PlanOptions o;
  o.torrents = 10;
  o.peers = 40;
  o.popularity.kind = Popularity::Kind::kUniform;
  const auto plan = Plan::Make(o);
  ASSERT_TRUE(plan.ok());
  EXPECT_DOUBLE_EQ(plan->MeanAnswerPeers(30), 3.0);
  EXPECT_DOUBLE_EQ(plan->MeanAnswerPeers(2), 2.0);
}

TEST(Workload, AFillAsksForEachPeerOnceAsStarted) {
  const auto plan = Plan::Make(Small(3, true));
  ASSERT_TRUE(plan.ok());
  std::size_t jobs = 0;
  for (std::uint32_t s = 0; s < 3; ++s) {
    Workload work(Phase::kFill, &*plan, s, Mix{}, 1000);
    for (Job job; work.Next(job); ++jobs) {
      EXPECT_EQ(job.action, Action::kAnnounce);
      EXPECT_EQ(job.event, Event::kStarted);
    }
  }
  EXPECT_EQ(jobs, 5000u);
}

TEST(Workload, ACheckScrapesEveryTorrentOnceWhereThereAreFew) {
  const auto plan = Plan::Make(Small(3, true));
  ASSERT_TRUE(plan.ok());
  std::set<std::uint32_t> torrents;
  for (std::uint32_t s = 0; s < 3; ++s) {
    Workload work(Phase::kCheck, &*plan, s, Mix{}, 1000);
    for (Job job; work.Next(job);) {
      EXPECT_EQ(job.action, Action::kScrape);
      EXPECT_TRUE(torrents.insert(job.peer.torrent).second);
    }
  }
  EXPECT_EQ(torrents.size(), 100u);
}

TEST(Workload, ASteadyRunKeepsToItsWeights) {
  const auto plan = Plan::Make(Small(1, true));
  ASSERT_TRUE(plan.ok());
  Mix mix;
  mix.actions = {1, 2, 1};
  mix.events = {1, 0, 0, 1};
  Workload work(Phase::kSteady, &*plan, 0, mix, 0);
  int announces = 0, stopped = 0;
  for (int i = 0; i < 20'000; ++i) {
    Job job;
    ASSERT_TRUE(work.Next(job));
    EXPECT_TRUE(job.event == Event::kNone || job.event == Event::kStopped);
    announces += job.action == Action::kAnnounce;
    stopped += job.event == Event::kStopped;
  }
  EXPECT_NEAR(announces, 10'000, 400);
  EXPECT_NEAR(stopped, 5'000, 400);
}

}  // namespace
}  // namespace muster::load
