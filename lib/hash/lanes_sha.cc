// SPDX-License-Identifier: Apache-2.0
//
// The CPU's own SHA instructions. One message keeps them busy half of the time, since each waits for
// the one before; so two go side by side.
#include <immintrin.h>

#include <utility>

#include "hash/lane_kernels.h"
#include "hash/sha_rounds.h"

namespace muster {
namespace {

constexpr unsigned kLanes = 2;

template <int... t>
using Groups = std::integer_sequence<int, t...>;

struct NoWord {
  using Word = std::uint32_t;
};

MUSTER_ALWAYS_INLINE __m128i LoadFour(const std::uint32_t* words) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(words));
}

// Words of one lane, which lie kLanes apart: the last of four is the lowest.
MUSTER_ALWAYS_INLINE __m128i Gather(const std::uint32_t* state, int a, int b, int c, int d) {
  const auto word = [state](int i) {
    return i < 0 ? 0 : static_cast<int>(state[static_cast<unsigned>(i) * kLanes]);
  };
  return _mm_set_epi32(word(a), word(b), word(c), word(d));
}
MUSTER_ALWAYS_INLINE void Scatter(std::uint32_t* state, __m128i x, int a, int b, int c, int d) {
  alignas(16) std::uint32_t words[4];
  _mm_store_si128(reinterpret_cast<__m128i*>(words), x);
  const int order[4] = {d, c, b, a};
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    if (order[i] >= 0) state[static_cast<unsigned>(order[i]) * kLanes] = words[i];
  }
}

// Four rounds at a time are a group.
struct Sha1 {
  static constexpr int kGroups = 20;

  struct Lane {
    __m128i abcd;
    __m128i e;  // of the group before: what its `a` was is rotated into the next group's
    __m128i w[4];

    MUSTER_ALWAYS_INLINE __m128i Order() {
      return _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    }
    [[gnu::always_inline]] void Get(const std::uint32_t* state) {
      abcd = Gather(state, 0, 1, 2, 3);
      e = Gather(state, 4, -1, -1, -1);
    }
    [[gnu::always_inline]] void Put(std::uint32_t* state) const {
      Scatter(state, abcd, 0, 1, 2, 3);
      Scatter(state, e, 4, -1, -1, -1);
    }
    template <int g>
    [[gnu::always_inline]] void Expand() {
      if constexpr (g < 4) return;
      __m128i& x = w[g % 4];
      x = _mm_sha1msg2_epu32(_mm_xor_si128(_mm_sha1msg1_epu32(x, w[(g + 1) % 4]), w[(g + 2) % 4]),
                             w[(g + 3) % 4]);
    }
    template <int g>
    [[gnu::always_inline]] void Rounds(__m128i words) {
      const __m128i added = g == 0 ? _mm_add_epi32(e, words) : _mm_sha1nexte_epu32(e, words);
      e = abcd;
      abcd = _mm_sha1rnds4_epu32(abcd, added, g / 5);
    }
    [[gnu::always_inline]] void Add(const Lane& before) {
      e = _mm_sha1nexte_epu32(e, before.e);
      abcd = _mm_add_epi32(abcd, before.abcd);
    }
  };

  // The words without the constants, which are part of the instructions.
  template <int g>
  MUSTER_ALWAYS_INLINE __m128i OfSchedule(const std::uint32_t* schedule) {
    const std::uint32_t constant = Sha1Rounds<NoWord>::kConstants[g / 5];
    return _mm_shuffle_epi32(
        _mm_sub_epi32(LoadFour(schedule + 4 * g), _mm_set1_epi32(static_cast<int>(constant))),
        0x1b);
  }
  template <int g>
  MUSTER_ALWAYS_INLINE __m128i OfBlock(__m128i words) {
    return words;
  }
};

struct Sha256 {
  static constexpr int kGroups = 16;

  struct Lane {
    __m128i abef;
    __m128i cdgh;
    __m128i w[4];

