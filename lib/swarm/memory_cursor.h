// SPDX-License-Identifier: Apache-2.0
//
// MemoryStore::Cursor: a walk over a MemoryStore, shard by shard. On entering a shard it takes the
// names of all swarms in it (24 bytes each: 24 KB at a million torrents), a thousand under the lock
// at a time, and sorts them without; then it looks at one swarm under the lock at a time.
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
  explicit Cursor(const MemoryStore& store) : store_(store) {}

  bool Next(absl::FunctionRef<void(const SwarmView&)> visit) override;

 private:
  struct Name {
    InfoHash info_hash;
    std::uint32_t record;  // where it was found
  };

  // Takes the names of the next shard that has any; false when there is none.
  bool EnterNextShard();
  bool TakeNames(const Locked& locked, std::uint32_t& end);

  const MemoryStore& store_;
  std::size_t next_shard_ = 0;
  std::vector<Name> names_;
  std::size_t at_ = 0;
};

}  // namespace muster

#endif  // MUSTER_LIB_SWARM_MEMORY_CURSOR_H_
