// SPDX-License-Identifier: Apache-2.0
#include "musterd/opentracker.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "muster/cidr.h"
#include "muster/endpoint.h"
#include "muster/live_sync.h"
#include "musterd/text.h"
#include "musterd/toml.h"

namespace musterd {
namespace {

constexpr std::string_view kBlanks = " \t\r\v\f";
constexpr std::string_view kDefaultUser = "nobody";
// -2 as a user and a group: who to be where the user is unknown.
constexpr std::string_view kUnknownUser = "4294967294";

std::string_view Trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

template <typename Number>
std::optional<Number> NumberOf(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// An address and perhaps a port: "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]:80",
// "2001:db8::1.80".
struct AddressAndPort {
  muster::IpAddress address;
  std::optional<std::uint16_t> port;
};

std::optional<AddressAndPort> ParseAddress(std::string_view text) {
  const auto joined = [](std::string_view host,
                         std::string_view port) -> std::optional<AddressAndPort> {
    const auto address = muster::IpAddress::Parse(host);
    const auto number = NumberOf<std::uint16_t>(port);
    if (!address.ok() || !number) return std::nullopt;
    return AddressAndPort{*address, number};
  };
  if (const auto address = muster::IpAddress::Parse(text); address.ok()) {
    return AddressAndPort{*address, std::nullopt};
  }
  if (!text.empty() && text.front() == '[') {
    const std::size_t end = text.find(']');
    if (end == text.npos) return std::nullopt;
    const std::string_view host = text.substr(1, end - 1);
    if (host.find(':') == host.npos) return std::nullopt;
    if (end + 1 < text.size()) {
      if (text[end + 1] != ':') return std::nullopt;
      return joined(host, text.substr(end + 2));
    }
    const auto address = muster::IpAddress::Parse(host);
    if (!address.ok()) return std::nullopt;
    return AddressAndPort{*address, std::nullopt};
  }
  const bool ipv6 = std::count(text.begin(), text.end(), ':') > 1;
  const std::size_t mark = text.rfind(ipv6 ? '.' : ':');
  if (mark == text.npos) return std::nullopt;
  return joined(text.substr(0, mark), text.substr(mark + 1));
}

enum Protocols : unsigned { kByUdp = 1, kByTcp = 2 };

class Parser {
 public:
  // `own` are musterd's options, which come behind.
  Parser(FileReader read_file, bool system_has_ipv6, absl::Span<const Assignment> own)
      : read_file_(read_file), system_has_ipv6_(system_has_ipv6), own_(own) {}

  absl::Status Options(const std::vector<std::string>& arguments);
  absl::Status Finish(OpentrackerLine& result) &&;

 private:
  // What becomes of a line whose value makes no sense: a mistake must not open the tracker.
  enum class Mistake : std::uint8_t { kHasNoEffect, kOpensNoPort, kShowsNothing, kEndsTheStart };
  struct Key {
    std::string_view name;
    // False when the value makes no sense.
    bool (Parser::*execute)(std::string_view value);
    Mistake mistake = Mistake::kHasNoEffect;
  };
  static absl::Span<const Key> Keys();

  absl::Status Option(char letter, const std::string& value);
  absl::Status File(const std::string& path);
  absl::Status Line(std::string_view line, bool too_long);
  // What is wrong with the value of `key`; empty when it is carried out.
  std::string Execute(const Key& key, std::string_view value, bool too_long);
  void Note(std::string_view text) { notes_.push_back(Concat({where_, ": ", text})); }

  // A text for a setting.
  bool Set(std::string_view name, std::string_view text);
  static bool IsGood(std::string_view name, std::string_view text);
  bool Given(std::string_view name) const {
    const auto is = [&](const Assignment& a) { return a.setting->name == name; };
    return std::any_of(assignments_.begin(), assignments_.end(), is) ||
           std::any_of(own_.begin(), own_.end(), is);
  }
  void ShowStatisticsToNobody();
  bool AddNetwork(std::string_view setting, std::string_view text);
  void Bind(const std::optional<muster::IpAddress>& address, std::uint16_t port,
            unsigned protocols);
  bool Listen(std::string_view value, unsigned protocols);

  bool ListenBoth(std::string_view value) { return Listen(value, kByUdp | kByTcp); }
  bool ListenTcp(std::string_view value) { return Listen(value, kByTcp); }
  bool ListenUdp(std::string_view value) { return Listen(value, kByUdp); }
  bool UdpWorkers(std::string_view value);
  bool Whitelist(std::string_view value) { return Set("whitelist", value); }
  bool Blacklist(std::string_view value) { return Set("blacklist", value); }
  bool FifoAdd(std::string_view value);
  bool FifoDelete(std::string_view value);
  bool Proxy(std::string_view value) { return AddNetwork("trusted-proxy", value); }
  bool StatsNetwork(std::string_view value) { return AddNetwork("stats-access", value); }
  bool StatsPath(std::string_view value) { return Set("stats-path", value); }
  bool RootDirectory(std::string_view value) { return Set("root-directory", value); }
  bool User(std::string_view value) { return Set("user", value); }
  bool RedirectUrl(std::string_view value) { return Set("redirect-url", value); }
  bool MaxPeers(std::string_view value) { return Set("max-peers", value); }
  bool LiveSyncListen(std::string_view value);
  bool LiveSyncNode(std::string_view value);
  bool BatchSync(std::string_view value);

  const FileReader read_file_;
  const bool system_has_ipv6_;
  const absl::Span<const Assignment> own_;
  // The option or the line that is carried out, for notes.
  std::string where_;
  // Of -i; nothing for any address.
  std::optional<muster::IpAddress> address_;
  std::vector<muster::Endpoint> udp_;
  std::vector<muster::Endpoint> tcp_;
  // The last line that was to open a port and does not.
  std::string opens_no_port_;
  // Where the cluster is, and whose packets are taken.
  std::optional<muster::Endpoint> cluster_;
  std::vector<std::string> nodes_;
  // Networks that may do everything.
  std::vector<std::string> blessed_;
  std::string fifo_add_;
  std::string fifo_delete_;
  std::vector<Assignment> assignments_;
  std::vector<std::string> notes_;
};

bool Parser::Set(std::string_view name, std::string_view text) {
  const Setting* const setting = FindSetting(name);
  const absl::StatusOr<Value> value = ParseValue(*setting, text);
  if (!value.ok() || !CheckRange(*setting, *value).ok()) return false;
  if (IsList(setting->kind)) {
    for (Assignment& assignment : assignments_) {
      if (assignment.setting != setting) continue;
      Append(*value, assignment.value);
      return true;
    }
  }
  assignments_.push_back({setting, *value, where_});
  return true;
}

bool Parser::IsGood(std::string_view name, std::string_view text) {
  const absl::StatusOr<Value> value = ParseValue(*FindSetting(name), text);
  return value.ok() && CheckRange(*FindSetting(name), *value).ok();
}

// So that the line that is being carried out shows the statistics to nobody, instead of to everybody
// as where there is none.
void Parser::ShowStatisticsToNobody() {
  const Setting* const setting = FindSetting("stats-access");
  if (!Given(setting->name)) {
    assignments_.push_back({setting, std::vector<muster::Cidr>(), where_});
  }
}

bool Parser::AddNetwork(std::string_view setting, std::string_view text) {
  return muster::Cidr::Parse(text).ok() && Set(setting, text);
}

// Any address stands for both families, as a socket of opentracker's does.
void Parser::Bind(const std::optional<muster::IpAddress>& address, std::uint16_t port,
                  unsigned protocols) {
  const std::uint8_t any_ipv6[16] = {};
  std::vector<muster::Endpoint> endpoints;
  const bool any =
      !address || (address->is_unspecified() && address->family() == muster::AddressFamily::kIpv6);
  if (any) {
    endpoints.emplace_back(muster::IpAddress(), port);
    if (system_has_ipv6_) endpoints.emplace_back(muster::IpAddress::FromIpv6(any_ipv6), port);
  } else {
    endpoints.emplace_back(*address, port);
  }
  for (const auto& [protocol, list] : {std::pair{kByUdp, &udp_}, std::pair{kByTcp, &tcp_}}) {
    if (!(protocols & protocol)) continue;
    for (const muster::Endpoint& endpoint : endpoints) {
      const bool known = std::find(list->begin(), list->end(), endpoint) != list->end();
      if (!known || port == 0) list->push_back(endpoint);
    }
  }
}

bool Parser::Listen(std::string_view value, unsigned protocols) {
  const std::optional<AddressAndPort> parsed = ParseAddress(value);
  if (!parsed) return false;
  Bind(parsed->address, parsed->port.value_or(kDefaultPort), protocols);
  return true;
}

// opentracker's threads serve UDP only; musterd's workers serve everything, on sockets of their own.
bool Parser::UdpWorkers(std::string_view value) {
  const auto number = NumberOf<unsigned>(value);
  if (!number) return false;
  if (*number == 0) return true;  // as many as there are cores, which is musterd's default
  return Set("workers", value);
}

bool Parser::FifoAdd(std::string_view value) {
  fifo_add_ = value;
  return IsGood("whitelist-add-fifo", value);
}

bool Parser::FifoDelete(std::string_view value) {
  fifo_delete_ = value;
  return IsGood("whitelist-delete-fifo", value);
}

// The interface's address and the cluster's port.
bool Parser::LiveSyncListen(std::string_view value) {
  const std::optional<AddressAndPort> parsed = ParseAddress(value);
  if (!parsed || parsed->address.family() != muster::AddressFamily::kIpv4 ||
      parsed->address.is_unspecified()) {
    return false;
  }
  if (cluster_) Note("only one address of a cluster can be used: the one before has no effect");
  cluster_.emplace(parsed->address, parsed->port.value_or(muster::kLiveSyncPort));
  return true;
}

bool Parser::LiveSyncNode(std::string_view value) {
  if (!muster::Cidr::Parse(value).ok()) return false;
  nodes_.emplace_back(value);
  return true;
}

bool Parser::BatchSync(std::string_view) {
  Note("batch sync is not supported; opentracker 1.0 has given it up too");
  return true;
}

absl::Span<const Parser::Key> Parser::Keys() {
  static constexpr Key kKeys[] = {
      {"listen.tcp_udp", &Parser::ListenBoth, Mistake::kOpensNoPort},
      {"listen.tcp", &Parser::ListenTcp, Mistake::kOpensNoPort},
      {"listen.udp", &Parser::ListenUdp, Mistake::kOpensNoPort},
      {"listen.udp.workers", &Parser::UdpWorkers},
      {"access.whitelist", &Parser::Whitelist, Mistake::kEndsTheStart},
      {"access.blacklist", &Parser::Blacklist, Mistake::kEndsTheStart},
      {"access.fifo_add", &Parser::FifoAdd, Mistake::kEndsTheStart},
      {"access.fifo_delete", &Parser::FifoDelete, Mistake::kEndsTheStart},
      {"access.stats", &Parser::StatsNetwork, Mistake::kShowsNothing},
      {"access.stats_path", &Parser::StatsPath, Mistake::kShowsNothing},
      {"access.proxy", &Parser::Proxy},
      {"tracker.rootdir", &Parser::RootDirectory, Mistake::kEndsTheStart},
      {"tracker.user", &Parser::User},
      {"tracker.redirect_url", &Parser::RedirectUrl},
      {"tracker.max_peers", &Parser::MaxPeers},
      {"livesync.cluster.node_ip", &Parser::LiveSyncNode},
      {"livesync.cluster.listen", &Parser::LiveSyncListen},
      {"batchsync.cluster.admin_ip", &Parser::BatchSync},
  };
  return kKeys;
}

std::string Parser::Execute(const Key& key, std::string_view value, bool too_long) {
  if (too_long) return "the line is longer than 511 bytes";
  if (value.empty()) return Concat({key.name, " needs a value"});
  if ((this->*key.execute)(value)) return {};
  return Concat({key.name, ": cannot understand ", Quoted(value)});
}

absl::Status Parser::Line(std::string_view line, bool too_long) {
  const std::size_t end = std::min(line.find_first_of(kBlanks), line.size());
  const std::string_view name = line.substr(0, end);
  const std::string_view value = Trimmed(line.substr(end));
  const auto keys = Keys();
  const auto* key =
      std::find_if(keys.begin(), keys.end(), [&](const Key& k) { return k.name == name; });
  if (key == keys.end()) {
    std::vector<std::string> names;
    for (const Key& k : keys) names.emplace_back(k.name);
    Note(too_long ? "the line is longer than 511 bytes; it has no effect"
                  : Concat({"unknown key ", Quoted(name), DidYouMean(NearestOf(name, names)),
                            "; the line has no effect"}));
    return absl::OkStatus();
  }
  const std::string wrong = Execute(*key, value, too_long);
  if (wrong.empty()) return absl::OkStatus();
  switch (key->mistake) {
    case Mistake::kOpensNoPort:
      opens_no_port_ = Concat({where_, ": ", wrong});
      [[fallthrough]];
    case Mistake::kHasNoEffect:
      Note(Concat({wrong, too_long ? "; it has no effect" : "; the line has no effect"}));
      break;
    case Mistake::kShowsNothing:
      Note(Concat({wrong, "; it shows the statistics to nobody"}));
      ShowStatisticsToNobody();
      break;
    case Mistake::kEndsTheStart:
      return Invalid({where_, ": ", wrong});
  }
  return absl::OkStatus();
}

absl::Status Parser::File(const std::string& path) {
  const absl::StatusOr<std::string> text = read_file_(path);
  if (!text.ok()) {
    Note(MessageOf(text.status()));
    return absl::OkStatus();
  }
  if (text->size() > kMaxTomlBytes) {
    return Invalid({where_, ": ", Quoted(path), " is longer than 1 MiB: not a configuration file"});
  }
  std::size_t number = 0;
  std::string_view rest = *text;
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (rest.substr(0, kByteOrderMark.size()) == kByteOrderMark)
    rest.remove_prefix(kByteOrderMark.size());
  while (!rest.empty()) {
    ++number;
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = Trimmed(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.empty() || line.front() == '#') continue;
    where_ = Concat({path, ":", std::to_string(number)});
    if (absl::Status status = Line(line, end > kMaxOpentrackerLine); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status Parser::Option(char letter, const std::string& value) {
  const auto bad = [&] { return Invalid({where_, ": cannot understand ", Quoted(value)}); };
  switch (letter) {
    case 'f':
      return File(value);
    case 'i': {
      const std::optional<AddressAndPort> parsed = ParseAddress(value);
      if (!parsed || parsed->port) return bad();
      address_ = parsed->address;
      return absl::OkStatus();
    }
    case 'p':
    case 'P': {
      const auto port = NumberOf<std::uint16_t>(value);
      if (!port) return bad();
      Bind(address_, *port, letter == 'p' ? kByTcp : kByUdp);
      return absl::OkStatus();
    }
    case 'A':
      if (!Proxy(value) || !StatsNetwork(value)) return bad();
      blessed_.push_back(value);
      return absl::OkStatus();
    case 'r':
      return RedirectUrl(value) ? absl::OkStatus() : bad();
    case 'd':
      return !value.empty() && RootDirectory(value) ? absl::OkStatus() : bad();
    case 'u':
      return !value.empty() && User(value) ? absl::OkStatus() : bad();
    case 'b':
      return !value.empty() && Blacklist(value) ? absl::OkStatus() : bad();
    case 'w':
      return !value.empty() && Whitelist(value) ? absl::OkStatus() : bad();
    case 'l':
      return Set("load-state", value) ? absl::OkStatus() : bad();
    case 's': {
      const auto port = NumberOf<std::uint16_t>(value);
      if (!port || !address_ || address_->family() != muster::AddressFamily::kIpv4)
        return Invalid(
            {where_, ": needs a port, and the IPv4 address of an interface by -i before"});
      if (address_->is_unspecified()) {
        Note("no interface of a cluster has the address of -i; the option has no effect");
        return absl::OkStatus();
      }
      cluster_.emplace(*address_, *port);
      return absl::OkStatus();
    }
    default:
      return Invalid({"unknown option '-", std::string(1, letter), "'"});
  }
}

absl::Status Parser::Options(const std::vector<std::string>& arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument.size() < 2 || argument[0] != '-') {
      return Invalid({"unexpected argument ", Quoted(argument)});
    }
    const char letter = argument[1];
    where_ = argument.substr(0, 2);
    if (std::string_view("fipPArdlbwsu").find(letter) == std::string_view::npos) {
      return Invalid({"unknown option ", Quoted(where_)});
    }
    std::string value = argument.substr(2);
    if (value.empty()) {
      if (++i == arguments.size()) return Invalid({where_, " needs a value"});
      value = arguments[i];
    }
    if (absl::Status status = Option(letter, value); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status Parser::Finish(OpentrackerLine& result) && {
  where_ = "opentracker";
  if (udp_.empty() && tcp_.empty() && address_) Bind(address_, kDefaultPort, kByUdp | kByTcp);
  // Every address, which musterd's own default is as well, is not what such a line was to open.
  const bool opens_some = !udp_.empty() || !tcp_.empty();
  const bool own_do =
      Given("udp") || Given("http") || Given("udp-proxied") || Given("http-proxied");
  if (!opens_some && !own_do && !opens_no_port_.empty()) return Invalid({opens_no_port_});
  if (opens_some) {
    assignments_.push_back({FindSetting("udp"), std::move(udp_), where_});
    assignments_.push_back({FindSetting("http"), std::move(tcp_), where_});
  }
  // One pair of pipes, for the one list that a build of opentracker has.
  const std::string list = Given("blacklist") && !Given("whitelist") ? "blacklist" : "whitelist";
  if ((!fifo_add_.empty() || !fifo_delete_.empty()) && !Given("blacklist") && !Given("whitelist")) {
    Note(
        "access.fifo_add and access.fifo_delete are taken for those of a whitelist, so that only "
        "what comes through them is served; access.whitelist or access.blacklist says which list "
        "they belong to");
  }
  if (!fifo_add_.empty() && !Set(list + "-add-fifo", fifo_add_)) {
    return Invalid({"access.fifo_add: cannot understand ", Quoted(fifo_add_)});
  }
  if (!fifo_delete_.empty() && !Set(list + "-delete-fifo", fifo_delete_)) {
    return Invalid({"access.fifo_delete: cannot understand ", Quoted(fifo_delete_)});
  }
  if (cluster_) {
    Set("cluster-listen", cluster_->ToString());
    for (const std::string& node : nodes_) Set("cluster-node", node);
    for (const std::string& node : blessed_) Set("cluster-node", node);
  } else if (!nodes_.empty()) {
    Note("livesync.cluster.node_ip has no effect without livesync.cluster.listen");
  }
  // opentracker shows statistics to everybody unless it was built to restrict them, which those who
  // name networks have; full scrapes it gives to everybody.
  const bool restricted = Given("stats-access");
  for (const std::string_view everybody : {"0.0.0.0/0", "::/0"}) {
    if (!restricted) Set("stats-access", everybody);
    Set("full-scrape-for", everybody);
  }
  Set("http-loose-requests", "true");
  Set("log-full-scrapes", "true");
  Set("require-compact", "true");
  // By UDP -1 is for as many as it ever gives.
  Set("udp-default-numwant", "200");
  if (!Given("user")) Set("user", kDefaultUser);
  Set("require-lists", "false");
  result.line.dialect = std::move(assignments_);
  result.notes = std::move(notes_);
  return absl::OkStatus();
}

// After all that may name one: the last counts.
void ReplaceUnknownUser(UserFinder has_user, OpentrackerLine& result) {
  Assignment* last = nullptr;
  for (std::vector<Assignment>* assignments : {&result.line.dialect, &result.line.assignments}) {
    for (Assignment& assignment : *assignments) {
      if (assignment.setting->name == "user") last = &assignment;
    }
  }
  if (last == nullptr) return;
  auto& user = std::get<std::string>(last->value);
  if (has_user(user)) return;
  if (user.empty()) {
    result.notes.push_back(Concat({last->where, ": it stays root, as opentracker never does"}));
    return;
  }
  result.notes.push_back(Concat({last->where, ": there is no user ", Quoted(user), "; it becomes ",
                                 kUnknownUser, " instead, which is -2"}));
  user = kUnknownUser;
}

}  // namespace

absl::StatusOr<OpentrackerLine> ParseOpentracker(const std::vector<std::string>& arguments,
                                                 FileReader read_file, UserFinder has_user,
                                                 bool system_has_ipv6) {
  // An option's value may begin with anything, so only the place of an option counts.
  OpentrackerLine result;
  std::size_t own = 0;
  while (own < arguments.size() && arguments[own].substr(0, 2) != "--") {
    const std::string& argument = arguments[own];
    result.wants_help = argument == "-h";
    result.wants_version = argument == "-v";
    if (result.wants_help || result.wants_version) return result;
    own += argument.size() == 2 ? 2 : 1;
  }
  own = std::min(own, arguments.size());
  const auto begin_own = arguments.begin() + static_cast<std::ptrdiff_t>(own);
  absl::StatusOr<CommandLine> extra = CommandLine();
  if (own < arguments.size()) extra = ParseCommandLine({begin_own, arguments.end()});
  if (!extra.ok()) return extra.status();
  Parser parser(read_file, system_has_ipv6, extra->assignments);
  if (absl::Status status = parser.Options({arguments.begin(), begin_own}); !status.ok()) {
    return status;
  }
  if (absl::Status status = std::move(parser).Finish(result); !status.ok()) return status;
  result.line.action = extra->action;
  result.line.config_file = extra->config_file;
  result.line.assignments = std::move(extra->assignments);
  ReplaceUnknownUser(has_user, result);
  return result;
}

std::string OpentrackerHelpText() {
  return "Usage: opentracker [-f CONFIG] [-i IP] [-p PORT] [-P PORT] [-r URL] [-d DIR] [-u USER]\n"
         "                   [-A IP[/BITS]] [-b FILE] [-w FILE] [-l FILE] [-s PORT] [--OPTION...]\n"
         "\n"
         "This is musterd, which understands the options of opentracker, in their order:\n"
         "  -f CONFIG     carry out the lines of an opentracker.conf\n"
         "  -i IP         the address for the ports that follow (default: any)\n"
         "  -p PORT       listen on this TCP port (default: 6969, where none is given)\n"
         "  -P PORT       listen on this UDP port (default: 6969, where none is given)\n"
         "  -r URL        where a request for / is redirected to\n"
         "  -d DIR        the directory to chroot to\n"
         "  -u USER       the user to become (default: nobody)\n"
         "  -A IP[/BITS]  an address or a network that may do everything\n"
         "  -b FILE       hashes that are not served\n"
         "  -w FILE       hashes that are served, and no others\n"
         "  -l FILE       a state dump to begin with\n"
         "  -s PORT       live sync with a cluster, on the address of -i\n"
         "  -v            print the version\n"
         "  -h            print this text\n"
         "Options of musterd may follow, from the first one that begins with '--': for example\n"
         "--print-config, which writes it all as a file for musterd. See musterd(8).\n";
}

}  // namespace musterd
