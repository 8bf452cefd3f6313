// SPDX-License-Identifier: Apache-2.0
//
// NatOutcome: what a check whether a peer can be reached came to. NatRecord: what a tracker remembers
// of a peer's checks. Plain values.
#ifndef MUSTER_NAT_RECORD_H_
#define MUSTER_NAT_RECORD_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "muster/export.h"

namespace muster {

enum class NatOutcome : std::uint8_t {
  kReachable,
  // The peer's side:
  kRefused,         // nobody listens there
  kUnreachable,     // the network has no way there
  kConnectTimeout,  // no connection in time
  kTimeout,         // connected, but the handshake did not end in time
  kClosed,          // the peer closed or broke the connection before the handshake ended
  kNotBitTorrent,   // what it said is no handshake
  kNoEncryption,    // what it said is no encrypted handshake
  kOtherInfoHash,   // another torrent
  kOtherPeerId,     // another peer
  // This side; says nothing about the peer:
  kNotAllowed,   // port 0, or an address that must not be connected to
  kTooMany,      // the queue is full, or the address has too many checks waiting
  kNoResources,  // out of descriptors, ports or memory
  kCancelled,    // the checker was closed
};
inline constexpr std::size_t kNatOutcomes = 14;
// What it means, as the end of a sentence: "the peer closed the connection".
MUSTER_EXPORT std::string_view NatOutcomeText(NatOutcome outcome);
// Whether it counts against the peer.
MUSTER_EXPORT bool IsPeersFailure(NatOutcome outcome);

// One byte for each peer; a plain value.
class MUSTER_EXPORT NatRecord {
 public:
  static constexpr int kMaxTries = 250;
  // What bttrack writes for a peer without a port.
  static constexpr std::int64_t kNeverNumber = std::int64_t{1} << 30;

  // Not checked yet.
  constexpr NatRecord() = default;
  static constexpr NatRecord Reachable() { return NatRecord(0); }
  // A peer without a port: never to be checked, never to be handed out.
  static constexpr NatRecord Never() { return NatRecord(kNever); }

  constexpr bool is_known() const { return value_ != kUnknown; }
  constexpr bool is_reachable() const { return value_ == 0; }
  // Failures in a row since the peer was last reachable; 0 when it is, or is not known.
  constexpr int failures() const { return value_ >= kNever ? 0 : value_; }
  // Whether an announce of the peer is a reason to check it: not while it is reachable, and not
  // after `tries` failures. None when `tries` is 0.
  constexpr bool WantsCheck(int tries) const {
    return value_ == kUnknown ? tries > 0 : value_ != 0 && value_ != kNever && value_ < tries;
  }
  // Takes the outcome of a check.
  void Count(NatOutcome outcome);

  // As the state file of bttrack has it: nothing, 0 for reachable, failures, kNeverNumber. Numbers
  // that it never has are read as the nearest that it has.
  std::optional<std::int64_t> ToNumber() const;
  static NatRecord FromNumber(std::optional<std::int64_t> number);

  bool operator==(const NatRecord&) const = default;

 private:
  static constexpr std::uint8_t kNever = 254;
  static constexpr std::uint8_t kUnknown = 255;
  explicit constexpr NatRecord(std::uint8_t value) : value_(value) {}

  std::uint8_t value_ = kUnknown;
};

}  // namespace muster

#endif  // MUSTER_NAT_RECORD_H_
