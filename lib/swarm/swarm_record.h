// SPDX-License-Identifier: Apache-2.0
//
// SwarmRecord: one torrent in 44 bytes. Most torrents have one or two peers; those live inside the
// record.
//
//   info_hash 20 | shape 1 | body 23
//
//   shape     two bits for the kind, then two each for the numbers of seeders, partial seeders and
//             downloaders while they are inside the record
//   kInline4  completed 2 | 3 peers of 6 | 3 marks             up to three IPv4 peers; with none,
//                                                              the minute when the last one went
//   kInline6  completed 2 | 1 peer of 18 | 1 mark              one IPv6 peer
//   kBlocks   completed 4 | IPv4 PeerBlock* | IPv6 PeerBlock*  up to 255 peers of each family
//   kHuge     completed 4 | HugeSwarm*                         a PeerSet for each family and role
//
// A record changes its kind as its swarm grows and shrinks. Thread-compatible: its shard's lock
// guards it. What it points to belongs to it: Clear() before it is forgotten.
#ifndef MUSTER_LIB_SWARM_SWARM_RECORD_H_
#define MUSTER_LIB_SWARM_SWARM_RECORD_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/functional/function_ref.h"
#include "muster/ids.h"
#include "muster/swarm_store.h"
#include "swarm/peer_block.h"
#include "swarm/peer_list.h"
#include "swarm/peer_set.h"

namespace muster {

// A swarm that has outgrown two blocks.
struct HugeSwarm {
  HugeSwarm();
  PeerSet& set(AddressFamily family, unsigned role) {
    return sets[static_cast<int>(family) * kRoles + role];
  }
  const PeerSet& set(AddressFamily family, unsigned role) const {
    return sets[static_cast<int>(family) * kRoles + role];
  }

  std::size_t peers(AddressFamily family) const;

  std::array<PeerSet, 2 * kRoles> sets;
  // Where the sweep goes on: it takes several steps for a huge swarm. Each set is looked at from
  // its last block down, as joining moves peers from the last block to one before it.
  std::uint32_t sweep_set = 0;
  std::size_t blocks_to_sweep = kWholeSet;
  static constexpr std::size_t kWholeSet = ~std::size_t{0};
};

// How many minutes `minute` lies after `earlier`; negative when before. A record keeps the lower 26
// bits of a minute, which tell 63 years both ways.
inline std::int32_t MinutesAfter(std::uint32_t minute, std::uint32_t earlier) {
  return static_cast<std::int32_t>((minute - earlier) << 6) >> 6;
}

class SwarmRecord {
 public:
  // How an announce changed the swarm.
  struct Change {
    bool accepted = false;  // the peer is remembered, or was and has stopped
    bool joined = false;
    bool left = false;
    bool completed = false;  // the completed count grew
    bool counted = false;    // the peer's completion has been counted, now or before
    bool known = false;      // it was there, and stays
    std::uint8_t old_mark = 0;
  };
  struct Announce {
    const PeerKey& peer;
    PeerState state;
    bool completed;      // the peer says so
    std::uint8_t stamp;  // of a peer whose completion is known to be counted, with that bit
    std::uint32_t minute;
    bool may_join;  // a peer that is not there yet may be remembered
  };
  // What a step of the sweep did.
  struct Swept {
    std::size_t gone = 0;
    std::size_t steps = 0;  // blocks or swarms looked at
    bool done = true;       // false: go on with the same record
  };

  explicit SwarmRecord(const std::uint8_t* info_hash);

  InfoHash info_hash() const { return InfoHash::FromBytes(info_hash_); }
  const std::uint8_t* info_hash_bytes() const { return info_hash_; }

  // One announce: changes the peer, then chooses up to `wanted` others.
  Change Apply(const SwarmContext& context, const Announce& announce, std::size_t wanted,
               std::uint64_t random, PeerBatch& chosen);

