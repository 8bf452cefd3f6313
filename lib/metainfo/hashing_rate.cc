// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "muster/hashing.h"

namespace muster {

void HashingRate::Add(const HashingProgress& progress, Time now) {
  using Seconds = std::chrono::duration<double>;
  if (at_ && now > *at_) {
    const double seconds = Seconds(now - *at_).count();
    const double rate = static_cast<double>(progress.bytes - last_.bytes) / seconds;
    // What was seen so far counts half after a second and a half.
    const double old = rate_ == 0 ? 0 : std::exp2(-seconds / 1.5);
    rate_ = old * rate_ + (1 - old) * rate;
  }
  if (!at_ || now > *at_) at_ = now;
  last_ = progress;
}

std::optional<std::chrono::seconds> HashingRate::left() const {
  constexpr double kMost = 1e15;
  if (rate_ <= 0) return std::nullopt;
  const double seconds = static_cast<double>(last_.total_bytes - last_.bytes) / rate_;
  return std::chrono::seconds(static_cast<std::int64_t>(std::ceil(std::fmin(seconds, kMost))));
}

}  // namespace muster
