// SPDX-License-Identifier: Apache-2.0
//
// The dialect of BitTornado's bttrack: its command line, as settings of musterd.
//
// Options are `--name value` or `--name=value`, in any order; the last one wins. Behind a lone `--`
// may stand options of musterd. What bttrack does with its options is what musterd does here, its
// defaults included, except where that was a mistake; --help says so of each option.
#ifndef MUSTER_TOOLS_MUSTERD_BTTRACK_H_
#define MUSTER_TOOLS_MUSTERD_BTTRACK_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "muster/endpoint.h"
#include "musterd/command_line.h"

namespace musterd {

// One row of the table of options.
struct BttrackOption {
  enum class Type : std::uint8_t {
    kInteger,   // a whole number, 0 or more; 1 and 0 are yes and no
    kFraction,  // a number of seconds, perhaps with a fraction
    kText,
  };

  std::string_view name;
  Type type;
  // What it is when it is not given.
  std::string_view initial;
  // What it does, in plain sentences; of one that has lost its sense, what became of it.
  std::string_view help;
  // The settings of musterd that it becomes, separated by blanks; none for one that has lost its
  // sense.
  std::string_view settings;
};

// The table, in the order in which it is shown.
absl::Span<const BttrackOption> BttrackOptions();

// The addresses of a host; the status says why there are none.
using HostResolver =
    absl::FunctionRef<absl::StatusOr<std::vector<muster::IpAddress>>(const std::string& host)>;

struct BttrackLine {
  // No argument at all, or --help: nothing else counts.
  bool wants_help = false;
  CommandLine line;
  // What has another effect than its author may think: a line each.
  std::vector<std::string> notes;
};

// `arguments` without the program's name. IPv6 is left out, with a note, where the system has none.
// InvalidArgument for what makes no sense.
absl::StatusOr<BttrackLine> ParseBttrack(const std::vector<std::string>& arguments,
                                         HostResolver resolve, bool system_has_ipv6);

// Every option with its default, its explanation and its settings.
std::string BttrackHelpText();

}  // namespace musterd

#endif  // MUSTER_TOOLS_MUSTERD_BTTRACK_H_
