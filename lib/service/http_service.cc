// SPDX-License-Identifier: Apache-2.0
#include "service/http_service.h"

#include <string>
#include <utility>

#include "absl/types/span.h"
#include "http/query.h"
#include "http/response.h"
#include "muster/peer_batch.h"
#include "muster/refusal.h"
#include "service/outcome.h"
#include "web/busy_networks.h"
#include "web/info_page.h"
#include "web/metrics.h"
#include "web/opentracker_page.h"
#include "web/state_dump.h"
#include "web/top_torrents.h"
#include "web/torrent_list.h"
#include "wire/forwarded.h"
#include "wire/http_announce.h"
#include "wire/http_parameter.h"
#include "wire/http_scrape.h"

namespace muster {
namespace {

// Less than this is not worth the time of compressing it.
constexpr std::size_t kWorthCoding = 256;

constexpr std::size_t kMaxMode = 16;  // no mode or format has a longer name

// What a request for statistics says.
struct StatisticsQuery {
  DecodedText<kMaxMode> mode_text;
  DecodedText<kMaxMode> format_text;
  std::string_view mode = "peer";
  std::string_view format = {};
  // It is an announce that has lost its way.
  bool is_announce = false;

  // False when it makes no sense.
  bool Read(std::string_view query) {
    QueryReader reader(query);
    while (reader.Next()) {
      if (IsParameter(reader.name(), "info_hash")) {
        is_announce = true;
        return false;
      }
      std::optional<std::string_view> value;
      if (IsParameter(reader.name(), "mode")) {
        value = mode_text.Decode(reader.value());
        if (value) mode = *value;
      } else if (IsParameter(reader.name(), "format")) {
        value = format_text.Decode(reader.value());
        if (value) format = *value;
      } else {
        continue;
      }
      if (!value) return false;
    }
    return format.empty() || TorrentListFormatOf(format).has_value();
  }
};

bool Allows(const AddressFilter& filter, const IpAddress& address) {
  return filter && filter(address);
}

}  // namespace

HttpService::HttpService(Tracker* tracker, const HttpOptions& options, Random random,
                         WorkerCounters* counters, HttpSite* site, AnnounceDesk* desk)
    : tracker_(tracker),
      options_(options),
      routes_(options),
      counters_(*counters),
      site_(*site),
      desk_(desk != nullptr && desk->is_needed() ? desk : nullptr),
      trusted_proxies_(absl::MakeConstSpan(options.trusted_proxies)),
      random_(random),
      ipv4_(tracker->options().max_numwant * CompactSize(AddressFamily::kIpv4)),
      ipv6_(tracker->options().max_numwant * CompactSize(AddressFamily::kIpv6)),
      ipv4_ids_(tracker->options().max_numwant),
      ipv6_ids_(tracker->options().max_numwant) {
  if (desk_ == nullptr) return;
  for (std::vector<std::uint8_t>& flags : crypto_flags_)
    flags.resize(tracker->options().max_numwant);
}

absl::StatusOr<IpAddress> HttpService::ClientOf(const HttpExchange& exchange) const {
  if (trusted_proxies_.empty()) return *exchange.from;
  return ClientAddress(*exchange.request, *exchange.from, trusted_proxies_, options_.proxy_header);
}

void HttpService::Answer(absl::Span<HttpExchange> batch, Instant now, std::string& out) {
  pending_.clear();
  pending_.reserve(batch.size());  // it is pointed into
  coming_.clear();
  if (desk_ != nullptr) more_.resize(std::max(more_.size(), batch.size()));  // likewise
  for (const HttpExchange& exchange : batch) {
    const HttpRequest& request = *exchange.request;
    const HttpRoute route = routes_.Find(request.path);
    const absl::StatusOr<IpAddress> from = ClientOf(exchange);
    if (route != HttpRoute::kAnnounce) {
      pending_.push_back({route, from, absl::StatusOr<HttpAnnounce>(HttpAnnounce())});
      continue;
    }
    HttpAnnounceMore* const more = desk_ == nullptr ? nullptr : &more_[pending_.size()];
    const auto decode = [&] {
      return more == nullptr ? DecodeHttpAnnounce(request.query, *from)
                             : DecodeHttpAnnounce(request.query, *from, *more);
    };
    pending_.push_back(
        {route, from, from.ok() ? decode() : absl::StatusOr<HttpAnnounce>(from.status()), more});
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

void HttpService::AnswerOne(HttpExchange& exchange, Pending& pending, Instant now,
                            std::string& out) {
  const HttpMethod method = exchange.request->method;
  const bool allowed = method == HttpMethod::kGet || method == HttpMethod::kHead;
  body_.clear();
  if (!allowed) return Write(Plain(405), exchange, out);
  if (!pending.from.ok() && pending.route != HttpRoute::kAnnounce) {
    const bool scrape = pending.route == HttpRoute::kScrape;
    return Write(scrape ? Failure(200, pending.from.status()) : Plain(400), exchange, out);
  }
  // From here on who asks is who stands behind the proxy: a proxy on this machine must not make
  // everybody local.
  const IpAddress* const peer = exchange.from;
  if (pending.from.ok()) exchange.from = &*pending.from;
  Write(ReplyTo(exchange, pending, now), exchange, out);
  exchange.from = peer;
}

HttpService::Reply HttpService::ReplyTo(const HttpExchange& exchange, Pending& pending,
                                        Instant now) {
  switch (pending.route) {
    case HttpRoute::kAnnounce:
      if (pending.more != nullptr && pending.announce.ok()) {
        AnnounceAtDesk(*pending.announce, *pending.more, exchange, now);
      } else {
        Announce(pending.announce, exchange, now);
      }
      return {};
    case HttpRoute::kScrape:
      return Scrape(exchange, now);
    case HttpRoute::kStatistics:
      return Statistics(exchange, now);
    case HttpRoute::kMetrics:
      return Metrics(exchange, now);
    case HttpRoute::kInfoPage:
      return InfoPage(exchange, now);
    case HttpRoute::kFavicon:
      return Favicon(exchange);
    case HttpRoute::kNone:
      break;
  }
  return Plain(404);
}

// --- writing ---

void HttpService::Write(Reply reply, HttpExchange& exchange, std::string& out) {
  counters_.http.CountResponse(reply.status);
  const bool head_only = exchange.request->method == HttpMethod::kHead;
  ContentCoding coding = ContentCoding::kIdentity;
  if (reply.stream != nullptr || (reply.compressible && body_.size() >= kWorthCoding))
    coding = ChooseCoding(exchange.request->Header("Accept-Encoding"));
  if (reply.stream != nullptr) return WriteStream(reply, exchange, coding, out);
  std::string_view body = body_;
  if (coding != ContentCoding::kIdentity) {
    const std::unique_ptr<Encoder> encoder = NewEncoder(coding);
    coded_.clear();
    if (encoder != nullptr && encoder->Encode(body_, /*end=*/true, coded_) &&
        coded_.size() < body_.size()) {
      body = coded_;
    } else {
      coding = ContentCoding::kIdentity;
    }
  }
  AppendHttpResponse({.status = reply.status,
                      .content_type = reply.content_type,
                      .body = body,
                      .keep_alive = exchange.keep_alive,
                      .head_only = head_only,
                      .content_encoding = CodingName(coding),
                      .location = reply.location},
                     out);
}

void HttpService::WriteStream(Reply& reply, HttpExchange& exchange, ContentCoding coding,
                              std::string& out) {
  const bool chunked = exchange.request->minor_version >= 1;
  if (!chunked) exchange.keep_alive = false;
  if (std::unique_ptr<Encoder> encoder = NewEncoder(coding); encoder != nullptr) {
    reply.stream = std::make_unique<CodedBody>(std::move(reply.stream), std::move(encoder));
  } else {
    coding = ContentCoding::kIdentity;
  }
  if (chunked) reply.stream = std::make_unique<ChunkedBody>(std::move(reply.stream));
  const bool head_only = exchange.request->method == HttpMethod::kHead;
  AppendHttpResponse({.status = reply.status,
                      .content_type = reply.content_type,
                      .keep_alive = exchange.keep_alive,
                      .head_only = head_only,
                      .content_encoding = CodingName(coding),
                      .framing = chunked ? HttpFraming::kChunked : HttpFraming::kClose},
                     out);
  if (!head_only) exchange.body = std::move(reply.stream);
}

void HttpService::AnswerError(int status, std::string& out) {
  body_.clear();
  Plain(status);
  counters_.http.CountResponse(status);
  AppendHttpResponse({.status = status, .body = body_}, out);
}

HttpService::Reply HttpService::Plain(int status) {
  body_ += HttpReason(status);
  body_ += '\n';
  return {.status = status};
}

HttpService::Reply HttpService::Failure(int http_status, const absl::Status& status) {
  EncodeHttpFailure(status, body_);
  return {.status = http_status};
}

// --- announces and scrapes ---

// Every HTTP client is given peers of both families.
void HttpService::Announce(absl::StatusOr<HttpAnnounce>& announce, const HttpExchange& exchange,
                           Instant now) {
  if (!announce.ok()) {
    Count(exchange, RequestKind::kAnnounce, Outcome::kInvalid);
    return EncodeHttpFailure(announce.status(), body_);
  }
  announce->request.url = exchange.request->url;
  PeerBatch peers(absl::MakeSpan(ipv4_), absl::MakeSpan(ipv6_));
  if (!announce->compact && !announce->no_peer_id) {
    peers.WantPeerIds(ipv4_ids_.data(), ipv6_ids_.data());
  }
  const absl::StatusOr<AnnounceAnswer> answer =
      tracker_->Announce(announce->request, now, random_, peers);
  Count(exchange, RequestKind::kAnnounce, OutcomeOf(answer.status()));
  if (!answer.ok()) return EncodeHttpFailure(answer.status(), body_);
  counters_.requests.CountAnnounce(answer->minutes_since_seen, announce->request.numwant);
  EncodeHttpAnnounce(*answer, peers, *announce, body_);
}

void HttpService::AnnounceAtDesk(HttpAnnounce& announce, const HttpAnnounceMore& more,
                                 const HttpExchange& exchange, Instant now) {
  AnnounceRequest& request = announce.request;
  request.url = exchange.request->url;
  AnnounceDetails details;
  for (const std::size_t f : {0, 1}) details.crypto_flags[f] = crypto_flags_[f].data();
  PeerBatch peers(absl::MakeSpan(ipv4_), absl::MakeSpan(ipv6_));
  if (!announce.compact && !announce.no_peer_id)
    peers.WantPeerIds(ipv4_ids_.data(), ipv6_ids_.data());
  const absl::Status admitted = desk_->Admit(more, *exchange.from, request, details);
  absl::StatusOr<AnnounceAnswer> answer =
      admitted.ok() ? tracker_->Announce(request, now, random_, peers) : admitted;
  Count(exchange, RequestKind::kAnnounce, OutcomeOf(answer.status()));
  if (!answer.ok()) return EncodeHttpFailure(answer.status(), body_);
  desk_->Accepted(more, request, *answer);
  if (!request.visitor) {
    desk_->Copy(exchange.request->query, *exchange.from);
    counters_.requests.CountAnnounce(answer->minutes_since_seen, request.numwant);
  }
  if (desk_->answers_as_aggregator() && !request.visitor) {
    body_ += "d8:response2:OKe";
    return;
  }
  request.peer = Endpoint(*exchange.from, request.peer.port());  // who asks is told his own address
  const bool tells_crypto = tracker_->keeps_details() && announce.compact && more.supports_crypto;
  EncodeHttpAnnounce(
      *answer, peers, announce, body_,
      {.crypto_flags =
           tells_crypto
               ? absl::MakeConstSpan(crypto_flags_[0]).first(peers.size(AddressFamily::kIpv4))
               : absl::Span<const std::uint8_t>(),
       .seeded = more.check_seeded && desk_->IsSeeded(request.info_hash)});
}

HttpService::Reply HttpService::Scrape(const HttpExchange& exchange, Instant now) {
  if (options_.scrape == ScrapeMode::kNone) {
    Count(exchange, RequestKind::kScrape, Outcome::kRefused);
    return Failure(200, Refuse("scrape is not available here"));
  }
  absl::Status status =
      DecodeHttpScrape(exchange.request->query, options_.max_scrape_torrents, scrape_hashes_);
  if (status.ok()) {
    if (scrape_hashes_.empty()) return FullScrape(exchange, now);
    scrape_rows_.resize(scrape_hashes_.size());
    status = tracker_->Scrape(scrape_hashes_, *exchange.from, now, absl::MakeSpan(scrape_rows_));
  }
  Count(exchange, RequestKind::kScrape, OutcomeOf(status));
  if (!status.ok()) return Failure(200, status);
  EncodeHttpScrape(scrape_hashes_, scrape_rows_, tracker_->options().min_interval, body_);
  return {};
}

HttpService::Reply HttpService::FullScrape(const HttpExchange& exchange, Instant now) {
  const bool allowed =
      options_.scrape == ScrapeMode::kFull && Allows(options_.full_scrape_for, *exchange.from);
  if (!allowed) {
    Count(exchange, RequestKind::kFullScrape, Outcome::kRefused);
    return Failure(200, Refuse("full scrape is not available here"));
  }
  const StreamGate::Verdict verdict = site_.gate().Enter(*exchange.from, /*limited=*/true, now);
  if (verdict != StreamGate::Verdict::kGo) {
    Count(exchange, RequestKind::kFullScrape, Outcome::kRefused);
    return NoPlace(verdict);
  }
  Count(exchange, RequestKind::kFullScrape, Outcome::kAnswered);
  return {.content_type = "application/octet-stream",
          .stream = site_.gate().Hold(NewTorrentList(tracker_->store(), TorrentListFormat::kBencode,
                                                     &counters_.http.full_scrape_bytes))};
}

HttpService::Reply HttpService::NoPlace(StreamGate::Verdict verdict) {
  if (verdict == StreamGate::Verdict::kTooSoon)
    return Failure(429, Refuse("full scrapes are not given to one address so often"));
  return Failure(503, Refuse("too many of these are under way, please come later"));
}

// --- statistics ---

HttpService::Reply HttpService::Statistics(const HttpExchange& exchange, Instant now) {
  StatisticsQuery query;
  const bool good = query.Read(exchange.request->query);
  if (query.is_announce) {
    Count(exchange, RequestKind::kStatistics, Outcome::kInvalid);
    return Plain(400);
  }
  if (!Allows(options_.statistics_for, *exchange.from)) {
    Count(exchange, RequestKind::kStatistics, Outcome::kRefused);
    return Plain(403);
  }
  if (good) {
    const Snapshot snapshot = site_.Take(now);
    const bool json = query.mode == "json";
    if (json) AppendJson(snapshot, body_);
    if (json || AppendOpentrackerPage(query.mode, snapshot, body_)) {
      Count(exchange, RequestKind::kStatistics, Outcome::kAnswered);
      return {.content_type = json ? "application/json" : "text/plain", .compressible = true};
    }
    return StatisticsStream(query.mode, query.format, exchange, now);
  }
  Count(exchange, RequestKind::kStatistics, Outcome::kInvalid);
  return Plain(400);
}

// The modes that take a walk over all torrents.
HttpService::Reply HttpService::StatisticsStream(std::string_view mode, std::string_view format,
                                                 const HttpExchange& exchange, Instant now) {
  const bool dump = mode == "tpbs" || mode == "statedump";
  if (!dump && mode != "top10" && mode != "top100" && mode != "s24s") {
    // The original knows these names, too, and has nothing to say.
    const bool known = mode == "busy" || mode == "woodpeckers" || mode == "fulllog";
    Count(exchange, RequestKind::kStatistics, Outcome::kInvalid);
    return Plain(known ? 500 : 400);
  }
  const RequestKind kind = dump ? RequestKind::kFullScrape : RequestKind::kStatistics;
  if (dump && !Allows(options_.full_scrape_for, *exchange.from)) {
    Count(exchange, kind, Outcome::kRefused);
    return Plain(403);
  }
  const StreamGate::Verdict verdict = site_.gate().Enter(*exchange.from, /*limited=*/dump, now);
  if (verdict != StreamGate::Verdict::kGo) {
    Count(exchange, kind, Outcome::kRefused);
    return NoPlace(verdict);
  }
  Count(exchange, kind, Outcome::kAnswered);
  return {.stream = site_.gate().Hold(StatisticsBody(mode, format, now))};
}

std::unique_ptr<HttpBody> HttpService::StatisticsBody(std::string_view mode,
                                                      std::string_view format, Instant now) {
  const SwarmStore& store = tracker_->store();
  if (mode == "s24s") return NewBusyNetworks(store);
  if (mode == "statedump") return NewStateDump(store, now, &counters_.http.full_scrape_bytes);
  if (mode == "top10" || mode == "top100") return NewTopTorrents(store, mode == "top10" ? 10 : 100);
  const TorrentListFormat list =
      format.empty() ? TorrentListFormat::kBencode : *TorrentListFormatOf(format);
  return NewTorrentList(store, list, &counters_.http.full_scrape_bytes);
}

HttpService::Reply HttpService::Metrics(const HttpExchange& exchange, Instant now) {
  const bool allowed = Allows(options_.statistics_for, *exchange.from);
  Count(exchange, RequestKind::kStatistics, allowed ? Outcome::kAnswered : Outcome::kRefused);
  if (!allowed) return Plain(403);
  AppendPrometheus(site_.Take(now), body_);
  return {.content_type = kPrometheusType, .compressible = true};
}

// --- for people ---

HttpService::Reply HttpService::InfoPage(const HttpExchange& exchange, Instant now) {
  if (!options_.info_page_redirect.empty()) {
    Count(exchange, RequestKind::kPage, Outcome::kAnswered);
    AppendRedirectPage(options_.info_page_redirect, body_);
    return {.status = 302, .content_type = kInfoPageType, .location = options_.info_page_redirect};
  }
  const StreamGate::Verdict verdict = site_.gate().Enter(*exchange.from, /*limited=*/false, now);
  if (verdict != StreamGate::Verdict::kGo) {
    Count(exchange, RequestKind::kPage, Outcome::kRefused);
    return Plain(503);
  }
  Count(exchange, RequestKind::kPage, Outcome::kAnswered);
  return {.content_type = kInfoPageType,
          .stream = site_.gate().Hold(
              NewInfoPage(tracker_->store(), site_.Take(now), options_.info_page_torrents))};
}

HttpService::Reply HttpService::Favicon(const HttpExchange& exchange) {
  Count(exchange, RequestKind::kPage, Outcome::kAnswered);
  body_ = options_.favicon;
  return {.content_type = "image/x-icon"};
}

}  // namespace muster
