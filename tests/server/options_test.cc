// SPDX-License-Identifier: Apache-2.0
#include "server/server_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace muster {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

ServerOptions Good() {
  ServerOptions options;
  options.listeners = {{Protocol::kUdp, *Endpoint::Parse("127.0.0.1:0")}};
  return options;
}

TEST(ServerOptions, TheDefaultsAreFine) { EXPECT_TRUE(CheckServerOptions(Good()).ok()); }

TEST(ServerOptions, NamesTheOptionThatIsOutOfRange) {
  const struct {
    const char* name;
    std::function<void(ServerOptions&)> spoil;
  } cases[] = {
      {"listeners", [](ServerOptions& o) { o.listeners.clear(); }},
      {"udp.connection_id_lifetime",
       [](ServerOptions& o) { o.udp.connection_id_lifetime = Seconds(59); }},
      {"udp.connection_id_lifetime",
       [](ServerOptions& o) { o.udp.connection_id_lifetime = Seconds(86401); }},
      {"udp.max_scrape_torrents", [](ServerOptions& o) { o.udp.max_scrape_torrents = 0; }},
      {"udp.max_scrape_torrents", [](ServerOptions& o) { o.udp.max_scrape_torrents = 102; }},
      {"udp.default_numwant", [](ServerOptions& o) { o.udp.default_numwant = 1001; }},
      {"udp.socket_buffer", [](ServerOptions& o) { o.udp.socket_buffer = -1; }},
      {"http.max_connections", [](ServerOptions& o) { o.http.max_connections = 0; }},
      {"http.max_request_bytes", [](ServerOptions& o) { o.http.max_request_bytes = 255; }},
      {"http.max_request_bytes", [](ServerOptions& o) { o.http.max_request_bytes = 65537; }},
      {"http.request_timeout",
       [](ServerOptions& o) { o.http.request_timeout = std::chrono::milliseconds(0); }},
      {"http.idle_timeout",
       [](ServerOptions& o) { o.http.idle_timeout = std::chrono::milliseconds(-1); }},
      {"http.write_timeout",
       [](ServerOptions& o) { o.http.write_timeout = std::chrono::milliseconds(0); }},
      {"http.max_requests_per_connection",
       [](ServerOptions& o) { o.http.max_requests_per_connection = 0; }},
      {"http.max_scrape_torrents", [](ServerOptions& o) { o.http.max_scrape_torrents = 0; }},
      {"drain_timeout", [](ServerOptions& o) { o.drain_timeout = std::chrono::milliseconds(-1); }},
  };
  for (const auto& c : cases) {
    ServerOptions options = Good();
    c.spoil(options);
    const absl::Status status = CheckServerOptions(options);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << c.name;
    EXPECT_THAT(std::string(status.message()), StartsWith(std::string(c.name) + ": "));
  }
}

TEST(ServerOptions, SaysWhichValuesAreGood) {
  ServerOptions options = Good();
  options.udp.max_scrape_torrents = 102;
  EXPECT_EQ(CheckServerOptions(options).message(), "udp.max_scrape_torrents: 102 is not 1 to 101");
  options = Good();
  options.http.max_connections = 0;
  EXPECT_EQ(CheckServerOptions(options).message(), "http.max_connections: 0 is not at least 1");
}

}  // namespace
}  // namespace muster
