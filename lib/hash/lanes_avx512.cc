// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include "hash/sha_lanes.h"

namespace muster {
namespace {

struct Avx512 {
  // Also an alias of the numbers in a state (as __m512i may be).
  using Word [[gnu::vector_size(64), gnu::may_alias]] = std::uint32_t;
  static constexpr unsigned kLanes = 16;

  MUSTER_ALWAYS_INLINE __m512i In(Word x) { return reinterpret_cast<__m512i>(x); }
  MUSTER_ALWAYS_INLINE Word Out(__m512i x) { return reinterpret_cast<Word>(x); }

  MUSTER_ALWAYS_INLINE Word Set(std::uint32_t x) {
    return Out(_mm512_set1_epi32(static_cast<int>(x)));
  }
  template <int n>
  MUSTER_ALWAYS_INLINE Word Rotate(Word x) {
    return Out(_mm512_rol_epi32(In(x), n));
  }
  template <int n>
  MUSTER_ALWAYS_INLINE Word ShiftRight(Word x) {
    return x >> n;
  }
  // The numbers are the truth tables.
  MUSTER_ALWAYS_INLINE Word Xor(Word x, Word y, Word z) {
    return Out(_mm512_ternarylogic_epi32(In(x), In(y), In(z), 0x96));
  }
  MUSTER_ALWAYS_INLINE Word Choose(Word x, Word y, Word z) {
    return Out(_mm512_ternarylogic_epi32(In(x), In(y), In(z), 0xca));
  }
  MUSTER_ALWAYS_INLINE Word Majority(Word x, Word y, Word z) {
    return Out(_mm512_ternarylogic_epi32(In(x), In(y), In(z), 0xe8));
  }

  MUSTER_ALWAYS_INLINE Word Now(Word x) {
    asm("" : "+v"(x));
    return x;
  }

  MUSTER_ALWAYS_INLINE Word Swap(Word x) {
    const __m128i order = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
    return Out(_mm512_shuffle_epi8(In(x), _mm512_broadcast_i32x4(order)));
  }
  MUSTER_ALWAYS_INLINE void LoadQuads(const std::uint8_t* const* rows, std::size_t at,
                                      Word (&q)[16]) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      const __m512i a = _mm512_loadu_si512(rows[j] + at);
      const __m512i b = _mm512_loadu_si512(rows[j + 4] + at);
      const __m512i c = _mm512_loadu_si512(rows[j + 8] + at);
      const __m512i d = _mm512_loadu_si512(rows[j + 12] + at);
      const __m512i ab01 = _mm512_shuffle_i32x4(a, b, 0x44);
      const __m512i ab23 = _mm512_shuffle_i32x4(a, b, 0xee);
      const __m512i cd01 = _mm512_shuffle_i32x4(c, d, 0x44);
      const __m512i cd23 = _mm512_shuffle_i32x4(c, d, 0xee);
      q[j] = Out(_mm512_shuffle_i32x4(ab01, cd01, 0x88));
      q[4 + j] = Out(_mm512_shuffle_i32x4(ab01, cd01, 0xdd));
      q[8 + j] = Out(_mm512_shuffle_i32x4(ab23, cd23, 0x88));
      q[12 + j] = Out(_mm512_shuffle_i32x4(ab23, cd23, 0xdd));
    }
  }
  MUSTER_ALWAYS_INLINE Word Interleave32Low(Word x, Word y) {
    return Out(_mm512_unpacklo_epi32(In(x), In(y)));
  }
  MUSTER_ALWAYS_INLINE Word Interleave32High(Word x, Word y) {
    return Out(_mm512_unpackhi_epi32(In(x), In(y)));
  }
  MUSTER_ALWAYS_INLINE Word Interleave64Low(Word x, Word y) {
    return Out(_mm512_unpacklo_epi64(In(x), In(y)));
  }
  MUSTER_ALWAYS_INLINE Word Interleave64High(Word x, Word y) {
    return Out(_mm512_unpackhi_epi64(In(x), In(y)));
  }
};

}  // namespace

constinit const LaneKernels kAvx512Kernels = KernelsOf<Avx512>();

}  // namespace muster
