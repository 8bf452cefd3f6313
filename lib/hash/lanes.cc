// SPDX-License-Identifier: Apache-2.0
#include "hash/lanes.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/bytes.h"
#include "hash/sha_rounds.h"

namespace muster {
namespace {

// One message's words, for sha_rounds.h.
struct Plain {
  using Word = std::uint32_t;
  MUSTER_ALWAYS_INLINE Word Set(std::uint32_t x) { return x; }
  template <int n>
  MUSTER_ALWAYS_INLINE Word Rotate(Word x) {
    return x << n | x >> (32 - n);
  }
  template <int n>
  MUSTER_ALWAYS_INLINE Word ShiftRight(Word x) {
    return x >> n;
  }
  MUSTER_ALWAYS_INLINE Word Xor(Word x, Word y, Word z) { return x ^ y ^ z; }
  MUSTER_ALWAYS_INLINE Word Now(Word x) { return x; }
};

template <typename Rounds, int... t>
void Expand(const std::uint8_t* block, std::uint32_t* schedule, std::integer_sequence<int, t...>) {
  ExpandedBlock<Rounds, Plain> expanded;
  expanded.constants = Rounds::kConstants;
  for (std::size_t i = 0; i < 16; ++i) expanded.w[i] = LoadBig32(block + 4 * i);
  ((schedule[t] = expanded.template Add<t>()), ...);
}

template <typename Rounds>
HashState StartOf() {
  HashState state = {};
  std::copy(std::begin(Rounds::kStart), std::end(Rounds::kStart), state.begin());
  return state;
}

}  // namespace

const LaneKernel* KernelOf(HashKind kind, HashEngine engine) {
  const absl::Span<const HashEngine> usable = UsableEngines();
  if (std::find(usable.begin(), usable.end(), engine) == usable.end()) std::abort();
  const LaneKernels* kernels = nullptr;
#ifdef MUSTER_HASH_SHA
  if (engine == HashEngine::kSha) kernels = &kShaKernels;
#endif
#ifdef MUSTER_HASH_AVX2
  if (engine == HashEngine::kAvx2) kernels = &kAvx2Kernels;
#endif
#ifdef MUSTER_HASH_AVX512
  if (engine == HashEngine::kAvx512) kernels = &kAvx512Kernels;
#endif
  if (kernels == nullptr) return nullptr;
  return kind == HashKind::kSha1 ? &kernels->sha1 : &kernels->sha256;
}

double StreamCost(std::uint64_t blocks) {
  constexpr double kStart = 1.5;  // before the first block
  return kStart + static_cast<double>(blocks);
}

double StepCost(HashKind kind, HashEngine engine) {
  const LaneKernel* const kernel = KernelOf(kind, engine);
  return kernel == nullptr ? 1 : kernel->lanes / SpeedOf(engine, kind);
}

const HashState& StartState(HashKind kind) {
  static const HashState sha1 = StartOf<Sha1Rounds<Plain>>();
  static const HashState sha256 = StartOf<Sha256Rounds<Plain>>();
  return kind == HashKind::kSha1 ? sha1 : sha256;
}

Schedule::Schedule(HashKind kind, const std::uint8_t* block) {
  if (kind == HashKind::kSha1) {
    using Rounds = Sha1Rounds<Plain>;
    Expand<Rounds>(block, numbers_.data(), std::make_integer_sequence<int, Rounds::kRounds>());
  } else {
    using Rounds = Sha256Rounds<Plain>;
    Expand<Rounds>(block, numbers_.data(), std::make_integer_sequence<int, Rounds::kRounds>());
  }
}

}  // namespace muster
