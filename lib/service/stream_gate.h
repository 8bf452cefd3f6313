// SPDX-License-Identifier: Apache-2.0
//
// StreamGate: how many long answers are made at a time, of all and of one address, and how often one
// address may ask for a full scrape. An address of IPv6 stands for its /64. Thread-safe; one for all
// workers of a server.
#ifndef MUSTER_LIB_SERVICE_STREAM_GATE_H_
#define MUSTER_LIB_SERVICE_STREAM_GATE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
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

  // Is given back when it goes. The gate must outlive it.
  class Place {
   public:
    Place() = default;
    Place(StreamGate* gate, const IpAddress& customer) : gate_(gate), customer_(customer) {}
    Place(Place&& other) noexcept
        : gate_(std::exchange(other.gate_, nullptr)), customer_(other.customer_) {}
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (gate_ != nullptr) gate_->Leave(customer_);
    }

   private:
    StreamGate* gate_ = nullptr;
    IpAddress customer_;
  };

  enum class Verdict : std::uint8_t { kGo, kTooMany, kTooSoon };
  struct Admission {
    Verdict verdict;
    // For one answer, when it says kGo.
    Place place = {};
  };
  // With `limited`, the same address must not have been here within the interval.
  Admission Enter(const IpAddress& from, bool limited, Instant now);
  // The same body, which keeps the place.
  static std::unique_ptr<HttpBody> Hold(std::unique_ptr<HttpBody> body, Place place);

 private:
  void Leave(const IpAddress& customer);

  const std::size_t max_streams_;
  const Seconds interval_;
  Mutex mu_;
  std::size_t streams_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<IpAddress, std::size_t> streams_of_ ABSL_GUARDED_BY(mu_);
  // In order of time, and by address.
  std::deque<std::pair<Instant, IpAddress>> visits_ ABSL_GUARDED_BY(mu_);
  std::set<IpAddress> visitors_ ABSL_GUARDED_BY(mu_);
};

}  // namespace muster

#endif  // MUSTER_LIB_SERVICE_STREAM_GATE_H_
