// SPDX-License-Identifier: Apache-2.0
//
// HttpService: an HTTP request in, the bytes of its response out, with the tracker in between and
// no socket in sight.
//
// What the tracker refuses, and announces and scrapes that make no sense, are answered 200 with a
// `failure reason`, which clients show. Other requests get a 4xx where there is nothing for them.
// Long answers come as a body that is made while it is sent.
#ifndef MUSTER_LIB_SERVICE_HTTP_SERVICE_H_
#define MUSTER_LIB_SERVICE_HTTP_SERVICE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "http/coding.h"
#include "http/exchange.h"
#include "muster/endpoint.h"
#include "muster/ids.h"
#include "muster/instant.h"
#include "muster/ip_set.h"
#include "muster/random.h"
#include "muster/server.h"
#include "muster/tracker.h"
#include "service/announce_desk.h"
#include "service/http_routes.h"
#include "service/http_site.h"
#include "statistics/counters.h"
#include "wire/http_announce.h"

namespace muster {

// Thread-compatible: one for each worker. The tracker, the counters, the site and the desk are not
// owned, and must outlive the bodies that were given out.
class HttpService {
 public:
  // `desk` may be null: then announces are what every tracker knows of them.
  HttpService(Tracker* tracker, const HttpOptions& options, Random random, WorkerCounters* counters,
              HttpSite* site, AnnounceDesk* desk = nullptr);

  // Appends the response to each request of a batch, in order; see HttpExchange for those whose
  // body follows. Working on a batch lets the memory of the swarms be fetched while others are
  // answered.
  void Answer(absl::Span<HttpExchange> batch, Instant now, std::string& out);

  // Appends the response to something that is no request: a parser's error, a timeout, too many
  // connections. It says that the connection is closed.
  void AnswerError(int status, std::string& out);

 private:
  struct Pending {
    // `decode` makes the announce, in its place, of who asks.
    template <typename Decode>
    Pending(HttpRoute to, absl::StatusOr<IpAddress> who, const HttpAnnounceMore* at_desk,
            const Decode& decode)
        : route(to), from(std::move(who)), announce(decode(from)), more(at_desk) {}

    HttpRoute route;
    // Who asks, where a trusted proxy may stand between.
    absl::StatusOr<IpAddress> from;
    absl::StatusOr<HttpAnnounce> announce;
    // Null where no desk looks at it.
    const HttpAnnounceMore* more;

    bool IsOfTracker() const { return more != nullptr && more->is_tracker; }
  };
  // What is answered; text is in body_.
  struct Reply {
    int status = 200;
    std::string_view content_type = "text/plain";
    std::string_view location = {};
    std::string_view file_name = {};
    // Smaller when it is compressed, and worth it.
    bool compressible = false;
    // A full scrape or a dump: of all torrents, compressed as the options say.
    bool is_full_scrape = false;
    // Takes the place of body_.
    std::unique_ptr<HttpBody> stream = nullptr;
  };

  absl::StatusOr<IpAddress> ClientOf(const HttpExchange& exchange) const;
  void AnswerOne(HttpExchange& exchange, Pending& pending, Instant now, std::string& out);
  Reply RefuseUnknown(const HttpExchange& exchange, const Pending& pending);
  Reply ReplyTo(const HttpExchange& exchange, Pending& pending, Instant now);
  void Write(Reply reply, HttpExchange& exchange, std::string& out);
  ContentCoding CodingFor(const Reply& reply, const HttpExchange& exchange) const;
  std::unique_ptr<HttpBody> BodyOf(Reply& reply, const HttpExchange& exchange,
                                   ContentCoding& coding);
  void WriteStream(Reply& reply, HttpExchange& exchange, ContentCoding coding, std::string& out);

  Reply Announce(Pending& pending, const HttpExchange& exchange, Instant now);
  std::optional<Reply> BttrackRefusal(const Pending& pending, const HttpExchange& exchange,
                                      Instant now);
  Reply BttrackGarbage(const absl::Status& fault);
  // One that makes sense.
  Reply Apply(const HttpAnnounce& announce, const HttpExchange& exchange, Instant now);
  // The same of one that the desk looks at.
  Reply ApplyAtDesk(HttpAnnounce& announce, const HttpAnnounceMore& more,
                    const HttpExchange& exchange, Instant now);
  std::string WarningOf(const InfoHash& info_hash) const {
    return options_.catalog == nullptr ? std::string() : options_.catalog->WarningOf(info_hash);
  }
  Reply Scrape(const Pending& pending, const HttpExchange& exchange, Instant now);
  // Takes what has no peers, and is not known otherwise, out of the rows of a scrape.
  void ForgetDeadRows();
  Reply FullScrape(const HttpExchange& exchange, Instant now);
  Reply Statistics(const HttpExchange& exchange, Instant now);
  bool AppendLog(const HttpExchange& exchange, std::string_view mode, Instant now);
  std::optional<Reply> ChangeLoggedNetworks(const HttpExchange& exchange);
  Reply StatisticsStream(std::string_view mode, std::string_view format,
                         const HttpExchange& exchange, Instant now);
  std::unique_ptr<HttpBody> StatisticsBody(std::string_view mode, std::string_view format,
                                           Instant now);
  Reply Metrics(const HttpExchange& exchange, Instant now);
  Reply InfoPage(const HttpExchange& exchange, Instant now);
  Reply Favicon(const HttpExchange& exchange);
  Reply File(const HttpExchange& exchange, Instant now);

  static bool Allows(const AddressFilter& filter, const IpAddress& address) {
    return filter && filter(address);
  }
  // The status's own text as the body.
  Reply Plain(int status);
  Reply Failure(int http_status, const absl::Status& status);
  StreamGate::Admission EnterGate(const HttpExchange& exchange, bool limited, Instant now);
  Reply NoPlace(StreamGate::Verdict verdict);
  static bool IsHead(const HttpExchange& exchange) {
    return exchange.request->method == HttpMethod::kHead;
  }
  bool AnswersAsBttrack() const { return options_.answers == HttpAnswers::kBttrack; }
  // The catalog's list; null where there is no catalog.
  std::shared_ptr<const TorrentList> Torrents() const {
    return options_.catalog == nullptr ? nullptr : options_.catalog->list();
  }
  void Log(const HttpExchange& exchange, int status, std::size_t bytes, bool compressed) const;
  void Count(const HttpExchange& exchange, RequestKind kind, Outcome outcome) {
    counters_.requests.Count(Protocol::kHttp, exchange.from->family(), kind, outcome);
  }

  Tracker* const tracker_;
  const HttpOptions options_;
  const HttpRoutes routes_;
  WorkerCounters& counters_;
  HttpSite& site_;
  AnnounceDesk* const desk_;  // null where there is nothing for it to do
  const IpSet trusted_proxies_;
  Random random_;
  // Scratch that outlives a request, so that answering one does not allocate.
  std::vector<Pending> pending_;
  // As many as there are pending ones, where there is a desk.
  std::vector<HttpAnnounceMore> more_;
  std::vector<SwarmHint> coming_;
  std::string body_;
  std::string coded_;
  std::string file_name_;
  std::vector<std::uint8_t> ipv4_;
  std::vector<std::uint8_t> ipv6_;
  std::vector<PeerId> ipv4_ids_;
  std::vector<PeerId> ipv6_ids_;
  std::vector<std::uint8_t> crypto_flags_[2];
  std::vector<InfoHash> scrape_hashes_;
  std::vector<std::optional<SwarmCounts>> scrape_rows_;
};

}  // namespace muster

#endif  // MUSTER_LIB_SERVICE_HTTP_SERVICE_H_
