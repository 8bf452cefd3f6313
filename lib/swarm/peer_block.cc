// SPDX-License-Identifier: Apache-2.0
#include "swarm/peer_block.h"

#include <algorithm>
#include <new>

namespace muster {
std::size_t PeerBlock::Bytes(const SwarmContext& context, AddressFamily family, unsigned capacity) {
  std::size_t bytes = PeersAt(capacity) + capacity * (CompactSize(family) + 1);
  if (context.keep_ids) bytes += capacity * PeerId::kSize;
  return bytes;
}

PeerBlock* PeerBlock::New(const SwarmContext& context, AddressFamily family, unsigned peers) {
  unsigned capacity = std::min(peers + peers / 16, kMaxCapacity);
  // What the memory's size class gives for free is capacity too.
  const std::size_t good = SlabHeap::GoodSize(Bytes(context, family, capacity));
  while (capacity < kMaxCapacity && Bytes(context, family, capacity + 1) <= good) ++capacity;
  auto* block = ::new (context.heap->Allocate(Bytes(context, family, capacity))) PeerBlock;
  block->capacity_ = static_cast<std::uint8_t>(capacity);
  std::fill(std::begin(block->n_), std::end(block->n_), std::uint8_t{0});
  return block;
}

void PeerBlock::Delete(const SwarmContext& context, AddressFamily family, PeerBlock* block) {
  if (block != nullptr) context.heap->Free(block, Bytes(context, family, block->capacity_));
}

PeerBlock* PeerBlock::Resized(const SwarmContext& context, AddressFamily family, PeerBlock* block,
                              unsigned peers) {
  PeerBlock* const resized = New(context, family, peers);
  if (block == nullptr) return resized;
  const PeerList from = block->list(context, family);
  PeerList to = resized->list(context, family);
  // In the order of the roles, so that each is put straight in its place.
  for (unsigned i = 0; i < from.size(); ++i) {
    const std::uint8_t tag = to.tags == nullptr ? 0
                             : from.tags != nullptr
                                 ? from.tags[i]
                                 : TagOf(HashPeer(from.peer(i), family, context.key));
    to.InsertFrom(from, i, from.role_at(i), tag);
  }
  resized->Store(to);
  Delete(context, family, block);
  return resized;
}

}  // namespace muster
