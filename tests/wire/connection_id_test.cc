// SPDX-License-Identifier: Apache-2.0
#include "wire/connection_id.h"

#include <gtest/gtest.h>

#include <cstring>
#include <new>
#include <set>
#include <vector>

#include "muster/random.h"

namespace muster {
namespace {

constexpr Instant kStart = InstantFromUnixSeconds(1'800'001'234);

ConnectionIdKey KeyOf(std::uint8_t first) {
  ConnectionIdKey key;
  for (std::size_t i = 0; i < key.bytes.size(); ++i)
    key.bytes[i] = static_cast<std::uint8_t>(first + i);
  return key;
}

Endpoint Peer(const char* text) { return Endpoint::Parse(text).value(); }

std::uint64_t Give(ConnectionIds& ids, const Endpoint& from, Instant now) {
  ConnectionIds::Claim claim{.from = &from, .wants_new = true};
  ids.Resolve(absl::MakeSpan(&claim, 1), now);
  return claim.id;
}

bool Good(ConnectionIds& ids, const Endpoint& from, std::uint64_t id, Instant now) {
  ConnectionIds::Claim claim{.from = &from, .wants_new = false, .id = id};
  ids.Resolve(absl::MakeSpan(&claim, 1), now);
  EXPECT_EQ(claim.id, id);
  return claim.good;
}

TEST(ConnectionIds, AreWhatTheDrawingSays) {
  // Computed with the openssl program from the drawing in the header.
  ConnectionIds ids(KeyOf(0), Seconds(600));
  EXPECT_EQ(Give(ids, Peer("192.0.2.1:1000"), kStart), 0x10d6597145bc2f0c);
  EXPECT_EQ(Give(ids, Peer("[2001:db8::1]:1000"), kStart), 0x108135b5a4d12d00);
}

TEST(ConnectionIds, AreGoodForTheirLifetimeAndAnEighthMoreAtMost) {
  for (const std::int64_t lifetime : {8, 9, 60, 120, 600, 601, 607, 86'400}) {
    ConnectionIds ids(KeyOf(1), Seconds(lifetime));
    const Endpoint from = Peer("192.0.2.1:1000");
    const std::int64_t slot = (lifetime + 7) / 8;
    for (std::int64_t given_at = 0; given_at < 2 * slot; given_at += 1 + slot / 7) {
      const Instant given = kStart + Seconds(given_at);
      const std::uint64_t id = Give(ids, from, given);
      for (std::int64_t age = 0; age <= lifetime; age += 1 + lifetime / 50)
        EXPECT_TRUE(Good(ids, from, id, given + Seconds(age))) << lifetime << ", age " << age;
      EXPECT_TRUE(Good(ids, from, id, given + Seconds(lifetime)));
      for (const std::int64_t age : {9 * slot, 10 * slot, 20 * slot, 100 * slot, 1000 * slot})
        EXPECT_FALSE(Good(ids, from, id, given + Seconds(age))) << lifetime << ", age " << age;
    }
  }
}

TEST(ConnectionIds, AreNotGoodBeforeTheyWereGiven) {
  ConnectionIds ids(KeyOf(1), Seconds(80));
  const Endpoint from = Peer("192.0.2.1:1000");
  const std::uint64_t id = Give(ids, from, kStart);
  for (const int slots : {1, 2, 8, 100, 200, 247}) {
    EXPECT_FALSE(Good(ids, from, id, kStart - Seconds(10 * slots)));
  }
}

TEST(ConnectionIds, DoNotBecomeGoodAgainWhenTheSlotsNumberComesAround) {
  ConnectionIds ids(KeyOf(1), Seconds(80));
  const Endpoint from = Peer("192.0.2.1:1000");
  for (int slot = 0; slot < 300; slot += 7) {
    const Instant given = kStart + Seconds(10 * slot);
    const std::uint64_t id = Give(ids, from, given);
    for (int rounds = 1; rounds <= 3; ++rounds) {
      for (int off = -9; off <= 9; ++off)
        EXPECT_FALSE(Good(ids, from, id, given + Seconds(10 * (256 * rounds + off))));
    }
    // The slot is in the upper byte; the rest is new each time.
    EXPECT_EQ(Give(ids, from, given + Seconds(2560)) >> 56, id >> 56);
    EXPECT_NE(Give(ids, from, given + Seconds(2560)), id);
  }
}

TEST(ConnectionIds, BelongToAnAddressButNotToAPort) {
  ConnectionIds ids(KeyOf(1), Seconds(600));
  for (const auto& [from, other_port, strangers] :
       std::vector<std::tuple<const char*, const char*, std::vector<const char*>>>{
           {"192.0.2.1:1000",
            "192.0.2.1:65535",
            {"192.0.2.2:1000", "192.0.3.1:1000", "193.0.2.1:1000", "1.2.0.192:1000",
             "[::c000:201]:1000", "[c000:201::]:1000", "[c000:201:3e8::]:1000"}},
           {"[2001:db8::1]:1000",
            "[2001:db8::1]:1",
            {"[2001:db8::2]:1000", "[2001:db8:0:1::1]:1000", "[2001:db9::1]:1000",
             "[2001:db8::1:0]:1000", "32.1.13.184:1000"}}}) {
    const std::uint64_t id = Give(ids, Peer(from), kStart);
    EXPECT_EQ(Give(ids, Peer(other_port), kStart), id);
    EXPECT_TRUE(Good(ids, Peer(other_port), id, kStart));
    for (const char* stranger : strangers)
      EXPECT_FALSE(Good(ids, Peer(stranger), id, kStart)) << stranger;
  }
}

TEST(ConnectionIds, AreTheSameForEveryWorkerWithTheKeyAndForNoOther) {
  ConnectionIds one(KeyOf(1), Seconds(600));
  ConnectionIds two(KeyOf(1), Seconds(600));
  ConnectionIds other(KeyOf(2), Seconds(600));
  for (const char* from : {"192.0.2.1:1000", "[2001:db8::1]:1000"}) {
    const std::uint64_t id = Give(one, Peer(from), kStart);
    EXPECT_TRUE(Good(two, Peer(from), id, kStart + Seconds(300)));
    EXPECT_FALSE(Good(other, Peer(from), id, kStart));
  }
  ConnectionIds system_one(ConnectionIdKey::FromSystem(), Seconds(600));
  ConnectionIds system_two(ConnectionIdKey::FromSystem(), Seconds(600));
  EXPECT_NE(Give(system_one, Peer("192.0.2.1:1"), kStart),
            Give(system_two, Peer("192.0.2.1:1"), kStart));
}

TEST(ConnectionIds, CannotBeGuessedFromOneAnother) {
  ConnectionIds ids(KeyOf(1), Seconds(600));
  const Endpoint from = Peer("192.0.2.1:1000");
  const std::uint64_t id = Give(ids, from, kStart);
  for (int bit = 0; bit < 64; ++bit)
    EXPECT_FALSE(Good(ids, from, id ^ std::uint64_t{1} << bit, kStart)) << bit;
  for (const std::uint64_t guess : {std::uint64_t{0}, ~std::uint64_t{0}, id + 1, ~id})
    EXPECT_FALSE(Good(ids, from, guess, kStart));
  Random random(1);
  for (int i = 0; i < 100'000; ++i) ASSERT_FALSE(Good(ids, from, random.Next(), kStart));
}

TEST(ConnectionIds, DifferBetweenAddressesAndSlots) {
  ConnectionIds ids(KeyOf(1), Seconds(80));
  std::set<std::uint64_t> seen;
  for (std::uint8_t host = 0; host < 100; ++host) {
    for (int slot = 0; slot < 20; ++slot) {
      const std::uint8_t bytes[4] = {10, 0, 0, host};
      const Endpoint from(IpAddress::FromIpv4(bytes), 1);
      EXPECT_TRUE(seen.insert(Give(ids, from, kStart + Seconds(10 * slot)) << 8).second);
    }
  }
}

TEST(ConnectionIds, AreResolvedInABatchAsOneByOne) {
  std::vector<Endpoint> peers;
  for (int i = 0; i < 100; ++i) {
    const auto host = static_cast<std::uint8_t>(i);
    const std::uint8_t ipv4[4] = {10, 0, 0, host};
    const std::uint8_t ipv6[16] = {0x20, 1, host};
    peers.emplace_back(i % 3 == 0 ? IpAddress::FromIpv6(ipv6) : IpAddress::FromIpv4(ipv4), 1);
  }
  for (const std::size_t size : {0u, 1u, 2u, 7u, 64u, 100u}) {
    ConnectionIds ids(KeyOf(1), Seconds(80));
    ConnectionIds single(KeyOf(1), Seconds(80));
    std::vector<ConnectionIds::Claim> claims;
    for (std::size_t i = 0; i < size; ++i) {
      // New ones, good ones of all ages, outdated ones, and another's.
      const std::uint64_t id = Give(single, i % 5 == 4 ? peers[99] : peers[i],
                                    kStart - Seconds(static_cast<int>(i % 12) * 10));
      claims.push_back({.from = &peers[i], .wants_new = i % 4 == 0, .id = i % 4 == 0 ? 0 : id});
    }
    const std::vector<ConnectionIds::Claim> before = claims;
    ids.Resolve(absl::MakeSpan(claims), kStart);
    for (std::size_t i = 0; i < size; ++i) {
      SCOPED_TRACE(i);
      if (before[i].wants_new) {
        EXPECT_EQ(claims[i].id, Give(single, peers[i], kStart));
      } else {
        EXPECT_EQ(claims[i].id, before[i].id);
        EXPECT_EQ(claims[i].good, Good(single, peers[i], before[i].id, kStart));
        EXPECT_EQ(claims[i].good, i % 12 <= 8 && (i % 5 != 4 || i == 99));
      }
    }
  }
}

TEST(ConnectionIds, WorkAtAnyTime) {
  for (const std::int64_t start : {0, 1, 9, 79, 80, -1, -9, -10, -11, -1'000'000}) {
    // In memory that held something else before.
    alignas(ConnectionIds) unsigned char memory[2][sizeof(ConnectionIds)];
    std::memset(memory[0], 0x55, sizeof memory[0]);
    std::memset(memory[1], 0xaa, sizeof memory[1]);
    auto* const one = ::new (memory[0]) ConnectionIds(KeyOf(1), Seconds(80));
    auto* const two = ::new (memory[1]) ConnectionIds(KeyOf(1), Seconds(80));
    const Endpoint from = Peer("192.0.2.1:1");
    const Instant given = InstantFromUnixSeconds(start);
    const std::uint64_t id = Give(*one, from, given);
    for (const int age : {0, 1, 40, 80}) {
      EXPECT_TRUE(Good(*two, from, id, given + Seconds(age))) << start << ", age " << age;
    }
    EXPECT_FALSE(Good(*two, from, id, given + Seconds(90))) << start;
    for (std::uint64_t slot = 0; slot < 256; ++slot)
      EXPECT_FALSE(Good(*two, from, slot << 56, given));
    one->~ConnectionIds();
    two->~ConnectionIds();
  }
}

}  // namespace
}  // namespace muster
