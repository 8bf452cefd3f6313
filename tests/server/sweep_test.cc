// SPDX-License-Identifier: Apache-2.0
#include "server/sweep.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace muster {
namespace {

using std::chrono::milliseconds;

StoreTotals Totals(std::uint64_t torrents, std::uint64_t peers) {
  StoreTotals totals;
  totals.torrents = torrents;
  totals.peers = peers;
  return totals;
}

TEST(PlanSweep, PassesOverAnyStoreInAboutAMinute) {
  for (std::uint64_t torrents = 0; torrents <= 100'000'000; torrents = torrents * 3 + 1) {
    const SweepStep step = PlanSweep(Totals(torrents, 5 * torrents), Seconds(45 * 60));
    const double steps = static_cast<double>(torrents) / static_cast<double>(step.max_swarms);
    EXPECT_LE(steps * static_cast<double>(step.pause.count()), 61'000) << torrents;
  }
}

TEST(PlanSweep, KeepsStepsShort) {
  EXPECT_EQ(PlanSweep(Totals(10, 20), Seconds(45 * 60)).max_swarms, 1'000u);
  EXPECT_EQ(PlanSweep(Totals(1'000'000, 5'000'000), Seconds(45 * 60)).max_swarms, 1'000u);
  EXPECT_LE(PlanSweep(Totals(10'000'000, 10'000'000), Seconds(45 * 60)).max_swarms, 2'000u);
}

TEST(PlanSweep, IsNotInAHurryWithASmallStore) {
  EXPECT_EQ(PlanSweep(Totals(10, 20), Seconds(45 * 60)).pause, milliseconds(1'000));
}

TEST(PlanSweep, PassesFasterWherePeersAreForgottenSooner) {
  const StoreTotals totals = Totals(1'000'000, 0);
  const auto pass = [&](Seconds peer_timeout) {
    const SweepStep step = PlanSweep(totals, peer_timeout);
    return static_cast<double>(totals.torrents) / static_cast<double>(step.max_swarms) *
           static_cast<double>(step.pause.count());
  };
  EXPECT_LE(pass(Seconds(80)), 10'000);
  EXPECT_LE(pass(Seconds(1)), 1'000);
}

}  // namespace
}  // namespace muster
