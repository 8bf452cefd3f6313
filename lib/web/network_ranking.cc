// SPDX-License-Identifier: Apache-2.0
#include "web/network_ranking.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"

namespace muster {

void AppendNetworkRanking(unsigned bits,
                          std::vector<std::pair<std::uint64_t, std::uint32_t>> networks,
                          std::string& out) {
  constexpr std::size_t kShown = 128;
  const std::size_t shown = std::min(kShown, networks.size());
  std::partial_sort(networks.begin(), networks.begin() + static_cast<std::ptrdiff_t>(shown),
                    networks.end(), [](const auto& a, const auto& b) {
                      return a.first != b.first ? a.first > b.first : a.second < b.second;
                    });
  networks.resize(shown);
  absl::StrAppend(&out, "Networks, limit /", bits, ":\n");
  for (const auto& [count, network] : networks) {
    std::uint8_t bytes[4];
    StoreBig32(bytes, network);
    absl::StrAppend(&out, absl::Dec(count, absl::kZeroPad8), ": ", bytes[0], ".", bytes[1], ".",
                    bytes[2], ".", bytes[3], "\n");
  }
  out += '\n';
}

}  // namespace muster
