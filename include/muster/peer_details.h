// SPDX-License-Identifier: Apache-2.0
//
// What only some trackers keep of a peer beside its endpoint, state and age: the side record.
// PeerDetails is how it is saved and shown, AnnounceDetails what an announce brings of it. A store
// made by NewDetailedStore() keeps it; with any other store it costs nothing. Plain values.
#ifndef MUSTER_PEER_DETAILS_H_
#define MUSTER_PEER_DETAILS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "muster/endpoint.h"
#include "muster/export.h"

namespace muster {

// The endpoint that stands beside it is where the peer's announces come from, with the port that it
// listens on.
struct PeerDetails {
  std::optional<std::uint64_t> left;  // bytes; 0 for a seeder
  std::string key;                    // proves identity after a change of address; often empty
  // Failed attempts to connect to the peer; 0: reachable; nothing: not known yet. See NatRecord.
  std::optional<std::int64_t> nat;
  bool supports_crypto = false;
  bool requires_crypto = false;
  std::string given_ip;  // the `ip` parameter, as it was given: where the peer is reached

  bool operator==(const PeerDetails&) const = default;
};

struct AnnounceDetails {
  // A longer key is cut off.
  static constexpr std::size_t kMaxKey = 64;

  // Where the announce came from. What it says of the peer itself (AnnounceRequest::peer) is where
  // that is reached, which may be another address.
  IpAddress from;
  // Proves that the peer is the one that announced before, from wherever; empty: none. Borrowed.
  std::string_view key;
  // Bytes that the peer lacks.
  std::uint64_t left = 0;
  // Message stream encryption: a peer that requires it is only told to those that support it.
  bool supports_crypto = false;
  bool requires_crypto = false;
  // It asks for peers that support it and no others, whatever is recorded of its own; as it does where
  // it requires it.
  bool wants_crypto = false;
  // The peer is taken for reachable without a check: it is on a network of ours.
  bool surely_reachable = false;

  // --- answered ---

  // Whether somebody should find out whether the peer can be reached (NatChecker), and tell the
  // store (SwarmStore::CountNatCheck), whatever came of it.
  bool wants_check = false;
  // The announce named somebody else's peer id and proved nothing: it changed nothing.
  bool is_impostor = false;
  // Where given: for each chosen peer 1 when it, or who asks, requires encryption, otherwise 0; places
  // for as many as the batch has room for, IPv4 and IPv6.
  std::uint8_t* crypto_flags[2] = {nullptr, nullptr};
};

// The number that a key stands for: one to eight hexadecimal digits are a number, the same that a
// client sends by UDP; other text is hashed. 0, as of an empty one, is no key.
MUSTER_EXPORT std::uint32_t KeyNumber(std::string_view key);
// The key with that number, eight digits written to `to`.
MUSTER_EXPORT std::string_view KeyText(std::uint32_t number, char (&to)[8]);

}  // namespace muster

#endif  // MUSTER_PEER_DETAILS_H_
