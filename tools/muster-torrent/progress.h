// SPDX-License-Identifier: Apache-2.0
//
// A line on a terminal that tells how far hashing is.
#ifndef MUSTER_TOOLS_MUSTER_TORRENT_PROGRESS_H_
#define MUSTER_TOOLS_MUSTER_TORRENT_PROGRESS_H_

#include <chrono>
#include <functional>

#include "muster/hashing.h"

namespace muster_torrent {

class ProgressLine {
 public:
  // `is_wanted` on standard error; nothing is printed otherwise.
  explicit ProgressLine(bool is_wanted) : is_wanted_(is_wanted) {}
  ~ProgressLine() { Clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // Whether a person is looking.
  static bool IsTerminal();

  // For HashingOptions; valid as long as this. Empty when it is not wanted.
  std::function<bool(const muster::HashingProgress&)> Callback();
  void Clear();

 private:
  void Show(const muster::HashingProgress& progress);

  const bool is_wanted_;
  bool is_shown_ = false;
  muster::HashingRate rate_;
  std::chrono::steady_clock::time_point next_;
};

}  // namespace muster_torrent

#endif  // MUSTER_TOOLS_MUSTER_TORRENT_PROGRESS_H_
