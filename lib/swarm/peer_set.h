// SPDX-License-Identifier: Apache-2.0
//
// PeerSet: the peers of one family and one role of a huge swarm, spread over blocks by the hash of
// the endpoint (linear hashing: one more block splits one block, one less joins two). Finding,
// adding, removing and choosing touch a few blocks, however many there are, and no operation ever
// moves more than two of them.
//
//   0 1 2 3 | 4 5      six blocks: four by two bits of the hash, of which 0 and 1 have been split
//       ^              by a third bit into 0, 4 and 1, 5. The next block, 6, takes its peers from 2
#ifndef MUSTER_LIB_SWARM_PEER_SET_H_
#define MUSTER_LIB_SWARM_PEER_SET_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "muster/random.h"
#include "swarm/peer_block.h"
#include "swarm/peer_list.h"

namespace muster {

class PeerSet {
 public:
  // A peer's place: a block, and the place in it.
  struct Place {
    std::size_t block;
    int i = PeerList::kNone;
    bool found() const { return i != PeerList::kNone; }
  };
  // No block: nobody is left out of a choice.
  static constexpr std::size_t kNobody = ~std::size_t{0};

  PeerSet(AddressFamily family, Role role) : family_(family), role_(role) {}
  // The blocks belong to the context's heap: Clear() first.
  void Clear(const SwarmContext& context);

  std::size_t size() const { return size_; }
  std::size_t block_count() const { return blocks_.size(); }
  Place Find(const SwarmContext& context, const PeerKey& key) const;
  std::uint8_t& MarkAt(const SwarmContext& context, Place place);
  // Null when no ids are kept.
  std::uint8_t* IdAt(const SwarmContext& context, Place place);

  // Adds a peer that is not there. False when its block is full, which a keyed hash makes as good
  // as impossible.
  bool Insert(const SwarmContext& context, const PeerKey& key, std::uint8_t mark);
  void Remove(const SwarmContext& context, Place place);
  // Moves a peer to the end of its block, where a draw can leave it out.
  void MoveToEnd(const SwarmContext& context, Place place);

  // Adds a whole list's peers of this set's role.
  void InsertAll(const SwarmContext& context, const PeerList& from);
  void ForEachBlock(const SwarmContext& context,
                    absl::FunctionRef<void(const PeerList&)> visit) const;
  // Only those blocks in which peers stand whose hashes end with these bits.
  void ForEachBlock(const SwarmContext& context, std::uint32_t low_bits, std::uint32_t bits,
                    absl::FunctionRef<void(const PeerList&)> visit) const;

  // Hints to the processor that a peer with this hash is going to be looked for, in steps that each
  // need what the one before has fetched.
  enum class Fetch { kAddressOfBlock, kTags, kPeer };
  void Prefetch(const SwarmContext& context, std::uint64_t hash, Fetch what) const;

  // A choice of peers, drawn and not yet copied.
  struct Draw {
    static constexpr std::size_t kMostRuns = 16;
    // Neighbours in one block, from a place onwards and around.
    struct Run {
      std::size_t block;
      unsigned from;
      unsigned take;
    };

    const Run* begin() const { return runs.data(); }
    const Run* end() const { return runs.data() + count; }
    Run* begin() { return runs.data(); }
    Run* end() { return runs.data() + count; }

    std::size_t take = 0;  // in all; what the runs lack is found when they are copied
    std::size_t but_last_of;
    std::size_t count = 0;
    std::array<Run, kMostRuns> runs;
  };
  // Draws `take` different peers, each about equally likely; `but_last_of` names a block whose last
  // peer is not one of them (kNobody: none). At most size() less that peer.
  void DrawPeers(std::size_t take, std::size_t but_last_of, Random& random, Draw& draw);
  // Copies them; the set has not changed since.
  void Copy(const SwarmContext& context, const Draw& draw, Random& random, PeerBatch& chosen) const;

  // Forgets peers of block `block` (< block_count()); returns how many.
  // Blocks are joined afterwards where few are left, so block_count() may fall.
  unsigned ExpireBlock(const SwarmContext& context, std::size_t block, const Cutoff& cutoff);

 private:
  // Peers to a block that splitting and joining aim at. A block that is soon to be split holds
  // twice as many as those that were, and with some luck half as many again: less than
  // PeerBlock::kMaxCapacity.
  static constexpr std::size_t kSplitAbove = 80;
  static constexpr std::size_t kJoinBelow = 40;
  static constexpr std::size_t kLongestRun = 16;

  std::size_t BlockOf(std::uint64_t hash) const;
  PeerList ListOf(const SwarmContext& context, std::size_t block) const {
    std::array<unsigned, kRoles> n{};
    n[role_] = sizes_[block];
    return blocks_[block]->list(context, family_, capacities_[block], n);
  }
  void Store(const PeerList& list, std::size_t block);
  void Resize(const SwarmContext& context, std::size_t block, unsigned peers);
  bool InsertInto(const SwarmContext& context, std::size_t block, const PeerList& from, unsigned i,
                  std::uint64_t hash);
  bool MakeRoom(const SwarmContext& context, std::size_t block);
  void Split(const SwarmContext& context);
  void Join(const SwarmContext& context);
  // Peers of a block that may be chosen.
  unsigned Eligible(std::size_t block, std::size_t but_last_of) const {
    return sizes_[block] - (block == but_last_of ? 1u : 0u);
  }
  // Looks anew how large the largest block is.
  void Measure();
  // A peer, each equally likely.
  struct Spot {
    std::uint32_t block = ~std::uint32_t{0};  // of no set
    std::uint32_t place = 0;
  };
  Spot DrawSpot(std::size_t but_last_of, Random& random) const;
  // The same, drawn some choices ago, so that its memory has come meanwhile; draws another for
  // later.
  Spot NextSpot(std::size_t but_last_of, Random& random);

  AddressFamily family_;
  Role role_;
  std::size_t size_ = 0;
  std::vector<PeerBlock*> blocks_;
  // What the blocks say themselves, side by side, so that a draw waits for none of them.
  std::vector<std::uint8_t> sizes_;
  std::vector<std::uint8_t> capacities_;
  static constexpr std::size_t kAhead = 4;
  std::array<Spot, kAhead> ahead_{};  // may be out of date
  std::uint8_t next_ahead_ = 0;
  unsigned at_most_ = 0;  // no block is larger; tightened now and then
};

}  // namespace muster

#endif  // MUSTER_LIB_SWARM_PEER_SET_H_
