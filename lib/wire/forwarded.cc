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

void SkipBlanks(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
}

// Takes a quoted string off `text`, which begins with its first quote; nothing when it has no end.
std::optional<std::string_view> TakeQuoted(std::string_view& text) {
  std::size_t end = 1;
  while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
  if (end >= text.size()) return std::nullopt;
  const std::string_view inside = text.substr(1, end - 1);
  text.remove_prefix(end + 1);
  return inside;
}

// Takes "name=value" off `text`, whose value may be quoted, and the separator behind it, which is
// returned: ',', ';', or 0 at the end. Nothing where a quote stands anywhere but around a value: a
// client that leaves one open would make what the proxy appends a part of its own words.
std::optional<char> TakePair(std::string_view& text, std::string_view& name,
                             std::string_view& value) {
  const std::size_t end = std::min(text.find_first_of("=,;\""), text.size());
  name = Trimmed(text.substr(0, end));
  value = {};
  text.remove_prefix(end);
  if (!text.empty() && text.front() == '=') {
    text.remove_prefix(1);
    SkipBlanks(text);
    if (!text.empty() && text.front() == '"') {
      const std::optional<std::string_view> quoted = TakeQuoted(text);
      if (!quoted) return std::nullopt;
      value = *quoted;
      SkipBlanks(text);
    } else {
      const std::size_t size = std::min(text.find_first_of(",;\""), text.size());
      value = Trimmed(text.substr(0, size));
      text.remove_prefix(size);
    }
  }
  if (text.empty()) return '\0';
  const char separator = text.front();
  if (separator != ',' && separator != ';') return std::nullopt;
  text.remove_prefix(1);
  return separator;
}

void AddForwarded(std::string_view value, Hops& hops) {
  std::string_view node;  // of this element; empty when it does not say
  bool something = false;
  while (!value.empty()) {
    std::string_view name, text;
    const std::optional<char> separator = TakePair(value, name, text);
    if (!separator) return hops.Add({});
    something = something || !name.empty();
    if (EqualsIgnoringCase(name, "for")) node = text;
    if (*separator == ';') continue;
    if (something) hops.Add(node);
    node = {};
    something = false;
  }
  if (something) hops.Add(node);
}

// A port, or what stands for one that is not to be known ("_abc").
bool IsPort(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789";
  if (!text.empty() && text.front() == '_') return true;
  return !text.empty() && text.size() <= 5 && text.find_first_not_of(kDigits) == text.npos;
}

// "192.0.2.1", "192.0.2.1:4711", "2001:db8::1", "[2001:db8::1]" or "[2001:db8::1]:4711".
std::optional<IpAddress> AddressOfHop(std::string_view hop) {
  std::string_view host = hop;
  std::string_view behind;
  if (!hop.empty() && hop.front() == '[') {
    const std::size_t end = std::min(hop.find(']'), hop.size());
    host = hop.substr(1, end - 1);
    if (end == hop.size() || host.find(':') == host.npos) return std::nullopt;
    behind = hop.substr(end + 1);
  } else if (std::count(hop.begin(), hop.end(), ':') == 1) {
    host = hop.substr(0, hop.find(':'));
    behind = hop.substr(host.size());
  }
  if (!behind.empty() && (behind.front() != ':' || !IsPort(behind.substr(1)))) return std::nullopt;
  const absl::StatusOr<IpAddress> address = IpAddress::Parse(host);
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

absl::Status ClientIsNotNamed() {
  return absl::InvalidArgumentError("the proxy does not say your address");
}

absl::StatusOr<IpAddress> ClientAddress(const HttpRequest& request, const IpAddress& from,
                                        const IpSet& trusted, ProxyHeader header) {
  if (!trusted.Contains(from)) return from;
  const Hops hops = HopsOf(request, header);
  IpAddress client = from;
  for (std::size_t i = 0; i < hops.kept(); ++i) {
    const std::optional<IpAddress> hop = AddressOfHop(hops.FromEnd(i));
    if (!hop) return ClientIsNotNamed();
    client = *hop;
    if (!trusted.Contains(client)) return client;
  }
  if (hops.too_many()) return absl::InvalidArgumentError("too many proxies");
  return client;
}

}  // namespace muster
