// SPDX-License-Identifier: Apache-2.0
#include "muster/ip_set.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "absl/status/status.h"
#include "base/bytes.h"

namespace muster {
namespace {

IpAddress AddressOf(std::uint32_t number) {
  std::array<std::uint8_t, 4> bytes;
  StoreBig32(bytes.data(), number);
  return IpAddress::FromIpv4(bytes.data());
}

template <typename Wide>
IpAddress AddressOf(const Wide& number) {
  std::array<std::uint8_t, 16> bytes;
  StoreBig64(bytes.data(), number.high);
  StoreBig64(bytes.data() + 8, number.low);
  return IpAddress::FromIpv6(bytes.data());
}

bool TouchesNext(std::uint32_t last, std::uint32_t first) {
  return last != std::numeric_limits<std::uint32_t>::max() && last + 1 == first;
}

template <typename Wide>
bool TouchesNext(const Wide& last, const Wide& first) {
  const Wide next{last.high + (last.low + 1 == 0 ? 1 : 0), last.low + 1};
  return next > last && next == first;
}

}  // namespace

absl::StatusOr<IpRange> IpRange::Parse(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == text.npos) {
    const absl::StatusOr<Cidr> network = Cidr::Parse(text);
    if (!network.ok()) return network.status();
    return Of(*network);
  }
  const absl::StatusOr<IpAddress> first = IpAddress::Parse(text.substr(0, dash));
  if (!first.ok()) return first.status();
  const absl::StatusOr<IpAddress> last = IpAddress::Parse(text.substr(dash + 1));
  if (!last.ok()) return last.status();
  if (first->family() != last->family()) {
    return absl::InvalidArgumentError("the ends of a range are of two address families");
  }
  if (*last < *first) return absl::InvalidArgumentError("a range ends before it begins");
  return IpRange{*first, *last};
}

// Ranges come in ascending order of their first address.
template <typename Number>
void IpSet::Table<Number>::Add(const Number& first, const Number& last) {
  if (!firsts.empty() && (first <= lasts.back() || TouchesNext(lasts.back(), first))) {
    lasts.back() = std::max(lasts.back(), last);
    return;
  }
  firsts.push_back(first);
  lasts.push_back(last);
}

template <typename Number>
void IpSet::Table<Number>::Finish() {
  firsts.shrink_to_fit();
  lasts.shrink_to_fit();
  steps.reserve((firsts.size() + kStride - 1) / kStride);
  for (std::size_t i = 0; i < firsts.size(); i += kStride) steps.push_back(firsts[i]);
}

template <typename Number>
bool IpSet::Table<Number>::Contains(const Number& number) const {
  const auto step = std::upper_bound(steps.begin(), steps.end(), number);
  if (step == steps.begin()) return false;  // before the first range, or there is none
  const auto stride = static_cast<std::size_t>(step - steps.begin()) * kStride;
  const auto begin = firsts.begin() + static_cast<std::ptrdiff_t>(stride - kStride);
  const auto end = firsts.begin() + static_cast<std::ptrdiff_t>(std::min(stride, firsts.size()));
  const auto next = std::upper_bound(begin, end, number);  // never `begin`: *begin <= number
  return number <= lasts[static_cast<std::size_t>(next - firsts.begin()) - 1];
}

IpSet::Wide IpSet::WideOf(const IpAddress& address) {
  return {LoadBig64(address.bytes().data()), LoadBig64(address.bytes().data() + 8)};
}

IpSet::IpSet(absl::Span<const IpRange> ranges) {
  Compile(std::vector<IpRange>(ranges.begin(), ranges.end()));
}

IpSet::IpSet(absl::Span<const Cidr> networks) {
  std::vector<IpRange> ranges;
  ranges.reserve(networks.size());
  for (const Cidr& network : networks) ranges.push_back(IpRange::Of(network));
  Compile(std::move(ranges));
}

void IpSet::Compile(std::vector<IpRange> ranges) {
  std::erase_if(ranges, [](const IpRange& range) {
    return range.first.family() != range.last.family() || range.last < range.first;
  });
  std::sort(ranges.begin(), ranges.end());
  for (const IpRange& range : ranges) {
    if (range.first.family() == AddressFamily::kIpv4) {
      ipv4_.Add(LoadBig32(range.first.bytes().data()), LoadBig32(range.last.bytes().data()));
    } else {
      ipv6_.Add(WideOf(range.first), WideOf(range.last));
    }
  }
  ipv4_.Finish();
  ipv6_.Finish();
}

bool IpSet::Contains(const IpAddress& address) const {
  if (address.family() == AddressFamily::kIpv4) {
    return ipv4_.Contains(LoadBig32(address.bytes().data()));
  }
  return ipv6_.Contains(WideOf(address));
}

std::vector<IpRange> IpSet::Ranges() const {
  std::vector<IpRange> ranges;
  for (std::size_t i = 0; i < ipv4_.firsts.size(); ++i) {
    ranges.push_back({AddressOf(ipv4_.firsts[i]), AddressOf(ipv4_.lasts[i])});
  }
  for (std::size_t i = 0; i < ipv6_.firsts.size(); ++i) {
    ranges.push_back({AddressOf(ipv6_.firsts[i]), AddressOf(ipv6_.lasts[i])});
  }
  return ranges;
}

std::size_t IpSet::bytes() const {
  const auto of = [](const auto& table) {
    return (table.steps.capacity() + table.firsts.capacity() + table.lasts.capacity()) *
           sizeof table.firsts[0];
  };
  return of(ipv4_) + of(ipv6_);
}

}  // namespace muster
