// SPDX-License-Identifier: Apache-2.0
//
// UdpService: datagrams in, datagrams out (BEP 15), with the tracker in between and no socket in
// sight.
#ifndef MUSTER_LIB_SERVICE_UDP_SERVICE_H_
#define MUSTER_LIB_SERVICE_UDP_SERVICE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "model/datagram.h"
#include "muster/endpoint.h"
#include "muster/instant.h"
#include "muster/random.h"
#include "muster/server.h"
#include "muster/tracker.h"
#include "service/announce_desk.h"
#include "statistics/counters.h"
#include "wire/connection_id.h"
#include "wire/udp_packet.h"

namespace muster {

// Thread-compatible: one for each worker; all workers of a server share the key, so that an id
// given by one is good for another. The tracker, the counters and the desk are not owned.
class UdpService {
 public:
  // `desk` may be null: then announces are what every tracker knows of them.
  UdpService(Tracker* tracker, const UdpOptions& options, const ConnectionIdKey& key, Random random,
             WorkerCounters* counters, AnnounceDesk* desk = nullptr);

  // Answers a whole batch, in order; each datagram brings space for kMaxUdpAnswer bytes. Working on
  // a batch lets the memory of the swarms be fetched while others are answered.
  void Answer(absl::Span<UdpDatagram> batch, Instant now);

 private:
  struct Pending {
    UdpDatagram* datagram;
    UdpHeader header;
  };

  void Count(const Pending& pending, RequestKind kind, Outcome outcome) {
    counters_.requests.Count(Protocol::kUdp, pending.datagram->from.family(), kind, outcome);
  }
  std::size_t AnswerOne(const Pending& pending, const ConnectionIds::Claim& claim, Instant now);
  std::size_t Announce(const Pending& pending, Instant now);
  absl::StatusOr<AnnounceAnswer> AnnounceAtDesk(AnnounceRequest& request, Instant now,
                                                PeerBatch& peers);
  std::size_t Scrape(const Pending& pending, Instant now);
  std::size_t Refused(const Pending& pending, RequestKind kind, const absl::Status& status);
  std::size_t Invalid(const Pending& pending, RequestKind kind, std::string_view text);
  std::size_t Error(const Pending& pending, std::string_view text) const;

  Tracker* const tracker_;
  const UdpOptions options_;
  WorkerCounters& counters_;
  AnnounceDesk* const desk_;            // null where there is nothing for it to do
  const std::int32_t default_numwant_;  // negative: the tracker's
  ConnectionIds ids_;
  Random random_;
  // Scratch that outlives a batch, so that no packet allocates.
  std::vector<Pending> pending_;
  std::vector<ConnectionIds::Claim> claims_;
  std::vector<Endpoint> peers_;
  std::vector<SwarmHint> coming_;
  std::vector<InfoHash> scrape_hashes_;
  std::vector<std::optional<SwarmCounts>> scrape_rows_;
  std::string url_;
};

}  // namespace muster

#endif  // MUSTER_LIB_SERVICE_UDP_SERVICE_H_
