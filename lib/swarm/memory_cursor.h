// SPDX-License-Identifier: Apache-2.0
//
// MemoryStore::Cursor: a walk over a MemoryStore, shard by shard. On entering a shard it takes the
// names of all swarms in it (24 bytes each: 24 KB at a million torrents), a thousand under the lock
// at a time, and sorts them without; then it looks at one swarm, or one part of a huge one, under the
// lock at a time. A part is made of the peers whose hashes end with the same bits: the blocks of a
// huge swarm are divided by them too, so a part is found without looking at the others.
// Thread-compatible.
#ifndef MUSTER_LIB_SWARM_MEMORY_CURSOR_H_
#define MUSTER_LIB_SWARM_MEMORY_CURSOR_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "swarm/memory_store.h"

namespace muster {

class MemoryStore::Cursor final : public SwarmCursor {
 public:
  Cursor(const MemoryStore& store, std::size_t peers_a_visit)
      : store_(store), peers_a_visit_(peers_a_visit) {}

  bool Next(absl::FunctionRef<void(const SwarmView&)> visit) override;

 private:
  struct Name {
    InfoHash info_hash;
    std::uint32_t record;  // where it was found
  };

  // Takes the names of the next shard that has any; false when there is none.
  bool EnterNextShard();
  bool TakeNames(const Locked& locked, std::uint32_t& end);
  // Visits the swarm, or its next part; true when that was all of it.
  bool VisitPart(const SwarmRecord& record, absl::FunctionRef<void(const SwarmView&)> visit);

  const MemoryStore& store_;
  const std::size_t peers_a_visit_;
  std::size_t next_shard_ = 0;
  std::vector<Name> names_;
  std::size_t at_ = 0;
  // Of the swarm at that name: how many of its 2^part_bits parts have been visited.
  std::uint32_t part_ = 0;
  std::uint32_t part_bits_ = 0;
};

}  // namespace muster

#endif  // MUSTER_LIB_SWARM_MEMORY_CURSOR_H_
