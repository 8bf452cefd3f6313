// SPDX-License-Identifier: Apache-2.0
#include "statistics/counters.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace muster {
namespace {

TEST(CounterBook, AddsUpWhatAllWorkersHave) {
  CounterBook book(3, InstantFromUnixSeconds(77));
  for (std::size_t i = 0; i < 3; ++i) {
    WorkerCounters& mine = book.worker(i);
    mine.requests.Count(Protocol::kUdp, AddressFamily::kIpv6, RequestKind::kScrape,
                        Outcome::kRefused);
    mine.requests.CountAnnounce(static_cast<std::int32_t>(i), 50);
    mine.udp.received.Add(i);
    mine.udp.kernel_drops.Add(10);
    mine.http.open.Set(i + 1);
    mine.http.CountResponse(404);
    mine.http.CountResponse(418);
    mine.http.full_scrape_bytes.Add(100);
  }
  OutboundCounters& outbound = book.outbound();
  outbound.CountNatCheck(NatOutcome::kReachable);
  outbound.CountNatCheck(NatOutcome::kTooMany);
  outbound.checks_left.Add(4);
  outbound.forward_dropped.Add(2);
  outbound.copies_left.Add(5);
  outbound.trackers_answered.Add(6);
  outbound.foreign_peers.Add(7);
  const ServerStatistics s = book.Sum();
  EXPECT_EQ(s.outbound.NatChecks(NatOutcome::kReachable), 1u);
  EXPECT_EQ(s.outbound.NatChecks(NatOutcome::kTooMany), 5u);
  EXPECT_EQ(s.outbound.NatChecks(NatOutcome::kCancelled), 0u);
  EXPECT_EQ(s.outbound.forward_dropped, 7u);
  EXPECT_EQ(s.outbound.trackers_answered, 6u);
  EXPECT_EQ(s.outbound.foreign_peers, 7u);
  EXPECT_EQ(s.since, InstantFromUnixSeconds(77));
  EXPECT_EQ(s.workers, 3u);
  EXPECT_EQ(s.Requests(Protocol::kUdp, RequestKind::kScrape, Outcome::kRefused), 3u);
  EXPECT_EQ(s.Requests(Protocol::kHttp, RequestKind::kScrape, Outcome::kRefused), 0u);
  EXPECT_EQ(s.Requests(RequestKind::kScrape, Outcome::kRefused), 3u);
  EXPECT_EQ(s.Requests(RequestKind::kAnnounce, Outcome::kRefused), 0u);
  EXPECT_EQ(s.renewals[0] + s.renewals[1] + s.renewals[2], 3u);
  EXPECT_EQ(s.numwant[50], 3u);
  EXPECT_EQ(s.udp.received, 3u);
  EXPECT_EQ(s.udp.kernel_drops, 30u);
  EXPECT_EQ(s.http.open, 6u);
  EXPECT_EQ(s.http.Responses(404), 3u);
  EXPECT_EQ(s.http.responses[0], 3u) << "codes without a place of their own";
  EXPECT_EQ(s.http.full_scrape_bytes, 300u);

  ServerStatistics twice = s;
  twice += s;
  EXPECT_EQ(twice.Requests(RequestKind::kScrape, Outcome::kRefused), 6u);
  EXPECT_EQ(twice.http.Responses(404), 6u);
  EXPECT_EQ(twice.numwant[50], 6u);
  EXPECT_EQ(twice.outbound.NatChecks(NatOutcome::kTooMany), 10u);
  EXPECT_EQ(twice.outbound.forward_dropped, 14u);
}

TEST(RequestCounters, PutWhatIsBeyondTheLastPlaceIntoIt) {
  RequestCounters counters;
  counters.CountAnnounce(-1, -1);
  counters.CountAnnounce(1'000'000, 2'000'000'000);
  ServerStatistics s;
  counters.AddTo(s);
  EXPECT_EQ(s.renewals.back(), 1u);
  EXPECT_EQ(s.numwant.back(), 1u);
}

TEST(LatencyCounters, PutEachTimeIntoItsPowerOfTwo) {
  LatencyCounters counters;
  counters.Record(0, 1);
  counters.Record(999, 1);
  counters.Record(1'000, 2);
  counters.Record(3'999, 3);
  counters.Record(4'000, 4);
  counters.Record(std::uint64_t{3600} * 1'000'000'000, 1);
  const LatencyHistogram h = counters.Read();
  EXPECT_EQ(h.counts[0], 2u);
  EXPECT_EQ(h.counts[1], 2u);
  EXPECT_EQ(h.counts[2], 3u);
  EXPECT_EQ(h.counts[3], 4u);
  EXPECT_EQ(h.counts.back(), 1u);
  EXPECT_EQ(h.count(), 12u);
  EXPECT_EQ(h.total_ns, 999u + 2'000 + 3 * 3'999 + 4 * 4'000 + 3600'000'000'000u);
}

TEST(CounterBook, IsReadWhileWorkersCount) {
  CounterBook book(2, Instant());
  std::atomic<bool> done{false};
  std::thread reader([&] {
    std::uint64_t last = 0;
    while (!done) {
      const std::uint64_t now = book.Sum().udp.received;
      EXPECT_GE(now, last);
      last = now;
    }
  });
  std::thread other([&] {
    for (int i = 0; i < 100'000; ++i) book.worker(1).udp.received.Add();
  });
  for (int i = 0; i < 100'000; ++i) book.worker(0).udp.received.Add();
  other.join();
  done = true;
  reader.join();
  EXPECT_EQ(book.Sum().udp.received, 200'000u);
}

}  // namespace
}  // namespace muster
