// SPDX-License-Identifier: Apache-2.0
//
// PeerList: a short list of peers of one address family, as it lies in memory. It owns nothing; a
// swarm's record and a PeerBlock both lend their bytes to it. What a peer is shows from where it
// stands:
//
//   peers | seeders ... | partial seeders ... | downloaders ... | free |
//   marks |                    in the same order                       |
//   tags  |                    in the same order                       |
//   ids   |                    in the same order                       |
//
//   peers  6 or 18 bytes each, as they travel
//   marks  a byte each: the age, and "completion was counted"
//   tags   a byte each of the endpoint's hash, which is what Find() compares; none in a short list
//   ids    20 bytes each, or none
//
// So counts follow from states, a seeder can be spared other seeders without looking at any, and a
// choice is a copy of neighbouring bytes. Thread-compatible.
#ifndef MUSTER_LIB_SWARM_PEER_LIST_H_
#define MUSTER_LIB_SWARM_PEER_LIST_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "muster/endpoint.h"
#include "muster/peer_batch.h"
#include "muster/swarm_store.h"
#include "swarm/hash.h"

namespace muster {

// What a remembered peer is: a PeerState without kStopped, as an index.
enum Role : unsigned { kSeeders = 0, kPartialSeeders = 1, kDownloaders = 2 };
inline constexpr unsigned kRoles = 3;

constexpr Role RoleOf(PeerState state) { return static_cast<Role>(state); }
constexpr PeerState StateOf(unsigned role) { return static_cast<PeerState>(role); }

// A seeder has no use for another peer that only uploads.
constexpr bool UploadsOnly(unsigned role) { return role != kDownloaders; }

// What a list keeps of a peer's hash.
constexpr std::uint8_t TagOf(std::uint64_t hash) { return static_cast<std::uint8_t>(hash >> 56); }

// A peer and what is derived from it once for an announce.
struct PeerKey {
  PeerKey(const Endpoint& endpoint, const PeerId& peer_id, const HashKey& key);

  std::uint8_t tag() const { return TagOf(hash); }

  const std::uint8_t* compact;
  AddressFamily family;
  std::uint64_t hash;
  const std::uint8_t* id;
};

// The keyed hash of a compact peer.
std::uint64_t HashPeer(const std::uint8_t* compact, AddressFamily family, const HashKey& key);

// Time in a byte: units of a store's resolution, modulo 128, and above it the bit that says
// "completion was counted".
namespace mark {
inline constexpr std::uint8_t kCompleted = 0x80;
constexpr std::uint8_t Stamp(std::int64_t unit) { return static_cast<std::uint8_t>(unit & 0x7f); }
// The unit of a mark, when the store's latest announce was in unit `latest`: it may lie 120 units
// before it, or a few behind it, as threads do not agree on the latest at once.
constexpr std::int64_t UnitOf(std::uint8_t mark, std::int64_t latest) {
  constexpr std::int64_t kAhead = 7;
  return latest + kAhead - ((latest + kAhead - mark) & 0x7f);
}
}  // namespace mark

// Whom a sweep forgets: those last seen before `unit`.
struct Cutoff {
  std::int64_t unit;
  std::int64_t latest;  // see mark::UnitOf

  bool Forgets(std::uint8_t mark) const { return mark::UnitOf(mark, latest) < unit; }
};

class PeerList {
 public:
  static constexpr int kNone = -1;

  AddressFamily family;
  std::uint8_t* peers;
  std::uint8_t* marks;
  std::uint8_t* tags;  // null in a short list
  std::uint8_t* ids;   // null when the store keeps none
  unsigned capacity;
  std::array<unsigned, kRoles> n;

  unsigned size() const { return n[0] + n[1] + n[2]; }
  unsigned begin_of(unsigned role) const { return role == 0 ? 0 : role == 1 ? n[0] : n[0] + n[1]; }
  unsigned role_at(unsigned i) const { return i < n[0] ? 0 : i < n[0] + n[1] ? 1 : 2; }
  const std::uint8_t* peer(unsigned i) const { return peers + i * CompactSize(family); }

  // The place of a peer, or kNone.
  int Find(const PeerKey& key) const;
  // Hints that Find() comes next; reads the tags.
  void Prefetch(std::uint8_t tag) const;
  // Puts a new peer at the end of its role and returns its place; there must be room.
  unsigned Insert(const PeerKey& key, unsigned role, std::uint8_t mark);
  // The same with the peer at place `i` of another list.
  unsigned InsertFrom(const PeerList& from, unsigned i, unsigned role, std::uint8_t tag);
  void Remove(unsigned i);
  // Moves a peer to another role and returns its new place.
  unsigned ChangeRole(unsigned i, unsigned role);
  // Moves a peer to the end of its role and returns its new place.
  unsigned MoveToEnd(unsigned i);

  // Returns how many it forgot.
  unsigned Expire(const Cutoff& cutoff);

  // Copies `take` of the peers at [begin, end), from a place drawn evenly by `random` onwards and
  // around: each is equally likely to be among them. take <= end - begin.
  void Choose(unsigned begin, unsigned end, unsigned take, std::uint64_t random,
              PeerBatch& chosen) const;
  // The same from place `from`.
  void CopyAround(unsigned begin, unsigned end, unsigned from, unsigned take,
                  PeerBatch& chosen) const;
  // Appends the peers at [begin, begin + take).
  void Copy(unsigned begin, unsigned take, PeerBatch& chosen) const;

 private:
  // The place of a peer with this tag for which `is_it` says yes, or kNone.
  template <typename IsIt>
  int FindTagged(std::uint8_t tag, const IsIt& is_it) const;
  // Makes room for one more at the end of `role`; returns the place.
  unsigned Open(unsigned role);
  void Move(unsigned from, unsigned to);
  void Swap(unsigned i, unsigned j);
};

}  // namespace muster

#endif  // MUSTER_LIB_SWARM_PEER_LIST_H_
