// SPDX-License-Identifier: Apache-2.0
#include "net/proxy_protocol.h"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace muster {
namespace {

using Result = ProxyPreamble::Result;

constexpr std::string_view kLineBegin = "PROXY ";
constexpr std::string_view kSignature{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr ProxyPreamble kBad{.result = Result::kBad, .size = 0, .client = std::nullopt};

// The next word of a line; words are separated by one blank each.
std::string_view TakeWord(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

bool IsPort(std::string_view text) {
  std::uint16_t port;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size();
}

// "TCP4 192.0.2.1 198.51.100.1 56324 443" without what is around it.
std::optional<IpAddress> ClientOfLine(std::string_view line) {
  if (line.empty() || line.back() == ' ') return std::nullopt;
  const std::string_view family = TakeWord(line);
  const bool ipv6 = family == "TCP6";
  if (!ipv6 && family != "TCP4") return std::nullopt;
  std::optional<IpAddress> client;
  for (int i = 0; i < 2; ++i) {
    const std::string_view text = TakeWord(line);
    const absl::StatusOr<IpAddress> address = IpAddress::Parse(text);
    if (!address.ok() || (text.find(':') != text.npos) != ipv6) return std::nullopt;
    if (!client.has_value()) client = *address;
  }
  const bool has_ports = IsPort(TakeWord(line)) && IsPort(TakeWord(line));
  return has_ports && line.empty() ? client : std::nullopt;
}

ProxyPreamble ParseLine(std::string_view bytes) {
  const std::size_t end = bytes.substr(0, kMaxProxyLine).find("\r\n");
  if (end == bytes.npos) {
    return bytes.size() < kMaxProxyLine ? ProxyPreamble() : kBad;
  }
  const std::string_view line = bytes.substr(kLineBegin.size(), end - kLineBegin.size());
  ProxyPreamble preamble{.result = Result::kDone, .size = end + 2, .client = std::nullopt};
  // Of what it does not know a proxy may say anything.
  if (line.substr(0, line.find(' ')) == "UNKNOWN") return preamble;
  preamble.client = ClientOfLine(line);
  return preamble.client.has_value() ? preamble : kBad;
}

// What version 2 has in its lower half of the byte for family and protocol.
enum Transport : std::uint8_t { kStream = 1, kDatagram = 2 };

// After the signature: version and command; family and protocol; length in two bytes; addresses.
ProxyPreamble ParseBinary(std::string_view bytes, Transport transport) {
  constexpr std::size_t kHeader = 16;
  if (bytes.size() < kHeader) return {};
  const auto at = [bytes](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
  const std::size_t length = std::size_t{at(14)} << 8 | at(15);
  const bool is_local = at(12) == 0x20;
  if ((!is_local && at(12) != 0x21) || kHeader + length > kMaxProxyHeader) return kBad;
  if (bytes.size() < kHeader + length) return {};
  ProxyPreamble preamble{.result = Result::kDone,
                         .size = kHeader + length,
                         .client = std::nullopt,
                         .is_local = is_local};
  if (is_local) return preamble;
  const auto* const address = reinterpret_cast<const std::uint8_t*>(bytes.data()) + kHeader;
  const int family = at(13) >> 4;
  // Not known, or sockets of a file system.
  if (at(13) == 0x00 || at(13) == (0x30 | transport)) return preamble;
  if ((at(13) & 15) != transport || (family != 1 && family != 2)) return kBad;
  // Two addresses, two ports.
  if (length < (family == 1 ? 12 : 36)) return kBad;
  preamble.client = family == 1 ? IpAddress::FromIpv4(address) : IpAddress::FromIpv6(address);
  return preamble;
}

}  // namespace

ProxyPreamble ParseProxyPreamble(std::string_view bytes) {
  for (const std::string_view begin : {kLineBegin, kSignature}) {
    const std::size_t size = std::min(bytes.size(), begin.size());
    if (bytes.substr(0, size) != begin.substr(0, size)) continue;
    if (size < begin.size()) return {};
    return begin == kLineBegin ? ParseLine(bytes) : ParseBinary(bytes, kStream);
  }
  return kBad;
}

ProxyPreamble ParseProxyDatagram(std::string_view datagram) {
  if (datagram.substr(0, kSignature.size()) != kSignature) return kBad;
  const ProxyPreamble preamble = ParseBinary(datagram, kDatagram);
  return preamble.result == Result::kNeedMore ? kBad : preamble;
}

}  // namespace muster
