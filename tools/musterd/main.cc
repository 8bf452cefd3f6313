// SPDX-License-Identifier: Apache-2.0
//
// musterd: a BitTorrent tracker as a daemon. See musterd(8).
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "muster/version.h"
#include "musterd/command_line.h"
#include "musterd/serve.h"
#include "musterd/settings.h"
#include "musterd/text.h"
#include "musterd/toml.h"

namespace musterd {
namespace {

// The whole file, or as much of it as ReadToml() needs to see that it is too long.
absl::StatusOr<std::string> ReadConfigFile(const std::string& path) {
  const auto cannot = [&] {
    return Invalid({"cannot read ", Quoted(path), ": ", std::strerror(errno)});
  };
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"),
                                                             std::fclose);
  if (file == nullptr) return cannot();
  std::string text(kMaxTomlBytes + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get())) return cannot();
  return text;
}

// The file's assignments, then the command line's: the later ones win.
absl::StatusOr<Settings> SettingsOf(const CommandLine& line) {
  std::vector<Assignment> assignments;
  if (line.config_file) {
    absl::StatusOr<std::string> text = ReadConfigFile(*line.config_file);
    if (!text.ok()) return text.status();
    absl::StatusOr<std::vector<Assignment>> from_file = ReadToml(*text, *line.config_file);
    if (!from_file.ok()) return from_file.status();
    assignments = *std::move(from_file);
  }
  assignments.insert(assignments.end(), line.assignments.begin(), line.assignments.end());
  return Resolve(assignments);
}

int Print(const std::string& text) {
  if (std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0) return kGood;
  Complain(Concat({"cannot write to standard output: ", std::strerror(errno)}));
  return kFailed;
}

int Run(const std::vector<std::string>& arguments) {
  absl::StatusOr<CommandLine> line = ParseCommandLine(arguments);
  if (!line.ok()) {
    Complain(MessageOf(line.status()));
    return kBadUsage;
  }
  if (line->action == Action::kHelp) return Print(HelpText());
  if (line->action == Action::kVersion) return Print(Concat({"musterd ", muster::Version(), "\n"}));
  absl::StatusOr<Settings> settings = SettingsOf(*line);
  if (!settings.ok()) {
    Complain(MessageOf(settings.status()));
    return kBadUsage;
  }
  if (line->action == Action::kPrintConfig) return Print(WriteToml(*settings));
  if (line->action == Action::kCheckConfig) return Print("the settings are good\n");
  return Serve(*settings);
}

}  // namespace
}  // namespace musterd

int main(int argc, char** argv) {
  try {
    return musterd::Run({argv + std::min(argc, 1), argv + argc});
  } catch (const std::exception& error) {
    musterd::Complain(error.what());
    return musterd::kFailed;
  }
}
