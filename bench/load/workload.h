// SPDX-License-Identifier: Apache-2.0
//
// Workload: what one source asks for, one job after another. Thread-compatible; the plan must
// outlive it.
#ifndef MUSTER_BENCH_LOAD_WORKLOAD_H_
#define MUSTER_BENCH_LOAD_WORKLOAD_H_

#include <array>
#include <cstdint>
#include <vector>

#include "load/messages.h"
#include "load/plan.h"
#include "muster/random.h"

namespace muster::load {

// Weights, in any unit, of what is asked in a steady run.
struct Mix {
  std::array<std::uint32_t, kActions> actions = {0, 1, 0};  // by Action
  std::array<std::uint32_t, 4> events = {1, 0, 0, 0};       // by Event
};

enum class Phase : std::uint8_t {
  kSteady,  // the source's peers over and over, with the mix
  kFill,    // each of the source's peers once, event started
  kCheck,   // scrapes of some torrents, the largest among them
};

class Workload {
 public:
  // `samples`: how many torrents the check scrapes, from all sources together.
  Workload(Phase phase, const Plan* plan, std::uint32_t source, const Mix& mix,
           std::uint32_t samples);

  // False when there is nothing more to ask; a steady workload ends only where the source has no
  // peers.
  bool Next(Job& job) {
    if (at_ == jobs_.size()) {
      if (phase_ != Phase::kSteady || jobs_.empty()) return false;
      at_ = 0;
    }
    job.peer = jobs_[at_++];
    job.action = phase_ == Phase::kCheck ? Action::kScrape : Action::kAnnounce;
    job.event = phase_ == Phase::kFill ? Event::kStarted : Event::kNone;
    if (mixed_) Vary(job);
    return true;
  }

 private:
  void Vary(Job& job);

  const Phase phase_;
  const Mix mix_;
  const bool mixed_;
  absl::Span<const PlannedPeer> jobs_;
  std::vector<PlannedPeer> samples_;  // what jobs_ shows in the check
  std::size_t at_ = 0;
  Random random_;
};

}  // namespace muster::load

#endif  // MUSTER_BENCH_LOAD_WORKLOAD_H_
