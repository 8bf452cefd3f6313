// SPDX-License-Identifier: Apache-2.0
//
// NatChecker: finds out whether a peer can be reached, by connecting to it and doing the BitTorrent
// handshake, plain or encrypted (MSE). NatRecord: what a tracker remembers of a peer's checks.
//
//   auto checker = muster::NatChecker::Start(loop, {.timeout = std::chrono::seconds(15)});
//   if (record.WantsCheck(/*tries=*/3)) {
//     checker->Check({.peer = peer, .info_hash = hash, .peer_id = id},
//                    [&](muster::NatOutcome outcome) { record.Count(outcome); });
//   }
//   checker->Close([] { /* the loop is free of it */ });
//
// A tracker that connects to whomever it is told of is a weapon. So the number of checks is bounded
// in all, by second, and by address; private addresses are refused; and the caller is expected to
// give only the port under which the peer was announced.
#ifndef MUSTER_NAT_CHECK_H_
#define MUSTER_NAT_CHECK_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "absl/functional/any_invocable.h"
#include "muster/endpoint.h"
#include "muster/export.h"
#include "muster/ids.h"

struct uv_loop_s;

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

struct NatCheckOptions {
  // From connecting to the end of the handshake.
  std::chrono::milliseconds timeout{15'000};
  // Connections at a time, at least 1.
  std::size_t max_under_way = 100;
  // Checks waiting for one; more are refused with kTooMany.
  std::size_t max_queued = 10'000;
  // Begun within a second, at least 1.
  std::size_t max_per_second = 200;
  // Waiting or under way for one address; more are refused with kTooMany.
  std::size_t max_per_address = 8;
  // Whether addresses that are not part of the public internet may be connected to: loopback,
  // private and link-local ones and the like. Never multicast, broadcast or "any".
  bool allow_private = false;
};

struct NatCheckRequest {
  Endpoint peer;
  InfoHash info_hash;
  // Nothing: any peer id will do.
  std::optional<PeerId> peer_id = std::nullopt;
  // Whether the peer requires encryption; then the handshake is encrypted.
  bool encrypted = false;
};

// Loop-bound: every function is to be called, and every callback comes, on the loop's thread.
class MUSTER_EXPORT NatChecker {
 public:
  using Done = absl::AnyInvocable<void(NatOutcome)>;

  // `loop` is the caller's and must run for anything to happen.
  static std::unique_ptr<NatChecker> Start(uv_loop_s* loop, const NatCheckOptions& options);
  // Closes without waiting; what was not done is dropped unheard.
  ~NatChecker();

  // Calls `done` once, maybe before it returns (when nothing is to be done), unless the checker is
  // destroyed first. `done` may call Check(), and may destroy the checker.
  void Check(const NatCheckRequest& request, Done done);

  // Ends what is under way and waiting with kCancelled; `closed` is called when the checker has left
  // the loop, maybe before Close() returns. Once.
  void Close(absl::AnyInvocable<void()> closed);

  std::size_t under_way() const;
  std::size_t queued() const;

 private:
  class Impl;
  explicit NatChecker(Impl* impl) : impl_(impl) {}
  Impl* impl_;  // frees itself
};

}  // namespace muster

#endif  // MUSTER_NAT_CHECK_H_
