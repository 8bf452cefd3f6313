// SPDX-License-Identifier: Apache-2.0
//
// musterd: a BitTorrent tracker as a daemon. See musterd(8).
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include "muster/version.h"
#include "musterd/bttrack.h"
#include "musterd/command_line.h"
#include "musterd/opentracker.h"
#include "musterd/privileges.h"
#include "musterd/process.h"
#include "musterd/serve.h"
#include "musterd/settings.h"
#include "musterd/text.h"
#include "musterd/toml.h"
#include "start/program_start.h"

namespace musterd {
namespace {

absl::StatusOr<Settings> SettingsOf(const CommandLine& line) {
  if (!line.config_file) return Resolve(line.WithFile());
  absl::StatusOr<std::string> text = ReadConfigFile(*line.config_file);
  if (!text.ok()) return text.status();
  absl::StatusOr<std::vector<Assignment>> from_file = ReadToml(*text, *line.config_file);
  if (!from_file.ok()) return from_file.status();
  return Resolve(line.WithFile(*from_file));
}

int Print(const std::string& text) {
  if (std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0) return kGood;
  Complain(Concat({"cannot write to standard output: ", std::strerror(errno)}));
  return kFailed;
}

// Does what the command line wants done.
int Act(const CommandLine& line, const ExitStatuses& statuses = {}) {
  if (line.action != Action::kServe) LetSignalsEndIt();
  if (line.action == Action::kHelp) return Print(HelpText());
  if (line.action == Action::kVersion) return Print(Concat({"musterd ", muster::Version(), "\n"}));
  absl::StatusOr<Settings> settings = SettingsOf(line);
  if (!settings.ok()) {
    Complain(MessageOf(settings.status()));
    return kBadUsage;
  }
  if (line.action == Action::kPrintConfig) return Print(WriteToml(*settings));
  if (line.action == Action::kCheckConfig) return Print("the settings are good\n");
  return Serve(*settings, statuses);
}

int Run(const std::vector<std::string>& arguments) {
  absl::StatusOr<CommandLine> line = ParseCommandLine(arguments);
  if (!line.ok()) {
    Complain(MessageOf(line.status()));
    return kBadUsage;
  }
  return Act(*line);
}

// Who it is matters to root alone, which can become somebody else.
bool MayNameUser(const std::string& name) { return geteuid() != 0 || HasUser(name); }

// With the exit statuses of opentracker, and what it prints on standard error.
int RunAsOpentracker(const std::vector<std::string>& arguments) {
  constexpr int kOpentrackerBadUsage = 1;
  constexpr int kOpentrackerFailed = 111;
  const absl::StatusOr<OpentrackerLine> parsed =
      ParseOpentracker(arguments, &ReadConfigFile, &MayNameUser, SystemHasIpv6());
  if (!parsed.ok()) {
    Complain(MessageOf(parsed.status()));
    std::fputs(OpentrackerHelpText().c_str(), stderr);
    return kOpentrackerBadUsage;
  }
  if (parsed->wants_help || parsed->wants_version) {
    LetSignalsEndIt();
    const std::string version = Concat({"musterd ", muster::Version(), "\n"});
    std::fputs((parsed->wants_help ? OpentrackerHelpText() : version).c_str(), stderr);
    return kGood;
  }
  for (const std::string& note : parsed->notes) Complain(Concat({"warning: ", note}));
  const int status = Act(parsed->line, {.nobody_to_be = kFailed});
  return status == kBadUsage ? kOpentrackerBadUsage
         : status == kFailed ? kOpentrackerFailed
                             : status;
}

absl::StatusOr<std::vector<muster::IpAddress>> ResolveHost(const std::string& host) {
  if (const auto address = muster::IpAddress::Parse(host); address.ok())
    return std::vector{*address};
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error != 0) return Invalid({gai_strerror(error)});
  std::vector<muster::IpAddress> addresses;
  for (const addrinfo* info = found; info != nullptr; info = info->ai_next) {
    if (info->ai_family == AF_INET) {
      const auto& in = *reinterpret_cast<const sockaddr_in*>(info->ai_addr);
      addresses.push_back(
          muster::IpAddress::FromIpv4(reinterpret_cast<const std::uint8_t*>(&in.sin_addr)));
    } else if (info->ai_family == AF_INET6) {
      const auto& in = *reinterpret_cast<const sockaddr_in6*>(info->ai_addr);
      addresses.push_back(muster::IpAddress::FromIpv6(in.sin6_addr.s6_addr));
    }
  }
  freeaddrinfo(found);
  return addresses;
}

int RunAsBttrack(const std::vector<std::string>& arguments) {
  const absl::StatusOr<BttrackLine> parsed = ParseBttrack(arguments, &ResolveHost, SystemHasIpv6());
  if (!parsed.ok()) {
    Complain(Concat({MessageOf(parsed.status()), "; without arguments all options are shown"}));
    return kBadUsage;
  }
  if (parsed->wants_help) {
    LetSignalsEndIt();
    return Print(BttrackHelpText());
  }
  for (const std::string& note : parsed->notes) Complain(Concat({"warning: ", note}));
  return Act(parsed->line, {.cannot_prepare = kBadUsage});
}

// Takes "--dialect NAME" or "--dialect=NAME" off the front; without it the program's name tells.
std::string TakeDialect(std::string_view program, std::vector<std::string>& arguments) {
  constexpr std::string_view kJoined = "--dialect=";
  std::string dialect(program.substr(program.rfind('/') + 1));
  std::size_t taken = 0;
  if (!arguments.empty() && arguments[0].substr(0, kJoined.size()) == kJoined) {
    dialect = arguments[0].substr(kJoined.size());
    taken = 1;
  } else if (arguments.size() > 1 && arguments[0] == "--dialect") {
    dialect = arguments[1];
    taken = 2;
  } else if (dialect == "bttrack.py" || dialect == "bttrack.bittornado") {
    dialect = "bttrack";  // as packages have called it
  } else if (dialect != "opentracker" && dialect != "bttrack") {
    dialect = "musterd";  // whatever the program is called
  }
  arguments.erase(arguments.begin(), arguments.begin() + static_cast<std::ptrdiff_t>(taken));
  return dialect;
}

int RunDialect(std::string_view program, std::vector<std::string> arguments) {
  const std::string dialect = TakeDialect(program, arguments);
  if (dialect == "opentracker") return RunAsOpentracker(arguments);
  if (dialect == "bttrack") return RunAsBttrack(arguments);
  if (dialect == "musterd") return Run(arguments);
  Complain(Concat({"--dialect: expected musterd, bttrack or opentracker, not ", Quoted(dialect)}));
  return kBadUsage;
}

}  // namespace
}  // namespace musterd

int main(int argc, char** argv) {
  muster_tools::StartProgram();
  musterd::HoldSignals();
  try {
    return musterd::RunDialect(argc > 0 ? argv[0] : "", {argv + std::min(argc, 1), argv + argc});
  } catch (const std::exception& error) {
    musterd::Complain(error.what());
    return musterd::kFailed;
  }
}
