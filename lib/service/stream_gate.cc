// SPDX-License-Identifier: Apache-2.0
#include "service/stream_gate.h"

#include <algorithm>

namespace muster {
namespace {

// What one customer of a provider has: an IPv4 address, or the 64 bits of an IPv6 network.
IpAddress CustomerOf(const IpAddress& address) {
  if (address.family() == AddressFamily::kIpv4) return address;
  std::uint8_t bytes[16] = {};
  std::copy_n(address.bytes().begin(), 8, bytes);
  return IpAddress::FromIpv6(bytes);
}

class HeldBody final : public HttpBody {
 public:
  HeldBody(std::unique_ptr<HttpBody> body, StreamGate::Place place)
      : place_(std::move(place)), body_(std::move(body)) {}
  Progress Produce(std::size_t budget, std::string& out) override {
    return body_->Produce(budget, out);
  }

 private:
  const StreamGate::Place place_;
  const std::unique_ptr<HttpBody> body_;
};

}  // namespace

StreamGate::Admission StreamGate::Enter(const IpAddress& from, bool limited, Instant now) {
  const IpAddress customer = CustomerOf(from);
  MutexLock lock(&mu_);
  if (streams_ >= max_streams_) return {Verdict::kTooMany};
  const auto others = streams_of_.find(customer);
  if (others != streams_of_.end() && others->second >= (max_streams_ + 1) / 2)
    return {Verdict::kTooMany};
  if (limited && interval_ > Seconds(0)) {
    while (!visits_.empty() &&
           (visits_.front().first + interval_ <= now || visits_.size() >= kMaxRemembered)) {
      visitors_.erase(visits_.front().second);
      visits_.pop_front();
    }
    if (!visitors_.insert(customer).second) return {Verdict::kTooSoon};
    visits_.emplace_back(now, customer);
  }
  ++streams_;
  ++streams_of_[customer];
  return {Verdict::kGo, Place(this, customer)};
}

void StreamGate::Leave(const IpAddress& customer) {
  MutexLock lock(&mu_);
  --streams_;
  const auto of = streams_of_.find(customer);
  if (--of->second == 0) streams_of_.erase(of);
}

std::unique_ptr<HttpBody> StreamGate::Hold(std::unique_ptr<HttpBody> body, Place place) {
  return std::make_unique<HeldBody>(std::move(body), std::move(place));
}

}  // namespace muster
