// SPDX-License-Identifier: Apache-2.0
#include "web/busy_networks.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"

namespace muster {
namespace {

constexpr std::size_t kShown = 128;
// A network of less than 1/16384 of all peers may be missed where many are of about one size.
constexpr std::size_t kPlaces = 16'384;

constexpr std::size_t kPeersAStep = 4096;
// A visited peer counts like so many bytes of a page.
constexpr std::size_t kWorkAPeer = 8;

// The keys that come most among many (Misra and Gries, 1982), in the memory of `places` of them: one
// that is more than a (places + 1)th of all that came is surely there.
class HeavyHitters {
 public:
  explicit HeavyHitters(std::size_t places) : places_(places) {}

  void Add(std::uint32_t key) {
    const auto found = counts_.find(key);
    if (found != counts_.end()) {
      ++found->second;
    } else if (counts_.size() < places_) {
      counts_.emplace(key, 1);
    } else {
      // Each of them and the new one lose one: no more than came in, so it costs nothing on average.
      for (auto entry = counts_.begin(); entry != counts_.end();)
        entry = --entry->second == 0 ? counts_.erase(entry) : std::next(entry);
    }
  }
  std::vector<std::uint32_t> Keys() const {
    std::vector<std::uint32_t> keys;
    for (const auto& [key, count] : counts_) keys.push_back(key);
    return keys;
  }

 private:
  std::size_t places_;
  std::unordered_map<std::uint32_t, std::uint32_t> counts_;
};

// The networks of one length.
class Networks {
 public:
  explicit Networks(unsigned bits) : bits_(bits), candidates_(kPlaces) {}

  void Nominate(std::uint32_t address) { candidates_.Add(NetworkOf(address)); }
  void BeginCount() {
    for (const std::uint32_t network : candidates_.Keys()) counts_.emplace(network, 0);
    candidates_ = HeavyHitters(0);
  }
  void Count(std::uint32_t address) {
    const auto found = counts_.find(NetworkOf(address));
    if (found != counts_.end()) ++found->second;
  }
  // The greatest first; of equals the lowest address.
  void AppendTo(std::string& out) const {
    std::vector<std::pair<std::uint64_t, std::uint32_t>> order;
    for (const auto& [network, count] : counts_) {
      if (count > 0) order.emplace_back(count, ~network);
    }
    const std::size_t shown = std::min(kShown, order.size());
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(shown),
                      order.end(), std::greater<>());
    order.resize(shown);
    absl::StrAppend(&out, "Networks, limit /", bits_, ":\n");
    for (const auto& [count, network] : order) {
      std::uint8_t bytes[4];
      StoreBig32(bytes, ~network);
      absl::StrAppend(&out, absl::Dec(count, absl::kZeroPad8), ": ", bytes[0], ".", bytes[1], ".",
                      bytes[2], ".", bytes[3], "\n");
    }
    out += '\n';
  }

 private:
  std::uint32_t NetworkOf(std::uint32_t address) const { return address & ~0u << (32 - bits_); }

  unsigned bits_;
  HeavyHitters candidates_;
  std::unordered_map<std::uint32_t, std::uint64_t> counts_;
};

class BusyNetworks final : public HttpBody {
 public:
  explicit BusyNetworks(const SwarmStore& store)
      : store_(store), cursor_(store.Walk(kPeersAStep)) {}

  Progress Produce(std::size_t budget, std::string& out) override {
    for (std::size_t work = 0; work < budget;) {
      work += kWorkAPeer;
      const bool more = cursor_->Next([&](const SwarmView& part) {
        part.ForEachPeer([&](const PeerRecord& peer) {
          if (peer.peer.family() != AddressFamily::kIpv4) return;
          work += kWorkAPeer;
          const std::uint32_t address = LoadBig32(peer.peer.compact().data());
          for (Networks* networks : {&of_28_, &of_24_})
            counting_ ? networks->Count(address) : networks->Nominate(address);
        });
      });
      if (more) continue;
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
  std::unique_ptr<SwarmCursor> cursor_;
  bool counting_ = false;
  Networks of_28_{28};
  Networks of_24_{24};
};

}  // namespace

std::unique_ptr<HttpBody> NewBusyNetworks(const SwarmStore& store) {
  return std::make_unique<BusyNetworks>(store);
}

}  // namespace muster
