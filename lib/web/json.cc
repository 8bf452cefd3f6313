// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "muster/version.h"
#include "web/metrics.h"
#include "web/names.h"

namespace muster {
namespace {

using absl::StrAppend;

// Names and values, put between braces and commas. All names are ours: none needs escaping.
class Object {
 public:
  explicit Object(std::string* out) : out_(*out) { out_ += '{'; }
  ~Object() { out_ += '}'; }
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  void Add(absl::string_view name, std::uint64_t n) { StrAppend(Name(name), n); }
  // Where the value goes.
  std::string* Name(absl::string_view name) {
    StrAppend(&out_, empty_ ? "" : ",", "\"", name, "\":");
    empty_ = false;
    return &out_;
  }

 private:
  std::string& out_;
  bool empty_ = true;
};

void AddRequests(const ServerStatistics& s, Object& to) {
  std::string& out = *to.Name("requests");
  out += '[';
  const std::size_t begin = out.size();
  ForEachRequestCounter(
      s, [&](std::size_t p, std::size_t f, std::size_t k, std::size_t o, std::uint64_t count) {
        StrAppend(&out, out.size() > begin ? "," : "", "{\"protocol\":\"", kProtocolNames[p],
                  "\",\"family\":\"", kFamilyNames[f], "\",\"request\":\"", kKindNames[k],
                  "\",\"outcome\":\"", kOutcomeNames[o], "\",\"count\":", count, "}");
      });
  out += ']';
}

void AddLatency(const LatencyHistogram& h, Object& to) {
  Object latency(to.Name("latency"));
  latency.Add("count", h.count());
  *latency.Name("seconds") += SecondsText(h.total_ns);
  std::string& out = *latency.Name("buckets");
  out += '[';
  for (std::size_t i = 0; i < h.counts.size(); ++i) {
    StrAppend(&out, i > 0 ? "," : "", "{\"below\":");
    if (i + 1 < h.counts.size()) {
      StrAppend(&out, std::ldexp(1e-6, static_cast<int>(i)));
    } else {
      out += "null";
    }
    StrAppend(&out, ",\"count\":", h.counts[i], "}");
  }
  out += ']';
}

template <std::size_t kSize>
void AddList(absl::string_view name, const std::array<std::uint64_t, kSize>& list, Object& to) {
  std::string& out = *to.Name(name);
  out += '[';
  for (std::size_t i = 0; i < kSize; ++i) StrAppend(&out, i > 0 ? "," : "", list[i]);
  out += ']';
}

void AddUdp(const ServerStatistics::Udp& udp, Object& to) {
  Object object(to.Name("udp"));
  object.Add("received", udp.received);
  object.Add("noise", udp.noise);
  object.Add("answered", udp.answered);
  object.Add("unsent", udp.unsent);
  object.Add("send_errors", udp.send_failed);
  object.Add("kernel_drops", udp.kernel_drops);
  AddLatency(udp.latency, object);
}

void AddLiveSync(const LiveSyncStatistics& sync, Object& to) {
  Object object(to.Name("live_sync"));
  object.Add("received_records", sync.received_records);
  object.Add("received_packets", sync.received_packets);
  object.Add("dropped_packets", sync.dropped_packets);
  object.Add("sent_records", sync.sent_records);
  object.Add("sent_packets", sync.sent_packets);
  object.Add("send_errors", sync.send_errors);
}

void AddOutbound(const ServerStatistics::Outbound& outbound, Object& to) {
  Object object(to.Name("outbound"));
  {
    Object checks(object.Name("nat_checks"));
    for (std::size_t i = 0; i < kNatOutcomes; ++i)
      checks.Add(kNatOutcomeNames[i], outbound.nat_checks[i]);
  }
  object.Add("trackers_answered", outbound.trackers_answered);
  object.Add("trackers_failed", outbound.trackers_failed);
  object.Add("foreign_peers", outbound.foreign_peers);
  object.Add("forwarded", outbound.forwarded);
  object.Add("forward_refused", outbound.forward_refused);
  object.Add("forward_failed", outbound.forward_failed);
  object.Add("forward_dropped", outbound.forward_dropped);
}

void AddHttp(const ServerStatistics::Http& http, Object& to) {
  Object object(to.Name("http"));
  object.Add("connections", http.open);
  object.Add("accepted", http.accepted);
  object.Add("turned_away", http.turned_away);
  object.Add("malformed", http.malformed);
  object.Add("compact_refused", http.compact_refused);
  object.Add("full_scrape_bytes", http.full_scrape_bytes);
  {
    Object responses(object.Name("responses"));
    for (std::size_t i = 0; i < http.kStatuses.size(); ++i) {
      responses.Add(http.kStatuses[i] == 0 ? "other" : absl::StrCat(http.kStatuses[i]),
                    http.responses[i]);
    }
  }
  AddLatency(http.latency, object);
}

}  // namespace

void AppendJson(const Snapshot& s, std::string& out) {
  {
    Object all(&out);
    StrAppend(all.Name("version"), "\"", ToAbsl(Version()), "\"");
    all.Add("uptime", s.uptime());
    all.Add("workers", std::uint64_t{s.server.workers});
    {
      Object store(all.Name("store"));
      store.Add("torrents", s.store.torrents);
      store.Add("peers", s.store.peers);
      store.Add("ipv6_peers", s.store.ipv6_peers);
      store.Add("seeders", s.store.seeders);
      store.Add("completed", s.store.completed);
      store.Add("bytes", s.store.bytes);
    }
    AddRequests(s.server, all);
    AddUdp(s.server.udp, all);
    AddHttp(s.server.http, all);
    AddOutbound(s.server.outbound, all);
    AddLiveSync(s.live_sync, all);
    AddList("renewals", s.server.renewals, all);
    AddList("numwant", s.server.numwant, all);
  }
  out += '\n';
}

}  // namespace muster
