// SPDX-License-Identifier: Apache-2.0
//
// What a store need not do itself.
#include "muster/swarm_store.h"

#include "swarm/cursor.h"

namespace muster {

void SwarmStore::Walk(SwarmCursor& cursor, std::size_t peers_a_visit,
                      absl::FunctionRef<bool(const SwarmView&)> visit) const {
  (void)peers_a_visit;  // whole swarms, as ForEach() has them
  if (cursor.at_end) return;
  bool stopped = false;
  ForEach([&](const SwarmView& view) {
    if (view.info_hash() < cursor.next) return true;
    Pass(cursor, view.info_hash());
    stopped = !visit(view);
    return !stopped;
  });
  if (!stopped) cursor.at_end = true;
}

absl::Status SwarmStore::Restore(const SwarmRestore& swarm, Instant now) {
  (void)swarm;
  (void)now;
  return absl::UnimplementedError("this store cannot be loaded into");
}

}  // namespace muster
