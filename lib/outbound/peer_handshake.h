// SPDX-License-Identifier: Apache-2.0
//
// PeerHandshake: what a NAT check says to a peer and expects of it (BEP 3), plain or through
// message stream encryption: bytes in, bytes out. No sockets.
//
//   we:   19 "BitTorrent protocol", 8 zero bytes, info hash    (48 bytes; a tracker has no peer id)
//   peer: 19 "BitTorrent protocol", 8 bytes, info hash, peer id
#ifndef MUSTER_LIB_OUTBOUND_PEER_HANDSHAKE_H_
#define MUSTER_LIB_OUTBOUND_PEER_HANDSHAKE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "muster/ids.h"
#include "muster/nat_check.h"
#include "outbound/mse.h"

namespace muster {

// Thread-compatible.
class PeerHandshake {
 public:
  // Encrypted when `chance` is given. Any peer id will do when `peer_id` is not.
  PeerHandshake(const InfoHash& info_hash, const std::optional<PeerId>& peer_id,
                const std::optional<MseChance>& chance);

  // Appends the first message.
  void Begin(std::string& out) const;
  // Takes what the peer sent, in any pieces, and appends the next message to `out`. Gives the
  // outcome as soon as no later byte can change it: kReachable, kNotBitTorrent, kOtherInfoHash,
  // kOtherPeerId or kNoEncryption; after that it must not be called.
  std::optional<NatOutcome> Receive(std::string_view bytes, std::string& out);

 private:
  std::optional<NatOutcome> Judge() const;

  const InfoHash info_hash_;
  const std::optional<PeerId> peer_id_;
  std::optional<MseInitiator> mse_;
  std::string said_;  // by the peer, in plain text; no more than one Receive() beyond the handshake
};

}  // namespace muster

#endif  // MUSTER_LIB_OUTBOUND_PEER_HANDSHAKE_H_
