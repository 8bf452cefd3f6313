// SPDX-License-Identifier: Apache-2.0
//
// A tracker as a client of another tracker: what it asks, by HTTP (BEP 3, 7, 23) and UDP (BEP 15,
// 41), and what it is told. Bytes to values and back; reentrant. What comes from others is within
// written limits: at most as many peers as asked for, and texts cut to kMaxReplyText.
//
// It asks as bttrack does: event `stopped` and port 0, so that it is nobody's peer, and `tracker=1`,
// which tells a tracker that knows of it that another tracker is asking; by UDP that stands in the
// URL data.
#ifndef MUSTER_LIB_WIRE_TRACKER_QUERY_H_
#define MUSTER_LIB_WIRE_TRACKER_QUERY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "muster/endpoint.h"
#include "muster/ids.h"
#include "muster/instant.h"

namespace muster {

struct TrackerQuery {
  InfoHash info_hash;
  PeerId tracker_id = {};  // who asks
  std::uint32_t key = 0;
  std::uint32_t numwant = 0;
};

struct TrackerReply {
  // When to ask again, as the other tracker says: from 0 to kMaxReplyInterval; 0 when it does not.
  Seconds interval{0};
  std::vector<Endpoint> peers;
  // Not empty: the other tracker refused, in its own words, and nothing else is there.
  std::string failure;
};

inline constexpr std::size_t kMaxReplyText = 200;
inline constexpr Seconds kMaxReplyInterval{24 * 60 * 60};

// --- HTTP ---

// The target of the GET for an announce URL's target ("/announce", "/announce?key=1").
std::string TrackerQueryTarget(std::string_view target, const TrackerQuery& query);
// The body of an answer: compact peers, or a list of dictionaries, and compact IPv6 peers. Peers
// with host names, and with port 0, are left out. InvalidArgument for what is no answer.
absl::StatusOr<TrackerReply> DecodeTrackerReply(std::string_view body, std::size_t max_peers);

// --- UDP ---

std::string EncodeUdpConnectQuery(std::uint32_t transaction_id);
// `target` as above; may be empty.
std::string EncodeUdpTrackerQuery(std::uint64_t connection_id, std::uint32_t transaction_id,
                                  const TrackerQuery& query, std::string_view target);

struct UdpTrackerReply {
  enum class Kind : std::uint8_t { kNoise, kConnect, kAnnounce, kError };
  Kind kind = Kind::kNoise;
  std::uint32_t transaction_id = 0;
  std::uint64_t connection_id = 0;  // kConnect
  TrackerReply reply;               // kAnnounce and kError
};
// Peers are of the family of the server's address.
UdpTrackerReply DecodeUdpTrackerReply(std::string_view datagram, AddressFamily family,
                                      std::size_t max_peers);

}  // namespace muster

#endif  // MUSTER_LIB_WIRE_TRACKER_QUERY_H_
