// SPDX-License-Identifier: Apache-2.0
//
// Any text is a list, in both formats; a set holds what it was made of and nothing else; what is
// printed of it is read as the same.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/require.h"
#include "muster/ip_set.h"

namespace {

using muster::Require;

void Check(const muster::IpList& list) {
  std::string printed;
  const std::vector<muster::IpRange> ranges = list.set.Ranges();
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const muster::IpRange& range = ranges[i];
    Require(range.first.family() == range.last.family() && !(range.last < range.first));
    Require(list.set.Contains(range.first) && list.set.Contains(range.last));
    if (i > 0 && ranges[i - 1].first.family() == range.first.family()) {
      Require(ranges[i - 1].last < range.first);
    }
    printed += range.first.ToString() + "-" + range.last.ToString() + "\n";
  }
  Require(ranges.size() <= list.entries);
  const muster::IpList again = muster::ParseIpList(printed, muster::IpListFormat::kNetworks);
  Require(again.entries == ranges.size() && again.bad_lines == 0 && again.set.Ranges() == ranges);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Check(muster::ParseIpList(text, muster::IpListFormat::kNetworks));
  Check(muster::ParseIpList(text, muster::IpListFormat::kNamedRanges));
  const auto network = muster::Cidr::Parse(text);
  if (network.ok()) {
    Require(network->Contains(network->first()) && network->Contains(network->last()));
    Require(*muster::Cidr::Parse(network->ToString()) == *network);
  }
  return 0;
}
