// SPDX-License-Identifier: Apache-2.0
#include "load/workload.h"

#include <numeric>

namespace muster::load {
namespace {

template <std::size_t N>
std::size_t Pick(const std::array<std::uint32_t, N>& weights, Random& random) {
  const std::uint32_t sum = std::accumulate(weights.begin(), weights.end(), 0u);
  std::uint32_t at = random.Below(sum);
  for (std::size_t i = 0; i + 1 < N; ++i) {
    if (at < weights[i]) return i;
    at -= weights[i];
  }
  return N - 1;
}

bool Plain(const Mix& mix) {
  return mix.actions[0] == 0 && mix.actions[2] == 0 && mix.events[1] == 0 && mix.events[2] == 0 &&
         mix.events[3] == 0;
}

}  // namespace

Workload::Workload(Phase phase, const Plan* plan, std::uint32_t source, const Mix& mix,
                   std::uint32_t samples)
    : phase_(phase),
      mix_(mix),
      mixed_(phase == Phase::kSteady && !Plain(mix)),
      random_(plan->options().seed + 1000 + source) {
  if (phase != Phase::kCheck) {
    jobs_ = plan->PeersOf(source);
    return;
  }
  const std::uint32_t sources = plan->options().sources;
  if (plan->torrents() <= samples) {
    for (std::uint32_t t = source; t < plan->torrents(); t += sources) samples_.push_back({t});
  } else {
    if (source == 0) samples_.push_back({0});
    for (std::uint32_t i = 0; i < samples / sources; ++i) {
      samples_.push_back({random_.Below(plan->torrents())});
    }
  }
  jobs_ = samples_;
}

void Workload::Vary(Job& job) {
  job.action = static_cast<Action>(Pick(mix_.actions, random_));
  if (job.action == Action::kAnnounce) job.event = static_cast<Event>(Pick(mix_.events, random_));
}

}  // namespace muster::load
