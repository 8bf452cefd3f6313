// SPDX-License-Identifier: Apache-2.0
//
// What HttpService answers beside announces and scrapes: statistics, and pages for people.
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "http/file_body.h"
#include "http/query.h"
#include "muster/woodpeckers.h"
#include "service/http_service.h"
#include "web/busy_networks.h"
#include "web/info_page.h"
#include "web/metrics.h"
#include "web/network_ranking.h"
#include "web/opentracker_page.h"
#include "web/state_dump.h"
#include "web/top_torrents.h"
#include "web/torrent_list.h"
#include "wire/http_parameter.h"

namespace muster {
namespace {

constexpr std::size_t kMaxMode = 16;     // no mode or format has a longer name
constexpr std::size_t kMaxNetwork = 64;  // nor a network a longer text

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

// The torrent that a request for a file names: as announces do, or in hexadecimal digits.
std::optional<InfoHash> InfoHashOfFile(std::string_view query) {
  QueryReader reader(query);
  while (reader.Next()) {
    if (!IsParameter(reader.name(), "info_hash")) continue;
    InfoHash info_hash;
    if (DecodeId(reader.value(), info_hash)) return info_hash;
    const std::string_view text = reader.value();
    if (const auto v1 = InfoHash::FromHex(text); v1.ok()) return *v1;
    if (const auto v2 = InfoHashV2::FromHex(text); v2.ok()) return v2->Truncated();
    return std::nullopt;
  }
  return std::nullopt;
}

void AppendWoodpeckers(const Woodpeckers& woodpeckers, Instant now, std::string& out) {
  std::vector<std::pair<std::uint64_t, std::uint32_t>> ranking;
  unsigned bits = 28;
  for (const auto& [network, announces] : woodpeckers.Networks(now)) {
    bits = static_cast<unsigned>(network.bits());
    ranking.emplace_back(announces, LoadBig32(network.first().bytes().data()));
  }
  AppendNetworkRanking(bits, std::move(ranking), out);
}

// What a browser may call a file: its name, of which odd characters become '_'.
std::string FileNameOf(std::string_view path) {
  std::string name(path.substr(path.rfind('/') + 1));
  for (char& c : name) {
    if (c < ' ' || c > '~' || c == '"' || c == '\\') c = '_';
  }
  return name;
}

}  // namespace

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
    if (json || AppendOpentrackerPage(query.mode, snapshot, body_) ||
        AppendLog(exchange, query.mode, now)) {
      Count(exchange, RequestKind::kStatistics, Outcome::kAnswered);
      return {.content_type = json ? "application/json" : "text/plain", .compressible = true};
    }
    return StatisticsStream(query.mode, query.format, exchange, now);
  }
  Count(exchange, RequestKind::kStatistics, Outcome::kInvalid);
  return Plain(400);
}

// The modes that are there where a setting wants them.
bool HttpService::AppendLog(const HttpExchange& exchange, std::string_view mode, Instant now) {
  if (mode == "woodpeckers" && options_.woodpeckers != nullptr) {
    AppendWoodpeckers(*options_.woodpeckers, now, body_);
    return true;
  }
  if (mode == "fulllog" && site_.full_log().enabled()) {
    if (!IsHead(exchange)) body_ += site_.full_log().Take();  // what is shown is forgotten
    return true;
  }
  return false;
}

// What lognet= in an announce changes; nothing where there is none of it.
std::optional<HttpService::Reply> HttpService::ChangeLoggedNetworks(const HttpExchange& exchange) {
  QueryReader reader(exchange.request->query);
  bool found = false;
  while (!found && reader.Next()) found = IsParameter(reader.name(), "lognet");
  if (!found) return std::nullopt;
  const bool allowed = Allows(options_.statistics_for, *exchange.from);
  DecodedText<kMaxNetwork> text;
  const std::optional<std::string_view> value = text.Decode(reader.value());
  const bool clears = value == "-";
  const bool good =
      allowed && value && (clears ? site_.full_log().Forget() : site_.full_log().Add(*value));
  Count(exchange, RequestKind::kStatistics,
        good      ? Outcome::kAnswered
        : allowed ? Outcome::kInvalid
                  : Outcome::kRefused);
  if (!good) return Plain(allowed ? 400 : 403);
  body_ += clears ? "Successfully removed.\n" : "Successfully added.\n";
  return Reply{};
}

