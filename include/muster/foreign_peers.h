// SPDX-License-Identifier: Apache-2.0
//
// ForeignPeers: peers that a tracker has heard of from others, such as the other trackers of a
// torrent. They are handed out among its own, but are none of them: they are not counted, not
// checked, not saved, and forgotten after a while.
//
// Thread-safe.
//
//   tracker->foreign_peers()->Put(info_hash, peers, now);    // with TrackerOptions::max_foreign_peers
#ifndef MUSTER_FOREIGN_PEERS_H_
#define MUSTER_FOREIGN_PEERS_H_

#include <cstddef>
#include <memory>

#include "absl/types/span.h"
#include "muster/endpoint.h"
#include "muster/export.h"
#include "muster/ids.h"
#include "muster/instant.h"
#include "muster/peer_batch.h"
#include "muster/random.h"

namespace muster {

class MUSTER_EXPORT ForeignPeers {
 public:
  // Of each torrent `most` are remembered, the latest; each for `lifetime` after it was last heard
  // of.
  ForeignPeers(std::size_t most, Seconds lifetime);
  ~ForeignPeers();
  ForeignPeers(const ForeignPeers&) = delete;
  ForeignPeers& operator=(const ForeignPeers&) = delete;

  // Somebody has these peers of a torrent.
  void Put(const InfoHash& info_hash, absl::Span<const Endpoint> peers, Instant now);

  // How many there are, and forgets those whose time is over.
  std::size_t Count(const InfoHash& info_hash, Instant now);
  // Appends up to `wanted` that are not in the batch yet, nor who asks.
  void Choose(const InfoHash& info_hash, const Endpoint& asking, std::size_t wanted, Random& random,
              PeerBatch& chosen) const;

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace muster

#endif  // MUSTER_FOREIGN_PEERS_H_
