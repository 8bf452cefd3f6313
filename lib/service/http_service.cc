// SPDX-License-Identifier: Apache-2.0
#include "service/http_service.h"

#include <string>

#include "absl/types/span.h"
#include "http/response.h"
#include "muster/peer_batch.h"
#include "wire/http_announce.h"
#include "wire/http_parameter.h"
#include "wire/http_scrape.h"

namespace muster {
namespace {

enum class Route : std::uint8_t { kNone, kAnnounce, kScrape };

struct RouteEntry {
  std::string_view path;
  Route route;
};
constexpr RouteEntry kRoutes[] = {
    {"/announce", Route::kAnnounce},
    {"/scrape", Route::kScrape},
};
constexpr std::size_t kMaxPath = 32;  // longer than any route

Route RouteOf(std::string_view path) {
  while (path.substr(0, 2) == "//")
    path.remove_prefix(1);  // "http://host//announce" is a usual mistake
  DecodedText<kMaxPath> decoded;
  const std::optional<std::string_view> text = decoded.Decode(path);
  for (const RouteEntry& entry : kRoutes) {
    if (text == entry.path) return entry.route;
  }
  return Route::kNone;
}

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
      random_(random),
      ipv4_(tracker->options().max_numwant * CompactSize(AddressFamily::kIpv4)),
      ipv6_(tracker->options().max_numwant * CompactSize(AddressFamily::kIpv6)),
      ipv4_ids_(tracker->options().max_numwant),
      ipv6_ids_(tracker->options().max_numwant) {}

void HttpService::Answer(const HttpRequest& request, const IpAddress& from, Instant now,
                         bool keep_alive, std::string& out) {
  const bool head_only = request.method == HttpMethod::kHead;
  if (request.method != HttpMethod::kGet && !head_only) {
    return AppendPlain(405, keep_alive, head_only, out);
  }
  body_.clear();
  switch (RouteOf(request.path)) {
    case Route::kAnnounce:
      Announce(request, from, now);
      break;
    case Route::kScrape:
      Scrape(request, from, now);
      break;
    case Route::kNone:
      return AppendPlain(404, keep_alive, head_only, out);
  }
  AppendHttpResponse({.status = 200,
                      .content_type = "text/plain",
                      .body = body_,
                      .keep_alive = keep_alive,
                      .head_only = head_only},
                     out);
}

void HttpService::AnswerError(int status, std::string& out) {
  AppendPlain(status, /*keep_alive=*/false, /*head_only=*/false, out);
}

// Every HTTP client is given peers of both families.
void HttpService::Announce(const HttpRequest& request, const IpAddress& from, Instant now) {
  absl::StatusOr<HttpAnnounce> announce = DecodeHttpAnnounce(request.query, from);
  if (!announce.ok()) return EncodeHttpFailure(announce.status(), body_);
  announce->request.url = request.url;
  PeerBatch peers(absl::MakeSpan(ipv4_), absl::MakeSpan(ipv6_));
  if (!announce->compact && !announce->no_peer_id) {
    peers.WantPeerIds(ipv4_ids_.data(), ipv6_ids_.data());
  }
  const absl::StatusOr<AnnounceAnswer> answer =
      tracker_->Announce(announce->request, now, random_, peers);
  if (!answer.ok()) return EncodeHttpFailure(answer.status(), body_);
  EncodeHttpAnnounce(*answer, peers, *announce, body_);
}

void HttpService::Scrape(const HttpRequest& request, const IpAddress& from, Instant now) {
  absl::Status status = DecodeHttpScrape(request.query, max_scrape_torrents_, scrape_hashes_);
  if (status.ok()) {
    scrape_rows_.resize(scrape_hashes_.size());
    status = tracker_->Scrape(scrape_hashes_, from, now, absl::MakeSpan(scrape_rows_));
  }
  if (!status.ok()) return EncodeHttpFailure(status, body_);
  EncodeHttpScrape(scrape_hashes_, scrape_rows_, tracker_->options().min_interval, body_);
}

}  // namespace muster
