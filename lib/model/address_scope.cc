// SPDX-License-Identifier: Apache-2.0
#include "model/address_scope.h"

#include <cstddef>

#include "base/bytes.h"

namespace muster {
namespace {

struct Range4 {
  std::uint32_t network;
  int bits;
  AddressScope scope;
};

constexpr std::uint32_t Ip4(std::uint32_t a, std::uint32_t b, std::uint32_t c) {
  return a << 24 | b << 16 | c << 8;
}

constexpr Range4 kRanges4[] = {
    {Ip4(0, 0, 0), 8, AddressScope::kNone},          {Ip4(10, 0, 0), 8, AddressScope::kPrivate},
    {Ip4(100, 64, 0), 10, AddressScope::kPrivate},   {Ip4(127, 0, 0), 8, AddressScope::kPrivate},
    {Ip4(169, 254, 0), 16, AddressScope::kPrivate},  {Ip4(172, 16, 0), 12, AddressScope::kPrivate},
    {Ip4(192, 0, 0), 24, AddressScope::kPrivate},    {Ip4(192, 0, 2), 24, AddressScope::kPrivate},
    {Ip4(192, 168, 0), 16, AddressScope::kPrivate},  {Ip4(198, 18, 0), 15, AddressScope::kPrivate},
    {Ip4(198, 51, 100), 24, AddressScope::kPrivate}, {Ip4(203, 0, 113), 24, AddressScope::kPrivate},
    {Ip4(224, 0, 0), 3, AddressScope::kNone},  // multicast, and all that is above it
};

AddressScope ScopeOf4(std::uint32_t address) {
  for (const Range4& range : kRanges4) {
    if ((address ^ range.network) >> (32 - range.bits) == 0) return range.scope;
  }
  return AddressScope::kPublic;
}

AddressScope ScopeOf6(const IpAddress& address) {
  const std::uint32_t first = LoadBig32(address.bytes().data());
  if (address.is_unspecified() || first >> 24 == 0xff) return AddressScope::kNone;
  const bool global = first >> 29 == 1;            // 2000::/3, all that is given out so far
  const bool documentation = first == 0x20010db8;  // 2001:db8::/32
  const bool six_to_four = first >> 16 == 0x2002;
  return global && !documentation && !six_to_four ? AddressScope::kPublic : AddressScope::kPrivate;
}

}  // namespace

AddressScope ScopeOf(const IpAddress& address) {
  return address.family() == AddressFamily::kIpv4 ? ScopeOf4(LoadBig32(address.bytes().data()))
                                                  : ScopeOf6(address);
}

}  // namespace muster
