// SPDX-License-Identifier: Apache-2.0
#include "web/opentracker_page.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "muster/version.h"

namespace muster {
namespace {

using absl::StrAppend;

constexpr std::uint64_t kHour = 3600;

std::uint64_t PerTime(std::uint64_t events, std::uint64_t time) {
  return events / std::max<std::uint64_t>(1, time);
}

std::uint64_t Answered(const Snapshot& s, Protocol protocol, RequestKind kind) {
  return s.server.Requests(protocol, kind, Outcome::kAnswered);
}
std::uint64_t TcpSuccess(const Snapshot& s) {
  return Answered(s, Protocol::kHttp, RequestKind::kAnnounce);
}
std::uint64_t UdpSuccess(const Snapshot& s) {
  return Answered(s, Protocol::kUdp, RequestKind::kAnnounce) +
         Answered(s, Protocol::kUdp, RequestKind::kConnect);
}

void AppendServing(const Snapshot& s, std::uint64_t first, std::uint64_t second, std::string& out) {
  StrAppend(&out, first, "\n", second, "\nopentracker serving ", s.store.torrents,
            " torrents\nopentracker");
}

// The first three lines of four.
void AppendFigures(const Snapshot& s, std::uint64_t first, std::uint64_t second, std::string& out) {
  StrAppend(&out, first, "\n", second, "\n", s.uptime(), " seconds (", s.uptime() / kHour,
            " hours)\n");
}

void AppendConnections(const Snapshot& s, absl::string_view label, std::uint64_t connections,
                       std::uint64_t successes, std::string& out) {
  AppendFigures(s, connections, successes, out);
  StrAppend(&out, "opentracker ", label, ", ", PerTime(connections, s.uptime()),
            " conns/s :: ", PerTime(successes, s.uptime()), " success/s.");
}

void AppendScrapes(const Snapshot& s, std::string& out) {
  const std::uint64_t tcp = Answered(s, Protocol::kHttp, RequestKind::kScrape);
  const std::uint64_t udp = Answered(s, Protocol::kUdp, RequestKind::kScrape);
  AppendFigures(s, tcp, udp, out);
  StrAppend(&out, "opentracker scrape stats, ", PerTime(tcp + udp, s.uptime()),
            " scrape/s (tcp and udp)");
}

void AppendFullScrapes(const Snapshot& s, std::string& out) {
  const std::uint64_t thousandths = 1000 * Answered(s, Protocol::kHttp, RequestKind::kFullScrape);
  const std::uint64_t bytes = s.server.http.full_scrape_bytes;
  AppendFigures(s, thousandths, bytes, out);
  StrAppend(&out, "opentracker full scrape stats, ", PerTime(thousandths / 1000, s.uptime()),
            " conns/s :: ", PerTime(bytes, s.uptime()), " bytes/s.");
}

void AppendCompleted(const Snapshot& s, std::string& out) {
  AppendFigures(s, s.store.completed, 0, out);
  StrAppend(&out, "opentracker, ", PerTime(s.store.completed, s.uptime() / kHour), " completed/h.");
}

void AppendVersion(std::string& out) { StrAppend(&out, "muster ", ToAbsl(Version()), "\n"); }

// As many as a peer is remembered for; two digits each.
std::size_t Minutes(const Snapshot& s) {
  const auto minutes = static_cast<std::size_t>(s.peer_timeout.count() / 60);
  return std::clamp<std::size_t>(minutes, 1, s.server.renewals.size() - 1);
}

void AppendRenewals(const Snapshot& s, std::string& out) {
  for (std::size_t i = 0; i < Minutes(s); ++i)
    StrAppend(&out, absl::Dec(i, absl::kZeroPad2), " ", s.server.renewals[i], "\n");
}

void AppendNumwants(const Snapshot& s, std::string& out) {
  for (std::size_t i = 0; i + 1 < s.server.numwant.size(); ++i)
    StrAppend(&out, absl::Dec(i, absl::kZeroPad3), " => ", s.server.numwant[i], "\n");
}

// What opentracker answers with 400: requests that are none, and requests that make no sense,
// whichever status they were answered with here (announces and scrapes 200, with a reason).
std::uint64_t Unparsed(const Snapshot& s) {
  const auto& http = s.server.http;
  return http.malformed + http.Responses(405) + http.Responses(408) + http.Responses(501) +
         http.Responses(505);
}
std::uint64_t InvalidParameters(const Snapshot& s) {
  std::uint64_t sum = 0;
  for (const auto& of_family : s.server.requests[static_cast<std::size_t>(Protocol::kHttp)]) {
    for (const auto& of_kind : of_family)
      sum += of_kind[static_cast<std::size_t>(Outcome::kInvalid)];
  }
  // The workers go on counting while they are asked.
  return sum - std::min(sum, s.server.http.compact_refused);
}
std::uint64_t TooLarge(const Snapshot& s) {
  const auto& http = s.server.http;
  return http.Responses(413) + http.Responses(414) + http.Responses(431);
}

void AppendErrors(const Snapshot& s, std::string& out) {
  const auto& http = s.server.http;
  StrAppend(&out, "302 RED ", http.Responses(302), "\n400 ... ", Unparsed(s), "\n400 PAR ",
            InvalidParameters(s), "\n400 COM ", http.compact_refused, "\n403 IP  ",
            http.Responses(403), "\n404 INV ", http.Responses(404), "\n500 SRV ",
            http.Responses(500) + TooLarge(s), "\n");
}

void AppendEverything(const Snapshot& s, std::string& out) {
  const auto& http = s.server.http;
  StrAppend(&out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<stats>\n  <tracker_id>",
            s.tracker_id, "</tracker_id>\n  <version>\n");
  AppendVersion(out);
  StrAppend(&out, "  </version>\n  <uptime>", s.uptime(), "</uptime>\n  <torrents>\n",
            "    <count_mutex>", s.store.torrents, "</count_mutex>\n    <count_iterator>",
            s.store.torrents, "</count_iterator>\n  </torrents>\n");
  const auto count = [&out](absl::string_view name, std::uint64_t n) {
    StrAppend(&out, "  <", name, ">\n    <count>", n, "</count>\n  </", name, ">\n");
  };
  count("peers", s.store.peers);
  count("seeds", s.store.seeders);
  count("completed", s.store.completed);
  StrAppend(&out, "  <connections>\n    <tcp>\n      <accept>", http.accepted,
            "</accept>\n      <announce>", TcpSuccess(s), "</announce>\n      <scrape>",
            Answered(s, Protocol::kHttp, RequestKind::kScrape), "</scrape>\n    </tcp>\n");
  StrAppend(&out, "    <udp>\n      <overall>", s.server.udp.received,
            "</overall>\n      <connect>", Answered(s, Protocol::kUdp, RequestKind::kConnect),
            "</connect>\n      <announce>", Answered(s, Protocol::kUdp, RequestKind::kAnnounce),
            "</announce>\n      <scrape>", Answered(s, Protocol::kUdp, RequestKind::kScrape),
            "</scrape>\n      <missmatch>",
            s.server.Requests(Protocol::kUdp, RequestKind::kAnnounce, Outcome::kStale) +
                s.server.Requests(Protocol::kUdp, RequestKind::kScrape, Outcome::kStale),
            "</missmatch>\n    </udp>\n    <livesync>\n      <count>", s.live_sync.received_records,
            "</count>\n", "    </livesync>\n  </connections>\n  <debug>\n    <renew>\n");
  for (std::size_t i = 0; i < Minutes(s); ++i) {
    StrAppend(&out, "      <count interval=\"", absl::Dec(i, absl::kZeroPad2), "\">",
              s.server.renewals[i], "</count>\n");
  }
  out += "    </renew>\n    <http_error>\n";
  const struct {
    absl::string_view code;
    std::uint64_t count;
  } errors[] = {
      {"302 Redirect", http.Responses(302)},
      {"400 Parse Error", Unparsed(s)},
      {"400 Invalid Parameter", InvalidParameters(s)},
      {"400 Invalid Parameter (compact=0)", http.compact_refused},
      {"400 Not Modest", http.Responses(429)},
      {"402 Payment Required", 0},
      {"403 Access Denied", http.Responses(403)},
      {"404 Not found", http.Responses(404)},
      {"500 Internal Server Error", http.Responses(500) + TooLarge(s)},
  };
  for (const auto& error : errors)
    StrAppend(&out, "      <count code=\"", error.code, "\">", error.count, "</count>\n");
  out +=
      "    </http_error>\n    <mutex_stall>\n      <count>0</count>\n    </mutex_stall>\n"
      "  </debug>\n</stats>";
}

}  // namespace

bool AppendOpentrackerPage(std::string_view mode, const Snapshot& s, std::string& out) {
  const std::uint64_t tcp = s.server.http.accepted;
  const std::uint64_t udp = s.server.udp.received;
  if (mode == "peer") {
    AppendServing(s, s.store.peers, s.store.seeders, out);
  } else if (mode == "torr") {
    AppendServing(s, s.store.torrents, 0, out);
  } else if (mode == "conn") {
    AppendConnections(s, "connections", tcp + udp, TcpSuccess(s) + UdpSuccess(s), out);
  } else if (mode == "tcp4") {
    AppendConnections(s, "tcp4 stats", tcp, TcpSuccess(s), out);
  } else if (mode == "udp4") {
    AppendConnections(s, "udp4 stats", udp, UdpSuccess(s), out);
  } else if (mode == "scrp") {
    AppendScrapes(s, out);
  } else if (mode == "fscr") {
    AppendFullScrapes(s, out);
  } else if (mode == "completed") {
    AppendCompleted(s, out);
  } else if (mode == "syncs") {
    AppendFigures(s, s.live_sync.received_records, 0, out);
    StrAppend(&out, "opentracker sync stats, ", PerTime(s.live_sync.received_records, s.uptime()),
              " syncs/s.");
  } else if (mode == "version") {
    AppendVersion(out);
  } else if (mode == "herr") {
    AppendErrors(s, out);
  } else if (mode == "renew") {
    AppendRenewals(s, out);
  } else if (mode == "numwants") {
    AppendNumwants(s, out);
  } else if (mode == "everything") {
    AppendEverything(s, out);
  } else {
    return false;
  }
  return true;
}

}  // namespace muster
