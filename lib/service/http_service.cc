// SPDX-License-Identifier: Apache-2.0
#include "service/http_service.h"

#include <string>

#include "absl/types/span.h"
#include "http/response.h"
#include "muster/peer_batch.h"
#include "wire/forwarded.h"
#include "wire/http_announce.h"
#include "wire/http_parameter.h"
#include "wire/http_scrape.h"

namespace muster {
namespace {

constexpr std::size_t kMaxPath = 32;  // longer than any route

void AppendPlain(int status, bool keep_alive, bool head_only, std::string& out) {
  std::string body(HttpReason(status));
  body += '\n';
  AppendHttpResponse({.status = status,
                      .content_type = "text/plain",
                      .body = body,
                      .keep_alive = keep_alive,
                      .head_only = head_only},
                     out);
}

}  // namespace

HttpService::HttpService(Tracker* tracker, const HttpOptions& options, Random random)
    : tracker_(tracker),
      max_scrape_torrents_(options.max_scrape_torrents),
      trusted_proxies_(absl::MakeConstSpan(options.trusted_proxies)),
      proxy_header_(options.proxy_header),
      random_(random),
      ipv4_(tracker->options().max_numwant * CompactSize(AddressFamily::kIpv4)),
      ipv6_(tracker->options().max_numwant * CompactSize(AddressFamily::kIpv6)),
      ipv4_ids_(tracker->options().max_numwant),
      ipv6_ids_(tracker->options().max_numwant) {}

HttpService::Route HttpService::RouteOf(const HttpRequest& request) {
  struct Entry {
    std::string_view path;
    Route route;
  };
  static constexpr Entry kRoutes[] = {
      {"/announce", Route::kAnnounce},
      {"/scrape", Route::kScrape},
  };
  if (request.method != HttpMethod::kGet && request.method != HttpMethod::kHead)
    return Route::kWrongMethod;
  std::string_view path = request.path;
  while (path.substr(0, 2) == "//")
    path.remove_prefix(1);  // "http://host//announce" is a usual mistake
  DecodedText<kMaxPath> decoded;
  const std::optional<std::string_view> text = decoded.Decode(path);
  for (const Entry& entry : kRoutes) {
    if (text == entry.path) return entry.route;
  }
  return Route::kNone;
}

absl::StatusOr<IpAddress> HttpService::ClientOf(const HttpExchange& exchange) const {
  if (trusted_proxies_.empty()) return *exchange.from;
  return ClientAddress(*exchange.request, *exchange.from, trusted_proxies_, proxy_header_);
}

void HttpService::Answer(absl::Span<HttpExchange> batch, Instant now, std::string& out) {
  pending_.clear();
  pending_.reserve(batch.size());  // it is pointed into
  coming_.clear();
  for (const HttpExchange& exchange : batch) {
    const HttpRequest& request = *exchange.request;
    const Route route = RouteOf(request);
    const absl::StatusOr<IpAddress> from = ClientOf(exchange);
    if (route != Route::kAnnounce) {
      pending_.push_back({route, from, absl::StatusOr<HttpAnnounce>(HttpAnnounce())});
      continue;
    }
    pending_.push_back({route, from,
                        from.ok() ? DecodeHttpAnnounce(request.query, *from)
                                  : absl::StatusOr<HttpAnnounce>(from.status())});
    if (pending_.back().announce.ok()) {
      const AnnounceRequest& announce = pending_.back().announce->request;
      coming_.push_back({announce.info_hash.data(), &announce.peer});
    }
  }
  tracker_->Prefetch(coming_);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    AnswerOne(batch[i], pending_[i], now, out);
    batch[i].end = out.size();
  }
}

void HttpService::AnswerOne(const HttpExchange& exchange, Pending& pending, Instant now,
                            std::string& out) {
  const HttpRequest& request = *exchange.request;
  const bool head_only = request.method == HttpMethod::kHead;
  body_.clear();
  switch (pending.route) {
    case Route::kAnnounce:
      Announce(pending.announce, request.url, now);
      break;
    case Route::kScrape:
      Scrape(request, pending.from, now);
      break;
    case Route::kNone:
      return AppendPlain(404, exchange.keep_alive, head_only, out);
    case Route::kWrongMethod:
      return AppendPlain(405, exchange.keep_alive, head_only, out);
  }
  AppendHttpResponse({.status = 200,
                      .content_type = "text/plain",
                      .body = body_,
                      .keep_alive = exchange.keep_alive,
                      .head_only = head_only},
                     out);
}

void HttpService::AnswerError(int status, std::string& out) {
  AppendPlain(status, /*keep_alive=*/false, /*head_only=*/false, out);
}

// Every HTTP client is given peers of both families.
void HttpService::Announce(absl::StatusOr<HttpAnnounce>& announce, std::string_view url,
                           Instant now) {
  if (!announce.ok()) return EncodeHttpFailure(announce.status(), body_);
  announce->request.url = url;
  PeerBatch peers(absl::MakeSpan(ipv4_), absl::MakeSpan(ipv6_));
  if (!announce->compact && !announce->no_peer_id) {
    peers.WantPeerIds(ipv4_ids_.data(), ipv6_ids_.data());
  }
  const absl::StatusOr<AnnounceAnswer> answer =
      tracker_->Announce(announce->request, now, random_, peers);
  if (!answer.ok()) return EncodeHttpFailure(answer.status(), body_);
  EncodeHttpAnnounce(*answer, peers, *announce, body_);
}

void HttpService::Scrape(const HttpRequest& request, const absl::StatusOr<IpAddress>& from,
                         Instant now) {
  if (!from.ok()) return EncodeHttpFailure(from.status(), body_);
  absl::Status status = DecodeHttpScrape(request.query, max_scrape_torrents_, scrape_hashes_);
  if (status.ok()) {
    scrape_rows_.resize(scrape_hashes_.size());
    status = tracker_->Scrape(scrape_hashes_, *from, now, absl::MakeSpan(scrape_rows_));
  }
  if (!status.ok()) return EncodeHttpFailure(status, body_);
  EncodeHttpScrape(scrape_hashes_, scrape_rows_, tracker_->options().min_interval, body_);
}

}  // namespace muster
