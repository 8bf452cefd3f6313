// SPDX-License-Identifier: Apache-2.0
//
// The command line of a program that has a table of settings.
#ifndef MUSTER_TOOLS_MUSTERD_COMMAND_LINE_H_
#define MUSTER_TOOLS_MUSTERD_COMMAND_LINE_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "musterd/settings.h"

namespace musterd {

enum class Action { kServe, kCheckConfig, kPrintConfig, kHelp, kVersion };

struct CommandLine {
  Action action = Action::kServe;
  // What another tracker's options mean, and what that assumes.
  std::vector<Assignment> dialect;
  // Of --config.
  std::optional<std::string> config_file;
  std::vector<Assignment> assignments;

  // All of them, and those of the file, so that the later ones win: options over the file, and that
  // over the dialect.
  std::vector<Assignment> WithFile(const std::vector<Assignment>& from_file = {}) const;
};

// Those of musterd.
absl::Span<const PlainOption> PlainOptions();

// `arguments` without the program's name. Of an option that is given twice the last counts, except
// that addresses add up. InvalidArgument names the option at fault.
absl::StatusOr<CommandLine> ParseCommandLine(const std::vector<std::string>& arguments,
                                             const SettingsTable& table = MusterdTable());

// How an option is written: "-h, --help", "--udp ADDRESS:PORT", "--[no-]peer-ids".
std::string Spelling(const PlainOption& option);
std::string Spelling(const Setting& setting);

// What --help prints.
std::string HelpText(const SettingsTable& table = MusterdTable());

}  // namespace musterd

#endif  // MUSTER_TOOLS_MUSTERD_COMMAND_LINE_H_
