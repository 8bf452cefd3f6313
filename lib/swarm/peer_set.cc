// SPDX-License-Identifier: Apache-2.0
#include "swarm/peer_set.h"

#include <algorithm>
#include <array>
#include <bit>

namespace muster {

void PeerSet::Clear(const SwarmContext& context) {
  for (PeerBlock* block : blocks_) PeerBlock::Delete(context, family_, block);
  blocks_.clear();
  sizes_.clear();
  capacities_.clear();
  at_most_ = 0;
  size_ = 0;
}

std::size_t PeerSet::BlockOf(std::uint64_t hash) const {
  const std::size_t mask = std::bit_ceil(blocks_.size()) - 1;
  const std::size_t block = hash & mask;
  return block < blocks_.size() ? block : block & (mask >> 1);
}

void PeerSet::Store(const PeerList& list, std::size_t block) {
  blocks_[block]->Store(list);
  sizes_[block] = static_cast<std::uint8_t>(list.size());
  at_most_ = std::max(at_most_, list.size());
}

void PeerSet::Resize(const SwarmContext& context, std::size_t block, unsigned peers) {
  blocks_[block] = PeerBlock::Resized(context, family_, blocks_[block], std::max(1u, peers));
  capacities_[block] = static_cast<std::uint8_t>(blocks_[block]->capacity());
}

void PeerSet::Measure() {
  at_most_ = sizes_.empty() ? 0u : *std::max_element(sizes_.begin(), sizes_.end());
}

PeerSet::Place PeerSet::Find(const SwarmContext& context, const PeerKey& key) const {
  if (blocks_.empty()) return {};
  const std::size_t block = BlockOf(key.hash);
  return {block, ListOf(context, block).Find(key)};
}

void PeerSet::Prefetch(const SwarmContext& context, std::uint64_t hash, Fetch what) const {
  if (blocks_.empty()) return;
  const std::size_t block = BlockOf(hash);
  switch (what) {
    case Fetch::kAddressOfBlock:
      __builtin_prefetch(&blocks_[block]);
      break;
    case Fetch::kTags:
      blocks_[block]->PrefetchTags();
      break;
    case Fetch::kPeer:
      ListOf(context, block).Prefetch(TagOf(hash));
      break;
  }
}

std::uint8_t& PeerSet::MarkAt(const SwarmContext& context, Place place) {
  return ListOf(context, place.block).marks[place.i];
}

std::uint8_t* PeerSet::IdAt(const SwarmContext& context, Place place) {
  std::uint8_t* const ids = ListOf(context, place.block).ids;
  return ids == nullptr ? nullptr : ids + static_cast<std::size_t>(place.i) * PeerId::kSize;
}

bool PeerSet::MakeRoom(const SwarmContext& context, std::size_t block) {
  if (sizes_[block] < capacities_[block]) return true;
  if (sizes_[block] == PeerBlock::kMaxCapacity) return false;
  Resize(context, block, sizes_[block] + 1u);
  return true;
}

bool PeerSet::Insert(const SwarmContext& context, const PeerKey& key, std::uint8_t mark) {
  if (blocks_.empty() || size_ >= blocks_.size() * kSplitAbove) Split(context);
  const std::size_t block = BlockOf(key.hash);
  if (!MakeRoom(context, block)) return false;
  PeerList list = ListOf(context, block);
  list.Insert(key, role_, mark);
  Store(list, block);
  ++size_;
  return true;
}

bool PeerSet::InsertInto(const SwarmContext& context, std::size_t block, const PeerList& from,
                         unsigned i, std::uint64_t hash) {
  if (!MakeRoom(context, block)) return false;
  PeerList list = ListOf(context, block);
  list.InsertFrom(from, i, role_, TagOf(hash));
  Store(list, block);
  return true;
}

void PeerSet::InsertAll(const SwarmContext& context, const PeerList& from) {
  for (unsigned i = from.begin_of(role_), left = from.n[role_]; left > 0; ++i, --left) {
    if (blocks_.empty() || size_ >= blocks_.size() * kSplitAbove) Split(context);
    const std::uint64_t hash = HashPeer(from.peer(i), family_, context.key);
    if (InsertInto(context, BlockOf(hash), from, i, hash)) ++size_;
  }
}

void PeerSet::Split(const SwarmContext& context) {
  const std::size_t added = blocks_.size();
  blocks_.push_back(PeerBlock::New(context, family_, added == 0 ? 8 : kSplitAbove / 2));
  sizes_.push_back(0);
  capacities_.push_back(static_cast<std::uint8_t>(blocks_.back()->capacity()));
  if (added == 0) return;
  // The block that had the new one's peers so far: the same number without its highest bit.
  const std::size_t source = added & ~std::bit_floor(added);
  PeerList from = ListOf(context, source);
  for (unsigned i = from.size(); i-- > 0;) {
    const std::uint64_t hash = HashPeer(from.peer(i), family_, context.key);
    if (BlockOf(hash) != added) continue;
    InsertInto(context, added, from, i, hash);  // never full: it gets a part of one block
    from.Remove(i);
  }
  Store(from, source);
  Resize(context, source, from.size());
  if (std::has_single_bit(blocks_.size())) Measure();  // every block has been split since
}

void PeerSet::Join(const SwarmContext& context) {
  const std::size_t last = blocks_.size() - 1;
  const std::size_t target = last == 0 ? 0 : last & ~std::bit_floor(last);
  if (sizes_[last] + (last == 0 ? 0u : sizes_[target]) > PeerBlock::kMaxCapacity) return;
  if (last > 0) {
    const PeerList from = ListOf(context, last);
    const unsigned together = sizes_[target] + from.size();
    if (together > capacities_[target]) Resize(context, target, together);
    for (unsigned i = 0; i < from.size(); ++i) {
      InsertInto(context, target, from, i, HashPeer(from.peer(i), family_, context.key));
    }
  } else if (sizes_[0] > 0) {
    return;
  }
  PeerBlock::Delete(context, family_, blocks_[last]);
  blocks_.pop_back();
  sizes_.pop_back();
  capacities_.pop_back();
  // Vectors give memory back a half at a time, so that a set that shrinks does not copy them at
  // each step.
  if (blocks_.size() < blocks_.capacity() / 4) {
    blocks_.shrink_to_fit();
    sizes_.shrink_to_fit();
    capacities_.shrink_to_fit();
  }
}

void PeerSet::Remove(const SwarmContext& context, Place place) {
  PeerList list = ListOf(context, place.block);
  list.Remove(static_cast<unsigned>(place.i));
  Store(list, place.block);
  --size_;
  if (list.size() > 0 && PeerBlock::MuchTooLarge(list.capacity, list.size())) {
    Resize(context, place.block, list.size());
  }
  if (size_ < (blocks_.size() - 1) * kJoinBelow || size_ == 0) Join(context);
}

void PeerSet::MoveToEnd(const SwarmContext& context, Place place) {
  ListOf(context, place.block).MoveToEnd(static_cast<unsigned>(place.i));
}

void PeerSet::ForEachBlock(const SwarmContext& context,
                           absl::FunctionRef<void(const PeerList&)> visit) const {
  for (std::size_t block = 0; block < blocks_.size(); ++block) visit(ListOf(context, block));
}

void PeerSet::ForEachBlock(const SwarmContext& context, std::uint32_t low_bits, std::uint32_t bits,
                           absl::FunctionRef<void(const PeerList&)> visit) const {
  if (blocks_.empty()) return;
  const std::size_t width = std::size_t{1} << bits;
  if (width > std::bit_floor(blocks_.size())) {  // one block holds all of them
    visit(ListOf(context, BlockOf(low_bits)));
    return;
  }
  for (std::size_t block = low_bits; block < blocks_.size(); block += width)
    visit(ListOf(context, block));
}

unsigned PeerSet::ExpireBlock(const SwarmContext& context, std::size_t block,
                              const Cutoff& cutoff) {
  PeerList list = ListOf(context, block);
  const unsigned gone = list.Expire(cutoff);
  if (gone > 0) Store(list, block);
  size_ -= gone;
  if (block == 0) Measure();  // the last one that a sweep looks at
  if (blocks_[block]->WantsResizing(context, family_)) {
    Resize(context, block, list.size());
  }
  if (gone == 0) return 0;
  // Enough to keep pace with blocks that become empty, few enough that the step stays small.
  for (int joins = 0; joins < 4 && !blocks_.empty(); ++joins) {
    if (size_ > 0 && size_ >= (blocks_.size() - 1) * kJoinBelow) break;
    Join(context);
  }
  return gone;
}

PeerSet::Spot PeerSet::DrawSpot(std::size_t but_last_of, Random& random) const {
  // Draw a block and a place in it as if every block were as large as the largest, until there is a
  // peer at that place.
  for (;;) {
    const std::uint64_t draw = random.Next();
    const auto block = static_cast<std::uint32_t>((draw >> 32) * blocks_.size() >> 32);
    const auto place = static_cast<unsigned>((draw & 0xffffffff) * at_most_ >> 32);
    if (place < Eligible(block, but_last_of)) return {block, place};
  }
}

PeerSet::Spot PeerSet::NextSpot(std::size_t but_last_of, Random& random) {
  Spot& ahead = ahead_[next_ahead_++ % kAhead];
  Spot spot = ahead;
  // The set may have changed since: then it is a place drawn in vain, as above.
  if (spot.block >= blocks_.size() || spot.place >= Eligible(spot.block, but_last_of))
    spot = DrawSpot(but_last_of, random);
  ahead = DrawSpot(but_last_of, random);
  blocks_[ahead.block]->PrefetchPeers(family_, capacities_[ahead.block], ahead.place, kLongestRun);
  return spot;
}

void PeerSet::DrawPeers(std::size_t take, std::size_t but_last_of, Random& random, Draw& draw) {
  draw.take = take;
  draw.but_last_of = but_last_of;
  // A few runs of neighbours from different blocks: mixed well, and few cache misses. A run is
  // shorter than nearly every block: one that could not give it all would give its peers less often
  // than others. Where much of the set is wanted, one run through all blocks, as nobody may be
  // taken twice.
  constexpr std::size_t kLeastRuns = 2;
  const std::size_t eligible = size_ - (but_last_of == kNobody ? 0 : 1);
  std::size_t runs = std::max(kLeastRuns, (take + kLongestRun - 1) / kLongestRun);
  if (runs > Draw::kMostRuns || eligible < 8 * take || blocks_.size() < 2 * runs) return;
  for (; runs > 0 && take > 0; --runs) {
    const auto share = static_cast<unsigned>((take + runs - 1) / runs);
    const Spot spot = NextSpot(but_last_of, random);
    take -= share;
    Draw::Run* same = draw.begin();
    while (same != draw.end() && same->block != spot.block) ++same;
    if (same != draw.end()) {
      same->take += share;
    } else {
      draw.runs[draw.count++] = {spot.block, spot.place, share};
    }
  }
}

void PeerSet::Copy(const SwarmContext& context, const Draw& draw, Random& random,
                   PeerBatch& chosen) const {
  std::size_t take = draw.take;
  for (const Draw::Run& run : draw) {
    const unsigned n = Eligible(run.block, draw.but_last_of);
    const unsigned part = std::min(n, run.take);
    ListOf(context, run.block).CopyAround(0, n, run.from, part, chosen);
    take -= part;
  }
  if (take == 0) return;
  // From a peer drawn evenly, onwards and around; blocks that have been used above are passed over.
  const auto [start, offset] = DrawSpot(draw.but_last_of, random);
  const auto used = [&](std::size_t block) {
    return std::any_of(draw.begin(), draw.end(),
                       [&](const Draw::Run& run) { return run.block == block; });
  };
  std::size_t block = start;
  unsigned from = offset;
  for (std::size_t step = 0; step <= blocks_.size() && take > 0; ++step) {
    const unsigned end = step == blocks_.size()
                             ? offset
                             : Eligible(block, draw.but_last_of);  // the rest of the first, at last
    if (!used(block) && from < end) {
      const auto part = static_cast<unsigned>(std::min<std::size_t>(take, end - from));
      ListOf(context, block).Copy(from, part, chosen);
      take -= part;
    }
    from = 0;
    block = block + 1 == blocks_.size() ? 0 : block + 1;
  }
}

}  // namespace muster
