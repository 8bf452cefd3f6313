// SPDX-License-Identifier: Apache-2.0
#include "swarm/model.h"

#include <gtest/gtest.h>

namespace muster::testing_swarm {
namespace {

TEST(MemoryStoreModel, DoesWhatTheReferenceDoesThroughLongRandomSequences) {
  std::uint64_t most_peers = 0;
  int walks = 0;
  int prepared = 0;
  for (std::uint64_t seed = 1; seed <= 24; ++seed) {
    Model model(/*keep_peer_ids=*/seed % 2 == 0, seed);
    Random random(seed);
    // Some sequences are mostly about many peers at once, some mostly about single ones.
    for (int step = 0; step < 1200; ++step) {
      const std::string wrong =
          model.Step([&](std::uint32_t bound) { return random.Below(bound); });
      ASSERT_EQ(wrong, "") << "seed " << seed << ", step " << step;
      most_peers = std::max(most_peers, model.peers());
      if (step % 100 == 99) {
        ASSERT_EQ(model.Compare(), "") << "seed " << seed << ", step " << step;
      }
    }
    walks += model.walks();
    prepared += model.prepared();
  }
  EXPECT_GT(most_peers, 2000u) << "huge swarms were met";
  EXPECT_GT(walks, 20) << "walks have come to their ends";
  EXPECT_GT(prepared, 20 * walks) << "of torrents that are many for one shard";
}

TEST(MemoryStoreModel, DoesWhatTheReferenceDoesAfterEveryStepAmongSmallSwarms) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    Model model(/*keep_peer_ids=*/seed % 3 == 0, seed);
    Random random(seed * 77);
    for (int step = 0; step < 600; ++step) {
      // Large pools are shunned: single announces, in swarms of a few.
      const std::string wrong = model.Step([&](std::uint32_t bound) {
        return bound == 7    ? random.Below(5)
               : bound == 16 ? 2 + random.Below(14)
                             : random.Below(bound);
      });
      ASSERT_EQ(wrong, "") << "seed " << seed << ", step " << step;
      ASSERT_EQ(model.Compare(), "") << "seed " << seed << ", step " << step;
    }
  }
}

}  // namespace
}  // namespace muster::testing_swarm
