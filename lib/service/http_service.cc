// SPDX-License-Identifier: Apache-2.0
#include "service/http_service.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/types/span.h"
#include "http/response.h"
#include "muster/peer_batch.h"
#include "muster/refusal.h"
#include "service/counted_body.h"
#include "service/logged_body.h"
#include "service/outcome.h"
#include "web/named_scrape.h"
#include "web/served_torrents.h"
#include "web/torrent_list.h"
#include "wire/bttrack_announce.h"
#include "wire/forwarded.h"
#include "wire/http_announce.h"
#include "wire/http_scrape.h"

namespace muster {
namespace {

// Less than this is not worth the time of compressing it.
constexpr std::size_t kWorthCoding = 256;

constexpr std::string_view kBttrackNoScrape =
    "specific scrape function is not available with this tracker.";
constexpr std::string_view kBttrackNoFullScrape =
    "full scrape function is not available with this tracker.";

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
  if (exchange.on_behalf_of == OnBehalfOf::kNobodyKnown) return ClientIsNotNamed();
  if (trusted_proxies_.empty() || exchange.on_behalf_of == OnBehalfOf::kProxyItself)
    return *exchange.from;
  return ClientAddress(*exchange.request, *exchange.from, trusted_proxies_, options_.proxy_header);
}

void HttpService::Answer(absl::Span<HttpExchange> batch, Instant now, std::string& out) {
  pending_.clear();
  pending_.reserve(batch.size());  // it is pointed into
  coming_.clear();
  const PeerIdIs peer_id = options_.loose_requests ? PeerIdIs::kOptional : PeerIdIs::kRequired;
  if (desk_ != nullptr) more_.resize(std::max(more_.size(), batch.size()));  // likewise
  for (const HttpExchange& exchange : batch) {
    const HttpRequest& request = *exchange.request;
    const HttpRoute route = routes_.Find(request.path);
    if (route != HttpRoute::kAnnounce) {
      pending_.emplace_back(route, ClientOf(exchange), nullptr,
                            [](const auto&) { return absl::StatusOr<HttpAnnounce>(); });
      continue;
    }
    HttpAnnounceMore* const more = desk_ == nullptr ? nullptr : &more_[pending_.size()];
    const Pending& pending = pending_.emplace_back(
        route, ClientOf(exchange), more,
        [&](const absl::StatusOr<IpAddress>& from) -> absl::StatusOr<HttpAnnounce> {
          if (!from.ok()) return from.status();
          return more == nullptr ? DecodeHttpAnnounce(request.query, *from, peer_id)
                                 : DecodeHttpAnnounce(request.query, *from, *more);
        });
    if (!pending.announce.ok()) continue;
    const AnnounceRequest& announce = pending.announce->request;
    coming_.push_back({announce.info_hash.data(), &announce.peer});
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
  if (!pending.from.ok()) return Write(RefuseUnknown(exchange, pending), exchange, out);
  // From here on who asks is who stands behind the proxy: a proxy on this machine must not make
  // everybody local.
  const IpAddress* const peer = exchange.from;
  exchange.from = &*pending.from;
  Write(ReplyTo(exchange, pending, now), exchange, out);
  exchange.from = peer;
}

// Nobody knows who asks, and nobody's rights are his.
HttpService::Reply HttpService::RefuseUnknown(const HttpExchange& exchange,
                                              const Pending& pending) {
  const absl::Status& status = pending.from.status();
  switch (pending.route) {
    case HttpRoute::kAnnounce:
      Count(exchange, RequestKind::kAnnounce, Outcome::kInvalid);
      return AnswersAsBttrack() ? BttrackGarbage(status) : Failure(200, status);
    case HttpRoute::kScrape:
    case HttpRoute::kScrapeOfSome:
      Count(exchange, RequestKind::kScrape, Outcome::kInvalid);
      return Failure(200, status);
    default:
      Count(exchange, RequestKind::kPage, Outcome::kInvalid);
      return Plain(400);
  }
}

HttpService::Reply HttpService::ReplyTo(const HttpExchange& exchange, Pending& pending,
                                        Instant now) {
  if (AnswersAsBttrack() && tracker_->policy() != nullptr) {
    const absl::Status status = tracker_->policy()->AllowAddress(*exchange.from);
    if (!status.ok()) return Failure(400, status);
  }
  FullLog& log = site_.full_log();
  if (log.enabled()) {
    log.Record(*exchange.from, exchange.request->bytes, now);
    if (pending.route == HttpRoute::kAnnounce) {
      if (std::optional<Reply> reply = ChangeLoggedNetworks(exchange)) return *std::move(reply);
    }
  }
  switch (pending.route) {
    case HttpRoute::kAnnounce:
      return Announce(pending, exchange, now);
    case HttpRoute::kScrape:
    case HttpRoute::kScrapeOfSome:
      return Scrape(pending, exchange, now);
    case HttpRoute::kStatistics:
      return Statistics(exchange, now);
    case HttpRoute::kMetrics:
      return Metrics(exchange, now);
    case HttpRoute::kInfoPage:
      return InfoPage(exchange, now);
    case HttpRoute::kFavicon:
      return Favicon(exchange);
    case HttpRoute::kFile:
      return File(exchange, now);
    case HttpRoute::kNone:
      break;
  }
  if (!AnswersAsBttrack()) return Plain(404);
  body_ += kBttrackNotFound;
  return {.status = 404};
}

// --- writing ---

ContentCoding HttpService::CodingFor(const Reply& reply, const HttpExchange& exchange) const {
  if (reply.is_full_scrape) {
    switch (options_.full_scrape_compression) {
      case FullScrapeCompression::kAccepted:
        break;
      case FullScrapeCompression::kNone:
        return ContentCoding::kIdentity;
      case FullScrapeCompression::kGzip:
        return ContentCoding::kGzip;
      case FullScrapeCompression::kZstd:
        return ContentCoding::kZstd;
    }
  }
  const bool worth_it =
      reply.stream != nullptr || (reply.compressible && body_.size() >= kWorthCoding);
  return worth_it ? ChooseCoding(exchange.request->Header("Accept-Encoding"))
                  : ContentCoding::kIdentity;
}

void HttpService::Write(Reply reply, HttpExchange& exchange, std::string& out) {
  counters_.http.CountResponse(reply.status);
  const bool head_only = IsHead(exchange);
  ContentCoding coding = CodingFor(reply, exchange);
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
  if (options_.log != nullptr)
    Log(exchange, reply.status, head_only ? 0 : body.size(), coding != ContentCoding::kIdentity);
}

void HttpService::Log(const HttpExchange& exchange, int status, std::size_t bytes,
                      bool compressed) const {
  const HttpRequest& request = *exchange.request;
  options_.log->OnAnswered({*exchange.from, MethodName(request.method), request.target,
                            request.minor_version, status, bytes, compressed,
                            request.Header("Referer"), request.Header("User-Agent")});
}

void HttpService::WriteStream(Reply& reply, HttpExchange& exchange, ContentCoding coding,
                              std::string& out) {
  const bool chunked = exchange.request->minor_version >= 1;
  if (!chunked) exchange.keep_alive = false;
  const bool head_only = IsHead(exchange);
  if (head_only) {
    reply.stream = nullptr;
    if (options_.log != nullptr) Log(exchange, reply.status, 0, coding != ContentCoding::kIdentity);
  } else {
    exchange.body = BodyOf(reply, exchange, coding);
    if (chunked) exchange.body = std::make_unique<ChunkedBody>(std::move(exchange.body));
  }
  AppendHttpResponse({.status = reply.status,
                      .content_type = reply.content_type,
                      .keep_alive = exchange.keep_alive,
                      .head_only = head_only,
                      .content_encoding = CodingName(coding),
                      .file_name = reply.file_name,
                      .framing = chunked ? HttpFraming::kChunked : HttpFraming::kClose},
                     out);
}

// What is sent of a stream, but for its framing, in `coding`; where that is not to be had, as it is.
std::unique_ptr<HttpBody> HttpService::BodyOf(Reply& reply, const HttpExchange& exchange,
                                              ContentCoding& coding) {
  std::unique_ptr<HttpBody> body = std::move(reply.stream);
  if (std::unique_ptr<Encoder> encoder = NewEncoder(coding); encoder != nullptr) {
    body = std::make_unique<CodedBody>(std::move(body), std::move(encoder));
  } else {
    coding = ContentCoding::kIdentity;
  }
  if (reply.is_full_scrape)
    body = std::make_unique<CountedBody>(std::move(body), &counters_.http.full_scrape_bytes);
  if (options_.log != nullptr) {
    body = std::make_unique<LoggedBody>(std::move(body), exchange, reply.status,
                                        coding != ContentCoding::kIdentity, options_.log);
  }
  return body;
}

void HttpService::AnswerError(int status, std::string& out) {
  body_.clear();
  Plain(status);
  counters_.http.CountResponse(status);
  if (status == 400) counters_.http.malformed.Add();
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
HttpService::Reply HttpService::Announce(Pending& pending, const HttpExchange& exchange,
                                         Instant now) {
  absl::StatusOr<HttpAnnounce>& announce = pending.announce;
  if (AnswersAsBttrack()) {
    if (std::optional<Reply> refusal = BttrackRefusal(pending, exchange, now))
      return *std::move(refusal);
    announce->compact = announce->asks_for_compact || pending.IsOfTracker();
  } else if (announce.ok() && options_.require_compact && announce->refuses_compact) {
    counters_.http.compact_refused.Add();
    announce = absl::InvalidArgumentError("only compact answers are given here");
  }
  if (!announce.ok()) {
    Count(exchange, RequestKind::kAnnounce, Outcome::kInvalid);
    return Failure(200, announce.status());
  }
  announce->request.url = exchange.request->url;
  return pending.more == nullptr ? Apply(*announce, exchange, now)
                                 : ApplyAtDesk(*announce, *pending.more, exchange, now);
}

HttpService::Reply HttpService::Apply(const HttpAnnounce& announce, const HttpExchange& exchange,
                                      Instant now) {
  PeerBatch peers(absl::MakeSpan(ipv4_), absl::MakeSpan(ipv6_));
  if (!announce.compact && !announce.no_peer_id) {
    peers.WantPeerIds(ipv4_ids_.data(), ipv6_ids_.data());
  }
  const absl::StatusOr<AnnounceAnswer> answer =
      tracker_->Announce(announce.request, now, random_, peers);
  Count(exchange, RequestKind::kAnnounce, OutcomeOf(answer.status()));
  if (!answer.ok()) return Failure(200, answer.status());
  counters_.requests.CountAnnounce(answer->minutes_since_seen, announce.request.numwant);
  EncodeHttpAnnounce(
      *answer, peers, announce, body_,
      {.warning = WarningOf(announce.request.info_hash), .as_bttrack = AnswersAsBttrack()});
  return {};
}

HttpService::Reply HttpService::ApplyAtDesk(HttpAnnounce& announce, const HttpAnnounceMore& more,
                                            const HttpExchange& exchange, Instant now) {
  AnnounceRequest& request = announce.request;
  AnnounceDetails details;
  for (const std::size_t f : {0, 1}) details.crypto_flags[f] = crypto_flags_[f].data();
  PeerBatch peers(absl::MakeSpan(ipv4_), absl::MakeSpan(ipv6_));
  if (!announce.compact && !announce.no_peer_id)
    peers.WantPeerIds(ipv4_ids_.data(), ipv6_ids_.data());
  const absl::Status admitted = desk_->Admit(more, *exchange.from, request, details);
  absl::StatusOr<AnnounceAnswer> answer =
      admitted.ok() ? tracker_->Announce(request, now, random_, peers) : admitted;
  Count(exchange, RequestKind::kAnnounce, OutcomeOf(answer.status()));
  if (!answer.ok()) return Failure(200, answer.status());
  desk_->Accepted(more, request, *answer);
  if (!request.visitor) {
    desk_->Copy(exchange.request->query, *exchange.from);
    counters_.requests.CountAnnounce(answer->minutes_since_seen, request.numwant);
  }
  if (desk_->answers_as_aggregator() && !request.visitor) {
    body_ += "d8:response2:OKe";
    return {};
  }
  request.peer = Endpoint(*exchange.from, request.peer.port());  // who asks is told his own address
  const bool tells_crypto =
      tracker_->keeps_details() && announce.compact && (more.supports_crypto || more.wants_crypto);
  EncodeHttpAnnounce(
      *answer, peers, announce, body_,
      {.crypto_flags =
           tells_crypto
               ? absl::MakeConstSpan(crypto_flags_[0]).first(peers.size(AddressFamily::kIpv4))
               : absl::Span<const std::uint8_t>(),
       .seeded = more.check_seeded && desk_->IsSeeded(request.info_hash),
       .warning = WarningOf(request.info_hash),
       .as_bttrack = AnswersAsBttrack(),
       .leaves_out_no_peers = request.visitor && request.numwant == 0,
       .has_scrape = more.wants_scrape && AnswersAsBttrack()});
  return {};
}

// What bttrack would not answer as an announce. That the torrent is not served is told before
// anything else that is wrong.
std::optional<HttpService::Reply> HttpService::BttrackRefusal(const Pending& pending,
                                                              const HttpExchange& exchange,
                                                              Instant now) {
  const absl::StatusOr<HttpAnnounce>& announce = pending.announce;
  std::optional<InfoHash> info_hash;
  absl::Status fault = CheckBttrackAnnounce(exchange.request->query, info_hash);
  if (fault.ok()) fault = announce.status();
  const bool outdated = fault.ok() && options_.require_compact && !announce->asks_for_compact &&
                        !pending.IsOfTracker() && exchange.from->family() == AddressFamily::kIpv4;
  if (fault.ok() && !outdated) return std::nullopt;
  if (info_hash && tracker_->policy() != nullptr) {
    AnnounceRequest request;
    request.info_hash = *info_hash;
    request.peer = Endpoint(*exchange.from, 0);
    const absl::Status status = tracker_->policy()->AllowAnnounce(request, now);
    if (!status.ok()) {
      Count(exchange, RequestKind::kAnnounce, OutcomeOf(status));
      return Failure(200, status);
    }
  }
  Count(exchange, RequestKind::kAnnounce, Outcome::kInvalid);
  if (!outdated) return BttrackGarbage(fault);
  counters_.http.compact_refused.Add();
  body_ += kBttrackOutdated;
  return Reply{.status = 400};
}

HttpService::Reply HttpService::BttrackGarbage(const absl::Status& fault) {
  body_ += kBttrackGarbage;
  body_ += ClientText(fault);
  return {.status = 400};
}

HttpService::Reply HttpService::Scrape(const Pending& pending, const HttpExchange& exchange,
                                       Instant now) {
  const auto too_many =
      options_.loose_requests ? TooManyTorrents::kLeftOut : TooManyTorrents::kRefused;
  if (options_.scrape == ScrapeMode::kNone) {
    Count(exchange, RequestKind::kScrape, Outcome::kRefused);
    if (AnswersAsBttrack()) {
      DecodeHttpScrape(exchange.request->query, options_.max_scrape_torrents, too_many,
                       scrape_hashes_)
          .IgnoreError();
      return Failure(400, Refuse(scrape_hashes_.empty() ? kBttrackNoFullScrape : kBttrackNoScrape));
    }
    return Failure(200, Refuse("scrape is not available here"));
  }
  absl::Status status = DecodeHttpScrape(exchange.request->query, options_.max_scrape_torrents,
                                         too_many, scrape_hashes_);
  if (status.ok()) {
    if (scrape_hashes_.empty()) {
      // What is open to everybody, as full scrapes are with opentracker, is not begun by mistake: a
      // '?' is already too much.
      const HttpRequest& request = *exchange.request;
      const bool bare = pending.route == HttpRoute::kScrape && request.query.empty() &&
                        request.target.back() != '?';
      if (!options_.loose_requests || bare) return FullScrape(exchange, now);
      Count(exchange, RequestKind::kScrape, Outcome::kInvalid);
      return Plain(400);
    }
    scrape_rows_.resize(scrape_hashes_.size());
    status = tracker_->Scrape(scrape_hashes_, *exchange.from, now, absl::MakeSpan(scrape_rows_));
  }
  Count(exchange, RequestKind::kScrape, OutcomeOf(status));
  if (!status.ok()) return Failure(200, status);
  // opentracker knows only of torrents that have come up, not of those on the white list.
  if (options_.loose_requests) {
    for (std::size_t i = 0; i < scrape_rows_.size(); ++i) {
      if (scrape_rows_[i] == SwarmCounts())
        scrape_rows_[i] = tracker_->store().Count(scrape_hashes_[i]);
    }
  }
  if (!options_.show_dead) ForgetDeadRows();
  HttpScrapeForm form;
  if (!AnswersAsBttrack()) form.min_request_interval = tracker_->options().min_interval;
  const std::shared_ptr<const TorrentList> torrents = options_.show_names ? Torrents() : nullptr;
  EncodeHttpScrape(
      scrape_hashes_, scrape_rows_, form,
      [&](const InfoHash& info_hash) -> std::string_view {
        const CatalogTorrent* const torrent =
            torrents == nullptr ? nullptr : torrents->Find(info_hash);
        return torrent == nullptr ? std::string_view() : torrent->name;
      },
      body_);
  return {.compressible = true};
}

void HttpService::ForgetDeadRows() {
  const Policy* const policy = tracker_->policy();
  for (std::size_t i = 0; i < scrape_rows_.size(); ++i) {
    std::optional<SwarmCounts>& row = scrape_rows_[i];
    if (!row || HasPeers(*row)) continue;
    if (policy == nullptr || !policy->Knows(scrape_hashes_[i])) row.reset();
  }
}

HttpService::Reply HttpService::FullScrape(const HttpExchange& exchange, Instant now) {
  const bool allowed =
      options_.scrape == ScrapeMode::kFull && Allows(options_.full_scrape_for, *exchange.from);
  if (!allowed) {
    Count(exchange, RequestKind::kFullScrape, Outcome::kRefused);
    if (AnswersAsBttrack()) return Failure(400, Refuse(kBttrackNoFullScrape));
    return Failure(200, Refuse("full scrape is not available here"));
  }
  auto [verdict, place] = EnterGate(exchange, /*limited=*/true, now);
  if (verdict != StreamGate::Verdict::kGo) {
    Count(exchange, RequestKind::kFullScrape, Outcome::kRefused);
    return NoPlace(verdict);
  }
  if (IsHead(exchange)) {
    Count(exchange, RequestKind::kPage, Outcome::kAnswered);
  } else {
    Count(exchange, RequestKind::kFullScrape, Outcome::kAnswered);
    if (options_.on_full_scrape) options_.on_full_scrape(*exchange.from);
  }
  const std::string_view type = AnswersAsBttrack() ? "text/plain" : "application/octet-stream";
  std::shared_ptr<const TorrentList> torrents = Torrents();
  std::unique_ptr<HttpBody> body;
  if (torrents != nullptr || !options_.show_dead) {
    body = NewNamedScrape(tracker_->store(), {.torrents = std::move(torrents),
                                              .policy = tracker_->policy(),
                                              .show_names = options_.show_names,
                                              .show_dead = options_.show_dead});
  } else {
    body = NewTorrentList(tracker_->store(), tracker_->policy(), TorrentListFormat::kBencode);
  }
  return {.content_type = type,
          .is_full_scrape = true,
          .stream = StreamGate::Hold(std::move(body), std::move(place))};
}

// Who only wants the head takes no place, and no turn.
StreamGate::Admission HttpService::EnterGate(const HttpExchange& exchange, bool limited,
                                             Instant now) {
  if (IsHead(exchange)) return {StreamGate::Verdict::kGo};
  return site_.gate().Enter(*exchange.from, limited, now);
}

HttpService::Reply HttpService::NoPlace(StreamGate::Verdict verdict) {
  if (verdict == StreamGate::Verdict::kTooSoon)
    return Failure(429, Refuse("full scrapes are not given to one address so often"));
  return Failure(503, Refuse("too many of these are under way, please come later"));
}

}  // namespace muster
