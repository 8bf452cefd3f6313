// SPDX-License-Identifier: Apache-2.0
//
// What an instruction set does for hashing: it advances several messages at once, as many as its
// vectors have lanes, or as keep its units busy. Each set's file is compiled with that set's flags
// and shares no function with other files: so no instruction of it gets into what runs on any
// machine.
#ifndef MUSTER_LIB_HASH_LANE_KERNELS_H_
#define MUSTER_LIB_HASH_LANE_KERNELS_H_

#include <cstddef>
#include <cstdint>

namespace muster {

inline constexpr std::size_t kMaxLanes = 16;
inline constexpr std::size_t kHashBlock = 64;  // bytes, of either kind

struct LaneKernel {
  // The states of all lanes: the first word of each, then the second of each, and so on; aligned to
  // 64 bytes.
  using State = std::uint32_t*;

  // Advances lane i by `n` blocks, read from blocks[i] onwards.
  void (*blocks)(State state, const std::uint8_t* const* blocks, std::size_t n);
  // Advances all lanes by one and the same block. Of it `schedule` has what the rounds add, one
  // number each: the words as expanded, and the constants.
  void (*shared)(State state, const std::uint32_t* schedule);
  unsigned lanes;
};

struct LaneKernels {
  LaneKernel sha1;
  LaneKernel sha256;
};

// For CPUs with SHA instructions (and SSE 4.1): 2 lanes. With AVX2: 8 lanes. With AVX-512 F and BW:
// 16 lanes. Those that were asked for when this was built.
extern const LaneKernels kShaKernels;
extern const LaneKernels kAvx2Kernels;
extern const LaneKernels kAvx512Kernels;

}  // namespace muster

#endif  // MUSTER_LIB_HASH_LANE_KERNELS_H_
