// SPDX-License-Identifier: Apache-2.0
//
// Outbound: what a server sends by itself: NAT checks, questions to other trackers, copies for an
// aggregator. It takes from the desk's tray what the workers have left there. Loop-bound; one for a
// server: on its loop, or where workers serve on a loop and a thread of its own, so that a hundred
// thousand torrents with other trackers, or as many checks, keep no announce waiting.
#ifndef MUSTER_LIB_SERVER_OUTBOUND_H_
#define MUSTER_LIB_SERVER_OUTBOUND_H_

#include <uv.h>

#include <memory>

#include "absl/status/statusor.h"
#include "muster/nat_check.h"
#include "muster/server.h"
#include "net/clock.h"
#include "net/closing_parts.h"
#include "outbound/aggregate_forwarder.h"
#include "outbound/multitracker.h"
#include "service/announce_desk.h"
#include "statistics/counters.h"

namespace muster {

class Outbound {
 public:
  // Whether the options want anything to be sent.
  static bool IsNeeded(const OutboundOptions& options) {
    return options.nat_check || options.multitracker || options.aggregate_forward;
  }
  // The tracker, the desk and the counters must outlive it, the tracker until Close() has returned.
  static absl::StatusOr<ClosingPtr<Outbound>> Start(uv_loop_t* loop, Tracker* tracker,
                                                    AnnounceDesk* desk, OutboundCounters* counters,
                                                    const OutboundOptions& options, LogSink* log);

  // Sends nothing any more; what is under way is given up. Does not touch the tracker after this.
  void Close(Closed closed);

 private:
  Outbound(uv_loop_t* loop, Tracker* tracker, AnnounceDesk* desk, OutboundCounters* counters,
           const OutboundOptions& options);
  void StartParts(LogSink* log);
  void Empty();
  void Check(const NatCheckRequest& request);
  void TellOutcome(const NatCheckRequest& request, NatOutcome outcome);
  void OnPartClosed();

  uv_loop_t* const loop_;
  Tracker* const tracker_;
  AnnounceDesk* const desk_;
  OutboundCounters& counters_;
  const OutboundOptions options_;
  const Clock clock_;
  uv_async_t wake_;
  std::unique_ptr<NatChecker> checker_;
  ClosingPtr<Multitracker> multitracker_;
  ClosingPtr<AggregateForwarder> forwarder_;
  int closing_parts_ = 0;
  Closed closed_;
};

}  // namespace muster

#endif  // MUSTER_LIB_SERVER_OUTBOUND_H_
