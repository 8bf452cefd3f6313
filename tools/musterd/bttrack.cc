// SPDX-License-Identifier: Apache-2.0
#include "musterd/bttrack.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

#include "muster/version.h"
#include "musterd/settings.h"
#include "musterd/text.h"

namespace musterd {
namespace {

using Type = BttrackOption::Type;

// The most that the settings allow: http-max-request-bytes, http-max-scrape-torrents.
constexpr std::uint64_t kMostRequestBytes = 64 * 1024;
constexpr std::uint64_t kMostScraped = 10'000;
// "Never", of what bttrack never forgets.
constexpr std::string_view kForGood = "3650d";
constexpr std::string_view kEverybody[] = {"0.0.0.0/0", "::/0"};
// What bttrack takes for local, and the networks that have taken the place of fec0::/16.
constexpr std::string_view kLocalNetworks[] = {"127.0.0.0/8",    "10.0.0.0/8",     "172.16.0.0/12",
                                               "192.168.0.0/16", "169.254.0.0/16", "::1",
                                               "fc00::/7",       "fe80::/10",      "fec0::/10"};

std::optional<std::uint64_t> NumberOf(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Milliseconds of "3", "3.0", "0.25" or ".5".
std::optional<std::uint64_t> MillisecondsOf(std::string_view text) {
  const std::size_t point = std::min(text.find('.'), text.size());
  if (text == ".") return std::nullopt;
  const auto seconds = point == 0 && !text.empty() ? std::optional<std::uint64_t>(0)
                                                   : NumberOf(text.substr(0, point));
  if (!seconds) return std::nullopt;
  std::string fraction(text.substr(std::min(point + 1, text.size())));
  if (fraction.find_first_not_of("0123456789") != fraction.npos) return std::nullopt;
  fraction.resize(3, '0');
  // More than any setting allows is as good as any of it.
  constexpr std::uint64_t kMost = 1'000'000'000;
  return std::min(*seconds, kMost) * 1000 + NumberOf(fraction).value_or(0);
}

const BttrackOption* FindOption(std::string_view name) {
  const auto options = BttrackOptions();
  const auto* found = std::find_if(options.begin(), options.end(),
                                   [&](const BttrackOption& o) { return o.name == name; });
  return found == options.end() ? nullptr : found;
}

absl::Status CheckType(const BttrackOption& option, std::string_view value) {
  if (option.type == Type::kInteger && !NumberOf(value)) {
    return Invalid({"--", option.name, ": expected a whole number, not ", Quoted(value)});
  }
  if (option.type == Type::kFraction && !MillisecondsOf(value)) {
    return Invalid({"--", option.name, ": expected a number of seconds, not ", Quoted(value)});
  }
  return absl::OkStatus();
}

class Translation {
 public:
  Translation(HostResolver resolve, bool system_has_ipv6)
      : resolve_(resolve), system_has_ipv6_(system_has_ipv6) {
    for (const BttrackOption& option : BttrackOptions()) values_[option.name] = option.initial;
  }

  void Give(const BttrackOption& option, std::string value) {
    values_[option.name] = std::move(value);
  }
  // What the options that were given, and the defaults of the others, become.
  absl::Status Run(BttrackLine& result) &&;

 private:
  const std::string& Text(std::string_view option) const { return values_.at(option); }
  std::uint64_t Number(std::string_view option) const { return *NumberOf(Text(option)); }
  bool Yes(std::string_view option) const { return Number(option) != 0; }
  void Note(std::string_view option, std::string_view text) {
    notes_.push_back(Concat({"--", option, ": ", text}));
  }

  // What of an option is one setting's business: its value, as the setting would have it. The first
  // failure is kept.
  void Set(std::string_view option, std::string_view setting, std::string_view text);
  void SetFlag(std::string_view option, std::string_view setting, bool value) {
    Set(option, setting, value ? "true" : "false");
  }
  // The number, or the milliseconds, that an option asks for; where the setting allows only less,
  // that, and a note.
  std::uint64_t AtMost(std::string_view option, std::string_view setting, std::uint64_t wanted);
  // The same, where the value of the option says it all.
  void Pass(std::string_view option, std::string_view setting);

  void Listen();
  void Times();
  void Answers();
  void Torrents();
  void Addresses();
  void Pages();
  void Log();
  void Outgoing();

  const HostResolver resolve_;
  const bool system_has_ipv6_;
  std::map<std::string_view, std::string> values_;
  absl::Status failure_;
  std::vector<Assignment> assignments_;
  std::vector<std::string> notes_;
};

void Translation::Set(std::string_view option, std::string_view name, std::string_view text) {
  const Setting* const setting = FindSetting(name);
  const std::string where = Concat({"--", option});
  const absl::StatusOr<Value> value = ParseValue(*setting, text);
  const absl::Status status = value.ok() ? CheckRange(*setting, *value) : value.status();
  if (!status.ok()) {
    if (failure_.ok()) failure_ = Invalid({where, ": ", MessageOf(status)});
    return;
  }
  if (IsList(setting->kind)) {
    for (Assignment& assignment : assignments_) {
      if (assignment.setting == setting) return Append(*value, assignment.value);
    }
  }
  assignments_.push_back({setting, *value, where});
}

std::uint64_t Translation::AtMost(std::string_view option, std::string_view name,
                                  std::uint64_t wanted) {
  const Setting& setting = *FindSetting(name);
  if (wanted <= setting.max) return wanted;
  const bool is_time = setting.kind == Kind::kSeconds || setting.kind == Kind::kMilliseconds;
  Note(option, Concat({name, " is set to ", std::to_string(setting.max / (is_time ? 1000 : 1)),
                       is_time ? " seconds" : "", ", the most that it can be"}));
  return setting.max;
}

void Translation::Pass(std::string_view option, std::string_view name) {
  const std::string& text = Text(option);
  switch (FindSetting(name)->kind) {
    case Kind::kFlag:
      return SetFlag(option, name, text != "0");
    case Kind::kCount:
      return Set(option, name, std::to_string(AtMost(option, name, Number(option))));
    case Kind::kSeconds:
    case Kind::kMilliseconds:
      return Set(option, name,
                 Concat({std::to_string(AtMost(option, name, *MillisecondsOf(text))), "ms"}));
    default:
      return Set(option, name, text);
  }
}

void Translation::Listen() {
  const std::uint64_t port = Number("port");
  if (port > 65535) {
    failure_ = Invalid({"--port: expected a number from 0 to 65535, not ", Quoted(Text("port"))});
    return;
  }
  bool ipv6 = Yes("ipv6_enabled");
  if (ipv6 && !system_has_ipv6_) {
    Note("ipv6_enabled", "this system has no IPv6: listening on IPv4 only");
    ipv6 = false;
  }
  std::vector<muster::Endpoint> endpoints;
  const auto add = [&](const muster::IpAddress& address) {
    const muster::Endpoint endpoint(address, static_cast<std::uint16_t>(port));
    const bool known = std::find(endpoints.begin(), endpoints.end(), endpoint) != endpoints.end();
    if (!known) endpoints.push_back(endpoint);
  };
  std::string_view rest = Text("bind");
  while (!rest.empty() && failure_.ok()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const std::string host(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    if (host.empty()) continue;
    const auto addresses = resolve_(host);
    if (!addresses.ok()) {
      failure_ = Invalid({"--bind: ", Quoted(host), ": ", MessageOf(addresses.status())});
      return;
    }
    bool any = false;
    for (const muster::IpAddress& address : *addresses) {
      if (address.family() == muster::AddressFamily::kIpv6 && !ipv6) continue;
      add(address);
      any = true;
    }
    if (!any) {
      failure_ =
          Invalid({"--bind: ", Quoted(host), " has IPv6 addresses only: they need --ipv6_enabled"});
    }
  }
  if (endpoints.empty()) {
    add(muster::IpAddress());
    const std::uint8_t any_ipv6[16] = {};
    if (ipv6) add(muster::IpAddress::FromIpv6(any_ipv6));
  }
  assignments_.push_back({FindSetting("http"), endpoints, "--port"});
  assignments_.push_back({FindSetting("udp"), std::move(endpoints), "--port"});
}

void Translation::Times() {
  for (std::string_view setting :
       {"http-request-timeout", "http-idle-timeout", "http-write-timeout"}) {
    Pass("socket_timeout", setting);
  }
  Pass("socket_timeout", "nat-check-timeout");
  Pass("save_dfile_interval", "save-dfile-interval");
  Pass("reannounce_interval", "interval");
  Set("reannounce_interval", "interval-spread", "0");
  const std::uint64_t interval =
      std::min(*MillisecondsOf(Text("reannounce_interval")), FindSetting("interval")->max);
  std::uint64_t timeout = *MillisecondsOf(Text("timeout_downloaders_interval"));
  if (timeout <= interval) {
    timeout = (interval + interval / 2) / 1000 * 1000 + 1000;
    Note("timeout_downloaders_interval",
         Concat({"not longer than reannounce_interval; peers are remembered for ",
                 std::to_string(timeout / 1000), " seconds"}));
  }
  timeout = AtMost("timeout_downloaders_interval", "peer-timeout", timeout);
  Set("timeout_downloaders_interval", "peer-timeout", Concat({std::to_string(timeout), "ms"}));
}

void Translation::Answers() {
  Set("response_size", "answers", "bttrack");
  const std::uint64_t most = AtMost("response_size", "max-numwant", Number("response_size"));
  Set("response_size", "max-numwant", std::to_string(most));
  Set("response_size", "default-numwant", std::to_string(most));
  Pass("compact_reqd", "require-compact");
  // A peer is known by its id, and a download is finished when nothing is left.
  for (std::string_view setting : {"peer-ids", "peer-details", "completed-by-left"}) {
    SetFlag("compact_reqd", setting, true);
  }
  // With NAT checks a lie about the address is found out.
  const std::uint64_t only_local = Number("only_local_override_ip");
  const bool everybody = only_local == 0 || (only_local == 2 && Yes("nat_check"));
  for (std::string_view network :
       everybody ? absl::MakeConstSpan(kEverybody) : absl::MakeConstSpan(kLocalNetworks)) {
    Set("only_local_override_ip", "given-ip-from", network);
  }
}

void Translation::Torrents() {
  bool has_torrents = !Text("allowed_dir").empty();
  if (has_torrents && !Text("allowed_list").empty()) {
    Note("allowed_dir", "allowed_list is given as well");
    Note("allowed_dir", "the directory is ignored");
    has_torrents = false;
    values_["allowed_dir"].clear();
  }
  Pass("allowed_dir", "allowed-torrents");
  Pass("allowed_list", "whitelist");
  // Who moves a file away for a moment finds its swarm again.
  SetFlag("allowed_dir", "forget-refused", false);
  Pass("parse_dir_interval", "list-check-interval");
  SetFlag("allowed_controls", "torrent-messages", has_torrents && Yes("allowed_controls"));
  Pass("show_names", "show-names");
  Pass("allow_get", "serve-torrents");
  Pass("keep_dead", "keep-dead");
  Pass("keep_dead", "show-dead");
  Set("keep_dead", "keep-completed", kForGood);
  if (!has_torrents && Yes("multitracker_enabled")) {
    Note("multitracker_enabled", "has no effect without allowed_dir");
  }
  SetFlag("multitracker_enabled", "multitracker", has_torrents && Yes("multitracker_enabled"));
  const bool none = !has_torrents && Text("multitracker_allowed") == "autodetect";
  Set("multitracker_allowed", "multitracker-allowed", none ? "none" : Text("multitracker_allowed"));
  Pass("multitracker_reannounce_interval", "multitracker-reannounce-interval");
  Pass("multitracker_maxpeers", "multitracker-maxpeers");
}

void Translation::Addresses() {
  Pass("allowed_ips", "allowed-ips");
  Pass("banned_ips", "banned-ips");
  Set("banned_ips", "banned-ips-format", "named-ranges");
}

void Translation::Pages() {
  Pass("show_infopage", "info-page");
  Set("show_infopage", "info-page-torrents", "10000000");
  // Without the page nobody is led away from it either.
  if (Yes("show_infopage")) Pass("infopage_redirect", "redirect-url");
  Pass("favicon", "favicon");
  Pass("scrape_allowed", "scrape");
  for (std::string_view network : kEverybody) Set("scrape_allowed", "full-scrape-for", network);
  // As many torrents in one scrape as a request can name.
  Set("scrape_allowed", "http-max-request-bytes", std::to_string(kMostRequestBytes));
  Set("scrape_allowed", "http-max-scrape-torrents", std::to_string(kMostScraped));
}

void Translation::Log() {
  Set("logfile", "access-log", Text("logfile").empty() ? "-" : Text("logfile"));
  Pass("min_time_between_log_flushes", "access-log-flush-interval");
  Pass("hupmonitor", "access-log-reopen");
}

void Translation::Outgoing() {
  Pass("nat_check", "nat-check");
  Pass("log_nat_checks", "log-nat-checks");
  Pass("http_timeout", "outgoing-timeout");
  Pass("dedicated_seed_id", "dedicated-seed-id");

  Pass("aggregate_forward", "aggregate-forward");
  const std::string& aggregator = Text("aggregator");
  SetFlag("aggregator", "aggregator", aggregator != "0");
  const bool has_password = aggregator != "0" && aggregator != "1";
  Set("aggregator", "aggregator-password", has_password ? aggregator : "");
}

absl::Status Translation::Run(BttrackLine& result) && {
  if (Text("dfile").empty()) return Invalid({"--dfile is missing"});
  // An aggregator hears of peers from other trackers, which have checked them.
  if (Text("aggregator") != "0") values_["nat_check"] = "0";
  Pass("dfile", "dfile");
  Pass("dfile_format", "dfile-format");
  Listen();
  Times();
  Answers();
  Torrents();
  Addresses();
  Pages();
  Log();
  Outgoing();
  if (!failure_.ok()) return failure_;
  result.line.dialect = std::move(assignments_);
  result.notes = std::move(notes_);
  return absl::OkStatus();
}

// An option of musterd's that is none of bttrack's and takes no value.
std::optional<Action> ActionOf(std::string_view argument) {
  if (argument == "--help" || argument == "-h") return Action::kHelp;
  if (argument == "--version") return Action::kVersion;
  if (argument == "--print-config") return Action::kPrintConfig;
  if (argument == "--check-config") return Action::kCheckConfig;
  return std::nullopt;
}

absl::Status Unknown(std::string_view argument) {
  if (argument.substr(0, 2) != "--") return Invalid({"unexpected argument ", Quoted(argument)});
  std::vector<std::string> names;
  for (const BttrackOption& option : BttrackOptions()) {
    names.push_back(Concat({"--", option.name}));
  }
  return Invalid({"unknown option ", Quoted(argument), DidYouMean(NearestOf(argument, names))});
}

// Reads the options up to a lone "--"; gives where they end.
absl::StatusOr<std::size_t> ReadOptions(const std::vector<std::string>& arguments,
                                        Translation& translation, Action& action) {
  std::size_t i = 0;
  for (; i < arguments.size() && arguments[i] != "--"; ++i) {
    const std::string_view argument = arguments[i];
    if (const std::optional<Action> wanted = ActionOf(argument)) {
      action = *wanted;
      continue;
    }
    const std::size_t equals = std::min(argument.find('='), argument.size());
    const std::string_view dashed = argument.substr(0, equals);
    const BttrackOption* const option =
        dashed.substr(0, 2) == "--" ? FindOption(dashed.substr(2)) : nullptr;
    if (option == nullptr) return Unknown(dashed);
    std::string value;
    if (equals < argument.size()) {
      value = argument.substr(equals + 1);
    } else if (++i < arguments.size()) {
      value = arguments[i];
    } else {
      return Invalid({dashed, " needs a value"});
    }
    if (absl::Status status = CheckType(*option, value); !status.ok()) return status;
    translation.Give(*option, std::move(value));
  }
  return i;
}

}  // namespace

absl::StatusOr<BttrackLine> ParseBttrack(const std::vector<std::string>& arguments,
                                         HostResolver resolve, bool system_has_ipv6) {
  BttrackLine result;
  Translation translation(resolve, system_has_ipv6);
  const absl::StatusOr<std::size_t> end = ReadOptions(arguments, translation, result.line.action);
  if (!end.ok()) return end.status();
  result.wants_help = arguments.empty() || result.line.action == Action::kHelp;
  if (result.wants_help || result.line.action == Action::kVersion) return result;
  if (absl::Status status = std::move(translation).Run(result); !status.ok()) return status;
  if (*end == arguments.size()) return result;
  absl::StatusOr<CommandLine> own = ParseCommandLine(
      {arguments.begin() + static_cast<std::ptrdiff_t>(*end) + 1, arguments.end()});
  if (!own.ok()) return own.status();
  if (own->action != Action::kServe) result.line.action = own->action;
  result.line.config_file = own->config_file;
  result.line.assignments = std::move(own->assignments);
  return result;
}

std::string BttrackHelpText() {
  constexpr std::size_t kWidth = 80;
  std::string text = Concat(
      {"Usage: bttrack --dfile FILE [--OPTION VALUE]... [-- OPTION OF MUSTERD...]\n\nThis is "
       "musterd ",
       muster::Version(), ", which understands the options of bttrack:\n\n"});
  for (const BttrackOption& option : BttrackOptions()) {
    const std::string initial = option.initial.empty() ? "''" : std::string(option.initial);
    text += Concat({"--", option.name, " VALUE\n", Wrap(option.help, "      ", kWidth)});
    std::string tail = Concat({"Default: ", initial, "."});
    if (!option.settings.empty()) {
      std::string settings(option.settings);
      for (std::size_t at = 0; (at = settings.find(' ', at)) != settings.npos; at += 2) {
        settings.replace(at, 1, ", ");
      }
      tail += Concat({" Of musterd: ", settings, "."});
    }
    text += Wrap(tail, "      ", kWidth);
  }
  text +=
      "\n--help prints this text, --version the version; --print-config writes it all as a file\n"
      "for musterd, and --check-config says whether it makes sense. Options of musterd may follow\n"
      "a lone --. See musterd(8).\n";
  return text;
}

}  // namespace musterd
