// SPDX-License-Identifier: Apache-2.0
//
// The kernels of lane_kernels.h for a set of vector operations. Beside what sha_rounds.h asks for,
// `Ops` has
//
//   kLanes                  8 or 16
//   Swap(x)                 the bytes of each lane turned around
//   LoadQuads(rows, at, q)  q[4 * i + j] = the words 4 * i ... 4 * i + 3 at rows[j] + at, then those
//                           at rows[j + 4] + at, and so on: four lanes each
//   Interleave32Low(x, y), Interleave32High, Interleave64Low, Interleave64High
//                           of each four lanes, the first or last two words, or the first or last
//                           two double words, of x and y in turn
//
// It must be a type without external linkage: then nothing that is made here for it has any.
#ifndef MUSTER_LIB_HASH_SHA_LANES_H_
#define MUSTER_LIB_HASH_SHA_LANES_H_

#include <cstddef>
#include <cstdint>
#include <utility>

#include "hash/lane_kernels.h"
#include "hash/sha_rounds.h"

namespace muster {

// Memory is asked for so far ahead of the block that is hashed. So many streams are more than CPUs
// follow by themselves: SHA-1 of data in memory would be a fifth slower.
inline constexpr std::size_t kAheadBytes = 512;

template <typename Rounds>
using RoundNumbers = std::make_integer_sequence<int, Rounds::kRounds>;

// Word i of each lane's block into w[i].
template <typename Ops>
MUSTER_ALWAYS_INLINE void LoadWords(const std::uint8_t* const* blocks, std::size_t at,
                                    typename Ops::Word (&w)[16]) {
  using Word = typename Ops::Word;
  Word q[16];
  Ops::LoadQuads(blocks, at, q);
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4) {
    const Word low01 = Ops::Interleave32Low(q[i], q[i + 1]);
    const Word low23 = Ops::Interleave32Low(q[i + 2], q[i + 3]);
    const Word high01 = Ops::Interleave32High(q[i], q[i + 1]);
    const Word high23 = Ops::Interleave32High(q[i + 2], q[i + 3]);
    w[i] = Ops::Swap(Ops::Interleave64Low(low01, low23));
    w[i + 1] = Ops::Swap(Ops::Interleave64High(low01, low23));
    w[i + 2] = Ops::Swap(Ops::Interleave64Low(high01, high23));
    w[i + 3] = Ops::Swap(Ops::Interleave64High(high01, high23));
  }
}

template <template <typename> typename Hash, typename Ops>
void HashBlocks(LaneKernel::State state, const std::uint8_t* const* blocks, std::size_t n) {
  using Rounds = Hash<Ops>;
  auto* const words = reinterpret_cast<typename Ops::Word*>(state);
  // Hidden from the compiler, which would otherwise not read them from memory, as additions can,
  // but make each of them with two more instructions.
  const std::uint32_t* constants = Rounds::kConstants;
  asm("" : "+r"(constants));
  for (std::size_t at = 0; at < n * kHashBlock; at += kHashBlock) {
#pragma GCC unroll 16
    for (unsigned lane = 0; lane < Ops::kLanes; ++lane) {
      __builtin_prefetch(blocks[lane] + at + kAheadBytes);
    }
    ExpandedBlock<Rounds, Ops> block;
    block.constants = constants;
    LoadWords<Ops>(blocks, at, block.w);
    AllRounds<Rounds>(words, block, RoundNumbers<Rounds>());
  }
}

// What the rounds add, known beforehand.
template <typename Ops>
struct KnownBlock {
  const std::uint32_t* schedule;

  template <int t>
  [[gnu::always_inline]] typename Ops::Word Add() {
    return Ops::Set(schedule[t]);
  }
};

template <template <typename> typename Hash, typename Ops>
void HashShared(LaneKernel::State state, const std::uint32_t* schedule) {
  using Rounds = Hash<Ops>;
  KnownBlock<Ops> block{schedule};
  AllRounds<Rounds>(reinterpret_cast<typename Ops::Word*>(state), block, RoundNumbers<Rounds>());
}

template <typename Ops>
constexpr LaneKernels KernelsOf() {
  return {{HashBlocks<Sha1Rounds, Ops>, HashShared<Sha1Rounds, Ops>, Ops::kLanes},
          {HashBlocks<Sha256Rounds, Ops>, HashShared<Sha256Rounds, Ops>, Ops::kLanes}};
}

}  // namespace muster

#endif  // MUSTER_LIB_HASH_SHA_LANES_H_
