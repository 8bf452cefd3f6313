// SPDX-License-Identifier: Apache-2.0
#include "muster/swarm_store.h"

namespace muster {

void SwarmStore::ForEach(absl::FunctionRef<bool(const SwarmView&)> visit) const {
  const std::unique_ptr<SwarmCursor> cursor = Walk();
  bool go_on = true;
  while (go_on && cursor->Next([&](const SwarmView& view) { go_on = visit(view); })) {
  }
}

}  // namespace muster
