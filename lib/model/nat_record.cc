// SPDX-License-Identifier: Apache-2.0
#include "muster/nat_record.h"

#include <algorithm>

namespace muster {

std::string_view NatOutcomeText(NatOutcome outcome) {
  switch (outcome) {
    case NatOutcome::kReachable:
      return "the peer is reachable";
    case NatOutcome::kRefused:
      return "nobody listens there";
    case NatOutcome::kUnreachable:
      return "the network has no way there";
    case NatOutcome::kConnectTimeout:
      return "no connection in time";
    case NatOutcome::kTimeout:
      return "the handshake did not end in time";
    case NatOutcome::kClosed:
      return "the peer closed the connection";
    case NatOutcome::kNotBitTorrent:
      return "the peer does not speak BitTorrent";
    case NatOutcome::kNoEncryption:
      return "the peer does not do the encrypted handshake";
    case NatOutcome::kOtherInfoHash:
      return "the peer has another torrent";
    case NatOutcome::kOtherPeerId:
      return "another peer is there";
    case NatOutcome::kNotAllowed:
      return "the address is not one to connect to";
    case NatOutcome::kTooMany:
      return "too many checks are waiting";
    case NatOutcome::kNoResources:
      return "this machine is out of descriptors, ports or memory";
    case NatOutcome::kCancelled:
      return "the check was cancelled";
  }
  return "";
}

bool IsPeersFailure(NatOutcome outcome) {
  return outcome > NatOutcome::kReachable && outcome < NatOutcome::kNotAllowed;
}

void NatRecord::Count(NatOutcome outcome) {
  if (value_ == kNever) return;
  if (outcome == NatOutcome::kReachable) {
    value_ = 0;
  } else if (IsPeersFailure(outcome)) {
    value_ = static_cast<std::uint8_t>(std::min(failures() + 1, kMaxTries));
  }
}

std::optional<std::int64_t> NatRecord::ToNumber() const {
  if (value_ == kUnknown) return std::nullopt;
  return value_ == kNever ? kNeverNumber : value_;
}

NatRecord NatRecord::FromNumber(std::optional<std::int64_t> number) {
  if (!number) return NatRecord();
  if (*number >= kNeverNumber) return Never();
  return NatRecord(
      static_cast<std::uint8_t>(std::clamp<std::int64_t>(*number, 0, std::int64_t{kMaxTries})));
}

}  // namespace muster
