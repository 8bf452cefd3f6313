// SPDX-License-Identifier: Apache-2.0
#include "muster/swarm_store.h"

namespace muster {

void SwarmStore::ForEach(absl::FunctionRef<bool(const SwarmView&)> visit) const {
  const std::unique_ptr<SwarmCursor> cursor = Walk(kWholeSwarms);
  bool go_on = true;
  while (go_on && cursor->Next([&](const SwarmView& view) { go_on = visit(view); }) !=
                      SwarmCursor::Step::kEnd) {
  }
}

absl::Status SwarmStore::Restore(const SwarmRestore& swarm, Instant now) {
  (void)swarm;
  (void)now;
  return absl::FailedPreconditionError("this store keeps its state itself");
}

}  // namespace muster
