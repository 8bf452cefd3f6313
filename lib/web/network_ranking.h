// SPDX-License-Identifier: Apache-2.0
//
// A ranking of IPv4 networks, in the layout of opentracker's pages. Reentrant.
#ifndef MUSTER_LIB_WEB_NETWORK_RANKING_H_
#define MUSTER_LIB_WEB_NETWORK_RANKING_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace muster {

// The network of `bits` that an address is in, both as numbers.
constexpr std::uint32_t Ipv4Network(std::uint32_t address, unsigned bits) {
  return address & ~0u << (32 - bits);
}

// A heading, a line for each of the 128 with the greatest counts (of equals the lowest addresses),
// and an empty line. `networks`: count and network.
void AppendNetworkRanking(unsigned bits,
                          std::vector<std::pair<std::uint64_t, std::uint32_t>> networks,
                          std::string& out);

}  // namespace muster

#endif  // MUSTER_LIB_WEB_NETWORK_RANKING_H_
