// SPDX-License-Identifier: Apache-2.0
//
// The running daemon: settings in, a tracker on the network until a signal ends it.
#ifndef MUSTER_TOOLS_MUSTERD_SERVE_H_
#define MUSTER_TOOLS_MUSTERD_SERVE_H_

#include <string_view>

#include "musterd/ipv6.h"
#include "musterd/process.h"
#include "musterd/settings.h"

namespace musterd {

// Prints "musterd: " and `text` on standard error.
void Complain(std::string_view text);

// The exit statuses in which dialects differ.
struct ExitStatuses {
  int cannot_prepare = kFailed;  // a state or a list cannot be read
  int nobody_to_be = kBadUsage;  // there is no such user or group, or it is root
};

// Listens, gives up privileges, reads the lists, prints one line for each listener on standard
// output, and serves until SIGINT or SIGTERM; a second signal ends the process at once. SIGHUP has
// the lists read again, and the access log opened again. Returns the exit status, after a complaint
// when it is not kGood. Called once, from the main thread while it is the only one.
int Serve(const Settings& settings, const ExitStatuses& statuses = {});

}  // namespace musterd

#endif  // MUSTER_TOOLS_MUSTERD_SERVE_H_
