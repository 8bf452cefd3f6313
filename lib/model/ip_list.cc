// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

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

absl::StatusOr<IpRange> ParseNamed(std::string_view line) {
  std::string_view text = line.substr(line.rfind(':') + 1);  // all of it when there is no colon
  text = Trimmed(text.substr(0, text.find('#')));
  const std::size_t dash = text.find('-');
  const absl::StatusOr<IpAddress> first = IpAddress::Parse(Trimmed(text.substr(0, dash)));
  if (!first.ok()) return first.status();
  if (dash == text.npos) return IpRange{*first, *first};
  const absl::StatusOr<IpAddress> last = IpAddress::Parse(Trimmed(text.substr(dash + 1)));
  if (!last.ok()) return last.status();
  if (*last < *first) return absl::InvalidArgumentError("a range ends before it begins");
  return IpRange{*first, *last};
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
