// SPDX-License-Identifier: Apache-2.0
//
// Every setting of muster-torrentd reaches the option that it is for, from the command line and from
// the file. A setting without a case here fails the test.
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <sstream>

#include "helpers.h"
#include "muster-torrentd/settings.h"
#include "musterd/command_line.h"
#include "musterd/toml.h"

namespace torrentd {
namespace {

using musterd::At;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct TorrentdCase {
  std::string_view name;
  std::string_view options;
  std::string_view toml;
  bool (*in_force)(const Settings&);
};

muster::MirrorOptions Made(const Settings& s) { return MirrorOptionsOf(s); }
muster::MirrorServerOptions Server(const Settings& s) { return ServerOptionsOf(s, true); }

bool TracksOn(const Settings& s, muster::Protocol protocol) {
  const auto listeners = TrackerServerOptionsOf(s, true).listeners;
  return listeners.size() == 1 && listeners[0].protocol == protocol &&
         listeners[0].endpoint == At("127.0.0.1:7001");
}

const TorrentdCase kTorrentdCases[] = {
    {"http", "--http 127.0.0.1:7001 --http=[::1]:7002", "http = ['127.0.0.1:7001', '[::1]:7002']",
     [](const Settings& s) {
       return Server(s).listeners == std::vector{At("127.0.0.1:7001"), At("[::1]:7002")};
     }},
    {"workers", "--workers 3", "workers = 3",
     [](const Settings& s) { return Server(s).workers == 3; }},
    {"root", "--root /srv", "root = '/srv'",
     [](const Settings& s) { return Made(s).root == "/srv"; }},
    {"serve-files", "--no-serve-files", "serve-files = false",
     [](const Settings& s) { return !Made(s).serve_files; }},
    {"readers", "--readers 9", "readers = 9",
     [](const Settings& s) { return Made(s).readers == 9; }},
    {"url-base", "--url-base=https://a", "url-base = 'https://a/'",
     [](const Settings& s) { return Made(s).url_bases == std::vector<std::string>{"https://a/"}; }},
    {"hash-ahead", "--hash-ahead /yum/**", "hash-ahead = '/yum/**'",
     [](const Settings& s) { return Words(s.hash_ahead) == std::vector<std::string>{"/yum/**"}; }},
    {"hash-ahead-interval", "--hash-ahead-interval 1h", "hash-ahead-interval = 3600",
     [](const Settings& s) { return s.hash_ahead_interval == seconds(3600); }},
    {"trackers", "--trackers /t", "trackers = '/t'",
     [](const Settings& s) { return Made(s).trackers_file == "/t"; }},
    {"kind", "--kind hybrid", "kind = 'hybrid'",
     [](const Settings& s) { return Made(s).kind == muster::TorrentKind::kHybrid; }},
    {"piece-length", "--piece-length 2M", "piece-length = 2097152",
     [](const Settings& s) { return Made(s).piece_length == 2 << 20; }},
    {"service", "--service ts", "service = 'ts'",
     [](const Settings& s) { return Made(s).service == "ts"; }},
    {"torrent-life", "--torrent-life 1m", "torrent-life = 60",
     [](const Settings& s) { return Made(s).torrent_life == seconds(60); }},
    {"makers", "--makers 5", "makers = 5", [](const Settings& s) { return Made(s).workers == 5; }},
    {"hash-threads", "--hash-threads 3", "hash-threads = 3",
     [](const Settings& s) { return Made(s).threads == 3; }},
    {"cache", "--cache /c", "cache = '/c'",
     [](const Settings& s) { return Made(s).cache_folder == "/c"; }},
    {"cache-size", "--cache-size 1M", "cache-size = '1M'",
     [](const Settings& s) { return Made(s).cache_disk == 1 << 20; }},
    {"cache-age", "--cache-age 7d", "cache-age = '7d'",
     [](const Settings& s) { return Made(s).cache_age == seconds(7 * 86400); }},
    {"clean-interval", "--clean-interval 1m", "clean-interval = '1m'",
     [](const Settings& s) { return s.clean_interval == seconds(60); }},
    {"cache-memory", "--cache-memory 1K", "cache-memory = 1024",
     [](const Settings& s) { return Made(s).cache_memory == 1024; }},
    {"max-files", "--max-files 7", "max-files = 7",
     [](const Settings& s) { return Made(s).max_files == 7; }},
    {"max-bytes", "--max-bytes 7K", "max-bytes = '7K'",
     [](const Settings& s) { return Made(s).max_bytes == 7168; }},
    {"max-entries", "--max-entries 7", "max-entries = 7",
     [](const Settings& s) { return Made(s).max_entries == 7; }},
    {"max-paths", "--max-paths 7", "max-paths = 7",
     [](const Settings& s) { return Made(s).max_paths == 7; }},
    {"max-form-bytes", "--max-form-bytes 7K", "max-form-bytes = '7K'",
     [](const Settings& s) { return Made(s).max_form == 7168; }},
    {"max-torrents", "--max-torrents 7", "max-torrents = 7",
     [](const Settings& s) { return Made(s).max_flights == 7; }},
    {"max-waiting", "--max-waiting 7", "max-waiting = 7",
     [](const Settings& s) { return Made(s).max_waiting == 7; }},
    {"http-max-connections", "--http-max-connections 7", "http-max-connections = 7",
     [](const Settings& s) { return Server(s).max_connections == 7; }},
    {"http-max-request-bytes", "--http-max-request-bytes 1K", "http-max-request-bytes = 1024",
     [](const Settings& s) { return Server(s).max_request_bytes == 1024; }},
    {"http-max-receiving-bytes", "--http-max-receiving-bytes 1K", "http-max-receiving-bytes = 1024",
     [](const Settings& s) { return Server(s).max_receiving_bytes == 1024; }},
    {"http-max-requests-per-connection", "--http-max-requests-per-connection 7",
     "http-max-requests-per-connection = 7",
     [](const Settings& s) { return Server(s).max_requests_per_connection == 7; }},
    {"http-request-timeout", "--http-request-timeout 7ms", "http-request-timeout = '7ms'",
     [](const Settings& s) { return Server(s).request_timeout == milliseconds(7); }},
    {"http-idle-timeout", "--http-idle-timeout 7ms", "http-idle-timeout = '7ms'",
     [](const Settings& s) { return Server(s).idle_timeout == milliseconds(7); }},
    {"http-answer-timeout", "--http-answer-timeout 7ms", "http-answer-timeout = '7ms'",
     [](const Settings& s) { return Server(s).answer_timeout == milliseconds(7); }},
    {"http-write-timeout", "--http-write-timeout 7ms", "http-write-timeout = '7ms'",
     [](const Settings& s) { return Server(s).write_timeout == milliseconds(7); }},
    {"http-transfer-timeout", "--http-transfer-timeout 7ms", "http-transfer-timeout = '7ms'",
     [](const Settings& s) { return Server(s).transfer_timeout == milliseconds(7); }},
    {"metrics-path", "--metrics-path /m", "metrics-path = '/m'",
     [](const Settings& s) { return Made(s).metrics_path == "/m"; }},
    {"stats-access", "--stats-access 10.0.0.0/8", "stats-access = ['10.0.0.0/8']",
     [](const Settings& s) {
       const auto& filter = Server(s).pages_for;
       return filter(*muster::IpAddress::Parse("10.1.1.1")) &&
              !filter(*muster::IpAddress::Parse("11.1.1.1"));
     }},
    {"with-tracker", "--with-tracker", "with-tracker = true",
     [](const Settings& s) { return s.tracker.enabled; }},
    {"tracker-udp", "--tracker-udp 127.0.0.1:7001", "tracker-udp = ['127.0.0.1:7001']",
     [](const Settings& s) { return TracksOn(s, muster::Protocol::kUdp); }},
    {"tracker-http", "--tracker-http 127.0.0.1:7001", "tracker-http = ['127.0.0.1:7001']",
     [](const Settings& s) { return TracksOn(s, muster::Protocol::kHttp); }},
    {"hash-list", "--hash-list /h", "hash-list = '/h'",
     [](const Settings& s) { return s.hash_list == "/h"; }},
    {"drain-timeout", "--drain-timeout 7ms", "drain-timeout = '7ms'",
     [](const Settings& s) { return Server(s).drain_timeout == milliseconds(7); }},
    {"log-level", "--log-level error", "log-level = 'error'",
     [](const Settings& s) { return s.log_level == muster::LogLevel::kError; }},
};

TEST(TorrentdSettings, EverySettingIsInForceHoweverItIsSaid) {
  for (const musterd::Setting& setting : TorrentdTable().rows) {
    const auto* one = std::find_if(std::begin(kTorrentdCases), std::end(kTorrentdCases),
                                   [&](const TorrentdCase& c) { return c.name == setting.name; });
    ASSERT_NE(one, std::end(kTorrentdCases)) << setting.name << " has no case";
    EXPECT_FALSE(one->in_force(*torrentd::Resolve({}))) << one->name;
    std::istringstream words{std::string(one->options)};
    const auto line =
        musterd::ParseCommandLine({std::istream_iterator<std::string>(words), {}}, TorrentdTable());
    ASSERT_TRUE(line.ok()) << line.status();
    const auto by_options = torrentd::Resolve(line->assignments);
    ASSERT_TRUE(by_options.ok()) << by_options.status();
    EXPECT_TRUE(one->in_force(*by_options)) << one->options;
    const auto assignments = musterd::ReadToml(one->toml, "file", TorrentdTable());
    ASSERT_TRUE(assignments.ok()) << assignments.status();
    EXPECT_TRUE(one->in_force(*torrentd::Resolve(*assignments))) << one->toml;
    // What is printed of it means the same.
    const std::string printed = musterd::WriteToml(*by_options, TorrentdTable());
    const auto again = musterd::ReadToml(printed, "printed", TorrentdTable());
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_TRUE(one->in_force(*torrentd::Resolve(*again))) << one->name;
  }
}

TEST(TorrentdSettings, DefaultsAreWithinTheirBounds) {
  for (const musterd::Setting& setting : TorrentdTable().rows) {
    EXPECT_EQ(musterd::CheckRange(setting, setting.default_value()), absl::OkStatus())
        << setting.name;
  }
}

TEST(TorrentdSettings, WithoutAddressesItIsEverywhere) {
  EXPECT_EQ(Server(*torrentd::Resolve({})).listeners,
            (std::vector{At("0.0.0.0:6970"), At("[::]:6970")}));
  EXPECT_EQ(ServerOptionsOf(*torrentd::Resolve({}), false).listeners,
            std::vector{At("0.0.0.0:6970")});
  EXPECT_EQ(TrackerServerOptionsOf(*torrentd::Resolve({}), true).listeners.size(), 4u);
}

}  // namespace
}  // namespace torrentd
