// SPDX-License-Identifier: Apache-2.0
#include "service/http_routes.h"

#include <optional>

#include "wire/http_parameter.h"

namespace muster {
namespace {

constexpr std::size_t kMaxPath = 256;  // no route is longer

}  // namespace

HttpRoutes::HttpRoutes(const HttpOptions& options) : loose_(options.loose_requests) {
  const HttpRoute scrape_of_old = loose_ ? HttpRoute::kScrapeOfSome : HttpRoute::kScrape;
  // What is asked most stands first.
  entries_ = {{"/announce", HttpRoute::kAnnounce},
              {"/scrape", HttpRoute::kScrape},
              // Under these names trackers of old are known.
              {"/announce.php", HttpRoute::kAnnounce},
              {"/scrape.php", scrape_of_old},
              {"/tracker.php/announce", HttpRoute::kAnnounce},
              {"/tracker.php/scrape", scrape_of_old}};
  if (!options.statistics_path.empty())
    entries_.push_back({options.statistics_path, HttpRoute::kStatistics});
  if (!options.metrics_path.empty())
    entries_.push_back({options.metrics_path, HttpRoute::kMetrics});
  if (options.info_page || !options.info_page_redirect.empty()) {
    entries_.push_back({"/", HttpRoute::kInfoPage});
    // opentracker leads nowhere else from.
    if (options.info_page || !loose_) entries_.push_back({"/index.html", HttpRoute::kInfoPage});
  }
  if (options.serve_torrents || options.answers == HttpAnswers::kBttrack)
    entries_.push_back({"/file", HttpRoute::kFile});
  if (!options.favicon.empty()) entries_.push_back({"/favicon.ico", HttpRoute::kFavicon});
}

HttpRoute HttpRoutes::Find(std::string_view path) const {
  while (path.substr(0, 2) == "//")
    path.remove_prefix(1);  // "http://host//announce" is a usual mistake
  DecodedText<kMaxPath> decoded;
  const std::optional<std::string_view> text = decoded.Decode(path);
  for (const Entry& entry : entries_) {
    if (text == entry.path) return entry.route;
  }
  if (loose_ && text.has_value()) {
    if (text->substr(0, 2) == "/a") return HttpRoute::kAnnounce;
    if (text->substr(0, 3) == "/sc") return HttpRoute::kScrapeOfSome;
  }
  return HttpRoute::kNone;
}

}  // namespace muster
