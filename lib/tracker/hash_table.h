// SPDX-License-Identifier: Apache-2.0
//
// HashTable: a sorted list of info hashes that never changes, with room in it, so that each hash
// stands where its first bits say, or soon behind.
//
//   lines:  | 04.. 09.. 21.. | 21.. 21.. 21.. | 24.. 2e.. 30.. | 33.. 47.. 47.. | 47.. 51.. ..
//                  ^ full             ^ room is filled with the hash that follows it
//
// Info hashes are evenly distributed. A line of memory holds three; a hash is looked for from the
// line on that is its own, until it is there or a greater one stands in its place. So a look-up in a
// list of any size fetches one line of memory, seldom two that lie side by side. Chosen hashes that
// crowd together cost a binary search.
//
// The hashes of a table may all begin with the same bits: then those behind them say where.
//
// Thread-safe, as it is immutable.
#ifndef MUSTER_LIB_TRACKER_HASH_TABLE_H_
#define MUSTER_LIB_TRACKER_HASH_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "base/bytes.h"
#include "base/huge_pages.h"
#include "muster/ids.h"

namespace muster {

// Ascending, each once.
void SortHashes(std::vector<InfoHash>& hashes);

class HashTable {
 public:
  HashTable() = default;
  // As SortHashes() leaves them, less than 2^32, all with the same first `same_bits` bits (31 at
  // most). They are moved out of there: large parts go back to the kernel as it goes on, so that both
  // are never there as a whole.
  explicit HashTable(absl::Span<InfoHash> hashes, int same_bits = 0);

  bool Contains(const InfoHash& info_hash) const;
  // Asks for the memory that Contains() needs, `info_hash` being its 20 bytes.
  void Prefetch(const std::uint8_t* info_hash) const;
  // Sorted, each once.
  std::vector<InfoHash> hashes() const;
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::size_t bytes() const { return lines_.capacity() * sizeof(Line); }

 private:
  struct alignas(64) Line {
    static constexpr std::size_t kHashes = 3;
    InfoHash hashes[kHashes];
  };
  static_assert(sizeof(Line) == 64);

  // Which line is a hash's own.
  std::size_t LineOf(const std::uint8_t* info_hash) const {
    const std::uint64_t number = LoadBig64(info_hash) << same_bits_;
    return static_cast<std::size_t>((number >> 32) * own_lines_ >> 32);
  }
  InfoHash& at(std::size_t place) {
    return lines_[place / Line::kHashes].hashes[place % Line::kHashes];
  }
  const InfoHash& at(std::size_t place) const {
    return lines_[place / Line::kHashes].hashes[place % Line::kHashes];
  }
  bool IsAmong(const InfoHash& info_hash, std::size_t first_line) const;

  std::vector<Line, TableAllocator<Line>> lines_;
  std::uint64_t own_lines_ = 0;  // those behind them have what finds no room at the end
  std::size_t size_ = 0;
  int same_bits_ = 0;
};

}  // namespace muster

#endif  // MUSTER_LIB_TRACKER_HASH_TABLE_H_
