// SPDX-License-Identifier: Apache-2.0
//
// Settings: everything that muster-torrentd can be told. The table is in settings.cc; how tables are
// read, from command lines and files, is musterd's.
#ifndef MUSTER_TOOLS_MUSTER_TORRENTD_SETTINGS_H_
#define MUSTER_TOOLS_MUSTER_TORRENTD_SETTINGS_H_

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "muster/cidr.h"
#include "muster/endpoint.h"
#include "muster/log_sink.h"
#include "muster/mirror.h"
#include "muster/mirror_server.h"
#include "muster/server.h"
#include "musterd/settings.h"

namespace torrentd {

// The tracker that may run beside the mirror.
struct TrackerSettings {
  bool enabled = false;
  // Both empty: port 6969 of every address.
  std::vector<muster::Endpoint> udp_listeners;
  std::vector<muster::Endpoint> http_listeners;
};

struct Settings : musterd::AnySettings {
  // Empty: port 6970 of every address.
  std::vector<muster::Endpoint> listeners;
  // 0: one for each core.
  std::size_t workers = 0;
  muster::MirrorOptions mirror;
  // Its listeners and workers follow from those above.
  muster::MirrorServerOptions server;
  // URLs and patterns with blanks between them.
  std::string url_bases;
  std::string hash_ahead;
  std::chrono::milliseconds hash_ahead_interval{15 * 60'000};
  std::chrono::milliseconds clean_interval{60 * 60'000};
  // Who may see the index page and the metrics.
  std::vector<muster::Cidr> pages_for = musterd::ThisMachine();
  // Where the info hashes of torrents are added; empty: nowhere.
  std::string hash_list;
  TrackerSettings tracker;
  muster::LogLevel log_level = muster::LogLevel::kInfo;
};

const musterd::SettingsTable& TorrentdTable();

// As musterd's Resolve().
absl::StatusOr<Settings> Resolve(absl::Span<const musterd::Assignment> assignments);

// The words of a text with blanks between them.
std::vector<std::string> Words(const std::string& text);

// What the library is to do, but for logs and observers.
muster::MirrorOptions MirrorOptionsOf(const Settings& settings);
muster::MirrorServerOptions ServerOptionsOf(const Settings& settings, bool system_has_ipv6);
muster::ServerOptions TrackerServerOptionsOf(const Settings& settings, bool system_has_ipv6);

}  // namespace torrentd

#endif  // MUSTER_TOOLS_MUSTER_TORRENTD_SETTINGS_H_
