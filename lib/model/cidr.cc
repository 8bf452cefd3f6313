// SPDX-License-Identifier: Apache-2.0
#include "muster/cidr.h"

#include <algorithm>
#include <array>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace muster {
namespace {

constexpr int kMappedBits = 96;  // of ::ffff:0:0/96, which IPv4-mapped addresses are in

int Width(const IpAddress& address) { return address.family() == AddressFamily::kIpv4 ? 32 : 128; }

// `address` with every bit behind the first `bits` set to `value`.
IpAddress Fill(const IpAddress& address, int bits, bool value) {
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < address.bytes().size(); ++i) {
    const int kept = std::clamp(bits - 8 * static_cast<int>(i), 0, 8);
    const auto mask = static_cast<std::uint8_t>(0xff >> kept);
    bytes[i] = static_cast<std::uint8_t>(
        value ? address.bytes()[i] | mask : address.bytes()[i] & static_cast<std::uint8_t>(~mask));
  }
  return address.family() == AddressFamily::kIpv4 ? IpAddress::FromIpv4(bytes.data())
                                                  : IpAddress::FromIpv6(bytes.data());
}

}  // namespace

absl::StatusOr<Cidr> Cidr::Of(const IpAddress& address, int bits) {
  if (bits < 0 || bits > Width(address)) {
    return absl::InvalidArgumentError(
        absl::StrCat("a network of ", address.ToString(), " has 0 to ", Width(address), " bits"));
  }
  return Cidr(Fill(address, bits, false), bits);
}

absl::StatusOr<Cidr> Cidr::Parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view host = text.substr(0, slash);
  const absl::StatusOr<IpAddress> address = IpAddress::Parse(host);
  if (!address.ok()) return address.status();
  if (slash == text.npos) return Cidr(*address, Width(*address));
  const std::string_view digits = text.substr(slash + 1);
  int bits = 0;
  if (digits.size() > 3 || digits.find_first_not_of("0123456789") != digits.npos ||
      !absl::SimpleAtoi(ToAbsl(digits), &bits)) {
    return absl::InvalidArgumentError(
        absl::StrCat("not a number of bits: '", ToAbsl(digits.substr(0, 20)), "'"));
  }
  const bool mapped = address->family() == AddressFamily::kIpv4 && host.find(':') != host.npos;
  return Of(*address, mapped ? bits - kMappedBits : bits);
}

IpAddress Cidr::last() const {
  const IpAddress last = Fill(first_, bits_, true);
  if (last.family() == family()) return last;
  // An IPv6 network that ends with the mapped addresses, which are not its own: what is before them.
  constexpr std::uint8_t kBeforeMapped[16] = {0, 0, 0,    0,    0,    0,    0,    0,
                                              0, 0, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xff};
  return IpAddress::FromIpv6(kBeforeMapped);
}

bool Cidr::Contains(const IpAddress& address) const {
  return address.family() == family() && Fill(address, bits_, false) == first_;
}

std::string Cidr::ToString() const {
  return absl::StrCat(first_.ToString(), "/", static_cast<int>(bits_));
}

}  // namespace muster
