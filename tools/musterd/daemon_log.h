// SPDX-License-Identifier: Apache-2.0
//
// DaemonLog: what happens to a daemon, a line each on standard error:
//
//   musterd: warning: whitelist: cannot read 'w': No such file or directory
//
// From WriteByThread() on a thread of its own writes them, see line_writer.h: strangers cause lines,
// and who reads them may be slow, or have stopped to. 4 MiB of lines may wait; of what has no room it
// is said how many lines are lost. Thread-safe.
#ifndef MUSTER_TOOLS_MUSTERD_DAEMON_LOG_H_
#define MUSTER_TOOLS_MUSTERD_DAEMON_LOG_H_

#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "muster/log_sink.h"
#include "musterd/line_writer.h"

namespace musterd {

class DaemonLog final : public muster::LogSink {
 public:
  // `program` must outlive it. Lines below `least` are left out.
  DaemonLog(std::string_view program, muster::LogLevel least) : program_(program), least_(least) {}

  void Log(muster::LogLevel level, std::string_view text) override;
  // "PROGRAM: TEXT", whatever the least level is.
  void Say(std::string_view text);

  // Once, before there are other threads that log. What waits is written when the log is destroyed,
  // which takes 5 s at most.
  absl::Status WriteByThread();

  // Waits until the lines so far are written, or who reads them takes too long: what is printed then
  // comes behind them, where both go to one place.
  void WaitUntilWritten();

 private:
  const std::string_view program_;
  const muster::LogLevel least_;
  std::unique_ptr<LineWriter> writer_;
};

}  // namespace musterd

#endif  // MUSTER_TOOLS_MUSTERD_DAEMON_LOG_H_
