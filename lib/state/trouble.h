// SPDX-License-Identifier: Apache-2.0
//
// Trouble: something that fails and may do so for long. Tells the log once, then at intervals, then
// when it is over. Thread-compatible.
#ifndef MUSTER_LIB_STATE_TROUBLE_H_
#define MUSTER_LIB_STATE_TROUBLE_H_

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "muster/log_sink.h"

namespace muster {

class Trouble {
 public:
  // `what` fails: "the snapshot cannot be written".
  Trouble(LogSink* log, std::string what, std::chrono::milliseconds remind)
      : log_(log), what_(std::move(what)), remind_(remind) {}

  void Note(const absl::Status& status) {
    const auto now = std::chrono::steady_clock::now();
    if (status.ok()) {
      if (since_.has_value() && log_ != nullptr)
        log_->Log(LogLevel::kInfo, absl::StrCat("no longer: ", what_));
      since_.reset();
      told_.reset();
      return;
    }
    if (!since_.has_value()) since_ = now;
    if (told_.has_value() && now - *told_ < remind_) return;
    const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(now - *since_).count();
    const std::string still =
        told_.has_value() ? absl::StrCat(" (for ", minutes, " minutes now)") : "";
    told_ = now;
    if (log_ != nullptr)
      log_->Log(LogLevel::kError, absl::StrCat(what_, still, ": ", status.message()));
  }

 private:
  using Time = std::chrono::steady_clock::time_point;

  LogSink* const log_;
  const std::string what_;
  const std::chrono::milliseconds remind_;
  std::optional<Time> since_;
  std::optional<Time> told_;
};

}  // namespace muster

#endif  // MUSTER_LIB_STATE_TROUBLE_H_
