// SPDX-License-Identifier: Apache-2.0
//
// PeerBlock: up to 255 peers of one family in one piece of memory, as large as they need.
//
//   capacity, seeders, partial seeders, downloaders   1 byte each
//   tags[capacity]                                    1 byte each; from kTaggedFrom peers on
//   peers[capacity]                                   6 or 18 bytes each
//   marks[capacity]                                   1 byte each
//   ids[capacity]                                     20 bytes each; when the store keeps them
//
// Tags come first, so that the cache lines of a search are known before anything of the block is.
#ifndef MUSTER_LIB_SWARM_PEER_BLOCK_H_
#define MUSTER_LIB_SWARM_PEER_BLOCK_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "swarm/peer_list.h"
#include "swarm/slab_heap.h"

namespace muster {

// What all swarms of a store share.
struct SwarmContext {
  SlabHeap* heap;
  HashKey key;
  bool keep_ids;
};

class PeerBlock {
 public:
  static constexpr unsigned kMaxCapacity = 255;
  // Up to here comparing the peers themselves costs no more than comparing tags.
  static constexpr unsigned kTaggedFrom = 17;

  // A block for at least `peers` (1 to kMaxCapacity), with a little room to grow.
  static PeerBlock* New(const SwarmContext& context, AddressFamily family, unsigned peers);
  static void Delete(const SwarmContext& context, AddressFamily family, PeerBlock* block);
  // Memory of a block of this capacity.
  static std::size_t Bytes(const SwarmContext& context, AddressFamily family, unsigned capacity);

  // The list in the block. What changes in the list's counts has to be stored back.
  PeerList list(const SwarmContext& context, AddressFamily family) {
    return list(context, family, capacity_, {n_[0], n_[1], n_[2]});
  }
  // The same without looking at the block, by whom the capacity and the counts are known.
  PeerList list(const SwarmContext& context, AddressFamily family, unsigned capacity,
                const std::array<unsigned, kRoles>& n) {
    auto* const start = reinterpret_cast<std::uint8_t*>(this);
    PeerList list;
    list.family = family;
    list.capacity = capacity;
    list.n = n;
    list.tags = capacity >= kTaggedFrom ? start + sizeof(PeerBlock) : nullptr;
    list.peers = start + PeersAt(capacity);
    list.marks = list.peers + capacity * CompactSize(family);
    list.ids = context.keep_ids ? list.marks + capacity : nullptr;
    return list;
  }
  void Store(const PeerList& list) {
    for (unsigned role = 0; role < kRoles; ++role)
      n_[role] = static_cast<std::uint8_t>(list.n[role]);
  }

  // Hints that a peer is going to be looked for.
  [[gnu::always_inline]] void PrefetchTags() const {
    __builtin_prefetch(this);
    __builtin_prefetch(reinterpret_cast<const char*>(this) + 64);
  }

  // Hints that peers [from, from + n) of a block of this capacity are going to be copied.
  // Always inline: g++ takes a function of nothing but hints for one without effect, and drops
  // calls of it.
  [[gnu::always_inline]] void PrefetchPeers(AddressFamily family, unsigned capacity, unsigned from,
                                            unsigned n) const {
    const char* const peers = reinterpret_cast<const char*>(this) + PeersAt(capacity);
    const std::size_t width = CompactSize(family);
    for (std::size_t at = from * width; at < (from + n) * width + 63; at += 64)
      __builtin_prefetch(peers + at);
  }

  unsigned capacity() const { return capacity_; }
  unsigned size() const { return n_[0] + n_[1] + n_[2]; }
  unsigned n(unsigned role) const { return n_[role]; }

  // `block` with room for one more, or a smaller one where it has become much too large; the old
  // one is gone then. `block` may be null: then it is made.
  static PeerBlock* Resized(const SwarmContext& context, AddressFamily family, PeerBlock* block,
                            unsigned peers);
  // Whether a new one should take its place: it is much too large for its peers, or stands nearly
  // alone on its page.
  bool WantsResizing(const SwarmContext& context, AddressFamily family) const {
    return MuchTooLarge(capacity(), size()) ||
           context.heap->Sparse(this, Bytes(context, family, capacity()));
  }
  static bool MuchTooLarge(unsigned capacity, unsigned peers) {
    return capacity > peers + peers / 2 + 4;
  }

 private:
  static std::size_t PeersAt(unsigned capacity) {
    return sizeof(PeerBlock) + (capacity >= kTaggedFrom ? capacity : 0);
  }

  std::uint8_t capacity_;
  std::uint8_t n_[kRoles];
};

}  // namespace muster

#endif  // MUSTER_LIB_SWARM_PEER_BLOCK_H_
