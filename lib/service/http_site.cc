// SPDX-License-Identifier: Apache-2.0
#include "service/http_site.h"

#include "muster/live_sync.h"

namespace muster {

HttpSite::HttpSite(const Tracker* tracker, const CounterBook* book, const HttpOptions& options,
                   const LiveSync* live_sync)
    : tracker_(tracker),
      book_(book),
      live_sync_(live_sync),
      tracker_id_(static_cast<std::uint32_t>(Random::FromSystem().Next())),
      gate_(options.max_streams, options.full_scrape_interval),
      full_log_(options.full_log_bytes) {}

Snapshot HttpSite::Take(Instant now) {
  Snapshot snapshot{.server = book_->Sum(),
                    .store = {},
                    .now = now,
                    .peer_timeout = tracker_->options().peer_timeout,
                    .tracker_id = tracker_id_};
  if (live_sync_ != nullptr) snapshot.live_sync = live_sync_->Statistics();
  MutexLock lock(&mu_);
  if (now != totals_of_) {
    totals_ = tracker_->store().Totals();
    totals_of_ = now;
  }
  snapshot.store = totals_;
  return snapshot;
}

}  // namespace muster
