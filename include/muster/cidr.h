// SPDX-License-Identifier: Apache-2.0
//
// Cidr: a network, that is the addresses that share their first bits (RFC 4632, RFC 4291). A plain
// value, usable from any thread.
//
// Networks are canonical like addresses: bits behind the prefix are zero, and a network of
// IPv4-mapped addresses (::ffff:192.0.2.0/120) is the IPv4 network (192.0.2.0/24). So an IPv6
// network never holds an IPv4 address: ::/0 is every IPv6 address and no IPv4 one.
//
//   absl::StatusOr<muster::Cidr> network = muster::Cidr::Parse("2001:db8::/32");
//   if (network.ok() && network->Contains(address)) ...
#ifndef MUSTER_CIDR_H_
#define MUSTER_CIDR_H_

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "muster/endpoint.h"
#include "muster/export.h"

namespace muster {

class MUSTER_EXPORT Cidr {
 public:
  // 0.0.0.0/0
  constexpr Cidr() = default;

  // The network of `bits` that `address` is in. InvalidArgument unless 0 <= bits <= 32 (IPv4) or
  // 128 (IPv6).
  static absl::StatusOr<Cidr> Of(const IpAddress& address, int bits);
  // "192.0.2.0/24", "2001:db8::/32", or an address alone, which is a network of one. Bits behind
  // the prefix may be set: 192.0.2.7/24 is read as 192.0.2.0/24.
  static absl::StatusOr<Cidr> Parse(std::string_view text);

  AddressFamily family() const { return first_.family(); }
  const IpAddress& first() const { return first_; }
  IpAddress last() const;
  int bits() const { return bits_; }
  bool Contains(const IpAddress& address) const;
  // As Parse() reads it, always with the bits.
  std::string ToString() const;

  auto operator<=>(const Cidr&) const = default;

 private:
  Cidr(const IpAddress& first, int bits) : first_(first), bits_(static_cast<std::uint8_t>(bits)) {}

  IpAddress first_;
  std::uint8_t bits_ = 0;
};

}  // namespace muster

#endif  // MUSTER_CIDR_H_