    MUSTER_ALWAYS_INLINE __m128i Order() {
      return _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
    }
    [[gnu::always_inline]] void Get(const std::uint32_t* state) {
      abef = Gather(state, 0, 1, 4, 5);
      cdgh = Gather(state, 2, 3, 6, 7);
    }
    [[gnu::always_inline]] void Put(std::uint32_t* state) const {
      Scatter(state, abef, 0, 1, 4, 5);
      Scatter(state, cdgh, 2, 3, 6, 7);
    }
    template <int g>
    [[gnu::always_inline]] void Expand() {
      if constexpr (g < 4) return;
      __m128i& x = w[g % 4];
      const __m128i seven_before = _mm_alignr_epi8(w[(g + 3) % 4], w[(g + 2) % 4], 4);
      x = _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(x, w[(g + 1) % 4]), seven_before),
                               w[(g + 3) % 4]);
    }
    template <int g>
    [[gnu::always_inline]] void Rounds(__m128i added) {
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, added);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(added, 0x0e));
    }
    [[gnu::always_inline]] void Add(const Lane& before) {
      abef = _mm_add_epi32(abef, before.abef);
      cdgh = _mm_add_epi32(cdgh, before.cdgh);
    }
  };

  template <int g>
  MUSTER_ALWAYS_INLINE __m128i OfSchedule(const std::uint32_t* schedule) {
    return LoadFour(schedule + 4 * g);
  }
  template <int g>
  MUSTER_ALWAYS_INLINE __m128i OfBlock(__m128i words) {
    return _mm_add_epi32(words, LoadFour(Sha256Rounds<NoWord>::kConstants + 4 * g));
  }
};

// One group of every lane, so that their instructions take turns.
template <typename Hash, int g>
MUSTER_ALWAYS_INLINE void Step(typename Hash::Lane (&lanes)[kLanes]) {
#pragma GCC unroll 2
  for (typename Hash::Lane& lane : lanes) {
    lane.template Expand<g>();
    lane.template Rounds<g>(Hash::template OfBlock<g>(lane.w[g % 4]));
  }
}

template <typename Hash, int... g>
MUSTER_ALWAYS_INLINE void AllSteps(typename Hash::Lane (&lanes)[kLanes], Groups<g...>) {
  (Step<Hash, g>(lanes), ...);
}

template <typename Hash>
void Blocks(LaneKernel::State state, const std::uint8_t* const* blocks, std::size_t n) {
  using Lane = typename Hash::Lane;
  Lane lanes[kLanes];
  for (unsigned i = 0; i < kLanes; ++i) lanes[i].Get(state + i);
  for (std::size_t at = 0; at < n * kHashBlock; at += kHashBlock) {
    const Lane before[kLanes] = {lanes[0], lanes[1]};
#pragma GCC unroll 2
    for (unsigned i = 0; i < kLanes; ++i) {
#pragma GCC unroll 4
      for (std::size_t quarter = 0; quarter < 4; ++quarter) {
        const auto* const words = reinterpret_cast<const __m128i*>(blocks[i] + at + 16 * quarter);
        lanes[i].w[quarter] = _mm_shuffle_epi8(_mm_loadu_si128(words), Lane::Order());
      }
    }
    AllSteps<Hash>(lanes, std::make_integer_sequence<int, Hash::kGroups>());
    for (unsigned i = 0; i < kLanes; ++i) lanes[i].Add(before[i]);
  }
  for (unsigned i = 0; i < kLanes; ++i) lanes[i].Put(state + i);
}

template <typename Hash, int... g>
MUSTER_ALWAYS_INLINE void AllKnownSteps(typename Hash::Lane (&lanes)[kLanes],
                                        const std::uint32_t* schedule, Groups<g...>) {
  const auto step = [&]<int group>(std::integral_constant<int, group>) {
    for (typename Hash::Lane& lane : lanes)
      lane.template Rounds<group>(Hash::template OfSchedule<group>(schedule));
  };
  (step(std::integral_constant<int, g>()), ...);
}

template <typename Hash>
void Shared(LaneKernel::State state, const std::uint32_t* schedule) {
  using Lane = typename Hash::Lane;
  Lane lanes[kLanes];
  for (unsigned i = 0; i < kLanes; ++i) lanes[i].Get(state + i);
  const Lane before[kLanes] = {lanes[0], lanes[1]};
  AllKnownSteps<Hash>(lanes, schedule, std::make_integer_sequence<int, Hash::kGroups>());
  for (unsigned i = 0; i < kLanes; ++i) {
    lanes[i].Add(before[i]);
    lanes[i].Put(state + i);
  }
}

}  // namespace

constinit const LaneKernels kShaKernels = {{Blocks<Sha1>, Shared<Sha1>, kLanes},
                                           {Blocks<Sha256>, Shared<Sha256>, kLanes}};

}  // namespace muster
