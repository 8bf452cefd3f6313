// SPDX-License-Identifier: Apache-2.0
//
// ShardIndex: the index of a shard's records, in parts, so that none is ever made anew as a whole.
//
// A shard takes its torrents by the first bits of their info hashes, which strangers choose: one of
// them may have any number of torrents. A RecordIndex of them all would have its announces wait for
// as long as it takes to look at each when it grows. So it is split before it is large; which part a
// record is in, a keyed hash says, so that nobody chooses that. Parts are split one at a time, in
// their order (linear hashing): with n parts, those before n - 2^k have been split in this round, and
// take one bit of the hash more than the others.
//
// Thread-compatible.
#ifndef MUSTER_LIB_SWARM_SHARD_INDEX_H_
#define MUSTER_LIB_SWARM_SHARD_INDEX_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "swarm/record_index.h"
#include "swarm/slab_heap.h"

namespace muster {

class ShardIndex {
 public:
  static constexpr std::uint32_t kMaxRecords = RecordIndex::kMaxRecords;
  static constexpr std::uint32_t kNone = RecordIndex::kNone;

  // As with RecordIndex, all of these; the memory belongs to the heap: Clear() first.

  void Clear(SlabHeap* heap) {
    first_.Clear(heap);
    for (RecordIndex& part : more_) part.Clear(heap);
    *this = ShardIndex();
  }

  template <typename IsIt>
  std::uint32_t Find(std::uint64_t hash, const IsIt& is_it) const {
    return PartOf(hash).Find(hash, is_it);
  }

  // Records get their numbers in order: `number` is how many there are.
  template <typename HashOf>
  void Insert(SlabHeap* heap, std::uint64_t hash, std::uint32_t number, const HashOf& hash_of) {
    if (number >= (more_.size() + 1) * kPerPart) Split(heap, number, hash_of);
    PartOf(hash).Insert(heap, hash, number, hash_of);
  }

  template <typename HashOf>
  void Remove(SlabHeap* heap, std::uint64_t hash, std::uint32_t number, std::uint32_t largest,
              const HashOf& hash_of) {
    PartOf(hash).Remove(heap, hash, number, largest, hash_of);
    if (largest == 0 && !more_.empty()) Clear(heap);  // it was the last one
  }

  void Renumber(std::uint64_t hash, std::uint32_t from, std::uint32_t to) {
    PartOf(hash).Renumber(hash, from, to);
  }

  // Called with the number of each record in turn, does so for one part at a time.
  void Tidy(SlabHeap* heap, std::uint32_t number) {
    const std::uint32_t place = number / kPerPart;
    if (number % kPerPart == 0 && place < parts()) PartAt(place).Tidy(heap);
  }

  [[gnu::always_inline]] void Prefetch(std::uint64_t hash) const { PartOf(hash).Prefetch(hash); }

  std::size_t bytes() const {
    std::size_t sum = first_.bytes();
    for (const RecordIndex& part : more_) sum += part.bytes();
    return sum;
  }
  // Memory outside of the heap.
  std::size_t extra_bytes() const { return more_.capacity() * sizeof(RecordIndex); }

 private:
  // On average; one that is to be split may have twice as many: a fraction of a millisecond.
  static constexpr std::uint32_t kPerPart = 2048;

  std::size_t parts() const { return more_.size() + 1; }

  // Of bits that a RecordIndex makes little of.
  static std::size_t PlaceOf(std::uint64_t hash, std::size_t parts) {
    const std::size_t mask = std::bit_ceil(parts) - 1;
    const std::size_t place = (hash >> 24) & mask;
    return place < parts ? place : place & (mask >> 1);
  }

  [[gnu::always_inline]] const RecordIndex& PartOf(std::uint64_t hash) const {
    if (more_.empty()) [[likely]]
      return first_;
    const std::size_t place = PlaceOf(hash, parts());
    return place == 0 ? first_ : more_[place - 1];
  }
  RecordIndex& PartOf(std::uint64_t hash) { return PartAt(PlaceOf(hash, parts())); }
  RecordIndex& PartAt(std::size_t place) { return place == 0 ? first_ : more_[place - 1]; }

  template <typename HashOf>
  void Split(SlabHeap* heap, std::uint32_t largest, const HashOf& hash_of) {
    const std::size_t place = parts();
    more_.emplace_back();
    const std::size_t from = place - std::bit_floor(place);
    PartAt(from).Split(heap, more_.back(), largest, hash_of,
                       [&](std::uint64_t hash) { return PlaceOf(hash, parts()) == place; });
  }

  RecordIndex first_;
  std::vector<RecordIndex> more_;
};

}  // namespace muster

#endif  // MUSTER_LIB_SWARM_SHARD_INDEX_H_
