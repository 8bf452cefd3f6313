// SPDX-License-Identifier: Apache-2.0
//
// The running daemon: settings in, a mirror on the network until a signal ends it.
#ifndef MUSTER_TOOLS_MUSTER_TORRENTD_SERVE_H_
#define MUSTER_TOOLS_MUSTER_TORRENTD_SERVE_H_

#include <string_view>

#include "muster-torrentd/settings.h"
#include "musterd/process.h"

namespace torrentd {

using musterd::kBadUsage;
using musterd::kFailed;
using musterd::kGood;

// Prints "muster-torrentd: " and `text` on standard error.
void Complain(std::string_view text);

// Listens, prints one line for each listener on standard output, and serves until SIGINT or SIGTERM;
// a second signal ends the process at once. SIGHUP has the trackers read again, and files looked
// for. Returns the exit status, after a complaint when it is not kGood. Called once, from the main
// thread while it is the only one.
int Serve(const Settings& settings);

}  // namespace torrentd

#endif  // MUSTER_TOOLS_MUSTER_TORRENTD_SERVE_H_
