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
  HeldBody(std::unique_ptr<HttpBody> body, StreamGate* gate)
      : body_(std::move(body)), gate_(gate) {}
  ~HeldBody() override { gate_->Leave(); }
  Progress Produce(std::size_t budget, std::string& out) override {
    return body_->Produce(budget, out);
  }

 private:
  const std::unique_ptr<HttpBody> body_;
  StreamGate* const gate_;
};

}  // namespace

StreamGate::Verdict StreamGate::Enter(const IpAddress& from, bool limited, Instant now) {
  MutexLock lock(&mu_);
  if (streams_ >= max_streams_) return Verdict::kTooMany;
  if (limited && interval_ > Seconds(0)) {
    while (!visits_.empty() &&
           (visits_.front().first + interval_ <= now || visits_.size() >= kMaxRemembered)) {
      visitors_.erase(visits_.front().second);
      visits_.pop_front();
    }
    const IpAddress customer = CustomerOf(from);
    if (!visitors_.insert(customer).second) return Verdict::kTooSoon;
    visits_.emplace_back(now, customer);
  }
  ++streams_;
  return Verdict::kGo;
}

void StreamGate::Leave() {
  MutexLock lock(&mu_);
  --streams_;
}

std::unique_ptr<HttpBody> StreamGate::Hold(std::unique_ptr<HttpBody> body) {
  return std::make_unique<HeldBody>(std::move(body), this);
}

}  // namespace muster
