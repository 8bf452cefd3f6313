// SPDX-License-Identifier: Apache-2.0
#include "load/histogram.h"

#include <cmath>

namespace muster::load {

void Histogram::Merge(const Histogram& other) {
  for (std::size_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
  total_ += other.total_;
  max_ = std::max(max_, other.max_);
}

std::uint64_t Histogram::Percentile(double percent) const {
  if (total_ == 0) return 0;
  const double wanted = std::ceil(static_cast<double>(total_) * percent / 100.0);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += counts_[i];
    if (counts_[i] > 0 && static_cast<double>(seen) >= wanted) return std::min(LastOf(i), max_);
  }
  return max_;
}

}  // namespace muster::load
