// SPDX-License-Identifier: Apache-2.0
//
// LogSink: the library never prints. What a server cannot return to a caller (a socket that fails
// while it runs, say) goes here. Without a sink it is dropped.
#ifndef MUSTER_LOG_SINK_H_
#define MUSTER_LOG_SINK_H_

#include <string_view>

#include "muster/export.h"

namespace muster {

enum class LogLevel { kInfo, kWarning, kError };

// Implementations must be thread-safe: every worker may call.
class MUSTER_EXPORT LogSink {
 public:
  virtual ~LogSink() = default;
  // One event, without a newline. `text` is only valid during the call.
  virtual void Log(LogLevel level, std::string_view text) = 0;
};

}  // namespace muster

#endif  // MUSTER_LOG_SINK_H_
