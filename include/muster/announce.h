// SPDX-License-Identifier: Apache-2.0
//
// What a client asks and what it is told, whatever protocol it spoke (BEP 3, 7, 15, 21, 23, 24,
// 48). Plain values.
#ifndef MUSTER_ANNOUNCE_H_
#define MUSTER_ANNOUNCE_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "muster/endpoint.h"
#include "muster/export.h"
#include "muster/ids.h"
#include "muster/instant.h"
#include "muster/swarm_store.h"

namespace muster {

enum class Event : std::uint8_t { kNone, kStarted, kCompleted, kStopped, kPaused };

struct AnnounceRequest {
  // `left` of a client that did not say: it counts as a downloader.
  static constexpr std::uint64_t kUnknownLeft = ~std::uint64_t{0};
  // `numwant` of a client that did not say, or said a negative number.
  static constexpr std::int32_t kDefaultNumwant = -1;

  InfoHash info_hash;
  PeerId peer_id;
  // The address that the request came from, and the port that the client listens on.
  Endpoint peer;
  std::uint64_t downloaded = 0;
  std::uint64_t uploaded = 0;
  std::uint64_t left = kUnknownLeft;
  Event event = Event::kNone;
  std::int32_t numwant = kDefaultNumwant;
  // Proof of identity across a change of address (BEP 3); 0 when the client gave none.
  std::uint32_t key = 0;
  // Path and query of the announce URL: of the HTTP request, or from the URLData option of BEP 41.
  // Borrowed.
  std::string_view url;
  // Who asks is nobody's peer, such as another tracker: it is answered, and not remembered.
  bool visitor = false;
  // What else the announce said, to a tracker whose store keeps details (Tracker::keeps_details());
  // and what that answers. Without it, the announce comes from `peer` and has `key`.
  AnnounceDetails* details = nullptr;
};

// The state that an announce puts its peer into: the one place where `event` and `left` are read
// together.
constexpr PeerState PeerStateOf(Event event, std::uint64_t left) {
  if (event == Event::kStopped) return PeerState::kStopped;
  if (left == 0) return PeerState::kSeeder;
  if (event == Event::kPaused) return PeerState::kPartialSeeder;
  return PeerState::kDownloader;
}

// What every protocol's answer says besides the peers.
struct AnnounceAnswer {
  SwarmCounts counts;
  // When to announce again.
  Seconds interval{0};
  // When to announce again at the earliest.
  Seconds min_interval{0};
  // Minutes since the same peer's last announce, to the store's resolution; negative when it is new,
  // stops, or is not remembered.
  std::int32_t minutes_since_seen = -1;
};

// An answer that owns its peers, for callers who would rather not lend a buffer.
struct AnnounceResponse {
  AnnounceAnswer answer;
  std::vector<Endpoint> peers;
};

struct ScrapeRow {
  InfoHash info_hash;
  // Nothing when the tracker does not know the torrent.
  std::optional<SwarmCounts> counts;
};

}  // namespace muster

#endif  // MUSTER_ANNOUNCE_H_
