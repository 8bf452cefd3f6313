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
#include <cstdint>
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

namespace muster {

class AggregateForwarder {
 public:
  struct Counts {
    std::uint64_t forwarded = 0;  // the aggregator has answered with 200
    std::uint64_t refused = 0;    // it has answered with something else, or with a failure reason
    std::uint64_t failed = 0;     // sent, maybe, but not answered
    std::uint64_t dropped = 0;    // never sent: the queue was full, or the query too long
  };
  // A longer query is no announce.
  static constexpr std::size_t kMaxQuery = 8192;

  // `log` may be null: it hears when the aggregator fails, refuses, and is back.
  static ClosingPtr<AggregateForwarder> Start(uv_loop_t* loop,
                                              const AggregateForwardOptions& options, LogSink* log);

  // Queues a copy of an announce: its query string as it came, still percent-encoded and without
  // blanks and control characters, and who sent it.
  void Forward(std::string_view query, const IpAddress& peer);

  // Drops what waits or is under way.
  void Close(Closed closed);

  std::size_t queued() const { return queue_.size(); }
  const Counts& counts() const { return counts_; }

 private:
  struct Waiting {
    std::string query;
    IpAddress peer;
  };

  AggregateForwarder(uv_loop_t* loop, const AggregateForwardOptions& options, LogSink* log);
  void SendNext();
  void Send(HttpClient& client);
  void OnReply(const absl::StatusOr<HttpReply>& reply);
  void Pause();
  void Say(LogLevel level, std::string text);

  uv_loop_t* const loop_;
  const AggregateForwardOptions options_;
  LogSink* const log_;
  std::vector<ClosingPtr<HttpClient>> clients_;
  std::deque<Waiting> queue_;
  // While the aggregator is left alone.
  ClosingPtr<Timer> pause_;
  std::chrono::milliseconds next_pause_;
  std::string said_;  // last, so that it is said once
  Counts counts_;
  bool closing_ = false;
  ClosingParts parts_;
};

}  // namespace muster

#endif  // MUSTER_LIB_OUTBOUND_AGGREGATE_FORWARDER_H_
