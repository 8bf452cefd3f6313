// SPDX-License-Identifier: Apache-2.0
//
// IpSet: which addresses, of both families, compiled for fast look-ups; and the lists that it is
// read from.
//
// An IpSet never changes; any thread may ask it. Copies are deep.
//
//   muster::IpList list = muster::ParseIpList(text, muster::IpListFormat::kNetworks);
//   if (list.set.Contains(address)) ...
#ifndef MUSTER_IP_SET_H_
#define MUSTER_IP_SET_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "muster/cidr.h"
#include "muster/endpoint.h"
#include "muster/export.h"

namespace muster {

// The addresses from `first` to `last`, both included and of one family.
struct MUSTER_EXPORT IpRange {
  IpAddress first;
  IpAddress last;

  static IpRange Of(const Cidr& network) { return {network.first(), network.last()}; }
  // "192.0.2.1-192.0.2.9", or what Cidr::Parse() takes. InvalidArgument when the ends are of two
  // families or in the wrong order.
  static absl::StatusOr<IpRange> Parse(std::string_view text);

  auto operator<=>(const IpRange&) const = default;
};

class MUSTER_EXPORT IpSet {
 public:
  // No address at all.
  IpSet() = default;
  // In any order; ranges may overlap. A range whose ends are of two families, or whose last comes
  // before its first, counts as nothing.
  explicit IpSet(absl::Span<const IpRange> ranges);
  explicit IpSet(absl::Span<const Cidr> networks);

  // Far below a microsecond, however many ranges there are.
  bool Contains(const IpAddress& address) const;

  bool empty() const { return ipv4_.firsts.empty() && ipv6_.firsts.empty(); }
  // The fewest ranges that make the set, in ascending order, IPv4 first.
  std::vector<IpRange> Ranges() const;
  // Memory that the set holds, in bytes.
  std::size_t bytes() const;

 private:
  // An IPv6 address as a number.
  struct Wide {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    auto operator<=>(const Wide&) const = default;
  };
  // Disjoint ranges in ascending order; every kStride-th `first` stands in `steps` as well, which
  // is small enough to stay in the processor's caches.
  template <typename Number>
  struct Table {
    std::vector<Number> steps;
    std::vector<Number> firsts;
    std::vector<Number> lasts;

    void Add(const Number& first, const Number& last);
    void Finish();
    bool Contains(const Number& number) const;
  };
  static constexpr std::size_t kStride = 64;

  void Compile(std::vector<IpRange> ranges);
  static Wide WideOf(const IpAddress& address);

  Table<std::uint32_t> ipv4_;
  Table<Wide> ipv6_;
};

enum class IpListFormat : std::uint8_t {
  // A line begins with an address, a network ("192.0.2.0/24") or a range ("first-last"); what
  // follows a blank or a '#' is a comment. The `allowed_ips` of bttrack is one.
  kNetworks,
  // The block lists of peer-to-peer programs, and the `banned_ips` of bttrack: "name:first-last",
  // "name:address" or "name:network"; the name may be missing. Of IPv4, what counts stands behind the
  // last colon, whatever the name is. Where a name ends like an IPv6 address begins, the longest
  // address counts, but one of 2000::/3 before any other; a range begins near where it ends.
  kNamedRanges,
};

// What a list says. Lines that say nothing are passed over: empty ones, and those that begin with a
// '#'.
struct IpList {
  IpSet set;
  // Lines that were understood.
  std::size_t entries = 0;
  // Lines that were not, and the number of the first of them, from 1.
  std::size_t bad_lines = 0;
  std::size_t first_bad_line = 0;
};

// Any text is a list. Takes time in proportion to its size, and at most 34 bytes for each line
// while it works.
MUSTER_EXPORT IpList ParseIpList(std::string_view text, IpListFormat format);

}  // namespace muster

#endif  // MUSTER_IP_SET_H_
