// SPDX-License-Identifier: Apache-2.0
//
// Shard: the swarms whose info hashes begin with the same ten bits. Records lie close together in
// chunks that never move, so growing copies nothing but the index; one that goes is replaced by the
// last.
//
//   index   3 bytes a slot ─► number of a record (in parts, see ShardIndex)
//   chunks  [16 records of 44 bytes] [16] [..]          record n is chunks[n / 16][n % 16]
//
// Thread-compatible: the store holds the shard's lock for every call.
#ifndef MUSTER_LIB_SWARM_SHARD_H_
#define MUSTER_LIB_SWARM_SHARD_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "muster/swarm_store.h"
#include "swarm/shard_index.h"
#include "swarm/swarm_record.h"

namespace muster {

class Shard {
 public:
  static constexpr std::uint32_t kNone = ShardIndex::kNone;

  // Its memory belongs to the heap: Clear() before it goes.
  void Clear(const SwarmContext& context);

  std::uint32_t size() const { return size_; }
  SwarmRecord& record(std::uint32_t n) { return chunks_[n / kChunk][n % kChunk]; }
  const SwarmRecord& record(std::uint32_t n) const { return chunks_[n / kChunk][n % kChunk]; }

  // `hash` is HashInfo() of the 20 bytes, here and below.
  std::uint32_t Find(std::uint64_t hash, const std::uint8_t* info_hash) const;
  // Adds a swarm that is not there; kNone when the shard is full.
  std::uint32_t Add(const SwarmContext& context, std::uint64_t hash, const std::uint8_t* info_hash);
  // Frees a record that holds no peers any more. The last record takes its number.
  void Erase(const SwarmContext& context, std::uint32_t n);

  // Called by the sweep before it looks at record `n`: moves what stands nearly alone on a page of
  // the heap.
  void Tidy(const SwarmContext& context, std::uint32_t n);

  // Where a search for `hash` begins, and where it would end: hints to the processor.
  void PrefetchIndex(std::uint64_t hash) const { index_.Prefetch(hash); }
  std::uint32_t PrefetchRecord(std::uint64_t hash) const;

  // Memory outside of the heap.
  std::size_t extra_bytes() const {
    return chunks_.capacity() * sizeof(SwarmRecord*) + index_.extra_bytes();
  }

  // Where the sweep goes on, in records.
  std::uint32_t sweep = 0;
  // Over all records, kept by the store.
  std::uint64_t peers = 0;
  std::uint64_t ipv6_peers = 0;
  std::uint64_t seeders = 0;

 private:
  // Of any record, for the index.
  struct HashOf {
    std::uint64_t operator()(std::uint32_t n) const;
    void Prefetch(std::uint32_t n) const { __builtin_prefetch(&shard.record(n)); }

    const Shard& shard;
    const HashKey& key;
  };

  static constexpr std::uint32_t kChunk = 16;
  static constexpr std::size_t kChunkBytes = kChunk * sizeof(SwarmRecord);

  ShardIndex index_;
  std::uint32_t size_ = 0;
  std::vector<SwarmRecord*> chunks_;
};

// The keyed hash of an info hash; all 20 bytes count, since a client chooses them.
std::uint64_t HashInfo(const std::uint8_t* info_hash, const HashKey& key);

}  // namespace muster

#endif  // MUSTER_LIB_SWARM_SHARD_H_
