// SPDX-License-Identifier: Apache-2.0
#include "server/server_options.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "http/coding.h"

namespace muster {
namespace {

constexpr std::int64_t kNoLimit = OptionRange::kNoLimit;
constexpr std::size_t kMaxPath = 200;
constexpr std::size_t kMaxRedirect = 2000;

// It becomes a header line.
absl::Status CheckRedirect(std::string_view url) {
  const bool plain = std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c < 127; });
  if (plain && url.size() <= kMaxRedirect) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "http.info_page_redirect: is a URL of visible ASCII characters, 2000 at most");
}

absl::Status CheckOutbound(const ServerOptions& options) {
  const auto& multitracker = options.outbound.multitracker;
  if (multitracker && multitracker->interval < Seconds(1))
    return absl::InvalidArgumentError("outbound.multitracker: an interval is a second at least");
  if (options.announce.tracker_interval < Seconds(1))
    return absl::InvalidArgumentError("announce.tracker_interval: is a second at least");
  const auto& forward = options.outbound.aggregate_forward;
  if (forward && (forward->aggregator.scheme != TrackerUrl::Scheme::kHttp ||
                  forward->aggregator.server.host.empty())) {
    return absl::InvalidArgumentError("outbound.aggregate_forward: the aggregator is one of http");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckRanges(absl::Span<const OptionRange> ranges) {
  for (const OptionRange& range : ranges) {
    if (range.value >= range.least && range.value <= range.most) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(range.name, ": ", range.value, " is not ",
                     range.most == kNoLimit ? absl::StrCat("at least ", range.least)
                                            : absl::StrCat(range.least, " to ", range.most)));
  }
  return absl::OkStatus();
}

absl::Status CheckServerOptions(const ServerOptions& options) {
  if (options.listeners.empty()) return absl::InvalidArgumentError("listeners: there is none");
  for (const Listener& listener : options.listeners) {
    if (!listener.proxied) continue;
    if (options.http.trusted_proxies.empty())
      return absl::InvalidArgumentError("listeners: one for proxies, but no proxy is trusted");
  }
  const UdpOptions& udp = options.udp;
  const HttpOptions& http = options.http;
  const OptionRange ranges[] = {
      {"udp.connection_id_lifetime", udp.connection_id_lifetime.count(), 60, 24 * 60 * 60},
      {"udp.default_numwant", udp.default_numwant, 0, 1000},
      {"udp.max_scrape_torrents", static_cast<std::int64_t>(udp.max_scrape_torrents), 1, 101},
      {"udp.socket_buffer", udp.socket_buffer, 0, std::numeric_limits<int>::max()},
      {"http.max_connections", static_cast<std::int64_t>(http.max_connections), 1, kNoLimit},
      {"http.max_request_bytes", static_cast<std::int64_t>(http.max_request_bytes), 256, 65536},
      {"http.request_timeout", http.request_timeout.count(), 1, kNoLimit},
      {"http.idle_timeout", http.idle_timeout.count(), 1, kNoLimit},
      {"http.write_timeout", http.write_timeout.count(), 1, kNoLimit},
      {"http.max_requests_per_connection",
       static_cast<std::int64_t>(http.max_requests_per_connection), 1, kNoLimit},
      {"http.max_scrape_torrents", static_cast<std::int64_t>(http.max_scrape_torrents), 1,
       kNoLimit},
      {"http.full_scrape_interval", http.full_scrape_interval.count(), 0, kNoLimit},
      {"http.max_streams", static_cast<std::int64_t>(http.max_streams), 1, kNoLimit},
      {"http.stream_timeout", http.stream_timeout.count(), 1, kNoLimit},
      {"drain_timeout", options.drain_timeout.count(), 0, kNoLimit},
  };
  if (absl::Status status = CheckRanges(ranges); !status.ok()) return status;
  if (absl::Status status = CheckOutbound(options); !status.ok()) return status;
  const std::pair<const char*, std::string_view> paths[] = {
      {"http.statistics_path", http.statistics_path}, {"http.metrics_path", http.metrics_path}};
  for (const auto& [name, path] : paths) {
    if (path.empty() || (path[0] == '/' && path.size() <= kMaxPath)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": begins with '/' and has at most ", kMaxPath, " bytes, or is empty"));
  }
  if (http.full_scrape_compression == FullScrapeCompression::kZstd && !HasZstd())
    return absl::InvalidArgumentError(
        "http.full_scrape_compression: muster was built without zstd");
  return CheckRedirect(http.info_page_redirect);
}

}  // namespace muster
