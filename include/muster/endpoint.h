// SPDX-License-Identifier: Apache-2.0
//
// IpAddress and Endpoint: where a peer can be reached, kept as it travels. An Endpoint *is* its
// compact form: 6 bytes for IPv4 (BEP 23) or 18 for IPv6 (BEP 7), address first, port in network
// order. Plain values, usable from any thread.
//
// Addresses are made canonical at the door: an IPv4-mapped IPv6 address (::ffff:192.0.2.1) becomes
// the IPv4 address, so that a peer is one peer whatever socket it came through.
//
//   absl::StatusOr<muster::Endpoint> peer = muster::Endpoint::Parse("[2001:db8::1]:6881");
#ifndef MUSTER_ENDPOINT_H_
#define MUSTER_ENDPOINT_H_

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "muster/export.h"

namespace muster {

enum class AddressFamily : std::uint8_t { kIpv4, kIpv6 };

// Size of a compact peer of a family: 6 or 18.
constexpr std::size_t CompactSize(AddressFamily family) {
  return family == AddressFamily::kIpv4 ? 6 : 18;
}

class MUSTER_EXPORT IpAddress {
 public:
  // 0.0.0.0
  constexpr IpAddress() = default;

  static IpAddress FromIpv4(const std::uint8_t bytes[4]);
  // An IPv4-mapped address becomes IPv4.
  static IpAddress FromIpv6(const std::uint8_t bytes[16]);
  // Dotted quad or RFC 4291 text, without brackets, zone or port.
  static absl::StatusOr<IpAddress> Parse(std::string_view text);

  AddressFamily family() const { return size_ == 4 ? AddressFamily::kIpv4 : AddressFamily::kIpv6; }
  // 4 or 16 bytes in network order.
  absl::Span<const std::uint8_t> bytes() const { return {bytes_.data(), size_}; }
  // All bits zero: stands for "any address" in a listener.
  bool is_unspecified() const;
  bool is_loopback() const;
  // RFC 5952 text.
  std::string ToString() const;

  auto operator<=>(const IpAddress&) const = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
  std::uint8_t size_ = 4;
};

class MUSTER_EXPORT Endpoint {
 public:
  // 0.0.0.0:0
  constexpr Endpoint() = default;
  Endpoint(const IpAddress& address, std::uint16_t port);

  // 6 bytes of a compact IPv4 peer, or 18 of an IPv6 one whose address is canonical already (not
  // IPv4-mapped).
  static Endpoint FromCompact(AddressFamily family, const std::uint8_t* bytes) {
    Endpoint endpoint;
    endpoint.size_ = static_cast<std::uint8_t>(CompactSize(family));
    std::copy_n(bytes, endpoint.size_, endpoint.bytes_.begin());
    return endpoint;
  }
  // "192.0.2.1:6881" or "[2001:db8::1]:6881"; the port is required and at most 65535.
  static absl::StatusOr<Endpoint> Parse(std::string_view text);

  AddressFamily family() const { return size_ == 6 ? AddressFamily::kIpv4 : AddressFamily::kIpv6; }
  IpAddress address() const;
  std::uint16_t port() const {
    return static_cast<std::uint16_t>(bytes_[size_ - 2u] << 8 | bytes_[size_ - 1u]);
  }
  void set_port(std::uint16_t port) {
    bytes_[size_ - 2u] = static_cast<std::uint8_t>(port >> 8);
    bytes_[size_ - 1u] = static_cast<std::uint8_t>(port);
  }
  // The 6 or 18 bytes that go into an answer.
  absl::Span<const std::uint8_t> compact() const { return {bytes_.data(), size_}; }
  // As Parse() reads it.
  std::string ToString() const;

  auto operator<=>(const Endpoint&) const = default;

  template <typename H>
  friend H AbslHashValue(H h, const Endpoint& e) {
    return H::combine(std::move(h), e.bytes_, e.size_);
  }

 private:
  std::array<std::uint8_t, 18>
      bytes_{};  // unused tail stays zero, so that comparison can be bytewise
  std::uint8_t size_ = 6;
};

}  // namespace muster

#endif  // MUSTER_ENDPOINT_H_
