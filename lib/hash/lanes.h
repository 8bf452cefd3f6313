// SPDX-License-Identifier: Apache-2.0
//
// The lanes of an engine, kept busy with the blocks of messages. Thread-compatible.
#ifndef MUSTER_LIB_HASH_LANES_H_
#define MUSTER_LIB_HASH_LANES_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "base/bytes.h"
#include "hash/engine.h"
#include "hash/lane_kernels.h"
#include "hash/message.h"

namespace muster {

// Null for libcrypto. Aborts where the engine is not usable.
const LaneKernel* KernelOf(HashKind kind, HashEngine engine);

// What libcrypto takes for a message, in units of a block by libcrypto. An estimate, as is:
double StreamCost(std::uint64_t blocks);
// What a step of all lanes by a block takes, in the same unit.
double StepCost(HashKind kind, HashEngine engine);

// The words of a message between its blocks.
using HashState = std::array<std::uint32_t, 8>;
// Of a message that begins; SHA-1 has five words.
const HashState& StartState(HashKind kind);

// What LaneKernel::shared() takes, for a block.
class Schedule {
 public:
  Schedule(HashKind kind, const std::uint8_t* block);
  const std::uint32_t* numbers() const { return numbers_.data(); }

 private:
  std::array<std::uint32_t, 80> numbers_;
};

// The states of all lanes, as LaneKernel has them.
class LaneStates {
 public:
  LaneStates(HashKind kind, unsigned lanes) : words_of_each_(DigestSize(kind) / 4), lanes_(lanes) {}

  LaneKernel::State words() { return words_; }
  void SetAll(const HashState& state) {
    for (std::size_t i = 0; i < words_of_each_; ++i) {
      std::fill_n(words_ + i * lanes_, lanes_, state[i]);
    }
  }
  void Set(std::size_t lane, const HashState& state) {
    for (std::size_t i = 0; i < words_of_each_; ++i) words_[i * lanes_ + lane] = state[i];
  }
  HashState Get(std::size_t lane) const {
    HashState state = {};
    for (std::size_t i = 0; i < words_of_each_; ++i) state[i] = words_[i * lanes_ + lane];
    return state;
  }
  // Writes DigestSize() bytes.
  void WriteDigest(std::size_t lane, std::uint8_t* digest) const {
    for (std::size_t i = 0; i < words_of_each_; ++i) {
      StoreBig32(digest + 4 * i, words_[i * lanes_ + lane]);
    }
  }

 private:
  const std::size_t words_of_each_;
  const std::size_t lanes_;
  alignas(64) std::uint32_t words_[std::tuple_size_v<HashState> * kMaxLanes] = {};
};

// What each lane works on: runs that have blocks, or null in an idle one, whose state is lost.
using LaneRuns = std::array<BlockRuns*, kMaxLanes>;

// Hashes until all lanes are idle. Where a lane has no more blocks, next(lane) gives it some, or
// makes it idle.
template <typename Next>
void RunLanes(const LaneKernel& kernel, LaneStates& states, LaneRuns& runs, const Next& next) {
  for (;;) {
    // As far as the shortest run reaches. Idle lanes go along with it.
    std::size_t step = std::numeric_limits<std::size_t>::max();
    const std::uint8_t* shortest = nullptr;
    for (unsigned lane = 0; lane < kernel.lanes; ++lane) {
      if (runs[lane] == nullptr || runs[lane]->blocks() >= step) continue;
      step = runs[lane]->blocks();
      shortest = runs[lane]->at();
    }
    if (shortest == nullptr) return;
    const std::uint8_t* blocks[kMaxLanes];
    for (unsigned lane = 0; lane < kernel.lanes; ++lane) {
      blocks[lane] = runs[lane] != nullptr ? runs[lane]->at() : shortest;
    }
    kernel.blocks(states.words(), blocks, step);
    for (unsigned lane = 0; lane < kernel.lanes; ++lane) {
      if (runs[lane] == nullptr) continue;
      runs[lane]->Advance(step);
      if (runs[lane]->blocks() == 0) next(lane);
    }
  }
}

}  // namespace muster

#endif  // MUSTER_LIB_HASH_LANES_H_
