// SPDX-License-Identifier: Apache-2.0
//
// RecordIndex: from the hash of an info hash to the number of its record, in three bytes a slot.
//
// Open addressing with linear probing. A slot holds a record's number in its low bits, as many as
// the table needs, and a tag of the hash in the rest (12 bits of each at 4,000 records), so that a
// probe that passes a stranger seldom has to look at the stranger's record. The table grows by a
// seventh: it stays at least 78 % full, and a rebuild is short. Thread-compatible.
#ifndef MUSTER_LIB_SWARM_RECORD_INDEX_H_
#define MUSTER_LIB_SWARM_RECORD_INDEX_H_

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "swarm/slab_heap.h"

namespace muster {

class RecordIndex {
 public:
  // Records are numbered from 0 to one less than this.
  static constexpr std::uint32_t kMaxRecords = (1u << 23) - 2;
  static constexpr std::uint32_t kNone = ~0u;

  // The memory belongs to the heap: Clear() first.
  void Clear(SlabHeap* heap) {
    if (slots_ != nullptr) heap->Free(slots_, BytesFor(capacity_));
    *this = RecordIndex();
  }

  std::size_t bytes() const { return capacity_ == 0 ? 0 : BytesFor(capacity_); }

  // The number of the record for which `is_it` says yes, or kNone. Asks for few others.
  template <typename IsIt>
  std::uint32_t Find(std::uint64_t hash, const IsIt& is_it) const {
    const std::uint32_t slot = FindSlot(hash, is_it);
    return slot == kNone ? kNone : Load(slot) & number_mask_;
  }

  // Adds record `number` (< kMaxRecords), which is not there. `hash_of(n)` gives the hash of any
  // record in the index, hash_of.Prefetch(n) hints that it will be asked for.
  template <typename HashOf>
  void Insert(SlabHeap* heap, std::uint64_t hash, std::uint32_t number, const HashOf& hash_of) {
    if ((used_ + 1) * 10 > capacity_ * 9 || number >= number_mask_)
      Rebuild(heap, live_ + 1, number, hash_of);
    Place(hash, number);
    ++live_;
  }

  // Removes record `number`; no other has a greater one than `largest`.
  template <typename HashOf>
  void Remove(SlabHeap* heap, std::uint64_t hash, std::uint32_t number, std::uint32_t largest,
              const HashOf& hash_of) {
    Store(FindSlot(hash, [number](std::uint32_t n) { return n == number; }),
          number_mask_);  // the mark of a removed one
    --live_;
    if (capacity_ > kLeastCapacity && live_ * 2 < capacity_) {
      Rebuild(heap, live_, largest, hash_of);
    }
  }

  // Gives those records to `other`, which is empty, of whose hashes `goes` says so: about half.
  template <typename HashOf, typename Goes>
  void Split(SlabHeap* heap, RecordIndex& other, std::uint32_t largest, const HashOf& hash_of,
             const Goes& goes) {
    RecordIndex old = *this;
    live_ = 0;
    Make(heap, old.live_ / 2, largest);
    other.Make(heap, old.live_ / 2, largest);
    old.ForEach(hash_of, [&](std::uint64_t hash, std::uint32_t number) {
      (goes(hash) ? other : *this).Insert(heap, hash, number, hash_of);
    });
    old.Clear(heap);
  }

  // Record `from` is called `to` from now on; `to` is at most the largest number inserted so far.
  void Renumber(std::uint64_t hash, std::uint32_t from, std::uint32_t to) {
    const std::uint32_t slot = FindSlot(hash, [from](std::uint32_t n) { return n == from; });
    Store(slot, to | TagOf(hash));
  }

  // Moves to a better place in memory where it stands nearly alone on its page.
  void Tidy(SlabHeap* heap) {
    if (slots_ == nullptr || !heap->Sparse(slots_, BytesFor(capacity_))) return;
    auto* const moved = static_cast<std::uint8_t*>(heap->Allocate(BytesFor(capacity_)));
    std::memcpy(moved, slots_, BytesFor(capacity_));
    heap->Free(slots_, BytesFor(capacity_));
    slots_ = moved;
  }

  // Hints that `hash` is going to be looked for.
  [[gnu::always_inline]] void Prefetch(std::uint64_t hash) const {  // see PeerBlock
    if (capacity_ > 0) __builtin_prefetch(slots_ + 3 * static_cast<std::size_t>(HomeOf(hash)));
  }

