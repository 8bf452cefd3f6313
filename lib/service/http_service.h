// SPDX-License-Identifier: Apache-2.0
//
// HttpService: an HTTP request in, the bytes of its response out, with the tracker in between and
// no socket in sight.
//
// What the tracker refuses, and announces and scrapes that make no sense, are answered 200 with a
// `failure reason`, which clients show. Requests for anything but announce and scrape get a 4xx.
#ifndef MUSTER_LIB_SERVICE_HTTP_SERVICE_H_
#define MUSTER_LIB_SERVICE_HTTP_SERVICE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "http/exchange.h"
#include "muster/endpoint.h"
#include "muster/ids.h"
#include "muster/instant.h"
#include "muster/ip_set.h"
#include "muster/random.h"
#include "muster/server.h"
#include "muster/tracker.h"
#include "wire/http_announce.h"

namespace muster {

// Thread-compatible: one for each worker. The tracker is not owned.
class HttpService {
 public:
  HttpService(Tracker* tracker, const HttpOptions& options, Random random);

  // Appends the whole response to each request of a batch, in order. Working on a batch lets the
  // memory of the swarms be fetched while others are answered.
  void Answer(absl::Span<HttpExchange> batch, Instant now, std::string& out);

  // Appends the response to something that is no request: a parser's error, a timeout, too many
  // connections. It says that the connection is closed.
  static void AnswerError(int status, std::string& out);

 private:
  enum class Route : std::uint8_t { kNone, kWrongMethod, kAnnounce, kScrape };
  struct Pending {
    Route route;
    // Who asks, where a trusted proxy may stand between.
    absl::StatusOr<IpAddress> from;
    absl::StatusOr<HttpAnnounce> announce;
  };

  static Route RouteOf(const HttpRequest& request);
  absl::StatusOr<IpAddress> ClientOf(const HttpExchange& exchange) const;
  void AnswerOne(const HttpExchange& exchange, Pending& pending, Instant now, std::string& out);
  void Announce(absl::StatusOr<HttpAnnounce>& announce, std::string_view url, Instant now);
  void Scrape(const HttpRequest& request, const absl::StatusOr<IpAddress>& from, Instant now);

  Tracker* const tracker_;
  const std::size_t max_scrape_torrents_;
  const IpSet trusted_proxies_;
  const ProxyHeader proxy_header_;
  Random random_;
  // Scratch that outlives a request, so that answering one does not allocate.
  std::vector<Pending> pending_;
  std::vector<SwarmHint> coming_;
  std::string body_;
  std::vector<std::uint8_t> ipv4_;
  std::vector<std::uint8_t> ipv6_;
  std::vector<PeerId> ipv4_ids_;
  std::vector<PeerId> ipv6_ids_;
  std::vector<InfoHash> scrape_hashes_;
  std::vector<std::optional<SwarmCounts>> scrape_rows_;
};

}  // namespace muster

#endif  // MUSTER_LIB_SERVICE_HTTP_SERVICE_H_
