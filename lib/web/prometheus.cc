// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <initializer_list>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "muster/version.h"
#include "web/metrics.h"
#include "web/names.h"

namespace muster {
namespace {

using absl::StrAppend;

void Head(absl::string_view name, absl::string_view type, absl::string_view help,
          std::string& out) {
  StrAppend(&out, "# HELP muster_", name, " ", help, "\n# TYPE muster_", name, " ", type, "\n");
}

void One(absl::string_view name, absl::string_view type, absl::string_view help, std::uint64_t n,
         std::string& out) {
  Head(name, type, help, out);
  StrAppend(&out, "muster_", name, " ", n, "\n");
}

void AppendRequests(const ServerStatistics& s, std::string& out) {
  Head("requests_total", "counter", "Requests by what was asked and what came of it.", out);
  ForEachRequestCounter(
      s, [&out](std::size_t p, std::size_t f, std::size_t k, std::size_t o, std::uint64_t count) {
        StrAppend(&out, "muster_requests_total{protocol=\"", kProtocolNames[p], "\",family=\"",
                  kFamilyNames[f], "\",request=\"", kKindNames[k], "\",outcome=\"",
                  kOutcomeNames[o], "\"} ", count, "\n");
      });
}

void AppendHistogram(absl::string_view protocol, const LatencyHistogram& h, std::string& out) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < h.counts.size(); ++i) {
    sum += h.counts[i];
    StrAppend(&out, "muster_latency_seconds_bucket{protocol=\"", protocol, "\",le=\"");
    if (i + 1 < h.counts.size()) {
      StrAppend(&out, std::ldexp(1e-6, static_cast<int>(i)));
    } else {
      out += "+Inf";
    }
    StrAppend(&out, "\"} ", sum, "\n");
  }
  StrAppend(&out, "muster_latency_seconds_sum{protocol=\"", protocol, "\"} ",
            SecondsText(h.total_ns), "\nmuster_latency_seconds_count{protocol=\"", protocol, "\"} ",
            sum, "\n");
}

void AppendResponses(const ServerStatistics::Http& http, std::string& out) {
  Head("http_responses_total", "counter", "HTTP responses by status code.", out);
  for (std::size_t i = 0; i < http.kStatuses.size(); ++i) {
    StrAppend(&out, "muster_http_responses_total{code=\"");
    if (http.kStatuses[i] == 0) {
      out += "other";
    } else {
      StrAppend(&out, http.kStatuses[i]);
    }
    StrAppend(&out, "\"} ", http.responses[i], "\n");
  }
}

void AppendOutbound(const ServerStatistics::Outbound& outbound, std::string& out) {
  Head("nat_checks_total", "counter", "Attempts to connect to peers, by what came of them.", out);
  for (std::size_t i = 0; i < kNatOutcomes; ++i) {
    StrAppend(&out, "muster_nat_checks_total{outcome=\"", kNatOutcomeNames[i], "\"} ",
              outbound.nat_checks[i], "\n");
  }
  Head("tracker_questions_total", "counter", "Questions to other trackers, by what came of them.",
       out);
  StrAppend(&out, "muster_tracker_questions_total{outcome=\"answered\"} ",
            outbound.trackers_answered, "\nmuster_tracker_questions_total{outcome=\"failed\"} ",
            outbound.trackers_failed, "\n");
  One("foreign_peers_total", "counter", "Peers that other trackers told of.",
      outbound.foreign_peers, out);
  Head("forwarded_announces_total", "counter",
       "Announces for the aggregator, by what came of them.", out);
  for (const auto& [outcome, count] : std::initializer_list<std::pair<const char*, std::uint64_t>>{
           {"taken", outbound.forwarded},
           {"refused", outbound.forward_refused},
           {"failed", outbound.forward_failed},
           {"dropped", outbound.forward_dropped}}) {
    StrAppend(&out, "muster_forwarded_announces_total{outcome=\"", outcome, "\"} ", count, "\n");
  }
}

void AppendLiveSync(const LiveSyncStatistics& sync, std::string& out) {
  One("live_sync_received_records_total", "counter", "Peers that other trackers told of.",
      sync.received_records, out);
  One("live_sync_received_packets_total", "counter", "Packets of other trackers.",
      sync.received_packets, out);
  One("live_sync_dropped_packets_total", "counter", "Packets of strangers, or without sense.",
      sync.dropped_packets, out);
  One("live_sync_sent_records_total", "counter", "Peers that other trackers were told of.",
      sync.sent_records, out);
  One("live_sync_sent_packets_total", "counter", "Packets to other trackers.", sync.sent_packets,
      out);
  One("live_sync_send_errors_total", "counter", "Packets that the kernel did not send.",
      sync.send_errors, out);
}

}  // namespace

void AppendPrometheus(const Snapshot& s, std::string& out) {
  const ServerStatistics& server = s.server;
  Head("build_info", "gauge", "Which muster this is.", out);
  StrAppend(&out, "muster_build_info{version=\"", ToAbsl(Version()), "\"} 1\n");
  One("uptime_seconds", "gauge", "Time since the server was started.", s.uptime(), out);
  One("workers", "gauge", "Threads that serve.", server.workers, out);

  One("torrents", "gauge", "Torrents remembered.", s.store.torrents, out);
  Head("peers", "gauge", "Peers remembered, by address family.", out);
  StrAppend(&out, "muster_peers{family=\"ipv4\"} ", s.store.peers - s.store.ipv6_peers,
            "\nmuster_peers{family=\"ipv6\"} ", s.store.ipv6_peers, "\n");
  One("seeders", "gauge", "Peers that have everything.", s.store.seeders, out);
  One("store_bytes", "gauge", "Memory that the store of swarms holds.", s.store.bytes, out);
  One("completed_total", "counter", "Downloads that were finished.", s.store.completed, out);

  AppendRequests(server, out);
  One("udp_received_total", "counter", "Datagrams received.", server.udp.received, out);
  One("udp_noise_total", "counter", "Datagrams that are no requests.", server.udp.noise, out);
  One("udp_answered_total", "counter", "Answers sent.", server.udp.answered, out);
  One("udp_unsent_total", "counter", "Answers that a send buffer had no room for.",
      server.udp.unsent, out);
  One("udp_send_errors_total", "counter", "Answers that the kernel refused to send.",
      server.udp.send_failed, out);
  One("udp_kernel_drops_total", "counter", "Datagrams that the kernel dropped unread.",
      server.udp.kernel_drops, out);
  One("http_connections", "gauge", "Connections open.", server.http.open, out);
  One("http_accepted_total", "counter", "Connections accepted.", server.http.accepted, out);
  One("http_turned_away_total", "counter",
      "Connections closed at once: too many, or from no proxy.", server.http.turned_away, out);
  One("http_malformed_total", "counter", "Responses with 400 to what is no HTTP at all.",
      server.http.malformed, out);
  One("http_compact_refused_total", "counter",
      "Announces refused as their clients do not want compact answers.",
      server.http.compact_refused, out);
  One("http_full_scrape_bytes_total", "counter", "Bytes of full scrapes, as they were sent.",
      server.http.full_scrape_bytes, out);
  AppendResponses(server.http, out);
  AppendOutbound(server.outbound, out);
  AppendLiveSync(s.live_sync, out);
  Head("latency_seconds", "histogram",
       "Time from reading a batch of requests to its answers being sent; a part of all.", out);
  AppendHistogram("udp", server.udp.latency, out);
  AppendHistogram("http", server.http.latency, out);
}

}  // namespace muster
