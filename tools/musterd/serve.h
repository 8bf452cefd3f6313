// SPDX-License-Identifier: Apache-2.0
//
// The running daemon: settings in, a tracker on the network until a signal ends it.
#ifndef MUSTER_TOOLS_MUSTERD_SERVE_H_
#define MUSTER_TOOLS_MUSTERD_SERVE_H_

#include <string_view>

#include "muster/log_sink.h"
#include "musterd/settings.h"

namespace musterd {

// Exit statuses.
inline constexpr int kGood = 0;
inline constexpr int kFailed = 1;    // it did not run: a port that is taken, say
inline constexpr int kBadUsage = 2;  // what it was told makes no sense

// Whether an IPv6 socket can be had and bound at all: a kernel may be built or started without.
bool SystemHasIpv6();

// Prints "musterd: " and `text` on standard error.
void Complain(std::string_view text);

// Events as lines on standard error. Thread-safe.
class StderrLog : public muster::LogSink {
 public:
  explicit StderrLog(muster::LogLevel least) : least_(least) {}
  void Log(muster::LogLevel level, std::string_view text) override;

 private:
  const muster::LogLevel least_;
};

// Listens, gives up privileges, reads the lists, prints one line for each listener on standard
// output, and serves until SIGINT or SIGTERM; a second signal ends the process at once. SIGHUP has
// the lists read again. Returns the exit status, after a complaint
// when it is not kGood. Called once, from the main thread while it is the only one.
int Serve(const Settings& settings);

}  // namespace musterd

#endif  // MUSTER_TOOLS_MUSTERD_SERVE_H_
