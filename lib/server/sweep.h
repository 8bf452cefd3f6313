// SPDX-License-Identifier: Apache-2.0
//
// How fast to sweep a store: in steps that are short next to an announce's way through the network,
// and so many of them that a whole pass takes about a minute (less where peers are forgotten
// sooner). A pure function; thread-safe.
#ifndef MUSTER_LIB_SERVER_SWEEP_H_
#define MUSTER_LIB_SERVER_SWEEP_H_

#include <chrono>
#include <cstddef>

#include "muster/instant.h"
#include "muster/swarm_store.h"

namespace muster {

struct SweepStep {
  // For SwarmStore::Expire().
  std::size_t max_swarms;
  // Until the next step.
  std::chrono::milliseconds pause;
};

SweepStep PlanSweep(const StoreTotals& totals, Seconds peer_timeout);

}  // namespace muster

#endif  // MUSTER_LIB_SERVER_SWEEP_H_
