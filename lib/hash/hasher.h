// SPDX-License-Identifier: Apache-2.0
//
// Hasher: SHA-1 and SHA-256 (FIPS 180-4) of many messages at once. The rounds of a single message
// wait for one another, so vectors hash a message in each lane: the CPU does as much for sixteen as
// it would for one. Where a message ends in a lane, the next one takes its place.
//
//   muster::Hasher sha1(muster::HashKind::kSha1);
//   sha1.Hash({piece, another, a_third}, digests);    // 3 * 20 bytes
//   muster::Hasher sha256(muster::HashKind::kSha256);
//   sha256.HashBlocks(file, 16384, leaves);           // a digest for each 16 KiB (BEP 52)
//   sha256.HashBlocks(leaves, 64, parents);           // and for each pair of digests
//
// Digests are DigestSize(kind) bytes each, one behind the other in the order of the messages, and
// the same by every engine. They must not overlap what is hashed.
//
// Threads: thread-compatible; each thread has its own. Ownership: borrows everything for the time
// of a call. Memory: 16 bytes for each message where sizes are unequal, kept for the next call.
// Messages are smaller than 2^61 bytes.
#ifndef MUSTER_LIB_HASH_HASHER_H_
#define MUSTER_LIB_HASH_HASHER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "hash/engine.h"
#include "hash/message.h"
#include "hash/stream.h"

namespace muster {

struct LaneKernel;

class Hasher {
 public:
  // Hashes with BestEngine(), and with libcrypto what is too little for all of its lanes.
  explicit Hasher(HashKind kind);
  // Hashes everything with `engine`, which must be a usable one.
  Hasher(HashKind kind, HashEngine engine);

  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;

  HashKind kind() const { return kind_; }

  // Each message lies in one piece.
  void Hash(absl::Span<const ByteSpan> messages, std::uint8_t* digests);
  // Each message is the bytes of its parts, one behind the other: a piece that spans files.
  void HashGathered(absl::Span<const absl::Span<const ByteSpan>> messages, std::uint8_t* digests);
  // Each `block_size` (> 0) of the bytes is a message, and what remains behind them is another. No
  // bytes are no message.
  void HashBlocks(ByteSpan bytes, std::size_t block_size, std::uint8_t* digests);

 private:
  struct Sized {
    std::uint64_t blocks;
    std::size_t index;
  };
  using MessageAt = absl::FunctionRef<HashMessage(std::size_t index)>;

  Hasher(HashKind kind, HashEngine engine, bool mixed);

  // Of messages 0 ... count - 1, all of one part and of `size` bytes.
  void HashEqual(std::size_t count, std::size_t size, MessageAt at, std::uint8_t* digests);
  // Of the messages in sizes_.
  void HashUnequal(MessageAt at, std::uint8_t* digests);
  // How many of sizes_, which begins with the largest, libcrypto should hash.
  std::size_t BestForStream() const;
  void Stream(const HashMessage& message, std::size_t index, std::uint8_t* digests) {
    stream_.Hash(message, digests + index * digest_size_);
  }

  const HashKind kind_;
  const std::size_t digest_size_;
  const bool mixed_;          // libcrypto may hash some of what the lanes could
  const double step_cost_;    // see StepCost()
  const LaneKernel* kernel_;  // null: all by libcrypto
  HashStream stream_;
  std::vector<Sized> sizes_;
};

}  // namespace muster

#endif  // MUSTER_LIB_HASH_HASHER_H_
