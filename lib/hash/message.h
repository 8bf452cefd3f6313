// SPDX-License-Identifier: Apache-2.0
//
// A message to hash, and the way it is cut into blocks.
#ifndef MUSTER_LIB_HASH_MESSAGE_H_
#define MUSTER_LIB_HASH_MESSAGE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "absl/types/span.h"
#include "base/bytes.h"
#include "hash/lane_kernels.h"

namespace muster {

using ByteSpan = absl::Span<const std::uint8_t>;

// The bytes of `first` and, behind them, of each of `rest`; all borrowed.
struct HashMessage {
  ByteSpan first;
  absl::Span<const ByteSpan> rest;

  std::uint64_t size() const {
    std::uint64_t size = first.size();
    for (const ByteSpan part : rest) size += part.size();
    return size;
  }
};

// How many blocks a message of `size` bytes has, padding included.
constexpr std::uint64_t BlocksOf(std::uint64_t size) { return (size + 8) / kHashBlock + 1; }

// How a message ends (FIPS 180-4, section 5.1): `n` < 64 bytes of a block are there, the last of a
// message of `size` bytes; the padding follows. Returns how many blocks that gives, 1 or 2.
inline std::size_t Pad(std::uint8_t* block, std::size_t n, std::uint64_t size) {
  const std::size_t blocks = n + 1 + 8 <= kHashBlock ? 1 : 2;
  block[n] = 0x80;
  std::memset(block + n + 1, 0, blocks * kHashBlock - 8 - (n + 1));
  StoreBig64(block + blocks * kHashBlock - 8, size * 8);
  return blocks;
}

// The blocks of a message, padding included, as runs of neighbours in memory: the caller's own
// memory, except where a block spans parts or ends the message. The message may come bit by bit:
// Append(), NextWhole() until that is false, Append() again, and Next() at the end.
class BlockRuns {
 public:
  BlockRuns() = default;
  BlockRuns(const BlockRuns&) = delete;
  BlockRuns& operator=(const BlockRuns&) = delete;

  void Begin(const HashMessage& message) {
    message_ = message;
    size_ = 0;
    filled_ = 0;
    padded_ = false;
  }
  // More of the message. All that came before must have been taken by NextWhole().
  void Append(const HashMessage& message) { message_ = message; }

  // The next run into at() and blocks(); false, and no blocks, after the last.
  bool Next() {
    if (NextWhole()) return true;
    if (padded_) return false;
    padded_ = true;
    at_ = buffer_;
    blocks_ = Pad(buffer_, filled_, size_);
    return true;
  }
  // The same without the padding, and without the block that would be padded.
  bool NextWhole() {
    blocks_ = 0;
    if (padded_) return false;
    SkipEmpty();
    if (filled_ == 0 && message_.first.size() >= kHashBlock) {
      at_ = message_.first.data();
      blocks_ = message_.first.size() / kHashBlock;
      message_.first.remove_prefix(blocks_ * kHashBlock);
      size_ += blocks_ * kHashBlock;
      return true;
    }
    while (filled_ < kHashBlock && !message_.first.empty()) {
      const std::size_t take = std::min(kHashBlock - filled_, message_.first.size());
      std::memcpy(buffer_ + filled_, message_.first.data(), take);
      message_.first.remove_prefix(take);
      filled_ += take;
      size_ += take;
      SkipEmpty();
    }
    if (filled_ < kHashBlock) return false;
    filled_ = 0;
    at_ = buffer_;
    blocks_ = 1;
    return true;
  }

  const std::uint8_t* at() const { return at_; }
  std::size_t blocks() const { return blocks_; }
  void Advance(std::size_t blocks) {
    at_ += blocks * kHashBlock;
    blocks_ -= blocks;
  }

 private:
  void SkipEmpty() {
    while (message_.first.empty() && !message_.rest.empty()) {
      message_.first = message_.rest.front();
      message_.rest.remove_prefix(1);
    }
  }

  const std::uint8_t* at_ = nullptr;
  std::size_t blocks_ = 0;
  HashMessage message_;  // what is left of it
  std::uint64_t size_ = 0;
  std::size_t filled_ = 0;  // of buffer_
  bool padded_ = false;
  std::uint8_t buffer_[2 * kHashBlock];
};

}  // namespace muster

#endif  // MUSTER_LIB_HASH_MESSAGE_H_
