// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>
#include <vector>

#include "absl/functional/function_ref.h"
#include "muster/ip_set.h"

namespace muster {
namespace {

constexpr std::string_view kBlanks = " \t\r\v\f";

std::string_view Trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

absl::StatusOr<IpRange> ParseNetwork(std::string_view line) {
  return IpRange::Parse(line.substr(0, line.find_first_of(" \t\r\v\f#")));
}

absl::StatusOr<IpRange> ParseRange(std::string_view text) {
  if (text.find('/') != text.npos) return IpRange::Parse(text);
  const std::size_t dash = text.find('-');
  const absl::StatusOr<IpAddress> first = IpAddress::Parse(Trimmed(text.substr(0, dash)));
  if (!first.ok()) return first.status();
  if (dash == text.npos) return IpRange{*first, *first};
  const absl::StatusOr<IpAddress> last = IpAddress::Parse(Trimmed(text.substr(dash + 1)));
  if (!last.ok()) return last.status();
  if (*last < *first) return absl::InvalidArgumentError("a range ends before it begins");
  return IpRange{*first, *last};
}

// What an IPv6 address may be: the text's ends that begin behind a colon, or with the text. The
// shortest is the first one.
void ForEachEnd(std::string_view text, absl::FunctionRef<void(std::string_view)> visit) {
  constexpr int kMostColons = 8;  // of an address: 1:2:3:4:5:6:7::
  std::size_t at = text.size();
  for (int colons = 0; colons <= kMostColons; ++colons) {
    const std::size_t colon = at == 0 ? text.npos : text.rfind(':', at - 1);
    visit(Trimmed(text.substr(colon == text.npos ? 0 : colon + 1)));
    if (colon == text.npos) return;
    at = colon;
  }
}

// The eighth of the IPv6 addresses that it lies in.
unsigned EighthOf(const IpAddress& address) { return address.bytes()[0] >> 5; }

// A name may end like an address begins: the longest one is taken, but one of 2000::/3, where all
// addresses are that can be reached from everywhere, before any other; of ranges, one that begins in
// the eighth in which it ends.
absl::StatusOr<IpRange> ParseNamedIpv6(std::string_view text) {
  std::optional<IpRange> found;
  const auto take = [&](const IpRange& range, unsigned eighth) {
    if (!found || EighthOf(range.first) == eighth || EighthOf(found->first) != eighth) {
      found = range;
    }
  };
  const std::size_t dash = text.rfind('-');
  const std::string_view head = text.substr(0, dash);
  const auto last = IpAddress::Parse(dash == text.npos ? "" : Trimmed(text.substr(dash + 1)));
  // Without a colon before it the dash is one of the name.
  if (last.ok() && head.find(':') != head.npos) {
    ForEachEnd(head, [&](std::string_view end) {
      const absl::StatusOr<IpAddress> first = IpAddress::Parse(end);
      if (first.ok() && first->family() == last->family()) take({*first, *last}, EighthOf(*last));
    });
  } else {
    ForEachEnd(text, [&](std::string_view end) {
      if (const absl::StatusOr<IpRange> range = IpRange::Parse(end); range.ok()) take(*range, 1);
    });
  }
  if (!found) return absl::InvalidArgumentError("no address, network or range");
  if (found->last < found->first) return absl::InvalidArgumentError("a range ends too early");
  return *found;
}

// A comment begins behind the last colon.
absl::StatusOr<IpRange> ParseNamed(std::string_view line) {
  const std::size_t behind = line.rfind(':') + 1;  // 0 when there is no colon
  const std::string_view text = Trimmed(line.substr(0, line.find('#', behind)));
  absl::StatusOr<IpRange> range = ParseRange(Trimmed(text.substr(std::min(behind, text.size()))));
  if (range.ok() || behind == 0) return range;
  return ParseNamedIpv6(text);
}

}  // namespace

IpList ParseIpList(std::string_view text, IpListFormat format) {
  IpList list;
  std::vector<IpRange> ranges;
  std::size_t number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = Trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    const absl::StatusOr<IpRange> range =
        format == IpListFormat::kNetworks ? ParseNetwork(line) : ParseNamed(line);
    if (range.ok()) {
      ranges.push_back(*range);
      ++list.entries;
    } else if (list.bad_lines++ == 0) {
      list.first_bad_line = number;
    }
  }
  list.set = IpSet(absl::MakeConstSpan(ranges));
  return list;
}

}  // namespace muster
