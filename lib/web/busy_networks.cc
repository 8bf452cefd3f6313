// SPDX-License-Identifier: Apache-2.0
#include "web/busy_networks.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "web/heavy_hitters.h"
#include "web/network_ranking.h"
#include "web/served_torrents.h"

namespace muster {
namespace {

// A network of less than 1/16384 of all peers may be missed where many are of about one size.
constexpr std::size_t kPlaces = 16'384;

constexpr std::size_t kPeersAStep = 4096;
// A visited peer counts like so many bytes of a page.
constexpr std::size_t kWorkAPeer = 8;

// The networks of one length.
class Networks {
 public:
  explicit Networks(unsigned bits) : bits_(bits), candidates_(kPlaces) {}

  void Nominate(std::uint32_t address) { candidates_.Add(Ipv4Network(address, bits_)); }
  void BeginCount() {
    for (const auto& [network, guessed] : candidates_.counts()) counts_.emplace(network, 0);
    candidates_.Clear();
  }
  void Count(std::uint32_t address) {
    const auto found = counts_.find(Ipv4Network(address, bits_));
    if (found != counts_.end()) ++found->second;
  }
  void AppendTo(std::string& out) const {
    std::vector<std::pair<std::uint64_t, std::uint32_t>> networks;
    for (const auto& [network, count] : counts_) {
      if (count > 0) networks.emplace_back(count, network);
    }
    AppendNetworkRanking(bits_, std::move(networks), out);
  }

 private:
  unsigned bits_;
  HeavyHitters candidates_;
  std::unordered_map<std::uint32_t, std::uint64_t> counts_;
};

class BusyNetworks final : public HttpBody {
 public:
  BusyNetworks(const SwarmStore& store, const Policy* policy)
      : store_(store), policy_(policy), cursor_(store.Walk(kPeersAStep)) {}

  Progress Produce(std::size_t budget, std::string& out) override {
    for (std::size_t work = 0; work < budget;) {
      work += kWorkAPeer;
      const SwarmCursor::Step step = cursor_->Next([&](const SwarmView& part) {
        if (IsHidden(policy_, part.info_hash())) return;
        part.ForEachPeer([&](const PeerRecord& peer) {
          if (peer.peer.family() != AddressFamily::kIpv4) return;
          work += kWorkAPeer;
          const std::uint32_t address = LoadBig32(peer.peer.compact().data());
          for (Networks* networks : {&of_28_, &of_24_})
            counting_ ? networks->Count(address) : networks->Nominate(address);
        });
      });
      if (step == SwarmCursor::Step::kVisited) continue;
      if (step == SwarmCursor::Step::kPrepared) break;
      if (!counting_) {
        counting_ = true;
        cursor_ = store_.Walk(kPeersAStep);
        for (Networks* networks : {&of_28_, &of_24_}) networks->BeginCount();
        continue;
      }
      of_28_.AppendTo(out);
      of_24_.AppendTo(out);
      return Progress::kEnd;
    }
    return Progress::kMore;
  }

 private:
  const SwarmStore& store_;
  const Policy* const policy_;
  std::unique_ptr<SwarmCursor> cursor_;
  bool counting_ = false;
  Networks of_28_{28};
  Networks of_24_{24};
};

}  // namespace

std::unique_ptr<HttpBody> NewBusyNetworks(const SwarmStore& store, const Policy* policy) {
  return std::make_unique<BusyNetworks>(store, policy);
}

}  // namespace muster
