// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include "hash/sha_lanes.h"

namespace muster {
namespace {

struct Avx2 {
  // Also an alias of the numbers in a state (as __m256i may be).
  using Word [[gnu::vector_size(32), gnu::may_alias]] = std::uint32_t;
  static constexpr unsigned kLanes = 8;

  MUSTER_ALWAYS_INLINE __m256i In(Word x) { return reinterpret_cast<__m256i>(x); }
  MUSTER_ALWAYS_INLINE Word Out(__m256i x) { return reinterpret_cast<Word>(x); }

  MUSTER_ALWAYS_INLINE Word Set(std::uint32_t x) {
    return Out(_mm256_set1_epi32(static_cast<int>(x)));
  }
  template <int n>
  MUSTER_ALWAYS_INLINE Word Rotate(Word x) {
    return (x << n) | (x >> (32 - n));
  }
  template <int n>
  MUSTER_ALWAYS_INLINE Word ShiftRight(Word x) {
    return x >> n;
  }
  MUSTER_ALWAYS_INLINE Word Xor(Word x, Word y, Word z) { return x ^ y ^ z; }
  MUSTER_ALWAYS_INLINE Word Choose(Word x, Word y, Word z) { return z ^ (x & (y ^ z)); }
  MUSTER_ALWAYS_INLINE Word Majority(Word x, Word y, Word z) { return (x & y) | (z & (x | y)); }

  MUSTER_ALWAYS_INLINE Word Now(Word x) {
    asm("" : "+x"(x));
    return x;
  }

  MUSTER_ALWAYS_INLINE Word Swap(Word x) {
    const __m128i order = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
    return Out(_mm256_shuffle_epi8(In(x), _mm256_broadcastsi128_si256(order)));
  }
  MUSTER_ALWAYS_INLINE void LoadQuads(const std::uint8_t* const* rows, std::size_t at,
                                      Word (&q)[16]) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) {
        const auto quad = [&](int row) {
          return _mm_loadu_si128(
              reinterpret_cast<const __m128i*>(rows[row] + at + static_cast<std::size_t>(16 * i)));
        };
        q[4 * i + j] =
            Out(_mm256_inserti128_si256(_mm256_castsi128_si256(quad(j)), quad(j + 4), 1));
      }
    }
  }
  MUSTER_ALWAYS_INLINE Word Interleave32Low(Word x, Word y) {
    return Out(_mm256_unpacklo_epi32(In(x), In(y)));
  }
  MUSTER_ALWAYS_INLINE Word Interleave32High(Word x, Word y) {
    return Out(_mm256_unpackhi_epi32(In(x), In(y)));
  }
  MUSTER_ALWAYS_INLINE Word Interleave64Low(Word x, Word y) {
    return Out(_mm256_unpacklo_epi64(In(x), In(y)));
  }
  MUSTER_ALWAYS_INLINE Word Interleave64High(Word x, Word y) {
    return Out(_mm256_unpackhi_epi64(In(x), In(y)));
  }
};

}  // namespace

constinit const LaneKernels kAvx2Kernels = KernelsOf<Avx2>();

}  // namespace muster
