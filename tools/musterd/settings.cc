// SPDX-License-Identifier: Apache-2.0
//
// What settings mean together, and for the library.
#include "musterd/settings.h"

#include <algorithm>
#include <memory>

#include "muster/ip_set.h"
#include "musterd/text.h"

namespace musterd {
namespace {

using muster::TrackerOptions;
using std::chrono::milliseconds;

muster::AddressFilter FilterFor(const std::vector<muster::Cidr>& networks) {
  // The filter is copied, the set is not.
  const auto set = std::make_shared<const muster::IpSet>(absl::MakeConstSpan(networks));
  return [set](const muster::IpAddress& address) { return set->Contains(address); };
}

// A setting that contradicts others. The place named is the last one that set any of them.
absl::Status Contradiction(absl::Span<const Assignment> assignments,
                           std::initializer_list<std::string_view> names,
                           std::string_view message) {
  std::string_view where = "defaults";
  for (const Assignment& assignment : assignments) {
    if (std::find(names.begin(), names.end(), assignment.setting->name) != names.end()) {
      where = assignment.where;
    }
  }
  return Invalid({where, ": ", message});
}

std::string Show(std::string_view name, const Settings& settings) {
  const Setting& setting = *FindSetting(name);
  std::string value = FormatValue(setting, setting.get(settings));
  value.erase(std::remove(value.begin(), value.end(), '"'), value.end());
  return Concat({name, " (", value, ")"});
}

// A path as requests have it: with the '/' that may be left out of a setting.
std::string WithSlash(const std::string& path) {
  return path.empty() || path[0] == '/' ? path : "/" + path;
}

absl::Status CheckTogether(const Settings& settings, absl::Span<const Assignment> assignments) {
  const TrackerOptions& t = settings.tracker;
  if (t.interval_spread >= t.interval) {
    return Contradiction(assignments, {"interval", "interval-spread"},
                         Concat({Show("interval-spread", settings), " must be shorter than ",
                                 Show("interval", settings)}));
  }
  if (t.min_interval > t.interval - t.interval_spread) {
    return Contradiction(
        assignments, {"interval", "interval-spread", "min-interval"},
        Concat({Show("min-interval", settings), " must be at most ", Show("interval", settings),
                " less ", Show("interval-spread", settings)}));
  }
  if (t.peer_timeout <= t.interval + t.interval_spread) {
    return Contradiction(
        assignments, {"interval", "interval-spread", "peer-timeout"},
        Concat({Show("peer-timeout", settings), " must be longer than ", Show("interval", settings),
                " and ", Show("interval-spread", settings), " together"}));
  }
  if (t.default_numwant > t.max_numwant) {
    return Contradiction(assignments, {"default-numwant", "max-numwant"},
                         Concat({Show("default-numwant", settings), " must be at most ",
                                 Show("max-numwant", settings)}));
  }
  const AccessSettings& access = settings.access;
  const bool whitelists = !access.whitelist.empty() || !access.whitelist_add_fifo.empty() ||
                          !access.whitelist_delete_fifo.empty();
  if (!access.torrents.empty() && whitelists) {
    return Contradiction(
        assignments,
        {"allowed-torrents", "whitelist", "whitelist-add-fifo", "whitelist-delete-fifo"},
        "allowed-torrents and whitelist both say which torrents are served");
  }
  const std::string& url = settings.http.info_page_redirect;
  if (!std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c < 127; })) {
    return Contradiction(assignments, {"redirect-url"},
                         "redirect-url must be a URL of visible ASCII characters");
  }
  for (std::string_view name : {"http-proxied", "udp-proxied"}) {
    const Value endpoints = FindSetting(name)->get(settings);
    if (std::get<std::vector<muster::Endpoint>>(endpoints).empty()) continue;
    if (!settings.http.trusted_proxies.empty()) break;
    return Contradiction(assignments, {name, "trusted-proxy"},
                         Concat({name, " serves nobody without a trusted-proxy"}));
  }
  if (settings.cluster.listen.empty() && !settings.cluster.nodes.empty()) {
    return Contradiction(assignments, {"cluster-listen", "cluster-node"},
                         "cluster-node has no effect without cluster-listen");
  }
  for (const muster::Endpoint& endpoint : settings.cluster.listen) {
    if (endpoint.family() == muster::AddressFamily::kIpv4 && !endpoint.address().is_unspecified())
      continue;
    return Contradiction(assignments, {"cluster-listen"},
                         "cluster-listen must be the IPv4 address of an interface");
  }
  for (std::string_view name : {"udp", "http", "http-proxied", "udp-proxied"}) {
    auto endpoints = std::get<std::vector<muster::Endpoint>>(FindSetting(name)->get(settings));
    std::sort(endpoints.begin(), endpoints.end());
    const auto twice =
        std::adjacent_find(endpoints.begin(), endpoints.end(),
                           [](const auto& a, const auto& b) { return a == b && a.port() != 0; });
    if (twice != endpoints.end()) {
      return Contradiction(assignments, {name},
                           Concat({name, " address ", twice->ToString(), " is given twice"}));
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<muster::Cidr> ThisMachine() {
  return {*muster::Cidr::Parse("127.0.0.0/8"), *muster::Cidr::Parse("::1")};
}

bool UsesDefaultListeners(const Settings& settings) {
  return settings.udp_listeners.empty() && settings.http_listeners.empty() &&
         settings.proxied_listeners.empty() && settings.proxied_udp_listeners.empty();
}

muster::ServerOptions ServerOptionsOf(const Settings& settings, bool system_has_ipv6) {
  std::vector<muster::Endpoint> udp = settings.udp_listeners;
  std::vector<muster::Endpoint> http = settings.http_listeners;
  if (UsesDefaultListeners(settings)) {
    const std::uint8_t any_ipv6[16] = {};
    udp = {{muster::IpAddress(), kDefaultPort}};
    if (system_has_ipv6) udp.emplace_back(muster::IpAddress::FromIpv6(any_ipv6), kDefaultPort);
    http = udp;
  }
  muster::ServerOptions options;
  for (const auto& endpoint : udp) options.listeners.push_back({muster::Protocol::kUdp, endpoint});
  for (const auto& endpoint : settings.proxied_udp_listeners)
    options.listeners.push_back({muster::Protocol::kUdp, endpoint, /*proxied=*/true});
  for (const auto& endpoint : http)
    options.listeners.push_back({muster::Protocol::kHttp, endpoint});
  for (const auto& endpoint : settings.proxied_listeners)
    options.listeners.push_back({muster::Protocol::kHttp, endpoint, /*proxied=*/true});
  options.udp = settings.udp;
  options.udp.scrape = settings.http.scrape != muster::ScrapeMode::kNone;
  options.http = settings.http;
  options.http.statistics_path = WithSlash(settings.http.statistics_path);
  options.http.metrics_path = WithSlash(settings.http.metrics_path);
  options.http.full_scrape_for = FilterFor(settings.full_scrape_for);
  options.http.statistics_for = FilterFor(settings.statistics_for);
  options.drain_timeout = settings.drain_timeout;
  return options;
}

muster::StateKeeperOptions StateOptionsOf(const Settings& settings) {
  const StateSettings& state = settings.state;
  muster::StateKeeperOptions options;
  if (state.format == DfileFormat::kBttrack) options.format = muster::StateFormat::kBttrack;
  options.save_interval = state.save_interval;
  options.journal = state.journal;
  options.sync = state.sync_interval > milliseconds(0);
  if (options.sync) options.sync_interval = state.sync_interval;
  options.peer_ids = settings.store.keep_peer_ids;
  options.compression = state.compression;
  return options;
}

absl::StatusOr<Settings> Resolve(absl::Span<const Assignment> assignments) {
  Settings settings;
  for (const Assignment& assignment : assignments) {
    assignment.setting->set(settings, assignment.value);
  }
  const auto given = [&](std::string_view name) {
    return std::any_of(assignments.begin(), assignments.end(),
                       [&](const Assignment& a) { return a.setting->name == name; });
  };
  TrackerOptions& t = settings.tracker;
  if (!given("interval-spread")) t.interval_spread = t.interval / 10;
  if (!given("min-interval")) {
    t.min_interval = std::clamp(t.interval - t.interval_spread, muster::Seconds(0), t.interval / 2);
  }
  if (!given("peer-timeout")) {
    // Rounded up, and beyond the longest interval even where the spread is a large part of it.
    t.peer_timeout =
        std::max((t.interval * 3 + muster::Seconds(1)) / 2, t.interval + 2 * t.interval_spread);
  }
  if (!given("default-numwant")) t.default_numwant = std::min(t.default_numwant, t.max_numwant);
  if (!given("peer-ids")) {
    settings.store.keep_peer_ids =
        !settings.state.dfile.empty() && settings.state.format == DfileFormat::kBttrack;
  }
  settings.store.peer_timeout = t.peer_timeout;
  if (absl::Status status = CheckTogether(settings, assignments); !status.ok()) return status;
  return settings;
}

}  // namespace musterd
