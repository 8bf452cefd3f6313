// SPDX-License-Identifier: Apache-2.0
//
// ServerStatistics: what a server has done since it was started. Plain values, a snapshot: sums over
// all workers, each figure exact, though not all of the same instant. What the tracker remembers at
// the moment is StoreTotals, in swarm_store.h.
//
//   const muster::ServerStatistics s = (*server)->Statistics();
//   std::printf("%llu announces\n", static_cast<unsigned long long>(
//       s.Requests(muster::RequestKind::kAnnounce, muster::Outcome::kAnswered)));
#ifndef MUSTER_STATISTICS_H_
#define MUSTER_STATISTICS_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "muster/endpoint.h"
#include "muster/export.h"
#include "muster/instant.h"
#include "muster/nat_record.h"
#include "muster/protocol.h"

namespace muster {

// What was asked for.
enum class RequestKind : std::uint8_t {
  kConnect,  // UDP: a connection id
  kAnnounce,
  kScrape,      // of torrents by name
  kFullScrape,  // of all torrents
  kStatistics,
  kPage,  // what people look at
};
inline constexpr std::size_t kRequestKinds = 6;

// What came of it.
enum class Outcome : std::uint8_t {
  kAnswered,
  kRefused,  // by a policy, or by who may see what
  kInvalid,  // it makes no sense; clients are told so
  kStale,    // UDP: a wrong or outdated connection id
  kFailed,   // trouble of our own
};
inline constexpr std::size_t kOutcomes = 5;

// How long something took, in steps of powers of two.
struct LatencyHistogram {
  // counts[i] took less than 2^i µs, and not less than 2^(i-1) µs; the last one all that is longer.
  static constexpr std::size_t kBuckets = 22;
  std::array<std::uint64_t, kBuckets> counts{};
  std::uint64_t total_ns = 0;

  MUSTER_EXPORT std::uint64_t count() const;
};

struct MUSTER_EXPORT ServerStatistics {
  // When counting began.
  Instant since;
  std::size_t workers = 0;

  // [protocol][family of the asking address][kind][outcome]
  std::array<std::array<std::array<std::array<std::uint64_t, kOutcomes>, kRequestKinds>, 2>, 2>
      requests{};
  std::uint64_t Requests(Protocol protocol, RequestKind kind, Outcome outcome) const;
  std::uint64_t Requests(RequestKind kind, Outcome outcome) const;

  struct Udp {
    std::uint64_t received = 0;
    // Datagrams that are no requests; they get no answer.
    std::uint64_t noise = 0;
    std::uint64_t answered = 0;
    // Answers that the socket's send buffer had no room for.
    std::uint64_t unsent = 0;
    // Answers that the kernel refused to send.
    std::uint64_t send_failed = 0;
    // Datagrams that the kernel dropped before anybody read them, mostly as a socket's receive
    // buffer was full. As of a moment ago.
    std::uint64_t kernel_drops = 0;
    // From when a batch is read to when its answers are sent, for a part of the batches.
    LatencyHistogram latency;
  } udp;

  struct Http {
    std::uint64_t accepted = 0;
    // At the moment.
    std::uint64_t open = 0;
    // Closed at once: there were too many, or they came to a listener for proxies and are none.
    std::uint64_t turned_away = 0;
    // Responses by status code; [0] is every code that has no place.
    static constexpr std::array<int, 17> kStatuses = {0,   200, 302, 304, 400, 403, 404, 405, 408,
                                                      413, 414, 429, 431, 500, 501, 503, 505};
    std::array<std::uint64_t, kStatuses.size()> responses{};
    MUSTER_EXPORT std::uint64_t Responses(int status) const;
    // Of those with 400: to what is no HTTP at all.
    std::uint64_t malformed = 0;
    // Announces that were refused as their clients do not want compact answers.
    std::uint64_t compact_refused = 0;
    // Of full scrapes and dumps, as they were sent: compressed, without the framing of HTTP.
    std::uint64_t full_scrape_bytes = 0;
    LatencyHistogram latency;
  } http;

  // What the server has sent by itself; see OutboundOptions.
  struct Outbound {
    // By what they came to, in the order of NatOutcome.
    std::array<std::uint64_t, kNatOutcomes> nat_checks{};
    MUSTER_EXPORT std::uint64_t NatChecks(NatOutcome outcome) const;
    // Questions to other trackers: with an answer, a refusal among them, and without; and the peers
    // that were told.
    std::uint64_t trackers_answered = 0;
    std::uint64_t trackers_failed = 0;
    std::uint64_t foreign_peers = 0;
    // Announces for the aggregator: it has taken them, refused them, has not answered; and those that
    // were never sent, as too many were waiting.
    std::uint64_t forwarded = 0;
    std::uint64_t forward_refused = 0;
    std::uint64_t forward_failed = 0;
    std::uint64_t forward_dropped = 0;
  } outbound;

  // renewals[m]: announces of a known peer that came m minutes after its last one; the last place
  // counts all that came later.
  std::array<std::uint64_t, 121> renewals{};
  // numwant[n]: announces that asked for n peers; the last place counts those that asked for more.
  // Who does not say asks for nothing in particular and is not counted.
  std::array<std::uint64_t, 202> numwant{};

  ServerStatistics& operator+=(const ServerStatistics& other);
};

}  // namespace muster

#endif  // MUSTER_STATISTICS_H_
