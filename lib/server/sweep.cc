// SPDX-License-Identifier: Apache-2.0
#include "server/sweep.h"

#include <algorithm>
#include <cstdint>

namespace muster {
namespace {

// Beyond its timeout a peer is remembered for a pass at most.
constexpr std::int64_t kLongestPassMs = 60'000;
constexpr std::int64_t kShortestPassMs = 1'000;

// Swarms in a step: some tens of microseconds of work.
constexpr std::int64_t kStep = 1'000;

// Steps are not further apart than this, so that a small store is swept in time too; nor closer
// than this, where the steps grow instead: at ten million torrents to 1,800 swarms.
constexpr std::int64_t kLongestPauseMs = 1'000;
constexpr std::int64_t kShortestPauseMs = 10;

// What a pass costs besides a visit of each swarm: a store may count its shards, and the blocks of
// huge swarms.
constexpr std::int64_t kShards = 1'024;
constexpr std::int64_t kPeersInBlock = 64;

}  // namespace

SweepStep PlanSweep(const StoreTotals& totals, Seconds peer_timeout) {
  const std::int64_t pass_ms = std::clamp(std::chrono::milliseconds(peer_timeout).count() / 8,
                                          kShortestPassMs, kLongestPassMs);
  const auto visits =
      static_cast<std::int64_t>(totals.torrents + totals.peers / kPeersInBlock) + kShards;
  const std::int64_t pause_ms =
      std::clamp(pass_ms * kStep / visits, kShortestPauseMs, kLongestPauseMs);
  // Rounded up, so that a pass is not longer than meant.
  const std::int64_t step = std::max(kStep, (visits * pause_ms + pass_ms - 1) / pass_ms);
  return {static_cast<std::size_t>(step), std::chrono::milliseconds(pause_ms)};
}

}  // namespace muster
