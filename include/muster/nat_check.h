// SPDX-License-Identifier: Apache-2.0
//
// NatChecker: finds out whether a peer can be reached, by connecting to it and doing the BitTorrent
// handshake, plain or encrypted (MSE).
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
#include <memory>
#include <optional>

#include "absl/functional/any_invocable.h"
#include "muster/endpoint.h"
#include "muster/export.h"
#include "muster/ids.h"
#include "muster/nat_record.h"

struct uv_loop_s;

namespace muster {

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
