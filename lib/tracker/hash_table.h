// SPDX-License-Identifier: Apache-2.0
//
// HashTable: a sorted list of info hashes that never changes.
//
//   groups_:  | start 0: 0 1 0 0 1 1 ... | start 5: 1 0 0 1 0 0 ... | start 9: ...
//                             |
//   hashes_:  | 00.. | 0f.. | 21.. | 24.. | 2e.. | 30.. ...      sorted
//
// Info hashes are evenly distributed. Their first bits say in which group of some hundred a hash has
// to be; a group is one line of memory, which has a bit for each of the places that its hashes may
// begin at. Where the bit is not set the hash is not there, which ends four of five searches for one
// that is not; where it is, the bits before it tell where the hash is, give or take one. So a look-up
// in a list of any size fetches one or two lines of memory. Chosen hashes that crowd together cost a
// binary search.
//
// Thread-safe, as it is immutable.
#ifndef MUSTER_LIB_TRACKER_HASH_TABLE_H_
#define MUSTER_LIB_TRACKER_HASH_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "muster/ids.h"

namespace muster {

class HashTable {
 public:
  HashTable() = default;
  // In any order; one that is there twice counts once. Less than 2^32 of them.
  explicit HashTable(std::vector<InfoHash> hashes);

  bool Contains(const InfoHash& info_hash) const;
  // Ask for the memory that Contains() needs, `info_hash` being its 20 bytes: first the one for all
  // that come, then the other, which reads what the first has fetched.
  void PrefetchGroup(const std::uint8_t* info_hash) const;
  void PrefetchHash(const std::uint8_t* info_hash) const;
  // Sorted, each once.
  absl::Span<const InfoHash> hashes() const { return hashes_; }
  std::size_t size() const { return hashes_.size(); }
  bool empty() const { return hashes_.empty(); }
  std::size_t bytes() const {
    return hashes_.capacity() * sizeof(InfoHash) + groups_.capacity() * sizeof(Group);
  }

 private:
  // The hashes of one value of the first bits.
  struct alignas(64) Group {
    static constexpr std::size_t kWords = 6;
    static constexpr std::uint64_t kPlaces = 64 * kWords;

    std::uint64_t taken[kWords] = {};
    // The first of them in hashes_, or the first of those that follow.
    std::uint32_t start = 0;
    // How many of them begin in the words before; kCrowded in the first, where they are too many.
    std::uint16_t before[kWords] = {};
  };
  static constexpr std::uint16_t kCrowded = 0xffff;
  static_assert(sizeof(Group) == 64);

  // Where `number`, the first 8 bytes of a hash, belongs.
  const Group& GroupOf(std::uint64_t number) const { return groups_[number >> shift_]; }
  std::size_t PlaceOf(std::uint64_t number) const {
    return (number << (64 - shift_) >> 32) * Group::kPlaces >> 32;
  }
  void FillGroup(std::size_t index, std::size_t end);
  // The first hash that may have this number; null when none has.
  const InfoHash* Guess(std::uint64_t number) const;
  bool ContainsAmongCrowd(const InfoHash& info_hash, const Group& group) const;

  std::vector<InfoHash> hashes_;
  // One more than there are values.
  std::vector<Group> groups_;
  // How far a hash's first 64 bits are shifted to leave the first bits.
  int shift_ = 63;
};

}  // namespace muster

#endif  // MUSTER_LIB_TRACKER_HASH_TABLE_H_
