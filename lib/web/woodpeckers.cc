// SPDX-License-Identifier: Apache-2.0
#include "muster/woodpeckers.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "absl/base/thread_annotations.h"
#include "base/bytes.h"
#include "base/mutex.h"
#include "web/heavy_hitters.h"
#include "web/network_ranking.h"

namespace muster {
namespace {

constexpr unsigned kBits = 28;
constexpr Seconds kHalving{120};
// Workers hardly ever wait for each other.
constexpr std::size_t kShards = 16;
constexpr std::size_t kPlacesAShard = 1024;

}  // namespace

class Woodpeckers::Impl {
 public:
  explicit Impl(Seconds interval) : early_minutes_(interval.count() * 2 / 3 / 60) {}

  bool IsEarly(std::int32_t minutes) const { return minutes >= 1 && minutes < early_minutes_; }

  void Count(std::uint32_t address, Instant now) {
    const std::uint32_t network = Ipv4Network(address, kBits);
    Shard& shard = shards_[network * 0x9e3779b1u >> 28];
    const MutexLock lock(&shard.mu);
    shard.Age(now);
    shard.networks.Add(network);
  }

  std::vector<Network> Networks(Instant now) {
    std::vector<Network> networks;
    for (Shard& shard : shards_) {
      const MutexLock lock(&shard.mu);
      shard.Age(now);
      for (const auto& [network, count] : shard.networks.counts()) {
        std::uint8_t bytes[4];
        StoreBig32(bytes, network);
        networks.push_back({*Cidr::Of(IpAddress::FromIpv4(bytes), kBits), count});
      }
    }
    return networks;
  }

 private:
  struct Shard {
    void Age(Instant now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
      if (networks.counts().empty() || now < halved) halved = now;
      for (; now - halved >= kHalving && !networks.counts().empty(); halved += kHalving)
        networks.Halve();
    }

    Mutex mu;
    HeavyHitters networks ABSL_GUARDED_BY(mu){kPlacesAShard};
    Instant halved ABSL_GUARDED_BY(mu);
  };

  const std::int64_t early_minutes_;
  std::array<Shard, kShards> shards_;
};

Woodpeckers::Woodpeckers(Seconds interval) : impl_(std::make_unique<Impl>(interval)) {}
Woodpeckers::~Woodpeckers() = default;

void Woodpeckers::OnDelta(const SwarmDelta& delta) {
  if (delta.replicated || delta.peer.family() != AddressFamily::kIpv4) return;
  if (!impl_->IsEarly(delta.minutes_since_seen)) return;
  impl_->Count(LoadBig32(delta.peer.compact().data()), delta.time);
}

std::vector<Woodpeckers::Network> Woodpeckers::Networks(Instant now) const {
  return impl_->Networks(now);
}

}  // namespace muster
