// SPDX-License-Identifier: Apache-2.0
#include "wire/forwarded.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "absl/status/status.h"

namespace muster {
namespace {

constexpr std::string_view kBlanks = " \t";

std::string_view Trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

bool EqualsIgnoringCase(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  });
}

// The last kMaxForwardedHops of any number of hops, as they are written.
class Hops {
 public:
  void Add(std::string_view hop) { hops_[count_++ % kMaxForwardedHops] = hop; }
  bool too_many() const { return count_ > kMaxForwardedHops; }
  std::size_t kept() const { return std::min(count_, kMaxForwardedHops); }
  // 0 for the last one.
  std::string_view FromEnd(std::size_t i) const {
    return hops_[(count_ - 1 - i) % kMaxForwardedHops];
  }

 private:
  std::array<std::string_view, kMaxForwardedHops> hops_;
  std::size_t count_ = 0;
};

void AddXForwardedFor(std::string_view value, Hops& hops) {
  while (!value.empty()) {
    const std::size_t comma = std::min(value.find(','), value.size());
    const std::string_view hop = Trimmed(value.substr(0, comma));
    if (!hop.empty()) hops.Add(hop);
    value.remove_prefix(std::min(comma + 1, value.size()));
  }
}

// Takes "name=value" off `text`, whose value may be quoted, and the separator behind it, which is
// returned: ',', ';', or 0 at the end.
char TakePair(std::string_view& text, std::string_view& name, std::string_view& value) {
  bool quoted = false;
  std::size_t end = 0;
  for (; end < text.size(); ++end) {
    if (text[end] == '"') quoted = !quoted;
    if (quoted && text[end] == '\\') ++end;
    if (!quoted && end < text.size() && (text[end] == ',' || text[end] == ';')) break;
  }
  end = std::min(end, text.size());
  const std::string_view pair = text.substr(0, end);
  const std::size_t equals = std::min(pair.find('='), pair.size());
  name = Trimmed(pair.substr(0, equals));
  value = Trimmed(pair.substr(std::min(equals + 1, pair.size())));
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
    value = value.substr(1, value.size() - 2);
  }
  const char separator = end < text.size() ? text[end] : '\0';
  text.remove_prefix(std::min(end + 1, text.size()));
  return separator;
}

void AddForwarded(std::string_view value, Hops& hops) {
  std::string_view node;  // of this element; empty when it does not say
  bool something = false;
  while (!value.empty()) {
    std::string_view name, text;
    const char separator = TakePair(value, name, text);
    something = something || !name.empty();
    if (EqualsIgnoringCase(name, "for")) node = text;
    if (separator == ';') continue;
    if (something) hops.Add(node);
    node = {};
    something = false;
  }
  if (something) hops.Add(node);
}

// "192.0.2.1", "192.0.2.1:4711", "2001:db8::1", "[2001:db8::1]" or "[2001:db8::1]:4711".
std::optional<IpAddress> AddressOfHop(std::string_view hop) {
  if (!hop.empty() && hop.front() == '[') {
    const std::size_t end = hop.find(']');
    if (end == hop.npos || (end + 1 < hop.size() && hop[end + 1] != ':')) return std::nullopt;
    hop = hop.substr(1, end - 1);
  } else if (std::count(hop.begin(), hop.end(), ':') == 1) {
    hop = hop.substr(0, hop.find(':'));
  }
  const absl::StatusOr<IpAddress> address = IpAddress::Parse(hop);
  if (!address.ok()) return std::nullopt;
  return *address;
}

Hops HopsOf(const HttpRequest& request, ProxyHeader header) {
  const bool standard = header == ProxyHeader::kForwarded;
  const std::string_view wanted = standard ? "forwarded" : "x-forwarded-for";
  Hops hops;
  for (const HttpRequest::Field& field : request.fields) {
    if (!EqualsIgnoringCase(request.bytes.substr(field.name, field.name_size), wanted)) continue;
    const std::string_view value = request.bytes.substr(field.value, field.value_size);
    standard ? AddForwarded(value, hops) : AddXForwardedFor(value, hops);
  }
  return hops;
}

}  // namespace

absl::StatusOr<IpAddress> ClientAddress(const HttpRequest& request, const IpAddress& from,
                                        const IpSet& trusted, ProxyHeader header) {
  if (!trusted.Contains(from)) return from;
  const Hops hops = HopsOf(request, header);
  IpAddress client = from;
  for (std::size_t i = 0; i < hops.kept(); ++i) {
    const std::optional<IpAddress> hop = AddressOfHop(hops.FromEnd(i));
    if (!hop) return absl::InvalidArgumentError("the proxy does not say your address");
    client = *hop;
    if (!trusted.Contains(client)) return client;
  }
  if (hops.too_many()) return absl::InvalidArgumentError("too many proxies");
  return client;
}

}  // namespace muster
