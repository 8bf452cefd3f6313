// SPDX-License-Identifier: Apache-2.0
//
// WorkerCounters: what one worker counts, OutboundCounters: what is sent beside the workers, and
// CounterBook: those of all of a server. A worker writes to memory of its own, so counting costs an
// addition; whoever wants to know adds up what all of them have.
//
// WorkerCounters is written by its worker's thread and read by any. CounterBook is thread-safe.
#ifndef MUSTER_LIB_STATISTICS_COUNTERS_H_
#define MUSTER_LIB_STATISTICS_COUNTERS_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/counter.h"
#include "muster/instant.h"
#include "muster/statistics.h"

namespace muster {

class LatencyCounters {
 public:
  // `n` requests took this long together each.
  void Record(std::uint64_t ns, std::uint64_t n) {
    const auto bucket = static_cast<std::size_t>(std::bit_width(ns / 1000));
    counts_[std::min(bucket, counts_.size() - 1)].Add(n);
    total_ns_.Add(ns * n);
  }
  LatencyHistogram Read() const;

 private:
  std::array<Counter, LatencyHistogram::kBuckets> counts_;
  Counter total_ns_;
};

// What the services count: requests by what they are and what came of them.
class RequestCounters {
 public:
  void Count(Protocol protocol, AddressFamily family, RequestKind kind, Outcome outcome) {
    requests_[static_cast<std::size_t>(protocol)][static_cast<std::size_t>(family)]
             [static_cast<std::size_t>(kind)][static_cast<std::size_t>(outcome)]
                 .Add();
  }
  // An answered announce: minutes since the peer's last one (negative: there was none), and how
  // many peers it asked for (negative: it did not say).
  void CountAnnounce(std::int32_t minutes, std::int32_t numwant) {
    if (minutes >= 0) CountAt(renewals_, minutes);
    if (numwant >= 0) CountAt(numwant_, numwant);
  }
  void AddTo(ServerStatistics& sum) const;

 private:
  template <std::size_t kSize>
  static void CountAt(std::array<Counter, kSize>& counters, std::int32_t n) {
    counters[std::min(static_cast<std::size_t>(n), kSize - 1)].Add();
  }

  std::array<std::array<std::array<std::array<Counter, kOutcomes>, kRequestKinds>, 2>, 2> requests_;
  std::array<Counter, std::tuple_size_v<decltype(ServerStatistics::renewals)>> renewals_;
  std::array<Counter, std::tuple_size_v<decltype(ServerStatistics::numwant)>> numwant_;
};

// What the UDP sockets of a worker count.
struct UdpCounters {
  Counter received;
  Counter noise;
  Counter answered;
  Counter unsent;
  Counter send_failed;
  Counter kernel_drops;
  LatencyCounters latency;

  void AddTo(ServerStatistics& sum) const;
};

// What the HTTP connections of a worker count.
struct HttpCounters {
  Counter accepted;
  Counter open;
  Counter turned_away;
  std::array<Counter, ServerStatistics::Http::kStatuses.size()> responses;
  Counter malformed;
  Counter compact_refused;
  Counter full_scrape_bytes;
  LatencyCounters latency;

  void CountResponse(int status);
  void AddTo(ServerStatistics& sum) const;
};

// What a server sends by itself: written by the loop that sends, but for what the tray counts, under
// its lock.
struct OutboundCounters {
  std::array<Counter, kNatOutcomes> nat_checks;
  Counter trackers_answered;
  Counter trackers_failed;
  Counter foreign_peers;
  Counter forwarded;
  Counter forward_refused;
  Counter forward_failed;
  Counter forward_dropped;
  // The tray had no room for them, or nobody took from it.
  Counter checks_left;
  Counter copies_left;

  void CountNatCheck(NatOutcome outcome) { nat_checks[static_cast<std::size_t>(outcome)].Add(); }
  void AddTo(ServerStatistics& sum) const;
};

// On cache lines of its own, and two of them, as processors fetch lines in pairs.
struct alignas(128) WorkerCounters {
  RequestCounters requests;
  UdpCounters udp;
  HttpCounters http;
};

class CounterBook {
 public:
  CounterBook(std::size_t workers, Instant since);

  WorkerCounters& worker(std::size_t i) { return workers_[i]; }
  OutboundCounters& outbound() { return outbound_; }
  ServerStatistics Sum() const;

 private:
  const std::size_t size_;
  const Instant since_;
  const std::unique_ptr<WorkerCounters[]> workers_;
  OutboundCounters outbound_;
};

}  // namespace muster

#endif  // MUSTER_LIB_STATISTICS_COUNTERS_H_
