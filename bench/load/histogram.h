// SPDX-License-Identifier: Apache-2.0
//
// Histogram: durations in logarithmic buckets, 64 to a doubling, so that a percentile is right
// within 1.6 % whatever its size, and adding one costs a shift and an increment. Thread-compatible.
#ifndef MUSTER_BENCH_LOAD_HISTOGRAM_H_
#define MUSTER_BENCH_LOAD_HISTOGRAM_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace muster::load {

class Histogram {
 public:
  void Add(std::uint64_t ns) {
    ++counts_[BucketOf(ns)];
    ++total_;
    max_ = std::max(max_, ns);
  }
  void Merge(const Histogram& other);

  std::uint64_t total() const { return total_; }
  std::uint64_t max() const { return max_; }
  // The smallest bucket edge that at least `percent` of all values do not exceed; 0 when there are
  // none.
  std::uint64_t Percentile(double percent) const;

 private:
  static constexpr unsigned kSubBits = 6;
  static constexpr std::size_t kSub = std::size_t{1} << kSubBits;
  static constexpr std::size_t kBuckets = (64 - kSubBits + 1) * kSub;

  // Values below 64 have a bucket each; above, the highest bit picks the row and the six bits after
  // it the column.
  static constexpr std::size_t BucketOf(std::uint64_t v) {
    if (v < kSub) return static_cast<std::size_t>(v);
    const unsigned shift = static_cast<unsigned>(std::bit_width(v)) - 1 - kSubBits;
    return shift * kSub + static_cast<std::size_t>(v >> shift);
  }
  static constexpr std::uint64_t LastOf(std::size_t bucket) {
    if (bucket < kSub) return bucket;
    const std::size_t shift = bucket / kSub - 1;
    return ((std::uint64_t{bucket % kSub + kSub} + 1) << shift) - 1;
  }

  std::array<std::uint64_t, kBuckets> counts_{};
  std::uint64_t total_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace muster::load

#endif  // MUSTER_BENCH_LOAD_HISTOGRAM_H_
