// SPDX-License-Identifier: Apache-2.0
//
// HttpSite: what the HTTP services of all workers of a server have in common. Thread-safe; the
// tracker and the counters are not owned.
#ifndef MUSTER_LIB_SERVICE_HTTP_SITE_H_
#define MUSTER_LIB_SERVICE_HTTP_SITE_H_

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"
#include "muster/server.h"
#include "muster/tracker.h"
#include "service/full_log.h"
#include "service/stream_gate.h"
#include "statistics/counters.h"
#include "web/snapshot.h"

namespace muster {

class HttpSite {
 public:
  // `live_sync` may be null.
  HttpSite(const Tracker* tracker, const CounterBook* book, const HttpOptions& options,
           const LiveSync* live_sync = nullptr);

  // The store's totals are taken once a second at most, as they cost a walk over its shards.
  Snapshot Take(Instant now);
  StreamGate& gate() { return gate_; }
  FullLog& full_log() { return full_log_; }

 private:
  const Tracker* const tracker_;
  const CounterBook* const book_;
  const LiveSync* const live_sync_;
  const std::uint32_t tracker_id_;
  StreamGate gate_;
  FullLog full_log_;
  Mutex mu_;
  Instant totals_of_ ABSL_GUARDED_BY(mu_) = Instant::min();
  StoreTotals totals_ ABSL_GUARDED_BY(mu_);
};

}  // namespace muster

#endif  // MUSTER_LIB_SERVICE_HTTP_SITE_H_
