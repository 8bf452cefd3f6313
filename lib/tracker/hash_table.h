// SPDX-License-Identifier: Apache-2.0
//
// HashTable: a sorted list of info hashes that never changes.
//
//   starts_:  one place for each value of a hash's first bits, few enough to stay in a cache
//               | 0 | 2 | 2 | 5 | ...
//                 |   |       |
//   hashes_:  | 00.. | 0f.. | 21.. | 24.. | 2e.. | 30.. ...      sorted
//
// Info hashes are evenly distributed, so the bits that follow the first ones tell whereabouts
// between two starts a hash has to be: of a list of any size a look-up fetches one or two lines of
// memory. Chosen hashes that crowd together cost a binary search.
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
  void PrefetchStart(const std::uint8_t* info_hash) const;
  void PrefetchHash(const std::uint8_t* info_hash) const;
  // Sorted, each once.
  absl::Span<const InfoHash> hashes() const { return hashes_; }
  std::size_t size() const { return hashes_.size(); }
  bool empty() const { return hashes_.empty(); }
  std::size_t bytes() const {
    return hashes_.capacity() * sizeof(InfoHash) + starts_.capacity() * sizeof(std::uint32_t);
  }

 private:
  // Where `number`, the first 8 bytes of a hash, is likely to be, between `begin` and `end`.
  const InfoHash* Guess(std::uint64_t number, const InfoHash*& begin, const InfoHash*& end) const;

  std::vector<InfoHash> hashes_;
  // hashes_[starts_[i]] is the first whose first bits are i or more; one place more than there are
  // values.
  std::vector<std::uint32_t> starts_;
  // How far a hash's first 32 bits are shifted to leave the first bits.
  int shift_ = 31;
};

}  // namespace muster

#endif  // MUSTER_LIB_TRACKER_HASH_TABLE_H_
