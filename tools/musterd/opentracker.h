// SPDX-License-Identifier: Apache-2.0
//
// The dialect of opentracker: its options and its configuration file, as settings of musterd.
//
// Options and lines of files are carried out in their order, as opentracker does: an address counts
// for the ports that follow it, and `-f FILE` reads the file at that point. Behind them may stand
// options of musterd, from the first one that begins with "--".
#ifndef MUSTER_TOOLS_MUSTERD_OPENTRACKER_H_
#define MUSTER_TOOLS_MUSTERD_OPENTRACKER_H_

#include <cstddef>
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

// Whether the system knows a user, by a name or a number; of an empty name, whether a process that
// becomes nobody else is not root's.
using UserFinder = absl::FunctionRef<bool(const std::string& name)>;

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
// where the system has no IPv6. Nobody of -2 takes the place of a user who is unknown, with a note.
// InvalidArgument for options that make no sense, for a file that is far too large, and for a list
// in it that is not to be had, so that not all is served then; what else makes no sense in a file
// gives notes.
absl::StatusOr<OpentrackerLine> ParseOpentracker(const std::vector<std::string>& arguments,
                                                 FileReader read_file, UserFinder has_user,
                                                 bool system_has_ipv6);

// What -h prints.
std::string OpentrackerHelpText();

}  // namespace musterd

#endif  // MUSTER_TOOLS_MUSTERD_OPENTRACKER_H_
