// SPDX-License-Identifier: Apache-2.0
//
// What settings mean together, and for the library.
#include "musterd/settings.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

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

// What comes through a pipe would be put on a list or taken off it as it happens.
absl::Status CheckPipes(const Settings& settings, absl::Span<const Assignment> assignments) {
  constexpr std::array<std::string_view, 4> kPipes = {
      "whitelist-add-fifo", "whitelist-delete-fifo", "blacklist-add-fifo", "blacklist-delete-fifo"};
  std::map<std::string, std::string_view> names;
  for (std::string_view name : kPipes) {
    const auto path = std::get<std::string>(FindSetting(name)->get(settings));
    if (path.empty()) continue;
    const auto [other, is_new] =
        names.emplace(std::filesystem::path(path).lexically_normal().string(), name);
    if (is_new) continue;
    return Contradiction(assignments, {other->second, name},
                         Concat({other->second, " and ", name, " are the same pipe"}));
  }
  return absl::OkStatus();
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
  if (absl::Status status = CheckPipes(settings, assignments); !status.ok()) return status;
  const std::string& url = settings.http.info_page_redirect;
  if (!std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c < 127; })) {
    return Contradiction(assignments, {"redirect-url"},
                         "redirect-url must be a URL of visible ASCII characters");
  }
  if (const std::string& forward = settings.trackers.aggregate_forward; !forward.empty()) {
    const auto parsed = muster::AggregateForwardOptions::Parse(forward);
    if (!parsed.ok()) {
      return Contradiction(assignments, {"aggregate-forward"}, MessageOf(parsed.status()));
    }
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

void SetAnnounces(const Settings& settings, muster::AnnounceOptions& announce) {
  const OtherTrackerSettings& trackers = settings.trackers;
  if (!settings.peers.given_ip_from.empty())
    announce.given_ip_from = FilterFor(settings.peers.given_ip_from);
  if (settings.peers.nat_check.allow_private) announce.reachable = nullptr;
  announce.tracker_queries = trackers.allowed;
  announce.tracker_interval = trackers.options.interval;
  announce.aggregator = trackers.aggregator;
  announce.aggregator_password = trackers.aggregator_password;
  announce.dedicated_seed_id = settings.peers.dedicated_seed_id;
}

void SetOutbound(const Settings& settings, muster::OutboundOptions& outbound) {
  const OtherTrackerSettings& trackers = settings.trackers;
  if (settings.peers.nat_tries > 0 && !trackers.aggregator)
    outbound.nat_check = settings.peers.nat_check;
  if (trackers.multitracker) outbound.multitracker = trackers.options;
  if (trackers.aggregate_forward.empty()) return;
  outbound.aggregate_forward =
      *muster::AggregateForwardOptions::Parse(trackers.aggregate_forward);  // was checked
  outbound.aggregate_forward->timeout = trackers.options.timeout;
}

}  // namespace

std::vector<muster::Cidr> ThisMachine() {
  return {*muster::Cidr::Parse("127.0.0.0/8"), *muster::Cidr::Parse("::1")};
}

bool UsesDefaultListeners(const Settings& settings) {
  return settings.udp_listeners.empty() && settings.http_listeners.empty() &&
         settings.proxied_listeners.empty() && settings.proxied_udp_listeners.empty();
}

bool KeepsDetails(const Settings& settings) {
  const PeerSettings& peers = settings.peers;
  return peers.details || peers.nat_tries > 0 || !peers.given_ip_from.empty() ||
         peers.completed_by_left;
}

std::unique_ptr<muster::SwarmStore> StoreOf(const Settings& settings) {
  if (!KeepsDetails(settings)) return muster::NewMemoryStore(settings.store);
  const muster::MemoryStoreOptions& store = settings.store;
  // Whoever announces to an aggregator has been checked, if at all, by the tracker that forwards it.
  const std::uint32_t tries = settings.trackers.aggregator ? 0 : settings.peers.nat_tries;
  return muster::NewDetailedStore({.peer_timeout = store.peer_timeout,
                                   .keep_completed = store.keep_completed,
                                   .keep_empty = store.keep_empty,
                                   .max_torrents = store.max_torrents,
                                   .max_peers = store.max_peers,
                                   .nat_tries = static_cast<int>(tries),
                                   .completed_by_left = settings.peers.completed_by_left});
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
  SetAnnounces(settings, options.announce);
  SetOutbound(settings, options.outbound);
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
  options.peer_ids = settings.store.keep_peer_ids || KeepsDetails(settings);
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
  if (settings.trackers.multitracker) {
    // As many as ten answers bring.
    constexpr std::uint32_t kMost = 10'000;
    t.max_foreign_peers = std::clamp(settings.trackers.options.max_peers * 10, 1u, kMost);
  }
  if (absl::Status status = CheckTogether(settings, assignments); !status.ok()) return status;
  return settings;
}

}  // namespace musterd
