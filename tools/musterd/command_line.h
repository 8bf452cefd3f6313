// SPDX-License-Identifier: Apache-2.0
//
// musterd's own command line.
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
  // Of --config.
  std::optional<std::string> config_file;
  std::vector<Assignment> assignments;
};

// An option that is no setting: it does no more than to choose an action or a file.
struct PlainOption {
  std::string_view name;
  // Its short form: 'h' for -h; 0 for none.
  char letter;
  std::string_view placeholder;
  std::string_view help;
};
absl::Span<const PlainOption> PlainOptions();

// `arguments` without the program's name. Of an option that is given twice the last counts, except
// that addresses add up. InvalidArgument names the option at fault.
absl::StatusOr<CommandLine> ParseCommandLine(const std::vector<std::string>& arguments);

// How an option is written: "-h, --help", "--udp ADDRESS:PORT", "--[no-]peer-ids".
std::string Spelling(const PlainOption& option);
std::string Spelling(const Setting& setting);

// What --help prints.
std::string HelpText();

}  // namespace musterd

#endif  // MUSTER_TOOLS_MUSTERD_COMMAND_LINE_H_
