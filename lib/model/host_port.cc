// SPDX-License-Identifier: Apache-2.0
#include "muster/host_port.h"

#include <algorithm>
#include <charconv>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace muster {

bool IsHost(std::string_view host) {
  constexpr std::string_view kForbidden = "/?#@[]";
  return !host.empty() && host.size() <= HostPort::kMaxHost &&
         std::none_of(host.begin(), host.end(), [&](char c) {
           return static_cast<unsigned char>(c) <= ' ' || c == '\x7f' ||
                  kForbidden.find(c) != kForbidden.npos;
         });
}

absl::StatusOr<HostPort> HostPort::Parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos) return absl::InvalidArgumentError("expected host:port");
  std::string_view host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (host.find(':') == host.npos) {
      return absl::InvalidArgumentError("brackets belong around an IPv6 address");
    }
  } else if (host.find(':') != host.npos) {
    return absl::InvalidArgumentError("an IPv6 address belongs in brackets");
  }
  if (!IsHost(host)) return absl::InvalidArgumentError("no name or address of a host");

  const std::string_view digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size() || port == 0) {
    return absl::InvalidArgumentError("expected a port from 1 to 65535");
  }
  return HostPort{std::string(host), port};
}

std::string HostPort::ToString() const {
  const bool is_ipv6 = host.find(':') != host.npos;
  return absl::StrCat(is_ipv6 ? "[" : "", host, is_ipv6 ? "]:" : ":", port);
}

}  // namespace muster
