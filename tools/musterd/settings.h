// SPDX-License-Identifier: Apache-2.0
//
// Settings: everything that musterd can be told, and the one table that describes it.
//
// A setting is explained where it is declared, in the table of settings_table.cc: name, kind, range and
// meaning. The command line, the configuration file, --help, --print-config and the options of the
// man page all follow from that table; defaults are those of the library's own option structs.
//
// Every source of settings (musterd's command line, its TOML file, the dialects of other trackers)
// is a parser that gives Assignments; Resolve() makes Settings of them, later ones
// winning. Values and functions are reentrant.
#ifndef MUSTER_TOOLS_MUSTERD_SETTINGS_H_
#define MUSTER_TOOLS_MUSTERD_SETTINGS_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "muster/cidr.h"
#include "muster/detailed_store.h"
#include "muster/endpoint.h"
#include "muster/ip_set.h"
#include "muster/log_sink.h"
#include "muster/server.h"
#include "muster/state_keeper.h"
#include "muster/swarm_store.h"
#include "muster/tracker.h"

namespace musterd {

// Where a tracker listens when nothing is said.
inline constexpr std::uint16_t kDefaultPort = 6969;

enum class DfileFormat : std::uint8_t { kMuster, kBttrack };

// Where the state is kept between runs, and how; see StateOptionsOf(). Without a file it is not.
struct StateSettings {
  // Read once, when the daemon starts; empty: none.
  std::string load;
  std::string dfile;
  DfileFormat format = DfileFormat::kMuster;
  std::chrono::milliseconds save_interval = muster::StateKeeperOptions().save_interval;
  bool journal = true;
  // 0: left to the system.
  std::chrono::milliseconds sync_interval = muster::StateKeeperOptions().sync_interval;
  muster::StateCompression compression = muster::StateKeeperOptions().compression;
};

// Files of lists that may change while the daemon runs. Empty paths: no such list.
struct AccessSettings {
  // A directory of .torrent files, and whether what they say to clients is obeyed.
  std::string torrents;
  bool torrent_messages = false;
  std::string whitelist;
  std::string blacklist;
  // Named pipes.
  std::string whitelist_add_fifo;
  std::string whitelist_delete_fifo;
  std::string blacklist_add_fifo;
  std::string blacklist_delete_fifo;
  // Otherwise a refused torrent keeps its swarm until that expires.
  bool forget_refused = true;
  std::string allowed_ips;
  std::string banned_ips;
  muster::IpListFormat banned_ips_format = muster::IpListFormat::kNetworks;
  // 0: only when told by SIGHUP.
  std::chrono::milliseconds check_interval{5'000};
  bool save_changes = false;
  bool require = true;
};

// What is known of peers beside where they are.
struct PeerSettings {
  // Without it nothing of the following counts; some of it wants it, see KeepsDetails().
  bool details = false;
  // 0: nobody is checked.
  std::uint32_t nat_tries = 0;
  muster::NatCheckOptions nat_check;
  bool log_nat_checks = false;
  std::vector<muster::Cidr> given_ip_from;
  bool completed_by_left = false;
  std::string dedicated_seed_id;
};

// What has to do with other trackers.
struct OtherTrackerSettings {
  bool multitracker = false;
  muster::MultitrackerOptions options;
  // Torrents and their trackers; see tracker_list.h. Empty: none.
  std::string list;
  muster::TrackerQueries allowed = muster::TrackerQueries::kNone;
  // "URL" or "URL,PASSWORD"; empty: not.
  std::string aggregate_forward;
  bool aggregator = false;
  std::string aggregator_password;
};

// Trackers that share their peers. At most one address to listen on; none: no sharing.
struct ClusterSettings {
  std::vector<muster::Endpoint> listen;
  std::vector<muster::Cidr> nodes;
};

// Lines for requests; see access_log.h.
struct AccessLogSettings {
  // Empty: none. "-": standard output.
  std::string path;
  std::chrono::milliseconds flush_interval{3'000};
  bool reopen = true;
};

// Who the daemon is once its sockets are bound. Empty: as it was started.
struct PrivilegeSettings {
  std::string user;
  std::string group;
  std::string root_directory;
};

// The networks of the loopback.
std::vector<muster::Cidr> ThisMachine();

// What the settings of every program are, so that its table can be read without knowing which.
struct AnySettings {};

struct Settings : AnySettings {
  // All empty: the default listeners, see ServerOptionsOf().
  std::vector<muster::Endpoint> udp_listeners;
  std::vector<muster::Endpoint> http_listeners;
  // In PROXY protocol: HTTP, and UDP.
  std::vector<muster::Endpoint> proxied_listeners;
  std::vector<muster::Endpoint> proxied_udp_listeners;
  // 0: one for each core.
  std::size_t workers = 0;
  std::chrono::milliseconds drain_timeout = muster::ServerOptions().drain_timeout;
  // Events below this level are not printed.
  muster::LogLevel log_level = muster::LogLevel::kInfo;
  muster::TrackerOptions tracker;
  // Its peer_timeout follows the tracker's.
  muster::MemoryStoreOptions store;
  muster::UdpOptions udp;
  muster::HttpOptions http;
  StateSettings state;
  // Who may scrape everything, and who may see statistics.
  std::vector<muster::Cidr> full_scrape_for = ThisMachine();
  std::vector<muster::Cidr> statistics_for = ThisMachine();
  bool log_full_scrapes = false;
  bool spot_woodpeckers = false;
  bool syslog_completed = false;
  // A file, which is read when the daemon starts; empty: none.
  std::string favicon;
  AccessSettings access;
  PeerSettings peers;
  OtherTrackerSettings trackers;
  ClusterSettings cluster;
  AccessLogSettings access_log;
  PrivilegeSettings privileges;
};

// Whether the tracker is to keep the side record of its peers.
bool KeepsDetails(const Settings& settings);
// The store for it.
std::unique_ptr<muster::SwarmStore> StoreOf(const Settings& settings);

// What the server is to do, but for its log. It listens on UDP first, each in the order given;
// without any address, on both protocols on port 6969 of every address, IPv6 only when the system
// has it.
muster::ServerOptions ServerOptionsOf(const Settings& settings, bool system_has_ipv6);
// How the state is to be kept, but for the log.
muster::StateKeeperOptions StateOptionsOf(const Settings& settings);
// Whether it listens on the default addresses.
bool UsesDefaultListeners(const Settings& settings);

enum class Kind : std::uint8_t {
  kFlag,          // bool
  kCount,         // uint64_t
  kBytes,         // uint64_t; written with K or M if wanted
  kSeconds,       // milliseconds that are whole seconds
  kMilliseconds,  // milliseconds
  kChoice,        // uint64_t, an index into Setting::choices
  kText,          // string
  kEndpoints,     // vector<Endpoint>
  kNetworks,      // vector<Cidr>
};

using Value = std::variant<bool, std::uint64_t, std::chrono::milliseconds, std::string,
                           std::vector<muster::Endpoint>, std::vector<muster::Cidr>>;

// Whether several values may be given.
constexpr bool IsList(Kind kind) { return kind == Kind::kEndpoints || kind == Kind::kNetworks; }
// Adds the elements of `more`, a list of the same kind, to `list`.
void Append(const Value& more, Value& list);

// One row of the table.
struct Setting {
  // As the file has it, and as the command line has it after "--".
  std::string_view name;
  // Heading under which it is shown.
  std::string_view section;
  Kind kind;
  // Bounds: of the number, the milliseconds, the bytes of a text, or how many elements a list has.
  // Unused for flags and choices.
  std::uint64_t min = 0;
  std::uint64_t max = 0;
  // What it means and when to change it: plain sentences.
  std::string_view help;
  // Of the settings that its table is about.
  Value (*get)(const AnySettings&);
  void (*set)(AnySettings&, const Value&);
  Value (*default_value)();
  // How the default follows from other settings, in words; empty when it is the same number always.
  std::string_view follows = {};
  absl::Span<const std::string_view> choices = {};
  // What stands for a text in a help text.
  std::string_view placeholder = {};
};

// An option that is no setting: it does no more than to choose an action or a file.
struct PlainOption {
  std::string_view name;
  // Its short form: 'h' for -h; 0 for none.
  char letter;
  std::string_view placeholder;
  std::string_view help;
};

// The table of a program, and how it speaks of itself.
struct SettingsTable {
  // "musterd", "a BitTorrent tracker", "--interval 30m"
  std::string_view program;
  std::string_view what;
  std::string_view example;
  // In the order in which they are shown.
  absl::Span<const Setting> rows;
  absl::Span<const PlainOption> plain_options;
};
// musterd's own; where no other is named, it is this one.
const SettingsTable& MusterdTable();

// The rows of MusterdTable().
absl::Span<const Setting> AllSettings();
// Null for an unknown name.
const Setting* FindSetting(std::string_view name, const SettingsTable& table = MusterdTable());

// Reads a value as it is written on a command line or in quotes in a file; of a list, a list of one.
// InvalidArgument says what was expected, without the setting's name.
absl::StatusOr<Value> ParseValue(const Setting& setting, std::string_view text);
// InvalidArgument when the value is outside of the setting's range.
absl::Status CheckRange(const Setting& setting, const Value& value);
// The value as TOML; ParseValue() reads it too, once unquoted.
std::string FormatValue(const Setting& setting, const Value& value);
// "DURATION", "ADDRESS:PORT": what stands for the value in a help text; empty for a flag.
std::string Placeholder(const Setting& setting);
// "Default: 30m. From 1s to 1d."
std::string DefaultAndRange(const Setting& setting);

// What one source says about one setting.
struct Assignment {
  const Setting* setting;
  Value value;
  // For error messages: "--interval", or "musterd.toml:3:1".
  std::string where;
};

// Defaults, then the assignments in their order, then the defaults that follow from other settings.
// InvalidArgument, beginning with the place of the assignment at fault, when settings contradict
// each other.
absl::StatusOr<Settings> Resolve(absl::Span<const Assignment> assignments);

}  // namespace musterd

#endif  // MUSTER_TOOLS_MUSTERD_SETTINGS_H_
