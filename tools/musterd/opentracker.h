// SPDX-License-Identifier: Apache-2.0
//
// The dialect of opentracker: its options and its configuration file, as settings of musterd.
//
// Options and lines of files are carried out in their order, as opentracker does: an address counts
// for the ports that follow it, and `-f FILE` reads the file at that point. Behind them may stand
// options of musterd, from the first one that begins with "--".
#ifndef MUSTER_TOOLS_MUSTERD_OPENTRACKER_H_
#define MUSTER_TOOLS_MUSTERD_OPENTRACKER_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "musterd/command_line.h"
#include "musterd/settings.h"

namespace musterd {

// Reads a whole file; the status says why it cannot be read.
using FileReader = absl::FunctionRef<absl::StatusOr<std::string>(const std::string& path)>;

// Longer lines of opentracker.conf are passed over, as they are by opentracker.
inline constexpr std::size_t kMaxOpentrackerLine = 511;

struct OpentrackerLine {
  // -h and -v: nothing else counts.
  bool wants_help = false;
  bool wants_version = false;
  CommandLine line;
  // What has no effect, or another one than its author may think: a line each, with its place.
  std::vector<std::string> notes;
};

// `arguments` without the program's name. "Any address" is that of both families, or of IPv4 alone
// where the system has no IPv6. InvalidArgument for options that make no sense; a file that makes
// none gives notes.
absl::StatusOr<OpentrackerLine> ParseOpentracker(const std::vector<std::string>& arguments,
                                                 FileReader read_file, bool system_has_ipv6);

// What -h prints.
std::string OpentrackerHelpText();

}  // namespace musterd

#endif  // MUSTER_TOOLS_MUSTERD_OPENTRACKER_H_
