// SPDX-License-Identifier: Apache-2.0
//
// StreamGate: how many long answers are made at a time, and how often one address may ask for a full
// scrape. Thread-safe; one for all workers of a server.
#ifndef MUSTER_LIB_SERVICE_STREAM_GATE_H_
#define MUSTER_LIB_SERVICE_STREAM_GATE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <set>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"
#include "http/body.h"
#include "muster/endpoint.h"
#include "muster/instant.h"

namespace muster {

class StreamGate {
 public:
  // An address is remembered for `interval`, and no more of them than this; then the one that came
  // first is forgotten early.
  static constexpr std::size_t kMaxRemembered = 10'000;

  StreamGate(std::size_t max_streams, Seconds interval)
      : max_streams_(max_streams), interval_(interval) {}

  enum class Verdict : std::uint8_t { kGo, kTooMany, kTooSoon };
  // Takes a place for an answer, for good when it says kGo: Hold() gives it back. With `limited`,
  // the same address (of IPv6, the same /64) must not have been here within the interval.
  Verdict Enter(const IpAddress& from, bool limited, Instant now);
  // The same body; its place is given back when it goes. The gate must outlive it.
  std::unique_ptr<HttpBody> Hold(std::unique_ptr<HttpBody> body);
  // Gives the place back where there will be no body.
  void Leave();

 private:
  const std::size_t max_streams_;
  const Seconds interval_;
  Mutex mu_;
  std::size_t streams_ ABSL_GUARDED_BY(mu_) = 0;
  // In order of time, and by address.
  std::deque<std::pair<Instant, IpAddress>> visits_ ABSL_GUARDED_BY(mu_);
  std::set<IpAddress> visitors_ ABSL_GUARDED_BY(mu_);
};

}  // namespace muster

#endif  // MUSTER_LIB_SERVICE_STREAM_GATE_H_
