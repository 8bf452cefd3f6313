// SPDX-License-Identifier: Apache-2.0
//
// muster-torrentd: torrents for any files of a mirror, and the files. See muster-torrentd(8).
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "muster-torrentd/serve.h"
#include "muster-torrentd/settings.h"
#include "muster/version.h"
#include "musterd/command_line.h"
#include "musterd/text.h"
#include "musterd/toml.h"
#include "start/program_start.h"

namespace torrentd {
namespace {

using musterd::Action;
using musterd::CommandLine;
using musterd::Concat;

absl::StatusOr<Settings> SettingsOf(const CommandLine& line) {
  if (!line.config_file) return torrentd::Resolve(line.WithFile());
  const absl::StatusOr<std::string> text = musterd::ReadConfigFile(*line.config_file);
  if (!text.ok()) return text.status();
  const auto from_file = musterd::ReadToml(*text, *line.config_file, TorrentdTable());
  if (!from_file.ok()) return from_file.status();
  return torrentd::Resolve(line.WithFile(*from_file));
}

int Print(const std::string& text) {
  if (std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0) return kGood;
  Complain(Concat({"cannot write to standard output: ", std::strerror(errno)}));
  return kFailed;
}

int Run(const std::vector<std::string>& arguments) {
  const absl::StatusOr<CommandLine> line = musterd::ParseCommandLine(arguments, TorrentdTable());
  if (line.ok() && line->action == Action::kHelp) return Print(musterd::HelpText(TorrentdTable()));
  if (line.ok() && line->action == Action::kVersion) {
    return Print(Concat({"muster-torrentd ", muster::Version(), "\n"}));
  }
  const absl::StatusOr<Settings> settings =
      line.ok() ? SettingsOf(*line) : absl::StatusOr<Settings>(line.status());
  if (!settings.ok()) {
    Complain(musterd::MessageOf(settings.status()));
    return kBadUsage;
  }
  if (line->action == Action::kPrintConfig) {
    return Print(musterd::WriteToml(*settings, TorrentdTable()));
  }
  if (line->action == Action::kCheckConfig) return Print("the settings are good\n");
  return Serve(*settings);
}

}  // namespace
}  // namespace torrentd

int main(int argc, char** argv) {
  muster_tools::StartProgram();
  try {
    return torrentd::Run({argv + std::min(argc, 1), argv + argc});
  } catch (const std::exception& error) {
    torrentd::Complain(error.what());
    return torrentd::kFailed;
  }
}
