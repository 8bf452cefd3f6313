// SPDX-License-Identifier: Apache-2.0
//
// MemoryStore::Cursor: a walk over a MemoryStore, shard by shard, in one pass over the names of a
// shard, or in several where strangers have chosen so many that begin alike. A pass takes the names
// that come next, sorts them, and then looks at one swarm, or one part of a huge one, under the lock
// at a time. A part is made of the peers whose hashes end with the same bits: the blocks of a huge
// swarm are divided by them too, so a part is found without looking at the others.
//
// Which names come next: those behind the last one of the pass before. When too many are held, only
// the first half, about, is kept, and the first that is not becomes the cutoff: neither it nor what is
// behind it is taken any more. So all names before the cutoff are held, however often it moves.
//
//   pass 1   ├─ kept ─┤ cutoff
//   pass 2            ├─ kept ─┤ cutoff
//   pass 3                     ├─ rest ─┤
//
// Names are taken from the last record of a shard to its first, a thousand under the lock at a time,
// and in as many calls as it takes. None is missed meanwhile: a record gets another number only by
// taking the place of one that goes, and then a smaller one (Shard::Erase; Shard::Tidy moves it in
// memory only). So one that has not been looked at, whose number is below `to_look_at_`, stays below.
// One that has been may come there, and is taken twice. One that is new gets a number behind those
// that were there when the walk came to the shard, where no pass looks, so that a walk ends though
// somebody adds name after name ahead of it; or the number of one that has gone since. So only who
// takes a name away for each that he adds, as fast as the walk goes, can draw it out.
//
// Others choose the names, and in which order they come, so what the halves are is asked of a few
// names that nobody can foresee.
//
// N names of one shard are looked at N / kept times: what sorting costs that has no more memory.
//
// Thread-compatible.
#ifndef MUSTER_LIB_SWARM_MEMORY_CURSOR_H_
#define MUSTER_LIB_SWARM_MEMORY_CURSOR_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "muster/random.h"
#include "swarm/memory_store.h"

namespace muster {

class MemoryStore::Cursor final : public SwarmCursor {
 public:
  Cursor(const MemoryStore& store, std::size_t peers_a_visit, const WalkLimits& limits)
      : store_(store),
        peers_a_visit_(peers_a_visit),
        limits_(limits),
        random_(store.context_.key.a) {}

  Step Next(absl::FunctionRef<void(const SwarmView&)> visit) override;

 private:
  struct Name {
    InfoHash info_hash;
    std::uint32_t record;  // where it was found
  };

  // Some of the work before the next visit. This and the functions below say how much it was, in
  // names looked at.
  std::size_t Prepare();
  std::size_t TakeNames();
  std::size_t KeepFirstHalf();
  std::size_t SortSome();
  void BeginPass();

  // Halves, about: the names from `begin` to `end`, of which there are two or more, so that those
  // before `middle` are before those behind it, of which `first` is the first. Neither is empty.
  struct Halves {
    std::size_t middle;
    InfoHash first;
  };
  Halves Halve(std::size_t begin, std::size_t end);

  // False when there is nothing to be visited at the next name any more.
  bool VisitName(absl::FunctionRef<void(const SwarmView&)> visit);
  // Visits the swarm, or its next part; true when that was all of it.
  bool VisitPart(const SwarmRecord& record, absl::FunctionRef<void(const SwarmView&)> visit);

  const MemoryStore& store_;
  const std::size_t peers_a_visit_;
  const WalkLimits limits_;
  Random random_;

  // The pass: the shard that it takes names of, and the records that it has still to look at, those
  // before this one. A shard's last pass goes on to the next shard when it ends.
  std::size_t shard_ = 0;
  std::uint32_t to_look_at_ = 0;
  // All that were there when the walk came to the shard, and still are, are before this one.
  std::uint32_t end_ = 0;
  // It takes names behind the one and before the other.
  std::optional<InfoHash> behind_;
  std::optional<InfoHash> cutoff_;

  // The names, some of them twice. The first of them are sorted; of what follows, each part that ends
  // at one of `parts_`, the last of which comes first, is before the next part.
  std::vector<Name> names_;
  std::size_t sorted_ = 0;
  std::vector<std::size_t> parts_;

  // The name to be visited next.
  std::size_t at_ = 0;
  // Of the swarm at that name: how many of its 2^part_bits parts have been visited.
  std::uint32_t part_ = 0;
  std::uint32_t part_bits_ = 0;
};

}  // namespace muster

#endif  // MUSTER_LIB_SWARM_MEMORY_CURSOR_H_
