// SPDX-License-Identifier: Apache-2.0
//
// muster-torrent: makes, shows, verifies and edits torrents. See muster-torrent(1).
#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <string>
#include <vector>

#include "muster-torrent/commands.h"
#include "muster-torrent/text.h"
#include "muster/version.h"
#include "start/program_start.h"

namespace muster_torrent {
namespace {

int Run(std::vector<std::string> arguments) {
  CLI::App app("Makes, shows, verifies and edits torrents: v1, v2 and hybrids.", "muster-torrent");
  app.require_subcommand(1);
  app.set_version_flag("-V,--version", "muster-torrent " + std::string(muster::Version()),
                       "Print the version, and exit.");
  app.set_help_flag("-h,--help", "Print this text, and exit.");
  Action action;
  AddCreate(app, action);
  AddShow(app, action);
  AddFiles(app, action);
  AddMagnet(app, action);
  AddVerify(app, action);
  AddEdit(app, action);
  // Of an option that is given several times the last counts, but for those that add up.
  for (CLI::App* const command : app.get_subcommands(nullptr)) {
    for (CLI::Option* const option : command->get_options()) {
      if (option->get_expected_max() == 1) option->take_last();
    }
  }
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::CallForHelp&) {
    return Print(app.help());
  } catch (const CLI::CallForVersion& version) {
    return Print(std::string(version.what()) + "\n");
  } catch (const CLI::ParseError& error) {
    Complain(error.what());
    return kBadUsage;
  }
  return action();
}

}  // namespace
}  // namespace muster_torrent

int main(int argc, char** argv) {
  muster_tools::StartProgram();
  try {
    return muster_torrent::Run({argv + std::min(argc, 1), argv + argc});
  } catch (const std::exception& error) {
    muster_torrent::Complain(error.what());
    return muster_torrent::kFailed;
  }
}
