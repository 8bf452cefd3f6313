// SPDX-License-Identifier: Apache-2.0
#include "mirror/mirror_pages.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "http/conditions.h"
#include "mirror/markup.h"
#include "muster/version.h"

namespace muster {
namespace {

using absl::StrAppend;

// Every figure, under the name that programs know it by.
struct Figure {
  const char* name;
  const char* type;
  const char* help;
  std::uint64_t value;
};

std::vector<Figure> FiguresOf(const MirrorView& view) {
  const MirrorStatistics& s = view.statistics;
  return {
      {"torrents_under_way", "gauge", "Torrents that are made at the moment, or wait to be.",
       s.flights},
      {"requests_waiting", "gauge", "Requests that wait for torrents.", s.waiting},
      {"trackers", "gauge", "Trackers that torrents name.", view.trackers},
      {"hashed_bytes_total", "counter", "Bytes of files that were hashed.",
       static_cast<std::uint64_t>(s.hashed_bytes)},
      {"torrents_made_total", "counter", "Torrents that were made anew.", s.torrents_made},
      {"torrents_given_total", "counter", "Answers with a torrent.", s.torrents_given},
      {"unknown_sets_total", "counter", "Digests whose paths had to be asked for.", s.unknown_sets},
      {"files_total", "counter", "Answers with a file, or with parts of one.", s.files},
      {"file_bytes_total", "counter", "Bytes of those answers.", s.file_bytes},
      {"cached_entries", "gauge", "Entries of the cache folder, as it was last cleaned.",
       s.cached_entries},
      {"cached_bytes", "gauge", "Bytes of the cache folder, as it was last cleaned.",
       s.cached_bytes},
      {"refused_total", "counter", "Requests that made no sense or led to nothing.", s.refused},
      {"failed_total", "counter", "Requests that the mirror could not answer.", s.failed},
  };
}

std::string MetricsOf(const MirrorView& view) {
  std::string text;
  for (const Figure& figure : FiguresOf(view)) {
    StrAppend(&text, "# HELP muster_mirror_", figure.name, " ", figure.help,
              "\n# TYPE muster_mirror_", figure.name, " ", figure.type, "\nmuster_mirror_",
              figure.name, " ", figure.value, "\n");
  }
  return text;
}

std::string JsonOf(const MirrorView& view) {
  std::string json = absl::StrCat("{\"version\":", JsonText(Version()));
  for (const Figure& figure : FiguresOf(view)) {
    StrAppend(&json, ",\"", figure.name, "\":", figure.value);
  }
  json += ",\"under_way\":[";
  const char* comma = "";
  for (const FlightView& flight : view.flights) {
    StrAppend(&json, std::exchange(comma, ","), "{\"paths\":", JsonText(flight.about),
              ",\"bytes\":", flight.bytes, ",\"total_bytes\":", flight.total_bytes, "}");
  }
  for (const auto& [name, torrents] :
       {std::pair("given", &view.given), std::pair("cached", &view.cached)}) {
    StrAppend(&json, "],\"", name, "\":[");
    comma = "";
    for (const GivenTorrent& one : *torrents) {
      StrAppend(&json, std::exchange(comma, ","), "{\"info_hash\":", JsonText(one.info_hash_hex),
                ",\"name\":", JsonText(one.name), ",\"files\":", one.files,
                ",\"length\":", one.length, ",\"times\":", one.times,
                ",\"last\":", one.last.time_since_epoch().count(), "}");
    }
  }
  return json + "]}\n";
}

void AppendFlights(const std::vector<FlightView>& flights, std::string& html) {
  html += "<h2>Being made</h2>\n<table>\n<tr><th>Paths<th>Hashed<th>Bytes\n";
  for (const FlightView& flight : flights) {
    const std::int64_t most = std::max<std::int64_t>(flight.total_bytes, 1);
    StrAppend(&html, "<tr><td>", HtmlText(flight.about), "<td><progress max=\"", most,
              "\" value=\"", flight.bytes, "\"></progress><td>", flight.bytes, " of ",
              flight.total_bytes, "\n");
  }
  html += "</table>\n";
}

// `last` heads the column of that name. Nothing for none.
void AppendTorrents(const char* title, const char* last, const std::vector<GivenTorrent>& torrents,
                    std::string& html) {
  if (torrents.empty()) return;
  StrAppend(&html, "<h2>", title,
            "</h2>\n<table>\n<tr><th>Name<th>Info hash<th>Files<th>Bytes<th>Times<th>", last, "\n");
  for (const GivenTorrent& one : torrents) {
    StrAppend(&html, "<tr><td>", HtmlText(one.name), "<td><code>", HtmlText(one.info_hash_hex),
              "</code><td>", one.files, "<td>", one.length, "<td>", one.times, "<td>",
              HttpDate(one.last), "\n");
  }
  html += "</table>\n";
}

// It looks again by itself as long as something is going on.
std::string HtmlOf(const MirrorView& view) {
  std::string html =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Torrents</title>\n";
  if (!view.flights.empty()) html += "<meta http-equiv=\"refresh\" content=\"2\">\n";
  html +=
      "<style>body{font-family:sans-serif}td,th{padding:.2em .8em;text-align:left}</style>\n"
      "<h1>Torrents</h1>\n<table>\n";
  for (const Figure& figure : FiguresOf(view)) {
    StrAppend(&html, "<tr><td>", figure.help, "<td>", figure.value, "\n");
  }
  html += "</table>\n";
  if (!view.flights.empty()) AppendFlights(view.flights, html);
  AppendTorrents("Given out", "Last", view.given, html);
  AppendTorrents("Cached", "Made", view.cached, html);
  StrAppend(&html, "<p>muster ", HtmlText(Version()), "\n</html>\n");
  return html;
}

}  // namespace

MirrorAnswer PageAnswer(const MirrorRequest& request, const MirrorView& view) {
  MirrorAnswer answer;
  const char* type = "text/html; charset=utf-8";
  if (request.kind == MirrorRequest::Kind::kMetrics) {
    type = "text/plain; version=0.0.4; charset=utf-8";
    answer.text = MetricsOf(view);
  } else if (request.wants_json) {
    type = "application/json";
    answer.text = JsonOf(view);
  } else {
    answer.text = HtmlOf(view);
  }
  answer.headers.emplace_back("Content-Type", type);
  answer.headers.emplace_back("Cache-Control", "no-store");
  return answer;
}

}  // namespace muster