 private:
  static constexpr std::uint32_t kSlotMask = (1u << 24) - 1;
  static constexpr std::uint32_t kEmpty = kSlotMask;  // number and tag all ones
  static constexpr std::uint32_t kLeastCapacity = 16;

  // Four bytes are read for three.
  static std::size_t BytesFor(std::uint32_t capacity) {
    return 3 * static_cast<std::size_t>(capacity) + 1;
  }

  std::uint32_t Load(std::uint32_t slot) const {
    std::uint32_t value;
    std::memcpy(&value, slots_ + 3 * static_cast<std::size_t>(slot), 4);
    return value & kSlotMask;
  }
  void Store(std::uint32_t slot, std::uint32_t value) {
    std::memcpy(slots_ + 3 * static_cast<std::size_t>(slot), &value, 3);
  }

  std::uint32_t HomeOf(std::uint64_t hash) const {
    return static_cast<std::uint32_t>((hash >> 32) * capacity_ >> 32);
  }
  std::uint32_t TagOf(std::uint64_t hash) const {
    return static_cast<std::uint32_t>(hash) & kSlotMask & ~number_mask_;
  }
  std::uint32_t Next(std::uint32_t slot) const { return slot + 1 == capacity_ ? 0 : slot + 1; }

  template <typename IsIt>
  std::uint32_t FindSlot(std::uint64_t hash, const IsIt& is_it) const {
    if (capacity_ == 0) return kNone;
    const std::uint32_t tag = TagOf(hash);
    for (std::uint32_t slot = HomeOf(hash);; slot = Next(slot)) {
      const std::uint32_t value = Load(slot);
      if (value == kEmpty) return kNone;
      const std::uint32_t number = value & number_mask_;
      if ((value & ~number_mask_) == tag && number != number_mask_ && is_it(number)) return slot;
    }
  }

  void Place(std::uint64_t hash, std::uint32_t number) {
    std::uint32_t slot = HomeOf(hash);
    while (Load(slot) != kEmpty) slot = Next(slot);
    Store(slot, number | TagOf(hash));
    ++used_;
  }

  // Makes the table anew for `live` records and numbers up to `largest`.
  template <typename HashOf>
  void Rebuild(SlabHeap* heap, std::uint32_t live, std::uint32_t largest, const HashOf& hash_of) {
    RecordIndex old = *this;
    Make(heap, live, largest);
    old.ForEach(hash_of, [&](std::uint64_t hash, std::uint32_t number) { Place(hash, number); });
    old.Clear(heap);
  }

  // An empty table for as many. What it had is somebody else's.
  void Make(SlabHeap* heap, std::uint32_t live, std::uint32_t largest) {
    // Filled to 78 %: a seventh more fits before the next time.
    capacity_ = live < kLeastCapacity / 2 ? kLeastCapacity : live + live * 9 / 32;
    const std::uint32_t numbers =
        std::max(largest + 1, capacity_ / 10 * 9 + 9) + 1;  // before the next rebuild
    number_mask_ = std::min(std::bit_ceil(numbers + 1), kMaxRecords + 2) - 1;
    slots_ = static_cast<std::uint8_t*>(heap->Allocate(BytesFor(capacity_)));
    std::memset(slots_, 0xff, BytesFor(capacity_));
    used_ = 0;
  }

  // Visits all records with their hashes. Their order is nobody's, so each would be waited for.
  template <typename HashOf, typename Visit>
  void ForEach(const HashOf& hash_of, const Visit& visit) const {
    constexpr std::uint32_t kAhead = 16;
    const auto number_at = [this](std::uint32_t slot) { return Load(slot) & number_mask_; };
    for (std::uint32_t slot = 0; slot < capacity_; ++slot) {
      if (slot + kAhead < capacity_ && number_at(slot + kAhead) != number_mask_)
        hash_of.Prefetch(number_at(slot + kAhead));
      const std::uint32_t number = number_at(slot);
      if (number != number_mask_) visit(hash_of(number), number);
    }
  }

  std::uint8_t* slots_ = nullptr;
  std::uint32_t capacity_ = 0;
  std::uint32_t used_ = 0;  // live and removed slots
  std::uint32_t live_ = 0;
  std::uint32_t number_mask_ = 0;
};

}  // namespace muster

#endif  // MUSTER_LIB_SWARM_RECORD_INDEX_H_
