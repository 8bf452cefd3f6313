// SPDX-License-Identifier: Apache-2.0
//
// Every setting reaches the option that it is for, from the command line and from the file. A
// setting without a case here fails the test.
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <sstream>

#include "helpers.h"
#include "musterd/command_line.h"
#include "musterd/settings.h"
#include "musterd/toml.h"

namespace musterd {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Case {
  std::string_view name;
  // On a command line, separated by spaces.
  std::string_view options;
  std::string_view toml;
  bool (*in_force)(const Settings&);
};

muster::ServerOptions Server(const Settings& s) { return ServerOptionsOf(s, true); }

bool Admits(const muster::AddressFilter& filter, std::string_view address) {
  return filter && filter(*muster::IpAddress::Parse(address));
}

bool ListensOn(const Settings& s, muster::Protocol protocol) {
  const auto listeners = Server(s).listeners;
  return listeners.size() == 2 && listeners[0].protocol == protocol &&
         listeners[0].endpoint == At("127.0.0.1:7001") && listeners[1].protocol == protocol &&
         listeners[1].endpoint == At("[::1]:7002");
}

// What they would be if they were switched on.
muster::NatCheckOptions NatCheckOf(Settings s) {
  s.peers.nat_tries = 1;
  return *Server(s).outbound.nat_check;
}
muster::MultitrackerOptions MultitrackerOf(Settings s) {
  s.trackers.multitracker = true;
  return *Server(s).outbound.multitracker;
}

// Whether a download counts as finished when the peer comes to lack nothing.
bool CountsByLeft(muster::SwarmStore& store) {
  const muster::InfoHash hash;
  const muster::PeerId id;
  muster::PeerBatch nobody({}, {});
  muster::SwarmUpdate update{.info_hash = hash, .peer = At("192.0.2.1:1"), .peer_id = id};
  store.Apply(update, {}, nobody);
  update.state = muster::PeerState::kSeeder;
  return store.Apply(update, {}, nobody).completed == 1;
}

const Case kCases[] = {
    {"udp", "--udp 127.0.0.1:7001 --udp=[::1]:7002", "udp = ['127.0.0.1:7001', '[::1]:7002']",
     [](const Settings& s) { return ListensOn(s, muster::Protocol::kUdp); }},
    {"http", "--http 127.0.0.1:7001 --http=[::1]:7002", "http = ['127.0.0.1:7001', '[::1]:7002']",
     [](const Settings& s) {
       return ListensOn(s, muster::Protocol::kHttp) && !Server(s).listeners[0].proxied;
     }},
    {"http-proxied",
     "--http-proxied 127.0.0.1:7001 --http-proxied=[::1]:7002 --trusted-proxy 10.0.0.0/8 "
     "--trusted-proxy ::1",
     "http-proxied = ['127.0.0.1:7001', '[::1]:7002']\ntrusted-proxy = ['10.0.0.0/8', '::1']",
     [](const Settings& s) {
       return ListensOn(s, muster::Protocol::kHttp) && Server(s).listeners[0].proxied &&
              Server(s).listeners[1].proxied;
     }},
    {"udp-proxied",
     "--udp-proxied 127.0.0.1:7001 --udp-proxied=[::1]:7002 --trusted-proxy 10.0.0.0/8 "
     "--trusted-proxy ::1",
     "udp-proxied = ['127.0.0.1:7001', '[::1]:7002']\ntrusted-proxy = ['10.0.0.0/8', '::1']",
     [](const Settings& s) {
       return ListensOn(s, muster::Protocol::kUdp) && Server(s).listeners[0].proxied &&
              Server(s).listeners[1].proxied;
     }},
    {"interval", "--interval 20m", "interval = '20m'",
     [](const Settings& s) { return s.tracker.interval == seconds(1200); }},
    {"interval-spread", "--interval-spread 61", "interval-spread = 61",
     [](const Settings& s) { return s.tracker.interval_spread == seconds(61); }},
    {"min-interval", "--min-interval 62s", "min-interval = '62s'",
     [](const Settings& s) { return s.tracker.min_interval == seconds(62); }},
    {"peer-timeout", "--peer-timeout 2h", "peer-timeout = '2h'",
     [](const Settings& s) {
       return s.tracker.peer_timeout == seconds(7200) && s.store.peer_timeout == seconds(7200);
     }},
    {"default-numwant", "--default-numwant 31", "default-numwant = 31",
     [](const Settings& s) { return s.tracker.default_numwant == 31; }},
    {"max-numwant", "--max-numwant 99", "max-numwant = 99",
     [](const Settings& s) { return s.tracker.max_numwant == 99; }},
    {"max-torrents", "--max-torrents 5000000000", "max-torrents = 5_000_000_000",
     [](const Settings& s) { return s.store.max_torrents == 5'000'000'000; }},
    {"max-peers", "--max-peers 6000000000", "max-peers = 6_000_000_000",
     [](const Settings& s) { return s.store.max_peers == 6'000'000'000; }},
    {"keep-completed", "--keep-completed 7d", "keep-completed = '7d'",
     [](const Settings& s) { return s.store.keep_completed == seconds(7 * 86400); }},
    {"peer-ids", "--peer-ids", "peer-ids = true",
     [](const Settings& s) { return s.store.keep_peer_ids; }},
    {"udp-connection-id-lifetime", "--udp-connection-id-lifetime 2m",
     "udp-connection-id-lifetime = '2m'",
     [](const Settings& s) { return Server(s).udp.connection_id_lifetime == seconds(120); }},
    {"udp-answer-stale-connection-id", "--no-udp-answer-stale-connection-id",
     "udp-answer-stale-connection-id = false",
     [](const Settings& s) { return !Server(s).udp.answer_stale_connection_id; }},
    {"udp-default-numwant", "--udp-default-numwant 150", "udp-default-numwant = 150",
     [](const Settings& s) { return Server(s).udp.default_numwant == 150; }},
    {"udp-max-scrape-torrents", "--udp-max-scrape-torrents 7", "udp-max-scrape-torrents = 7",
     [](const Settings& s) { return Server(s).udp.max_scrape_torrents == 7; }},
    {"udp-socket-buffer", "--udp-socket-buffer 1M", "udp-socket-buffer = '1M'",
     [](const Settings& s) { return Server(s).udp.socket_buffer == 1024 * 1024; }},
    {"http-max-connections", "--http-max-connections 77", "http-max-connections = 77",
     [](const Settings& s) { return Server(s).http.max_connections == 77; }},
    {"http-max-request-bytes", "--http-max-request-bytes 16K", "http-max-request-bytes = 16384",
     [](const Settings& s) { return Server(s).http.max_request_bytes == 16384; }},
    {"http-max-requests-per-connection", "--http-max-requests-per-connection 1",
     "http-max-requests-per-connection = 1",
     [](const Settings& s) { return Server(s).http.max_requests_per_connection == 1; }},
    {"http-max-scrape-torrents", "--http-max-scrape-torrents 8", "http-max-scrape-torrents = 8",
     [](const Settings& s) { return Server(s).http.max_scrape_torrents == 8; }},
    {"http-request-timeout", "--http-request-timeout 501ms", "http-request-timeout = '501ms'",
     [](const Settings& s) { return Server(s).http.request_timeout == milliseconds(501); }},
    {"http-idle-timeout", "--http-idle-timeout 502ms", "http-idle-timeout = '502ms'",
     [](const Settings& s) { return Server(s).http.idle_timeout == milliseconds(502); }},
    {"http-write-timeout", "--http-write-timeout 503ms", "http-write-timeout = '503ms'",
     [](const Settings& s) { return Server(s).http.write_timeout == milliseconds(503); }},
    {"load-state", "--load-state dump", "load-state = 'dump'",
     [](const Settings& s) { return s.state.load == "dump"; }},
    {"cluster-listen", "--cluster-listen 127.0.0.1:9696", "cluster-listen = ['127.0.0.1:9696']",
     [](const Settings& s) {
       return s.cluster.listen == std::vector{At("127.0.0.1:9696")} && s.cluster.nodes.empty();
     }},
    {"cluster-node", "--cluster-listen 127.0.0.1:9696 --cluster-node 10.0.0.0/8",
     "cluster-listen = ['127.0.0.1:9696']\ncluster-node = ['10.0.0.0/8']",
     [](const Settings& s) {
       return s.cluster.nodes == std::vector{*muster::Cidr::Parse("10.0.0.0/8")};
     }},
    {"http-loose-requests", "--http-loose-requests", "http-loose-requests = true",
     [](const Settings& s) { return Server(s).http.loose_requests; }},
    {"dfile", "--dfile /var/lib/muster/state", "dfile = '/var/lib/muster/state'",
     [](const Settings& s) { return s.state.dfile == "/var/lib/muster/state"; }},
    {"dfile-format", "--dfile-format bttrack", "dfile-format = 'bttrack'",
     [](const Settings& s) { return StateOptionsOf(s).format == muster::StateFormat::kBttrack; }},
    {"save-dfile-interval", "--save-dfile-interval 7m", "save-dfile-interval = '7m'",
     [](const Settings& s) { return StateOptionsOf(s).save_interval == seconds(420); }},
    {"journal", "--no-journal", "journal = false",
     [](const Settings& s) { return !StateOptionsOf(s).journal; }},
    {"journal-sync-interval", "--journal-sync-interval 0", "journal-sync-interval = '0s'",
     [](const Settings& s) { return !StateOptionsOf(s).sync; }},
    {"dfile-compression", "--dfile-compression zlib", "dfile-compression = 'zlib'",
     [](const Settings& s) {
       return StateOptionsOf(s).compression == muster::StateCompression::kZlib;
     }},
    {"http-max-streams", "--http-max-streams 9", "http-max-streams = 9",
     [](const Settings& s) { return Server(s).http.max_streams == 9; }},
    {"http-stream-timeout", "--http-stream-timeout 505ms", "http-stream-timeout = '505ms'",
     [](const Settings& s) { return Server(s).http.stream_timeout == milliseconds(505); }},
    {"scrape", "--scrape none", "scrape = 'none'",
     [](const Settings& s) {
       return Server(s).http.scrape == muster::ScrapeMode::kNone && !Server(s).udp.scrape;
     }},
    {"full-scrape-for", "--full-scrape-for 192.0.2.0/24 --full-scrape-for ::1",
     "full-scrape-for = ['192.0.2.0/24', '::1']",
     [](const Settings& s) { return Admits(Server(s).http.full_scrape_for, "192.0.2.1"); }},
    {"full-scrape-interval", "--full-scrape-interval 5m", "full-scrape-interval = '5m'",
     [](const Settings& s) { return Server(s).http.full_scrape_interval == seconds(300); }},
    {"full-scrape-compression", "--full-scrape-compression gzip",
     "full-scrape-compression = 'gzip'",
     [](const Settings& s) {
       return Server(s).http.full_scrape_compression == muster::FullScrapeCompression::kGzip;
     }},
    {"log-full-scrapes", "--log-full-scrapes", "log-full-scrapes = true",
     [](const Settings& s) { return s.log_full_scrapes; }},
    {"stats-access", "--stats-access 192.0.2.0/24", "stats-access = ['192.0.2.0/24']",
     [](const Settings& s) { return Admits(Server(s).http.statistics_for, "192.0.2.1"); }},
    {"stats-path", "--stats-path /s", "stats-path = '/s'",
     [](const Settings& s) { return Server(s).http.statistics_path == "/s"; }},
    {"spot-woodpeckers", "--spot-woodpeckers", "spot-woodpeckers = true",
     [](const Settings& s) { return s.spot_woodpeckers; }},
    {"full-log", "--full-log 1M", "full-log = '1M'",
     [](const Settings& s) { return Server(s).http.full_log_bytes == 1024 * 1024; }},
    {"syslog-completed", "--syslog-completed", "syslog-completed = true",
     [](const Settings& s) { return s.syslog_completed; }},
    {"metrics-path", "--metrics-path m", "metrics-path = 'm'",
     [](const Settings& s) { return Server(s).http.metrics_path == "/m"; }},
    {"info-page", "--info-page", "info-page = true",
     [](const Settings& s) { return Server(s).http.info_page; }},
    {"info-page-torrents", "--info-page-torrents 12", "info-page-torrents = 12",
     [](const Settings& s) { return Server(s).http.info_page_torrents == 12; }},
    {"redirect-url", "--redirect-url http://a.example/", "redirect-url = 'http://a.example/'",
     [](const Settings& s) { return Server(s).http.info_page_redirect == "http://a.example/"; }},
    {"favicon", "--favicon a\\b.ico", "favicon = 'a\\b.ico'",
     [](const Settings& s) { return s.favicon == "a\\b.ico"; }},
    {"trusted-proxy", "--trusted-proxy 10.0.0.0/8 --trusted-proxy ::1",
     "trusted-proxy = ['10.0.0.0/8', '::1']",
     [](const Settings& s) {
       return Server(s).http.trusted_proxies ==
              std::vector{*muster::Cidr::Parse("10.0.0.0/8"), *muster::Cidr::Parse("::1/128")};
     }},
    {"proxy-header", "--proxy-header forwarded", "proxy-header = 'forwarded'",
     [](const Settings& s) {
       return Server(s).http.proxy_header == muster::ProxyHeader::kForwarded;
     }},
    {"require-compact", "--require-compact", "require-compact = true",
     [](const Settings& s) { return Server(s).http.require_compact; }},
    {"answers", "--answers bttrack", "answers = 'bttrack'",
     [](const Settings& s) { return Server(s).http.answers == muster::HttpAnswers::kBttrack; }},
    {"show-dead", "--no-show-dead", "show-dead = false",
     [](const Settings& s) { return !Server(s).http.show_dead; }},
    {"show-names", "--no-show-names", "show-names = false",
     [](const Settings& s) { return !Server(s).http.show_names; }},
    {"serve-torrents", "--serve-torrents", "serve-torrents = true",
     [](const Settings& s) { return Server(s).http.serve_torrents; }},
    {"access-log", "--access-log a", "access-log = 'a'",
     [](const Settings& s) { return s.access_log.path == "a"; }},
    {"access-log-flush-interval", "--access-log-flush-interval 506ms",
     "access-log-flush-interval = '506ms'",
     [](const Settings& s) { return s.access_log.flush_interval == milliseconds(506); }},
    {"access-log-reopen", "--no-access-log-reopen", "access-log-reopen = false",
     [](const Settings& s) { return !s.access_log.reopen; }},
    {"allowed-torrents", "--allowed-torrents t", "allowed-torrents = 't'",
     [](const Settings& s) { return s.access.torrents == "t"; }},
    {"torrent-messages", "--torrent-messages", "torrent-messages = true",
     [](const Settings& s) { return s.access.torrent_messages; }},
    {"banned-ips-format", "--banned-ips-format named-ranges", "banned-ips-format = 'named-ranges'",
     [](const Settings& s) {
       return s.access.banned_ips_format == muster::IpListFormat::kNamedRanges;
     }},
    {"keep-dead", "--keep-dead", "keep-dead = true",
     [](const Settings& s) { return s.store.keep_empty; }},
    {"whitelist", "--whitelist /w", "whitelist = '/w'",
     [](const Settings& s) { return s.access.whitelist == "/w"; }},
    {"blacklist", "--blacklist /b", "blacklist = '/b'",
     [](const Settings& s) { return s.access.blacklist == "/b"; }},
    {"whitelist-add-fifo", "--whitelist-add-fifo wa", "whitelist-add-fifo = 'wa'",
     [](const Settings& s) { return s.access.whitelist_add_fifo == "wa"; }},
    {"whitelist-delete-fifo", "--whitelist-delete-fifo wd", "whitelist-delete-fifo = 'wd'",
     [](const Settings& s) { return s.access.whitelist_delete_fifo == "wd"; }},
    {"blacklist-add-fifo", "--blacklist-add-fifo ba", "blacklist-add-fifo = 'ba'",
     [](const Settings& s) { return s.access.blacklist_add_fifo == "ba"; }},
    {"blacklist-delete-fifo", "--blacklist-delete-fifo bd", "blacklist-delete-fifo = 'bd'",
     [](const Settings& s) { return s.access.blacklist_delete_fifo == "bd"; }},
    {"forget-refused", "--no-forget-refused", "forget-refused = false",
     [](const Settings& s) { return !s.access.forget_refused; }},
    {"save-list-changes", "--save-list-changes", "save-list-changes = true",
     [](const Settings& s) { return s.access.save_changes; }},
    {"allowed-ips", "--allowed-ips ai", "allowed-ips = 'ai'",
     [](const Settings& s) { return s.access.allowed_ips == "ai"; }},
    {"banned-ips", "--banned-ips bi", "banned-ips = 'bi'",
     [](const Settings& s) { return s.access.banned_ips == "bi"; }},
    {"list-check-interval", "--list-check-interval 505ms", "list-check-interval = '505ms'",
     [](const Settings& s) { return s.access.check_interval == milliseconds(505); }},
    {"require-lists", "--no-require-lists", "require-lists = false",
     [](const Settings& s) { return !s.access.require; }},
    {"user", "--user nobody", "user = 'nobody'",
     [](const Settings& s) { return s.privileges.user == "nobody"; }},
    {"group", "--group nogroup", "group = 'nogroup'",
     [](const Settings& s) { return s.privileges.group == "nogroup"; }},
    {"root-directory", "--root-directory /var/empty", "root-directory = '/var/empty'",
     [](const Settings& s) { return s.privileges.root_directory == "/var/empty"; }},
    {"peer-details", "--peer-details", "peer-details = true",
     [](const Settings& s) { return StoreOf(s)->keeps_details() && StateOptionsOf(s).peer_ids; }},
    {"nat-check", "--nat-check 3", "nat-check = 3",
     [](const Settings& s) {
       return s.peers.nat_tries == 3 && Server(s).outbound.nat_check.has_value() &&
              StoreOf(s)->keeps_details();
     }},
    {"nat-check-timeout", "--nat-check-timeout 506ms", "nat-check-timeout = '506ms'",
     [](const Settings& s) { return NatCheckOf(s).timeout == milliseconds(506); }},
    {"nat-check-connections", "--nat-check-connections 17", "nat-check-connections = 17",
     [](const Settings& s) { return NatCheckOf(s).max_under_way == 17; }},
    {"nat-check-rate", "--nat-check-rate 18", "nat-check-rate = 18",
     [](const Settings& s) { return NatCheckOf(s).max_per_second == 18; }},
    {"nat-check-local", "--nat-check-local", "nat-check-local = true",
     [](const Settings& s) {
       return NatCheckOf(s).allow_private && !Admits(Server(s).announce.reachable, "10.0.0.1");
     }},
    {"log-nat-checks", "--log-nat-checks", "log-nat-checks = true",
     [](const Settings& s) { return s.peers.log_nat_checks; }},
    {"given-ip-from", "--given-ip-from 10.0.0.0/8", "given-ip-from = ['10.0.0.0/8']",
     [](const Settings& s) {
       return Admits(Server(s).announce.given_ip_from, "10.1.2.3") && StoreOf(s)->keeps_details();
     }},
    {"completed-by-left", "--completed-by-left", "completed-by-left = true",
     [](const Settings& s) { return CountsByLeft(*StoreOf(s)); }},
    {"dedicated-seed-id", "--dedicated-seed-id s3", "dedicated-seed-id = 's3'",
     [](const Settings& s) { return Server(s).announce.dedicated_seed_id == "s3"; }},
    {"multitracker", "--multitracker", "multitracker = true",
     [](const Settings& s) {
       return Server(s).outbound.multitracker.has_value() && s.tracker.max_foreign_peers > 0;
     }},
    {"multitracker-list", "--multitracker-list /l", "multitracker-list = '/l'",
     [](const Settings& s) { return s.trackers.list == "/l"; }},
    {"multitracker-allowed", "--multitracker-allowed autodetect",
     "multitracker-allowed = 'autodetect'",
     [](const Settings& s) {
       return Server(s).announce.tracker_queries == muster::TrackerQueries::kAutodetect;
     }},
    {"multitracker-reannounce-interval", "--multitracker-reannounce-interval 33",
     "multitracker-reannounce-interval = 33",
     [](const Settings& s) {
       return MultitrackerOf(s).interval == seconds(33) &&
              Server(s).announce.tracker_interval == seconds(33);
     }},
    {"multitracker-maxpeers", "--multitracker-maxpeers 34", "multitracker-maxpeers = 34",
     [](const Settings& s) { return MultitrackerOf(s).max_peers == 34; }},
    {"multitracker-local", "--multitracker-local", "multitracker-local = true",
     [](const Settings& s) { return MultitrackerOf(s).allow_private; }},
    {"aggregate-forward", "--aggregate-forward http://a.example/announce,pw",
     "aggregate-forward = 'http://a.example/announce,pw'",
     [](const Settings& s) {
       const auto forward = Server(s).outbound.aggregate_forward;
       return forward && forward->aggregator.ToString() == "http://a.example:80/announce" &&
              forward->password == "pw";
     }},
    {"aggregator", "--aggregator", "aggregator = true",
     [](const Settings& s) {
       Settings checks = s;
       checks.peers.nat_tries = 3;
       return Server(s).announce.aggregator && !Server(checks).outbound.nat_check;
     }},
    {"aggregator-password", "--aggregator-password pw", "aggregator-password = 'pw'",
     [](const Settings& s) { return Server(s).announce.aggregator_password == "pw"; }},
    {"outgoing-timeout", "--outgoing-timeout 507ms", "outgoing-timeout = '507ms'",
     [](const Settings& s) {
       Settings forwards = s;
       forwards.trackers.aggregate_forward = "http://a.example/";
       return MultitrackerOf(s).timeout == milliseconds(507) &&
              Server(forwards).outbound.aggregate_forward->timeout == milliseconds(507);
     }},
    {"workers", "--workers 3", "workers = 3", [](const Settings& s) { return s.workers == 3; }},
    {"drain-timeout", "--drain-timeout 504ms", "drain-timeout = '504ms'",
     [](const Settings& s) { return Server(s).drain_timeout == milliseconds(504); }},
    {"log-level", "--log-level warning", "log-level = 'warning'",
     [](const Settings& s) { return s.log_level == muster::LogLevel::kWarning; }},
};

absl::StatusOr<Settings> FromOptions(const Case& one) {
  std::istringstream words{std::string(one.options)};
  const auto line = ParseCommandLine({std::istream_iterator<std::string>(words), {}});
  if (!line.ok()) return line.status();
  return Resolve(line->assignments);
}

absl::StatusOr<Settings> FromFile(const Case& one) {
  const auto assignments = ReadToml(one.toml, "file");
  if (!assignments.ok()) return assignments.status();
  return Resolve(*assignments);
}

TEST(EverySetting, HasACaseHere) {
  for (const Setting& setting : AllSettings()) {
    EXPECT_EQ(std::count_if(std::begin(kCases), std::end(kCases),
                            [&](const Case& one) { return one.name == setting.name; }),
              1)
        << setting.name;
  }
}

TEST(EverySetting, ReachesItsOptionFromTheCommandLineAndTheFile) {
  const auto defaults = Resolve({});
  ASSERT_TRUE(defaults.ok());
  for (const Case& one : kCases) {
    EXPECT_FALSE(one.in_force(*defaults)) << one.name;
    const auto from_options = FromOptions(one);
    ASSERT_TRUE(from_options.ok()) << one.name << ": " << from_options.status();
    EXPECT_TRUE(one.in_force(*from_options)) << one.name;
    const auto from_file = FromFile(one);
    ASSERT_TRUE(from_file.ok()) << one.name << ": " << from_file.status();
    EXPECT_TRUE(one.in_force(*from_file)) << one.name;
  }
}

TEST(EverySetting, IsTheSameAfterItIsPrintedAndReadAgain) {
  std::string all;
  std::set<std::string> lines;  // what two cases say, one says
  for (const Case& one : kCases) {
    if (one.name == "allowed-torrents") continue;  // it contradicts the white lists
    std::istringstream text{std::string(one.toml)};
    for (std::string line; std::getline(text, line);) {
      if (lines.insert(line).second) all += line + "\n";
    }
  }
  for (const std::string& text : {std::string(), all}) {
    const auto given = ReadToml(text, "given");
    ASSERT_TRUE(given.ok()) << given.status();
    const auto settings = Resolve(*given);
    ASSERT_TRUE(settings.ok()) << settings.status();
    const std::string printed = WriteToml(*settings);
    const auto assignments = ReadToml(printed, "printed");
    ASSERT_TRUE(assignments.ok()) << assignments.status();
    const auto again = Resolve(*assignments);
    ASSERT_TRUE(again.ok()) << again.status();
    for (const Setting& setting : AllSettings()) {
      EXPECT_EQ(setting.get(*again), setting.get(*settings)) << setting.name;
    }
    EXPECT_EQ(WriteToml(*again), printed);
  }
}

}  // namespace
}  // namespace musterd
