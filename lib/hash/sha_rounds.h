// SPDX-License-Identifier: Apache-2.0
//
// SHA-1 and SHA-256 (FIPS 180-4, section 6) over words of any kind: a word may be a vector with a
// word of another message in each lane, or a plain number. `Ops` says what words can do:
//
//   Word                  has operators +, ^ and &
//   Set(number)           the number, in every lane
//   Rotate<n>(x)          to the left
//   ShiftRight<n>(x)
//   Xor(x, y, z)          x ^ y ^ z
//   Choose(x, y, z)       the bits of y where x has ones, those of z elsewhere
//   Majority(x, y, z)
//   Now(x)                x; compilers do not regroup sums across it. A round waits for the sums of
//                         the round before it, so what comes late has to be added last.
//
// All is inlined into one function without a loop: so the words stay in registers.
#ifndef MUSTER_LIB_HASH_SHA_ROUNDS_H_
#define MUSTER_LIB_HASH_SHA_ROUNDS_H_

#include <cstdint>
#include <utility>

#define MUSTER_ALWAYS_INLINE [[gnu::always_inline]] static inline

namespace muster {

template <typename Ops>
struct Sha1Rounds {
  using Word = typename Ops::Word;
  static constexpr int kStateWords = 5;
  static constexpr int kRounds = 80;
  static constexpr std::uint32_t kStart[kStateWords] = {0x67452301, 0xefcdab89, 0x98badcfe,
                                                        0x10325476, 0xc3d2e1f0};

  static constexpr std::uint32_t kConstants[] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
  // Which of the constants round t adds.
  static constexpr int ConstantOf(int t) { return t / 20; }

  // Word t of the schedule, from the sixteen before it; w has word t at t % 16.
  template <int t>
  MUSTER_ALWAYS_INLINE Word Expand(const Word (&w)[16]) {
    return Ops::template Rotate<1>(Ops::Xor(w[(t + 13) % 16], w[(t + 8) % 16], w[(t + 2) % 16]) ^
                                   w[t % 16]);
  }

  // `add` is the round's word and its constant. Names take turns, instead of words moving: in round
  // t, `a` is the word at -t modulo 5.
  template <int t>
  MUSTER_ALWAYS_INLINE void Round(Word (&s)[kStateWords], Word add) {
    const Word& a = s[(80 - t) % 5];
    Word& b = s[(81 - t) % 5];
    const Word& c = s[(82 - t) % 5];
    const Word& d = s[(83 - t) % 5];
    Word& e = s[(84 - t) % 5];
    e = Ops::Now(Ops::Now(e + add) + Mix<t / 20>(b, c, d)) + Ops::template Rotate<5>(a);
    b = Ops::template Rotate<30>(b);
  }

 private:
  template <int quarter>
  MUSTER_ALWAYS_INLINE Word Mix(const Word& b, const Word& c, const Word& d) {
    if constexpr (quarter == 0) return Ops::Choose(b, c, d);
    if constexpr (quarter == 2) return Ops::Majority(b, c, d);
    return Ops::Xor(b, c, d);
  }
};

template <typename Ops>
struct Sha256Rounds {
  using Word = typename Ops::Word;
  static constexpr int kStateWords = 8;
  static constexpr int kRounds = 64;
  static constexpr std::uint32_t kStart[kStateWords] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372,
                                                        0xa54ff53a, 0x510e527f, 0x9b05688c,
                                                        0x1f83d9ab, 0x5be0cd19};
  static constexpr std::uint32_t kConstants[kRounds] = {
      0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
      0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
      0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
      0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
      0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
      0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
      0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
      0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
      0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
      0xc67178f2};

  static constexpr int ConstantOf(int t) { return t; }

  template <int t>
  MUSTER_ALWAYS_INLINE Word Expand(const Word (&w)[16]) {
    const Word& x = w[(t + 1) % 16];
    const Word& y = w[(t + 14) % 16];
    const Word s0 = Ops::Xor(Right<7>(x), Right<18>(x), Ops::template ShiftRight<3>(x));
    const Word s1 = Ops::Xor(Right<17>(y), Right<19>(y), Ops::template ShiftRight<10>(y));
    return w[t % 16] + w[(t + 9) % 16] + s0 + s1;
  }

  // As in Sha1Rounds: in round t, `a` is the word at -t modulo 8.
  template <int t>
  MUSTER_ALWAYS_INLINE void Round(Word (&s)[kStateWords], Word add) {
    const Word& a = s[(64 - t) % 8];
    const Word& b = s[(65 - t) % 8];
    const Word& c = s[(66 - t) % 8];
    Word& d = s[(67 - t) % 8];
    const Word& e = s[(68 - t) % 8];
    const Word& f = s[(69 - t) % 8];
    const Word& g = s[(70 - t) % 8];
    Word& h = s[(71 - t) % 8];
    h = Ops::Now(Ops::Now(h + add) + Ops::Choose(e, f, g)) +
        Ops::Xor(Right<6>(e), Right<11>(e), Right<25>(e));
    d = d + h;
    h = Ops::Now(h + Ops::Majority(a, b, c)) + Ops::Xor(Right<2>(a), Right<13>(a), Right<22>(a));
  }

 private:
  template <int n>
  MUSTER_ALWAYS_INLINE Word Right(const Word& x) {
    return Ops::template Rotate<32 - n>(x);
  }
};

// The words of a message's block, expanded as the rounds need them; and Rounds::kConstants.
template <typename Rounds, typename Ops>
struct ExpandedBlock {
  typename Ops::Word w[16];
  const std::uint32_t* constants;

  template <int t>
  [[gnu::always_inline]] typename Ops::Word Add() {
    if constexpr (t >= 16) w[t % 16] = Rounds::template Expand<t>(w);
    return w[t % 16] + Ops::Set(constants[Rounds::ConstantOf(t)]);
  }
};

// All rounds of a block. `block` says what each round adds.
template <typename Rounds, typename Block, int... t>
MUSTER_ALWAYS_INLINE void AllRounds(typename Rounds::Word* state, Block& block,
                                    std::integer_sequence<int, t...>) {
  constexpr int kWords = Rounds::kStateWords;
  typename Rounds::Word s[kWords];
#pragma GCC unroll 8
  for (int i = 0; i < kWords; ++i) s[i] = state[i];
  (Rounds::template Round<t>(s, block.template Add<t>()), ...);
#pragma GCC unroll 8
  for (int i = 0; i < kWords; ++i) state[i] = state[i] + s[i];
}

}  // namespace muster

#endif  // MUSTER_LIB_HASH_SHA_ROUNDS_H_
