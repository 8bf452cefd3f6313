// SPDX-License-Identifier: Apache-2.0
//
// Random: chance as an argument. A small fast generator (splitmix64) for choosing peers and
// spreading intervals; never for secrets. Thread-compatible: give each thread its own.
#ifndef MUSTER_RANDOM_H_
#define MUSTER_RANDOM_H_

#include <cstdint>

#include "muster/export.h"

namespace muster {

class MUSTER_EXPORT Random {
 public:
  // Equal seeds give equal sequences: tests pass a number, programs use FromSystem().
  explicit constexpr Random(std::uint64_t seed) : state_(seed) {}
  // Seeded by the operating system.
  static Random FromSystem();

  // 64 random bits.
  constexpr std::uint64_t Next() {
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // A number in [0, bound), each about equally likely; `bound` must not be 0.
  constexpr std::uint32_t Below(std::uint32_t bound) {
    return static_cast<std::uint32_t>(((Next() >> 32) * bound) >> 32);
  }

 private:
  std::uint64_t state_;
};

}  // namespace muster

#endif  // MUSTER_RANDOM_H_
