// SPDX-License-Identifier: Apache-2.0
//
// What the conformance suite does not see of a swarm's record.
#include "swarm/swarm_record.h"

#include <gtest/gtest.h>

#include "swarm/swarm_testing.h"

namespace muster {
namespace {

using testing_swarm::TestId;
using testing_swarm::TestPeer;

class SwarmRecordTest : public ::testing::Test {
 protected:
  ~SwarmRecordTest() override {
    record_.Clear(context_, 0);
    EXPECT_EQ(heap_.bytes(), 0u) << "all memory went back";
  }
  SwarmRecord::Change Announce(std::uint32_t n, PeerState state, std::int64_t unit = 0,
                               AddressFamily family = AddressFamily::kIpv4) {
    const Endpoint peer = TestPeer(n, family);
    const PeerId id = TestId(peer);
    PeerBatch nobody({}, {});
    return record_.Apply(context_,
                         {.peer = PeerKey(peer, id, context_.key),
                          .state = state,
                          .completed = false,
                          .stamp = mark::Stamp(unit),
                          .minute = 1000,
                          .may_join = true},
                         0, 0, nobody);
  }

  SlabHeap heap_;
  SwarmContext context_{&heap_, {0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9}, false};
  SwarmRecord record_{InfoHash().data()};
};

TEST_F(SwarmRecordTest, OnePassOfASweepForgetsAllOldPeersOfAHugeSwarm) {
  for (const std::uint32_t old_of_ten : {3u, 8u, 10u}) {
    std::uint32_t old = 0;
    for (std::uint32_t n = 0; n < 20'000; ++n) {
      const bool is_old = n % 10 < old_of_ten;
      old += is_old ? 1 : 0;
      Announce(n, static_cast<PeerState>(n % 3), is_old ? 10 : 20,
               n % 4 == 0 ? AddressFamily::kIpv6 : AddressFamily::kIpv4);
    }
    std::size_t gone = 0;
    std::size_t steps = 0;
    for (bool done = false; !done;) {
      const SwarmRecord::Swept swept = record_.Sweep(context_, {15, 20}, 1000, 8);
      gone += swept.gone;
      EXPECT_LE(swept.steps, 8u);
      ASSERT_LT(++steps, 1000u);
      done = swept.done;
    }
    EXPECT_EQ(gone, old);
    EXPECT_EQ(record_.counts().peers(), 20'000 - old);
    record_.Clear(context_, 0);
  }
}

TEST_F(SwarmRecordTest, MemoryFollowsThePeers) {
  constexpr std::uint32_t kPeers = 200'000;
  for (std::uint32_t n = 0; n < kPeers; ++n) Announce(n, PeerState::kDownloader);
  // Growing leaves pages half empty; a sweep or two move their blocks together.
  for (int pass = 0; pass < 3; ++pass) record_.Sweep(context_, {0, 0}, 1000, ~std::size_t{0});
  const std::size_t most = heap_.bytes();
  EXPECT_LT(most, kPeers * 14);
  for (std::uint32_t n = 100; n < kPeers; ++n) Announce(n, PeerState::kStopped);
  EXPECT_LT(heap_.bytes(), most / 10);
  for (std::uint32_t n = 0; n < 100; ++n) Announce(n, PeerState::kStopped);
  EXPECT_FALSE(record_.has_peers());
  EXPECT_EQ(heap_.bytes(), 0u) << "without peers it needs nothing but itself";
}

TEST_F(SwarmRecordTest, ChangesAddUpToThePeersThoughAllHashesCollide) {
  context_.key = {0, 0};  // every hash is zero: all peers of a role belong into one block
  Random random(1);
  std::int64_t peers = 0;
  std::uint32_t refused = 0;
  for (int step = 0; step < 20'000; ++step) {
    const auto state = static_cast<PeerState>(random.Below(step % 2000 < 1500 ? 3 : 4));
    const SwarmRecord::Change change = Announce(random.Below(900), state);
    peers += (change.joined ? 1 : 0) - (change.left ? 1 : 0);
    refused += !change.accepted && state != PeerState::kStopped ? 1 : 0;
    ASSERT_EQ(record_.counts().peers(), peers);
  }
  EXPECT_GT(refused, 0u) << "the case was met";
}

}  // namespace
}  // namespace muster