// The modes that take a walk over all torrents.
HttpService::Reply HttpService::StatisticsStream(std::string_view mode, std::string_view format,
                                                 const HttpExchange& exchange, Instant now) {
  const bool dump = mode == "tpbs" || mode == "statedump";
  if (!dump && mode != "top10" && mode != "top100" && mode != "s24s") {
    // The original knows these names, too, and has nothing to say.
    const bool known = mode == "busy" || mode == "woodpeckers" || mode == "fulllog";
    Count(exchange, RequestKind::kStatistics, known ? Outcome::kRefused : Outcome::kInvalid);
    return Plain(known ? 500 : 400);
  }
  const RequestKind kind = dump ? RequestKind::kFullScrape : RequestKind::kStatistics;
  if (dump && !Allows(options_.full_scrape_for, *exchange.from)) {
    Count(exchange, kind, Outcome::kRefused);
    return Plain(403);
  }
  auto [verdict, place] = EnterGate(exchange, /*limited=*/dump, now);
  if (verdict != StreamGate::Verdict::kGo) {
    Count(exchange, kind, Outcome::kRefused);
    return NoPlace(verdict);
  }
  // The head of a dump is none.
  Count(exchange, dump && IsHead(exchange) ? RequestKind::kPage : kind, Outcome::kAnswered);
  return {.is_full_scrape = dump,
          .stream = StreamGate::Hold(StatisticsBody(mode, format, now), std::move(place))};
}

std::unique_ptr<HttpBody> HttpService::StatisticsBody(std::string_view mode,
                                                      std::string_view format, Instant now) {
  const SwarmStore& store = tracker_->store();
  if (mode == "s24s") return NewBusyNetworks(store, tracker_->policy());
  if (mode == "statedump") return NewStateDump(store, tracker_->policy(), now);
  if (mode == "top10" || mode == "top100")
    return NewTopTorrents(store, tracker_->policy(), mode == "top10" ? 10 : 100);
  const TorrentListFormat list =
      format.empty() ? TorrentListFormat::kBencode : *TorrentListFormatOf(format);
  return NewTorrentList(store, tracker_->policy(), list);
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
  if (options_.loose_requests && !exchange.request->query.empty()) return Plain(404);
  if (!options_.info_page_redirect.empty()) {
    Count(exchange, RequestKind::kPage, Outcome::kAnswered);
    AppendRedirectPage(options_.info_page_redirect, body_);
    return {.status = 302, .content_type = kInfoPageType, .location = options_.info_page_redirect};
  }
  auto [verdict, place] = EnterGate(exchange, /*limited=*/false, now);
  if (verdict != StreamGate::Verdict::kGo) {
    Count(exchange, RequestKind::kPage, Outcome::kRefused);
    return Plain(503);
  }
  Count(exchange, RequestKind::kPage, Outcome::kAnswered);
  std::unique_ptr<HttpBody> page = NewInfoPage(tracker_->store(), site_.Take(now),
                                               {.max_torrents = options_.info_page_torrents,
                                                .torrents = Torrents(),
                                                .policy = tracker_->policy(),
                                                .show_dead = options_.show_dead,
                                                .show_names = options_.show_names,
                                                .link_files = options_.serve_torrents});
  return {.content_type = kInfoPageType,
          .stream = StreamGate::Hold(std::move(page), std::move(place))};
}

HttpService::Reply HttpService::Favicon(const HttpExchange& exchange) {
  Count(exchange, RequestKind::kPage, Outcome::kAnswered);
  body_ = options_.favicon;
  return {.content_type = "image/x-icon"};
}

HttpService::Reply HttpService::File(const HttpExchange& exchange, Instant now) {
  Count(exchange, RequestKind::kPage,
        options_.serve_torrents ? Outcome::kAnswered : Outcome::kRefused);
  if (!options_.serve_torrents) {
    body_ += "get function is not available with this tracker.";
    return {.status = 400};
  }
  const std::optional<InfoHash> info_hash = InfoHashOfFile(exchange.request->query);
  const std::shared_ptr<const TorrentList> torrents = Torrents();
  const CatalogTorrent* const torrent =
      info_hash && torrents != nullptr ? torrents->Find(*info_hash) : nullptr;
  if (torrent == nullptr || torrent->path.empty()) return Plain(404);
  auto [verdict, place] = EnterGate(exchange, /*limited=*/false, now);
  if (verdict != StreamGate::Verdict::kGo) return Plain(503);
  std::unique_ptr<HttpBody> file = OpenFileBody(torrent->path);
  if (file == nullptr) return Plain(404);
  file_name_ = FileNameOf(torrent->path);
  return {.content_type = "application/x-bittorrent",
          .file_name = file_name_,
          .stream = StreamGate::Hold(std::move(file), std::move(place))};
}

}  // namespace muster
