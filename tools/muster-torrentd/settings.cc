// SPDX-License-Identifier: Apache-2.0
#include "muster-torrentd/settings.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <memory>
#include <sstream>
#include <string_view>

#include "muster/ip_set.h"
#include "musterd/command_line.h"
#include "musterd/setting_rows.h"
#include "musterd/text.h"
#include "musterd/units.h"

namespace torrentd {
namespace {

using muster::MirrorOptions;
using muster::MirrorServerOptions;
using musterd::Among;
using musterd::Assignment;
using musterd::Concat;
using musterd::kDay;
using musterd::kHour;
using musterd::Kind;
using musterd::kSecond;
using musterd::kUnlimited;
using musterd::Row;
using musterd::Setting;
using musterd::Text;

constexpr std::string_view kKinds[] = {"v1", "v2", "hybrid"};  // as TorrentKind has them
constexpr std::string_view kLogLevels[] = {"info", "warning", "error"};

constexpr std::string_view kListening = "Listening";
constexpr std::string_view kFiles = "Files";
constexpr std::string_view kTorrents = "Torrents";
constexpr std::string_view kCache = "Cache";
constexpr std::string_view kLimits = "Limits";
constexpr std::string_view kHttp = "HTTP";
constexpr std::string_view kTracker = "Tracker";
constexpr std::string_view kProcess = "Process";

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kTiB = kKiB * kKiB * kKiB * kKiB;

constexpr Setting kSettings[] = {
    Row<&Settings::listeners>(
        "http", kListening, Kind::kEndpoints, 0, 256,
        "An address to serve torrents and files on, such as 192.0.2.1:80 or [2001:db8::1]:80. "
        "0.0.0.0 and [::] stand for every address of their family, port 0 for a free one, which is "
        "printed. Without any, it is port 6970 of every IPv4 and IPv6 address. Nothing but plain "
        "HTTP is spoken: for HTTPS put a proxy in front, and say so with url-base."),
    Row<&Settings::workers>("workers", kListening, Kind::kCount, 0, 1024,
                            "Threads that serve. 0 for one for each core."),

    Text<&Settings::mirror, &MirrorOptions::root>(
        "root", kFiles, "DIRECTORY",
        "The directory that is served. Nothing outside of it is read, and nothing hidden in it."),
    Row<&Settings::mirror, &MirrorOptions::serve_files>(
        "serve-files", kFiles, Kind::kFlag, 0, 0,
        "Serve the files themselves, as the web seed of the torrents. Without it, a web server in "
        "front does, and hands on what is below the service's name."),
    Row<&Settings::mirror, &MirrorOptions::readers>(
        "readers", kFiles, Kind::kCount, 1, 1024,
        "Threads that open files, and read what is not in memory: so many requests wait for a slow "
        "disk at a time, and no others."),
    Text<&Settings::url_bases>(
        "url-base", kFiles, "URL",
        "Where clients find the root: the web seed of each torrent. Several are separated by "
        "blanks, "
        "and a slash at the end may be left out. Without any, it is http:// and the Host of the "
        "request."),
    Text<&Settings::hash_ahead>(
        "hash-ahead", kFiles, "PATTERN",
        "Hash what this means before anybody asks for it, and whenever it changes: /yum/** for all "
        "below a directory, /yum/os/*.rpm for some of it. Several are separated by blanks; a "
        "question mark stands for a blank in a name. What the cache loses by its age is hashed "
        "again; what does not fit into cache-size is not, until cache-age has passed."),
    Row<&Settings::hash_ahead_interval>(
        "hash-ahead-interval", kFiles, Kind::kSeconds, 10 * kSecond, 30 * kDay,
        "How often that is looked for, beside when the system tells of a change."),

    Text<&Settings::mirror, &MirrorOptions::trackers_file>(
        "trackers", kTorrents, "FILE",
        "The trackers of the torrents: an announce URL a line. Each torrent names all of them in "
        "an "
        "order of its own, so that the load spreads. A change counts at once. Without a file, "
        "torrents "
        "have no trackers."),
    Among(
        Row<&Settings::mirror, &MirrorOptions::kind>(
            "kind", kTorrents, Kind::kChoice, 0, 0,
            "What kind of torrents are made. v1 is what pkgtorrent-service makes; the others have "
            "BEP 47's padding. It is part of the info hash, as are piece-length and service: equal "
            "on all mirrors of the same files, or their clients do not meet."),
        kKinds),
    Row<&Settings::mirror, &MirrorOptions::piece_length>("piece-length", kTorrents, Kind::kBytes,
                                                         16 * kKiB, 64 * kKiB * kKiB,
                                                         "Bytes of a piece, a power of two."),
    Text<&Settings::mirror, &MirrorOptions::service>(
        "service", kTorrents, "NAME",
        "What the service is called: it answers below any directory, as /yum/NAME/digest/..."),
    Row<&Settings::mirror, &MirrorOptions::torrent_life>(
        "torrent-life", kTorrents, Kind::kSeconds, 0, 30 * kDay,
        "How long a set of files that is asked for by its digest alone is known, without a look at "
        "the files."),
    Row<&Settings::mirror, &MirrorOptions::workers>("makers", kTorrents, Kind::kCount, 1, 256,
                                                    "Torrents that are made at the same time."),
    Row<&Settings::mirror, &MirrorOptions::threads>(
        "hash-threads", kTorrents, Kind::kCount, 0, 1024,
        "Threads that hash for one torrent. 0 for one for each core."),

    Text<&Settings::mirror, &MirrorOptions::cache_folder>(
        "cache", kCache, "DIRECTORY",
        "Where hashes and torrents are kept, so that a file is hashed once and for all. Without "
        "it, "
        "they are known until the end of the process."),
    Row<&Settings::mirror, &MirrorOptions::cache_disk>(
        "cache-size", kCache, Kind::kBytes, 0, kTiB, "Bytes that the cache may take on the disk."),
    Row<&Settings::mirror, &MirrorOptions::cache_age>(
        "cache-age", kCache, Kind::kSeconds, kHour, 3650 * kDay,
        "What nobody has used for this long goes from the cache. A use counts once a day, or in an "
        "eighth of this."),
    Row<&Settings::clean_interval>("clean-interval", kCache, Kind::kSeconds, 10 * kSecond,
                                   30 * kDay, "How often the cache is brought within its limits."),
    Row<&Settings::mirror, &MirrorOptions::cache_memory>(
        "cache-memory", kCache, Kind::kBytes, 0, kTiB, "Bytes that the cache may take in memory."),

    Row<&Settings::mirror, &MirrorOptions::max_files>("max-files", kLimits, Kind::kCount, 1,
                                                      kUnlimited, "Files of one torrent."),
    Row<&Settings::mirror, &MirrorOptions::max_bytes>("max-bytes", kLimits, Kind::kBytes, 1,
                                                      1024 * kTiB, "Bytes of its files together."),
    Row<&Settings::mirror, &MirrorOptions::max_entries>(
        "max-entries", kLimits, Kind::kCount, 1, kUnlimited,
        "Entries of directories that are looked at for the patterns of one request."),
    Row<&Settings::mirror, &MirrorOptions::max_paths>("max-paths", kLimits, Kind::kCount, 1,
                                                      1'000'000, "Paths of one request."),
    Row<&Settings::mirror, &MirrorOptions::max_form>("max-form-bytes", kLimits, Kind::kBytes, kKiB,
                                                     kKiB* kKiB* kKiB,
                                                     "Bytes of the form that has them."),
    Row<&Settings::mirror, &MirrorOptions::max_flights>(
        "max-torrents", kLimits, Kind::kCount, 1, 1'000'000,
        "Torrents that are made or wait for it; who asks for another is told to come later."),
    Row<&Settings::mirror, &MirrorOptions::max_waiting>(
        "max-waiting", kLimits, Kind::kCount, 1, 10'000'000,
        "Requests that wait for torrents; who comes then is told to come later."),

    Row<&Settings::server, &MirrorServerOptions::max_connections>(
        "http-max-connections", kHttp, Kind::kCount, 1, 1'000'000,
        "Connections of each worker. Each may have a file open. The limit for open files is raised "
        "to the hard one; where root starts it, over that one too, to what the system lets any "
        "process have (fs.nr_open)."),
    Row<&Settings::server, &MirrorServerOptions::max_request_bytes>(
        "http-max-request-bytes", kHttp, Kind::kBytes, 256, 64 * kKiB,
        "Bytes of a request line and its headers."),
    Row<&Settings::server, &MirrorServerOptions::max_receiving_bytes>(
        "http-max-receiving-bytes", kHttp, Kind::kBytes, kKiB, kTiB,
        "Bytes of forms that each worker is receiving."),
    Row<&Settings::server, &MirrorServerOptions::max_requests_per_connection>(
        "http-max-requests-per-connection", kHttp, Kind::kCount, 1, 1'000'000'000,
        "Requests on one connection."),
    Row<&Settings::server, &MirrorServerOptions::request_timeout>(
        "http-request-timeout", kHttp, Kind::kMilliseconds, 1, kDay,
        "How long a request may take to come."),
    Row<&Settings::server, &MirrorServerOptions::idle_timeout>(
        "http-idle-timeout", kHttp, Kind::kMilliseconds, 1, kDay,
        "How long a connection may be without one."),
    Row<&Settings::server, &MirrorServerOptions::answer_timeout>(
        "http-answer-timeout", kHttp, Kind::kMilliseconds, 1, 30 * kDay,
        "How long a request waits for a torrent that is being made."),
    Row<&Settings::server, &MirrorServerOptions::write_timeout>(
        "http-write-timeout", kHttp, Kind::kMilliseconds, 1, kDay,
        "How long a client may take for each part of an answer, some hundred KiB."),
    Row<&Settings::server, &MirrorServerOptions::transfer_timeout>(
        "http-transfer-timeout", kHttp, Kind::kMilliseconds, 1, 30 * kDay,
        "How long it may take for all of it."),
    Text<&Settings::mirror, &MirrorOptions::metrics_path>(
        "metrics-path", kHttp, "PATH",
        "Where metrics for Prometheus are; a file of that path is not served. Empty for none."),
    Row<&Settings::pages_for>(
        "stats-access", kHttp, Kind::kNetworks, 0, 1024,
        "A network that may see the metrics, and the page below the service's name that shows what "
        "is being made."),

    Row<&Settings::tracker, &TrackerSettings::enabled>(
        "with-tracker", kTracker, Kind::kFlag, 0, 0,
        "Be a tracker as well, for the torrents that are given out here and no others. After a "
        "restart it refuses a torrent until somebody asks for it here again, unless hash-list says "
        "which they were."),
    Row<&Settings::tracker, &TrackerSettings::udp_listeners>(
        "tracker-udp", kTracker, Kind::kEndpoints, 0, 256,
        "An address for it to serve UDP announces on. Without any tracker-udp or tracker-http, it "
        "is "
        "port 6969 of every address, for both."),
    Row<&Settings::tracker, &TrackerSettings::http_listeners>(
        "tracker-http", kTracker, Kind::kEndpoints, 0, 256,
        "An address for it to serve HTTP announces on."),
    Text<&Settings::hash_list>("hash-list", kTracker, "FILE",
                               "A file to which the info hash of each torrent is added, one a "
                               "line: the allowed torrents of "
                               "a musterd or another tracker."),

    Row<&Settings::server, &MirrorServerOptions::drain_timeout>(
        "drain-timeout", kProcess, Kind::kMilliseconds, 0, kHour,
        "After SIGINT or SIGTERM, how long requests that are under way may take to finish."),
    Among(Row<&Settings::log_level>("log-level", kProcess, Kind::kChoice, 0, 0,
                                    "The least that is worth a line on standard error."),
          kLogLevels),
};

// Without an address: every one of the machine.
std::vector<muster::Endpoint> Everywhere(std::uint16_t port, bool system_has_ipv6) {
  const std::uint8_t any_ipv6[16] = {};
  std::vector<muster::Endpoint> endpoints = {{muster::IpAddress(), port}};
  if (system_has_ipv6) endpoints.emplace_back(muster::IpAddress::FromIpv6(any_ipv6), port);
  return endpoints;
}

// A setting that cannot be. The place named is the last one that set it.
absl::Status Wrong(absl::Span<const Assignment> assignments, std::string_view name,
                   std::string_view message) {
  std::string_view where = "defaults";
  for (const Assignment& assignment : assignments) {
    if (assignment.setting->name == name) where = assignment.where;
  }
  return musterd::Invalid({where, ": ", message});
}

}  // namespace

const musterd::SettingsTable& TorrentdTable() {
  // Those of musterd, but for its dialects, which come first.
  static const musterd::SettingsTable table{"muster-torrentd", "torrents for the files of a mirror",
                                            "--cache-age 7d", kSettings,
                                            musterd::PlainOptions().subspan(1)};
  return table;
}

absl::StatusOr<Settings> Resolve(absl::Span<const Assignment> assignments) {
  Settings settings;
  for (const Assignment& assignment : assignments) {
    assignment.setting->set(settings, assignment.value);
  }
  if (!std::has_single_bit(static_cast<std::uint64_t>(settings.mirror.piece_length))) {
    return Wrong(assignments, "piece-length", "piece-length must be a power of two");
  }
  const std::string& metrics = settings.mirror.metrics_path;
  if (!metrics.empty() && metrics[0] != '/') {
    return Wrong(assignments, "metrics-path", "metrics-path must begin with a slash");
  }
  for (const std::string& pattern : Words(settings.hash_ahead)) {
    if (pattern[0] != '/') {
      return Wrong(assignments, "hash-ahead",
                   Concat({"hash-ahead: ", musterd::Quoted(pattern), " must begin with a slash"}));
    }
  }
  return settings;
}

std::vector<std::string> Words(const std::string& text) {
  std::vector<std::string> words;
  std::istringstream stream(text);
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

muster::MirrorOptions MirrorOptionsOf(const Settings& settings) {
  muster::MirrorOptions options = settings.mirror;
  for (std::string& base : options.url_bases = Words(settings.url_bases)) {
    if (base.back() != '/') base += '/';
  }
  return options;
}

muster::MirrorServerOptions ServerOptionsOf(const Settings& settings, bool system_has_ipv6) {
  constexpr std::uint16_t kPort = 6970;
  muster::MirrorServerOptions options = settings.server;
  options.listeners =
      settings.listeners.empty() ? Everywhere(kPort, system_has_ipv6) : settings.listeners;
  options.workers = settings.workers;
  const auto set = std::make_shared<const muster::IpSet>(absl::MakeConstSpan(settings.pages_for));
  options.pages_for = [set](const muster::IpAddress& address) { return set->Contains(address); };
  return options;
}

muster::ServerOptions TrackerServerOptionsOf(const Settings& settings, bool system_has_ipv6) {
  constexpr std::uint16_t kPort = 6969;
  std::vector<muster::Endpoint> udp = settings.tracker.udp_listeners;
  std::vector<muster::Endpoint> http = settings.tracker.http_listeners;
  if (udp.empty() && http.empty()) udp = http = Everywhere(kPort, system_has_ipv6);
  muster::ServerOptions options;
  for (const auto& endpoint : udp) options.listeners.push_back({muster::Protocol::kUdp, endpoint});
  for (const auto& endpoint : http)
    options.listeners.push_back({muster::Protocol::kHttp, endpoint});
  options.drain_timeout = settings.server.drain_timeout;
  return options;
}

}  // namespace torrentd
