// SPDX-License-Identifier: Apache-2.0
#include "muster-torrent/progress.h"

#include <unistd.h>

#include <cstdio>
#include <string>

#include "muster-torrent/text.h"

namespace muster_torrent {

bool ProgressLine::IsTerminal() { return ::isatty(STDERR_FILENO) == 1; }

std::function<bool(const muster::HashingProgress&)> ProgressLine::Callback() {
  if (!is_wanted_) return nullptr;
  return [this](const muster::HashingProgress& progress) {
    Show(progress);
    return true;
  };
}

void ProgressLine::Clear() {
  if (is_shown_) std::fputs("\r\033[K", stderr);
  is_shown_ = false;
}

void ProgressLine::Show(const muster::HashingProgress& progress) {
  constexpr auto kEvery = std::chrono::milliseconds(100);
  const auto now = std::chrono::steady_clock::now();
  if (now < next_ && progress.bytes < progress.total_bytes) return;
  next_ = now + kEvery;
  rate_.Add(progress, now.time_since_epoch());
  const double part = progress.total_bytes == 0 ? 1
                                                : static_cast<double>(progress.bytes) /
                                                      static_cast<double>(progress.total_bytes);
  constexpr int kWidth = 20;
  const int filled = static_cast<int>(part * kWidth);
  std::string line = "\r[" + std::string(static_cast<std::size_t>(filled), '#') +
                     std::string(static_cast<std::size_t>(kWidth - filled), ' ') + "] " +
                     std::to_string(static_cast<int>(part * 100)) + " %, " +
                     SizeText(progress.bytes) + " of " + SizeText(progress.total_bytes) + ", " +
                     std::to_string(progress.files) + "/" + std::to_string(progress.total_files) +
                     " files";
  if (const auto left = rate_.left()) {
    line += ", " + SizeText(static_cast<std::int64_t>(rate_.bytes_per_second())) + "/s, " +
            std::to_string(left->count()) + " s left";
  }
  std::fputs((line + "\033[K").c_str(), stderr);
  is_shown_ = true;
}

}  // namespace muster_torrent
