// SPDX-License-Identifier: Apache-2.0
#include "swarm/shard.h"

#include <cstring>
#include <new>

#include "swarm/hash.h"

namespace muster {

std::uint64_t HashInfo(const std::uint8_t* info_hash, const HashKey& key) {
  const std::uint64_t first = FoldedMultiply(LoadNative<std::uint64_t>(info_hash) ^ key.a,
                                             LoadNative<std::uint64_t>(info_hash + 8) ^ key.b);
  const std::uint64_t second =
      FoldedMultiply(first ^ LoadNative<std::uint32_t>(info_hash + 16) ^ key.b, key.a);
  return FoldedMultiply(second ^ key.a, key.b);
}

std::uint64_t Shard::HashOf::operator()(std::uint32_t n) const {
  return HashInfo(shard.record(n).info_hash_bytes(), key);
}

void Shard::Clear(const SwarmContext& context) {
  for (std::uint32_t n = 0; n < size_; ++n) record(n).Clear(context, 0);
  for (SwarmRecord* chunk : chunks_) context.heap->Free(chunk, kChunkBytes);
  index_.Clear(context.heap);
  *this = Shard();
}

std::uint32_t Shard::Find(std::uint64_t hash, const std::uint8_t* info_hash) const {
  return index_.Find(hash, [&](std::uint32_t n) {
    return std::memcmp(record(n).info_hash_bytes(), info_hash, InfoHash::kSize) == 0;
  });
}

std::uint32_t Shard::PrefetchRecord(std::uint64_t hash) const {
  // The first with the right tag is nearly always the one.
  return index_.Find(hash, [&](std::uint32_t n) {
    const auto* const at = reinterpret_cast<const char*>(&record(n));
    __builtin_prefetch(at);
    __builtin_prefetch(at + sizeof(SwarmRecord) - 1);
    return true;
  });
}

std::uint32_t Shard::Add(const SwarmContext& context, std::uint64_t hash,
                         const std::uint8_t* info_hash) {
  if (size_ == ShardIndex::kMaxRecords) return kNone;
  const std::uint32_t n = size_;
  if (n == chunks_.size() * kChunk) {
    chunks_.push_back(static_cast<SwarmRecord*>(context.heap->Allocate(kChunkBytes)));
  }
  index_.Insert(context.heap, hash, n, HashOf{*this, context.key});
  ::new (&record(n)) SwarmRecord(info_hash);
  ++size_;
  return n;
}

void Shard::Erase(const SwarmContext& context, std::uint32_t n) {
  const HashOf hash_of{*this, context.key};
  const std::uint32_t last = --size_;
  index_.Remove(context.heap, hash_of(n), n, last, hash_of);
  if (n != last) {
    index_.Renumber(hash_of(last), last, n);
    record(n) = record(last);
  }
  // One spare chunk stays, so that a swarm that comes and goes does not ask for memory each time.
  if (size_ + kChunk < (chunks_.size() - 1) * kChunk || size_ == 0) {
    context.heap->Free(chunks_.back(), kChunkBytes);
    chunks_.pop_back();
    if (chunks_.size() * 4 < chunks_.capacity()) chunks_.shrink_to_fit();
  }
}

void Shard::Tidy(const SwarmContext& context, std::uint32_t n) {
  index_.Tidy(context.heap, n);
  if (n % kChunk != 0) return;
  SwarmRecord*& chunk = chunks_[n / kChunk];
  if (!context.heap->Sparse(chunk, kChunkBytes)) return;
  void* const moved = context.heap->Allocate(kChunkBytes);
  std::memcpy(moved, chunk, kChunkBytes);
  context.heap->Free(chunk, kChunkBytes);
  chunk = static_cast<SwarmRecord*>(moved);
}

}  // namespace muster
