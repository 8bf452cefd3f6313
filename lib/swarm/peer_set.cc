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
}

PeerSet::Place PeerSet::Find(const SwarmContext& context, const PeerKey& key) const {
  if (blocks_.empty()) return {};
  const std::size_t block = BlockOf(key.hash);
  return {block, ListOf(context, block).Find(key)};
}

std::uint8_t& PeerSet::MarkAt(const SwarmContext& context, Place place) {
  return ListOf(context, place.block).marks[place.i];
}

std::uint8_t* PeerSet::IdAt(const SwarmContext& context, Place place) {
  std::uint8_t* const ids = ListOf(context, place.block).ids;
  return ids == nullptr ? nullptr : ids + static_cast<std::size_t>(place.i) * PeerId::kSize;
}

bool PeerSet::MakeRoom(const SwarmContext& context, std::size_t block) {
  if (sizes_[block] < blocks_[block]->capacity()) return true;
  if (sizes_[block] == PeerBlock::kMaxCapacity) return false;
  blocks_[block] = PeerBlock::Resized(context, family_, blocks_[block], sizes_[block] + 1u);
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
  list.InsertFrom(from, i, role_, static_cast<std::uint8_t>(hash >> 56));
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
  blocks_[source] =
      PeerBlock::Resized(context, family_, blocks_[source], std::max(1u, from.size()));
}

void PeerSet::Join(const SwarmContext& context) {
  const std::size_t last = blocks_.size() - 1;
  const std::size_t target = last == 0 ? 0 : last & ~std::bit_floor(last);
  if (sizes_[last] + (last == 0 ? 0u : sizes_[target]) > PeerBlock::kMaxCapacity) return;
  if (last > 0) {
    const PeerList from = ListOf(context, last);
    const unsigned together = sizes_[target] + from.size();
    if (together > blocks_[target]->capacity()) {
      blocks_[target] = PeerBlock::Resized(context, family_, blocks_[target], together);
    }
    for (unsigned i = 0; i < from.size(); ++i) {
      InsertInto(context, target, from, i, HashPeer(from.peer(i), family_, context.key));
    }
  } else if (sizes_[0] > 0) {
    return;
  }
  PeerBlock::Delete(context, family_, blocks_[last]);
  blocks_.pop_back();
  sizes_.pop_back();
  // Vectors give memory back a half at a time, so that a set that shrinks does not copy them at
  // each step.
  if (blocks_.size() < blocks_.capacity() / 4) {
    blocks_.shrink_to_fit();
    sizes_.shrink_to_fit();
  }
}

void PeerSet::Remove(const SwarmContext& context, Place place) {
  PeerList list = ListOf(context, place.block);
  list.Remove(static_cast<unsigned>(place.i));
  Store(list, place.block);
  --size_;
  if (list.size() > 0 && PeerBlock::MuchTooLarge(list.capacity, list.size())) {
    blocks_[place.block] = PeerBlock::Resized(context, family_, blocks_[place.block], list.size());
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

unsigned PeerSet::ExpireBlock(const SwarmContext& context, std::size_t block,
                              const Cutoff& cutoff) {
  PeerList list = ListOf(context, block);
  const unsigned gone = list.Expire(cutoff);
  if (gone > 0) Store(list, block);
  size_ -= gone;
  if (blocks_[block]->WantsResizing(context, family_)) {
    blocks_[block] =
        PeerBlock::Resized(context, family_, blocks_[block], std::max(1u, list.size()));
  }
  if (gone == 0) return 0;
  // Enough to keep pace with blocks that become empty, few enough that the step stays small.
  for (int joins = 0; joins < 4 && !blocks_.empty(); ++joins) {
    if (size_ > 0 && size_ >= (blocks_.size() - 1) * kJoinBelow) break;
    Join(context);
  }
  return gone;
}

std::size_t PeerSet::DrawBlock(std::size_t but_last_of, Random& random) const {
  // Draw a block and a place in it as if every block were full, until there is a peer at that
  // place.
  for (;;) {
    const std::uint64_t draw = random.Next();
    const auto block = static_cast<std::size_t>((draw >> 32) * blocks_.size() >> 32);
    if ((draw & 0xff) < Eligible(block, but_last_of)) return block;
  }
}

void PeerSet::Choose(const SwarmContext& context, std::size_t take, std::size_t but_last_of,
                     Random& random, PeerBatch& chosen) const {
  if (take == 0) return;
  const std::size_t eligible = size_ - (but_last_of == kNobody ? 0 : 1);
  // A few runs of neighbours from different blocks: mixed well, and few cache misses. A run is
  // shorter than nearly every block: one that could not give it all would give its peers less often
  // than others. Where much of the set is wanted, one run through all blocks, as nobody may be
  // taken twice.
  constexpr std::size_t kLeastRuns = 4;
  constexpr std::size_t kMostRuns = 16;
  constexpr std::size_t kLongestRun = 16;
  const std::size_t run_count = std::max(kLeastRuns, (take + kLongestRun - 1) / kLongestRun);
  struct Run {
    std::size_t block;
    unsigned take;
  };
  std::array<Run, kMostRuns> runs;
  std::size_t drawn = 0;
  if (run_count <= kMostRuns && eligible >= 8 * take && blocks_.size() >= 2 * run_count) {
    std::size_t left = take;
    for (std::size_t r = run_count; r > 0 && left > 0; --r) {
      const auto share = static_cast<unsigned>((left + r - 1) / r);
      const std::size_t block = DrawBlock(but_last_of, random);
      __builtin_prefetch(blocks_[block]);
      auto* const same = std::find_if(runs.begin(), runs.begin() + drawn,
                                      [&](const Run& run) { return run.block == block; });
      if (same != runs.begin() + drawn) {
        same->take += share;
      } else {
        runs[drawn++] = {block, share};
      }
      left -= share;
    }
    for (std::size_t r = 0; r < drawn; ++r) {
      const unsigned n = Eligible(runs[r].block, but_last_of);
      const unsigned part = std::min(n, runs[r].take);
      ListOf(context, runs[r].block).Choose(0, n, part, random.Next(), chosen);
      take -= part;
    }
    if (take == 0) return;
  }
  // From a peer drawn evenly, onwards and around; blocks that have been used above are passed over.
  const std::size_t start = DrawBlock(but_last_of, random);
  const auto offset = random.Below(Eligible(start, but_last_of));
  const auto used = [&](std::size_t block) {
    return std::any_of(runs.begin(), runs.begin() + drawn,
                       [&](const Run& run) { return run.block == block; });
  };
  std::size_t block = start;
  unsigned from = offset;
  for (std::size_t step = 0; step <= blocks_.size() && take > 0; ++step) {
    const unsigned end = step == blocks_.size()
                             ? offset
                             : Eligible(block, but_last_of);  // the rest of the first, at last
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
