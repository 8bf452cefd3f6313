// SPDX-License-Identifier: Apache-2.0
//
// AggregateForwarder: copies accepted announces to an aggregator, over connections that are kept
// alive. Nobody waits for it: what the aggregator does not take is dropped and counted. Loop-bound:
// each worker has one of its own.
//
// The aggregator sees this tracker's address; the peer's goes along in X-Forwarded-For.
#ifndef MUSTER_LIB_OUTBOUND_AGGREGATE_FORWARDER_H_
#define MUSTER_LIB_OUTBOUND_AGGREGATE_FORWARDER_H_

#include <chrono>
#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "muster/aggregate_forward.h"
#include "muster/endpoint.h"
#include "muster/log_sink.h"
#include "net/closing_parts.h"
#include "net/http_client.h"
#include "net/timer.h"
#include "statistics/counters.h"

namespace muster {

class AggregateForwarder {
 public:
  // A longer query is no announce.
  static constexpr std::size_t kMaxQuery = 8192;

  // `log` may be null: it hears when the aggregator fails, refuses, and is back. Of the counters,
  // which are not owned: forwarded is what was answered with 200, refused with something else or a
  // failure reason, failed not at all; dropped is what was never sent, as the queue was full or the
  // query too long.
  static ClosingPtr<AggregateForwarder> Start(uv_loop_t* loop,
                                              const AggregateForwardOptions& options, LogSink* log,
                                              OutboundCounters* counters);

  // Queues a copy of an announce: its query string as it came, still percent-encoded and without
  // blanks and control characters, and who sent it.
  void Forward(std::string_view query, const IpAddress& peer);

  // Drops what waits or is under way.
  void Close(Closed closed);

  std::size_t queued() const { return queue_.size(); }

 private:
  struct Waiting {
    std::string query;
    IpAddress peer;
  };

  AggregateForwarder(uv_loop_t* loop, const AggregateForwardOptions& options, LogSink* log,
                     OutboundCounters* counters);
  void SendNext();
  void Send(HttpClient& client);
  void OnReply(const absl::StatusOr<ReceivedReply>& reply);
  void Pause();
  void Say(LogLevel level, std::string text);

  uv_loop_t* const loop_;
  const AggregateForwardOptions options_;
  LogSink* const log_;
  OutboundCounters& counters_;
  std::vector<ClosingPtr<HttpClient>> clients_;
  std::deque<Waiting> queue_;
  // While the aggregator is left alone.
  ClosingPtr<Timer> pause_;
  std::chrono::milliseconds next_pause_;
  std::string said_;  // last, so that it is said once
  bool closing_ = false;
  ClosingParts parts_;
};

}  // namespace muster

#endif  // MUSTER_LIB_OUTBOUND_AGGREGATE_FORWARDER_H_
