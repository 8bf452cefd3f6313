// SPDX-License-Identifier: Apache-2.0
//
// The hashes of peers and info hashes must be as even for what really comes (neighbouring
// addresses, one address with many ports, numbered hashes) as for what is random, with any key.
#include "swarm/hash.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "muster/random.h"
#include "swarm/peer_list.h"
#include "swarm/shard.h"

namespace muster {
namespace {

constexpr std::uint32_t kItems = 20'000;
constexpr std::uint32_t kBuckets = 256;

// The sum of squares that a chi-square test looks at, over the degrees of freedom: 1 for chance.
double Unevenness(const std::vector<std::uint32_t>& counts) {
  const double expected = double{kItems} / double(counts.size());
  double sum = 0;
  for (const std::uint32_t count : counts)
    sum += (count - expected) * (count - expected) / expected;
  return sum / double(counts.size() - 1);
}

// Looks at each part of the hash that something is chosen by.
void ExpectEven(const std::string& what,
                const std::function<std::uint64_t(std::uint32_t, const HashKey&)>& hash_of) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    const HashKey key{random.Next() | 1, random.Next() | 1};
    std::vector<std::uint32_t> low(kBuckets), high(kBuckets), middle(kBuckets), both(kBuckets);
    for (std::uint32_t i = 0; i < kItems; ++i) {
      const std::uint64_t hash = hash_of(i, key);
      ++low[hash % kBuckets];                 // the block of a huge swarm
      ++high[hash >> 56];                     // the tag of a peer, the place in an index
      ++middle[(hash >> 16) % kBuckets];      // the tag of a record
      ++both[(hash >> 60) << 4 | hash % 16];  // tags within a block
    }
    // 255 degrees of freedom: 1.6 is seven standard deviations from 1.
    for (const auto* counts : {&low, &high, &middle, &both})
      ASSERT_LT(Unevenness(*counts), 1.6) << what << ", seed " << seed;
  }
}

TEST(HashPeer, SpreadsNeighboursAndPortsAndRandomPeersEvenly) {
  using Bytes = std::vector<std::uint8_t>;
  const auto byte = [](std::uint32_t n, int shift) {
    return static_cast<std::uint8_t>(n >> shift);
  };
  const auto ipv4 = [](const Bytes& compact, const HashKey& key) {
    return HashPeer(compact.data(), AddressFamily::kIpv4, key);
  };
  const auto ipv6 = [](const Bytes& compact, const HashKey& key) {
    return HashPeer(compact.data(), AddressFamily::kIpv6, key);
  };
  ExpectEven("IPv4 neighbours", [&](std::uint32_t i, const HashKey& key) {
    return ipv4({10, byte(i, 16), byte(i, 8), byte(i, 0), 0x1a, 0xe1}, key);
  });
  ExpectEven("IPv4 networks", [&](std::uint32_t i, const HashKey& key) {
    return ipv4({byte(i, 0), byte(i, 8), byte(i, 16), 1, 0x1a, 0xe1}, key);
  });
  ExpectEven("ports of one IPv4 address", [&](std::uint32_t i, const HashKey& key) {
    return ipv4({10, 0, 0, 1, byte(i, 8), byte(i, 0)}, key);
  });
  ExpectEven("IPv6 neighbours", [&](std::uint32_t i, const HashKey& key) {
    return ipv6({0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, byte(i, 16), byte(i, 8), byte(i, 0),
                 0x1a, 0xe1},
                key);
  });
  ExpectEven("IPv6 networks", [&](std::uint32_t i, const HashKey& key) {
    return ipv6({0x20, 1, 0xd, 0xb8, byte(i, 16), byte(i, 8), byte(i, 0), 0, 0, 0, 0, 0, 0, 0, 0, 1,
                 0x1a, 0xe1},
                key);
  });
  ExpectEven("ports of one IPv6 address", [&](std::uint32_t i, const HashKey& key) {
    return ipv6({0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, byte(i, 8), byte(i, 0)},
                key);
  });
}

TEST(HashInfo, SpreadsHashesThatDifferInAnyPartEvenly) {
  for (const std::size_t at : {0u, 4u, 8u, 14u, 16u, 17u}) {
    ExpectEven("info hashes that differ from byte " + std::to_string(at),
               [at](std::uint32_t i, const HashKey& key) {
                 std::uint8_t bytes[20] = {};
                 for (std::size_t b = 0; b < 3; ++b)
                   bytes[at + b] = static_cast<std::uint8_t>(i >> (8 * b));
                 return HashInfo(bytes, key);
               });
  }
}

TEST(Hash, DependsOnTheKey) {
  const std::uint8_t bytes[20] = {1, 2, 3};
  const HashKey a{0x123456789abcdef1, 0xfedcba9876543211};
  const HashKey b{0x123456789abcdef3, 0xfedcba9876543211};
  EXPECT_NE(HashInfo(bytes, a), HashInfo(bytes, b));
  EXPECT_NE(HashPeer(bytes, AddressFamily::kIpv4, a), HashPeer(bytes, AddressFamily::kIpv4, b));
  EXPECT_NE(HashPeer(bytes, AddressFamily::kIpv6, a), HashPeer(bytes, AddressFamily::kIpv6, b));
}

}  // namespace
}  // namespace muster