  SwarmCounts counts() const;
  std::size_t peers(AddressFamily family) const;
  std::uint32_t completed() const;
  bool has_peers() const { return peers(AddressFamily::kIpv4) + peers(AddressFamily::kIpv6) > 0; }
  // The minute in which the last peer went, of which only the lower 26 bits count; for a record
  // without peers.
  std::uint32_t left_minute() const;

  // Forgets old peers; visits at most about `max_blocks` blocks of a huge swarm. `minute` is noted
  // when nobody is left.
  Swept Sweep(const SwarmContext& context, const Cutoff& cutoff, std::uint32_t minute,
              std::size_t max_blocks);

  // Visits the lists that hold the peers.
  void ForEachList(const SwarmContext& context,
                   absl::FunctionRef<void(const PeerList&)> visit) const;
  // Of a huge swarm, only those in which peers stand whose hashes end with these bits.
  void ForEachList(const SwarmContext& context, std::uint32_t low_bits, std::uint32_t bits,
                   absl::FunctionRef<void(const PeerList&)> visit) const;

  // From a saved state: the completed count is to be at least this; when the last peer went, of a
  // record without peers.
  void RestoreCompleted(const SwarmContext& context, std::uint32_t at_least) {
    if (completed() < at_least) set_completed(context, at_least);
  }
  void RestoreLeftMinute(std::uint32_t minute) { set_left_minute(minute); }

  // Hints to the processor that the peers' memory comes next.
  void PrefetchPeers() const;
  // Null unless it is one.
  const HugeSwarm* huge_swarm() const { return kind() == kHuge ? huge() : nullptr; }

  // Forgets all peers and frees their memory. The completed count stays.
  void Clear(const SwarmContext& context, std::uint32_t minute);

 private:
  enum Kind : unsigned { kInline4, kInline6, kBlocks, kHuge };

  Kind kind() const { return static_cast<Kind>(shape_ & 3); }
  void set_kind(Kind kind) { shape_ = static_cast<std::uint8_t>(kind); }
  bool inline_kind() const { return kind() <= kInline6; }
  static AddressFamily InlineFamily(Kind kind) {
    return kind == kInline4 ? AddressFamily::kIpv4 : AddressFamily::kIpv6;
  }

  PeerList InlineList() const;
  void StoreInline(const PeerList& list);
  PeerBlock* block(AddressFamily family) const;
  void set_block(AddressFamily family, PeerBlock* block);
  HugeSwarm* huge() const;
  void set_huge(HugeSwarm* huge);
  void set_completed(const SwarmContext& context, std::uint32_t completed);
  void set_left_minute(std::uint32_t minute);

  // The list with the peers of a family while they are in the record or in a block; empty when
  // there is none.
  PeerList List(const SwarmContext& context, AddressFamily family) const;
  void StoreList(AddressFamily family, const PeerList& list);

  // The same list with room for one more; may change the kind, and is then no list at all when it
  // became kHuge.
  bool MakeRoom(const SwarmContext& context, AddressFamily family);
  void ToBlocks(const SwarmContext& context);
  void ToHuge(const SwarmContext& context);
  // Back to a smaller kind where the swarm has become small; a sweep also tidies up memory that is
  // merely scattered.
  void Settle(const SwarmContext& context, bool sweeping = false);
  void HugeToBlocks(const SwarmContext& context);
  void BlocksToInline(const SwarmContext& context);

  Change ApplySmall(const SwarmContext& context, const Announce& announce, std::size_t wanted,
                    std::uint64_t random, PeerBatch& chosen);
  Change ApplyHuge(const SwarmContext& context, const Announce& announce, std::size_t wanted,
                   std::uint64_t random, PeerBatch& chosen);

  std::uint8_t info_hash_[InfoHash::kSize];
  std::uint8_t shape_;
  std::uint8_t body_[23];
};

static_assert(sizeof(SwarmRecord) == 44 && alignof(SwarmRecord) == 1);

}  // namespace muster

#endif  // MUSTER_LIB_SWARM_SWARM_RECORD_H_
