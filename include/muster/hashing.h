// SPDX-License-Identifier: Apache-2.0
//
// How torrents' data is hashed, for those who build and those who verify: on how many threads, and
// how they tell of their progress.
#ifndef MUSTER_HASHING_H_
#define MUSTER_HASHING_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

#include "muster/export.h"

namespace muster {

struct HashingProgress {
  // Of the content: without padding. Files count when their last byte was read.
  std::int64_t bytes = 0;
  std::int64_t total_bytes = 0;
  std::size_t files = 0;
  std::size_t total_files = 0;
};

struct HashingOptions {
  // The caller's own among them; 0 for one on each core. Each takes about a megabyte, and 1/500 of
  // sixteen pieces.
  unsigned threads = 0;
  // Called by the calling thread, after every few megabytes that it hashed, and at the end. False
  // cancels. Empty for nobody.
  std::function<bool(const HashingProgress&)> progress = {};
};

// How quickly it goes, from progress and the times of it. A plain value; nobody reads a clock here.
class MUSTER_EXPORT HashingRate {
 public:
  using Time = std::chrono::nanoseconds;

  // Progress at a time, which must not be less than the one before; from any beginning.
  void Add(const HashingProgress& progress, Time now);

  // Of the last seconds, the latest weighing most. 0 before there are two times.
  double bytes_per_second() const { return rate_; }
  // At that rate; nothing before there is one.
  std::optional<std::chrono::seconds> left() const;

 private:
  HashingProgress last_;
  std::optional<Time> at_;
  double rate_ = 0;
};

}  // namespace muster

#endif  // MUSTER_HASHING_H_
