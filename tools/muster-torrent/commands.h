// SPDX-License-Identifier: Apache-2.0
//
// The subcommands of muster-torrent. Each adds itself with its options to the command line; when it
// is the one that was called, `action` becomes what it does, which returns the exit status.
#ifndef MUSTER_TOOLS_MUSTER_TORRENT_COMMANDS_H_
#define MUSTER_TOOLS_MUSTER_TORRENT_COMMANDS_H_

#include <functional>

namespace CLI {
class App;
}  // namespace CLI

namespace muster_torrent {

enum ExitStatus {
  kGood = 0,
  kFailed = 1,  // or found something wrong
  kBadUsage = 2,
};

using Action = std::function<int()>;

void AddCreate(CLI::App& app, Action& action);
void AddShow(CLI::App& app, Action& action);
void AddFiles(CLI::App& app, Action& action);
void AddMagnet(CLI::App& app, Action& action);
void AddVerify(CLI::App& app, Action& action);
void AddEdit(CLI::App& app, Action& action);

}  // namespace muster_torrent

#endif  // MUSTER_TOOLS_MUSTER_TORRENT_COMMANDS_H_
