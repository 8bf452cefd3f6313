// SPDX-License-Identifier: Apache-2.0
#include "muster/endpoint.h"

#include <arpa/inet.h>

#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace muster {
namespace {

constexpr std::uint8_t kMappedPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
// The longest IPv6 text is 45 characters; longer input is refused before it is copied.
constexpr std::size_t kMaxAddressText = 45;

absl::Status Malformed(std::string_view what, std::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrCat(ToAbsl(what), ": '", ToAbsl(text.substr(0, 80)), "'"));
}

}  // namespace

IpAddress IpAddress::FromIpv4(const std::uint8_t bytes[4]) {
  IpAddress address;
  std::copy_n(bytes, 4, address.bytes_.begin());
  return address;
}

IpAddress IpAddress::FromIpv6(const std::uint8_t bytes[16]) {
  if (std::memcmp(bytes, kMappedPrefix, sizeof kMappedPrefix) == 0) return FromIpv4(bytes + 12);
  IpAddress address;
  address.size_ = 16;
  std::copy_n(bytes, 16, address.bytes_.begin());
  return address;
}

absl::StatusOr<IpAddress> IpAddress::Parse(std::string_view text) {
  char copy[kMaxAddressText + 1];
  if (text.empty() || text.size() > kMaxAddressText || text.find('\0') != std::string_view::npos) {
    return Malformed("not an IP address", text);
  }
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  std::uint8_t bytes[16];
  if (inet_pton(AF_INET, copy, bytes) == 1) return FromIpv4(bytes);
  if (inet_pton(AF_INET6, copy, bytes) == 1) return FromIpv6(bytes);
  return Malformed("not an IP address", text);
}

bool IpAddress::is_unspecified() const {
  return std::all_of(bytes_.begin(), bytes_.begin() + size_, [](std::uint8_t b) { return b == 0; });
}

bool IpAddress::is_loopback() const {
  if (family() == AddressFamily::kIpv4) return bytes_[0] == 127;
  return bytes_[15] == 1 &&
         std::all_of(bytes_.begin(), bytes_.begin() + 15, [](std::uint8_t b) { return b == 0; });
}

std::string IpAddress::ToString() const {
  char text[INET6_ADDRSTRLEN];
  inet_ntop(size_ == 4 ? AF_INET : AF_INET6, bytes_.data(), text, sizeof text);
  return text;
}

Endpoint::Endpoint(const IpAddress& address, std::uint16_t port)
    : size_(static_cast<std::uint8_t>(address.bytes().size() + 2)) {
  std::copy(address.bytes().begin(), address.bytes().end(), bytes_.begin());
  set_port(port);
}

absl::StatusOr<Endpoint> Endpoint::Parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == text.size()) {
    return Malformed("expected ADDRESS:PORT", text);
  }
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  absl::StatusOr<IpAddress> address = IpAddress::Parse(host);
  if (!address.ok()) return address.status();
  if (bracketed != (host.find(':') != std::string_view::npos)) {
    return Malformed("expected IPv4:PORT or [IPv6]:PORT", text);
  }
  const std::string_view digits = text.substr(colon + 1);
  std::uint32_t port = 0;
  if (digits.size() > 5 || digits.find_first_not_of("0123456789") != std::string_view::npos ||
      !absl::SimpleAtoi(ToAbsl(digits), &port) || port > 65535) {
    return Malformed("not a port", digits);
  }
  return Endpoint(*address, static_cast<std::uint16_t>(port));
}

IpAddress Endpoint::address() const {
  return size_ == 6 ? IpAddress::FromIpv4(bytes_.data()) : IpAddress::FromIpv6(bytes_.data());
}

std::string Endpoint::ToString() const {
  if (family() == AddressFamily::kIpv4) return absl::StrCat(address().ToString(), ":", port());
  return absl::StrCat("[", address().ToString(), "]:", port());
}

}  // namespace muster
