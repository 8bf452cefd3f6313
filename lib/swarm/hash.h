// SPDX-License-Identifier: Apache-2.0
//
// Keyed hashing of short byte strings that others choose, by folded multiplications (as wyhash has
// them): without the key nobody can make keys that collide. What goes in last is multiplied twice:
// the product of numbers that follow each other with one odd key is no better than an even step
// through the buckets, and for some keys misses most of them. Not for secrets.
#ifndef MUSTER_LIB_SWARM_HASH_H_
#define MUSTER_LIB_SWARM_HASH_H_

#include <cstdint>
#include <cstring>

namespace muster {

// The secret of a store's hash functions; both odd in some bit, as a zero would swallow what it is
// multiplied with.
struct HashKey {
  std::uint64_t a;
  std::uint64_t b;
};

// Native-order loads from unaligned bytes.
template <typename T>
T LoadNative(const std::uint8_t* p) {
  T v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

// 64 x 64 -> 128 bits, folded.
inline std::uint64_t FoldedMultiply(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace muster

#endif  // MUSTER_LIB_SWARM_HASH_H_
