// SPDX-License-Identifier: Apache-2.0
#include "statistics/counters.h"

namespace muster {
namespace {

template <std::size_t kSize>
void AddAll(std::array<std::uint64_t, kSize>& to, const std::array<Counter, kSize>& from) {
  for (std::size_t i = 0; i < kSize; ++i) to[i] += from[i].value();
}
template <std::size_t kSize>
void AddAll(std::array<std::uint64_t, kSize>& to, const std::array<std::uint64_t, kSize>& from) {
  for (std::size_t i = 0; i < kSize; ++i) to[i] += from[i];
}
template <typename To, typename From, std::size_t kSize>
void AddAll(std::array<To, kSize>& to, const std::array<From, kSize>& from) {
  for (std::size_t i = 0; i < kSize; ++i) AddAll(to[i], from[i]);
}

void AddAll(LatencyHistogram& to, const LatencyHistogram& from) {
  AddAll(to.counts, from.counts);
  to.total_ns += from.total_ns;
}

std::size_t PlaceOf(int status) {
  const auto& statuses = ServerStatistics::Http::kStatuses;
  const auto* const found = std::find(statuses.begin(), statuses.end(), status);
  return found == statuses.end() ? 0 : static_cast<std::size_t>(found - statuses.begin());
}

}  // namespace

std::uint64_t LatencyHistogram::count() const {
  std::uint64_t n = 0;
  for (const std::uint64_t count : counts) n += count;
  return n;
}

std::uint64_t ServerStatistics::Requests(Protocol protocol, RequestKind kind,
                                         Outcome outcome) const {
  std::uint64_t n = 0;
  for (const auto& family : requests[static_cast<std::size_t>(protocol)])
    n += family[static_cast<std::size_t>(kind)][static_cast<std::size_t>(outcome)];
  return n;
}

std::uint64_t ServerStatistics::Requests(RequestKind kind, Outcome outcome) const {
  return Requests(Protocol::kUdp, kind, outcome) + Requests(Protocol::kHttp, kind, outcome);
}

std::uint64_t ServerStatistics::Http::Responses(int status) const {
  return responses[PlaceOf(status)];
}

std::uint64_t ServerStatistics::Outbound::NatChecks(NatOutcome outcome) const {
  return nat_checks[static_cast<std::size_t>(outcome)];
}

ServerStatistics& ServerStatistics::operator+=(const ServerStatistics& other) {
  workers += other.workers;
  AddAll(requests, other.requests);
  udp.received += other.udp.received;
  udp.noise += other.udp.noise;
  udp.answered += other.udp.answered;
  udp.unsent += other.udp.unsent;
  udp.send_failed += other.udp.send_failed;
  udp.kernel_drops += other.udp.kernel_drops;
  AddAll(udp.latency, other.udp.latency);
  http.accepted += other.http.accepted;
  http.open += other.http.open;
  http.turned_away += other.http.turned_away;
  http.malformed += other.http.malformed;
  http.compact_refused += other.http.compact_refused;
  AddAll(http.responses, other.http.responses);
  http.full_scrape_bytes += other.http.full_scrape_bytes;
  AddAll(http.latency, other.http.latency);
  AddAll(outbound.nat_checks, other.outbound.nat_checks);
  outbound.trackers_answered += other.outbound.trackers_answered;
  outbound.trackers_failed += other.outbound.trackers_failed;
  outbound.foreign_peers += other.outbound.foreign_peers;
  outbound.forwarded += other.outbound.forwarded;
  outbound.forward_refused += other.outbound.forward_refused;
  outbound.forward_failed += other.outbound.forward_failed;
  outbound.forward_dropped += other.outbound.forward_dropped;
  AddAll(renewals, other.renewals);
  AddAll(numwant, other.numwant);
  return *this;
}

LatencyHistogram LatencyCounters::Read() const {
  LatencyHistogram histogram;
  AddAll(histogram.counts, counts_);
  histogram.total_ns = total_ns_.value();
  return histogram;
}

void RequestCounters::AddTo(ServerStatistics& sum) const {
  AddAll(sum.requests, requests_);
  AddAll(sum.renewals, renewals_);
  AddAll(sum.numwant, numwant_);
}

void UdpCounters::AddTo(ServerStatistics& sum) const {
  sum.udp.received += received.value();
  sum.udp.noise += noise.value();
  sum.udp.answered += answered.value();
  sum.udp.unsent += unsent.value();
  sum.udp.send_failed += send_failed.value();
  sum.udp.kernel_drops += kernel_drops.value();
  AddAll(sum.udp.latency, latency.Read());
}

void HttpCounters::CountResponse(int status) { responses[PlaceOf(status)].Add(); }

void HttpCounters::AddTo(ServerStatistics& sum) const {
  sum.http.accepted += accepted.value();
  sum.http.open += open.value();
  sum.http.turned_away += turned_away.value();
  sum.http.malformed += malformed.value();
  sum.http.compact_refused += compact_refused.value();
  AddAll(sum.http.responses, responses);
  sum.http.full_scrape_bytes += full_scrape_bytes.value();
  AddAll(sum.http.latency, latency.Read());
}

void OutboundCounters::AddTo(ServerStatistics& sum) const {
  ServerStatistics::Outbound& to = sum.outbound;
  AddAll(to.nat_checks, nat_checks);
  to.nat_checks[static_cast<std::size_t>(NatOutcome::kTooMany)] += checks_left.value();
  to.trackers_answered += trackers_answered.value();
  to.trackers_failed += trackers_failed.value();
  to.foreign_peers += foreign_peers.value();
  to.forwarded += forwarded.value();
  to.forward_refused += forward_refused.value();
  to.forward_failed += forward_failed.value();
  to.forward_dropped += forward_dropped.value() + copies_left.value();
}

CounterBook::CounterBook(std::size_t workers, Instant since)
    : size_(workers), since_(since), workers_(std::make_unique<WorkerCounters[]>(workers)) {}

ServerStatistics CounterBook::Sum() const {
  ServerStatistics sum;
  sum.since = since_;
  sum.workers = size_;
  for (std::size_t i = 0; i < size_; ++i) {
    workers_[i].requests.AddTo(sum);
    workers_[i].udp.AddTo(sum);
    workers_[i].http.AddTo(sum);
  }
  outbound_.AddTo(sum);
  return sum;
}

}  // namespace muster
