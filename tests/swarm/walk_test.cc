// SPDX-License-Identifier: Apache-2.0
//
// How much a walk over a MemoryStore does at once, and the memory that it takes. What it visits the
// conformance tests and the model prove.
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <new>

#include "swarm/memory_store.h"
#include "swarm/swarm_testing.h"

namespace {

// What this thread took and has not returned; less than nothing where it returns what others took.
thread_local std::ptrdiff_t bytes_held = 0;
thread_local std::ptrdiff_t most_bytes_held = 0;

void* Take(void* p) {
  bytes_held += static_cast<std::ptrdiff_t>(malloc_usable_size(p));
  most_bytes_held = std::max(most_bytes_held, bytes_held);
  return p;
}
void Return(void* p) {
  bytes_held -= static_cast<std::ptrdiff_t>(malloc_usable_size(p));
  std::free(p);
}

}  // namespace

// Where g++ inlines one of these and not the other, it warns that free() is no match for new.
[[gnu::noinline]] void* operator new(std::size_t size) {
  if (void* p = std::malloc(size)) return Take(p);
  std::abort();
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return Take(std::malloc(size));
}
[[gnu::noinline]] void operator delete(void* p) noexcept { Return(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { Return(p); }

namespace muster::testing_swarm {
namespace {

using Step = SwarmCursor::Step;

std::unique_ptr<SwarmStore> StoreOf(std::uint64_t torrents, InfoHash (*hash_of)(std::uint64_t)) {
  auto store = NewMemoryStore({.hash_seed = 4});
  for (std::uint64_t t = 0; t < torrents; ++t)
    Announce(*store, {.hash = hash_of(t), .peer = TestPeer(1), .room4 = 0, .room6 = 0});
  return store;
}
InfoHash EvenHash(std::uint64_t t) { return TestHash(t); }
InfoHash LikeHash(std::uint64_t t) { return CrowdedHash(t); }
InfoHash RisingHash(std::uint64_t t) {
  std::uint8_t bytes[20] = {};
  for (std::size_t i = 0; i < 8; ++i) bytes[12 + i] = static_cast<std::uint8_t>(t >> (56 - 8 * i));
  return InfoHash::FromBytes(bytes);
}

// The calls of a walk over all of the store.
struct Calls {
  std::size_t visited = 0;
  std::size_t prepared = 0;
  std::size_t prepared_before_the_first = 0;
  std::ptrdiff_t bytes = 0;  // the most that it held
};
Calls WalkOver(const SwarmStore& store) {
  Calls calls;
  most_bytes_held = bytes_held;
  const std::ptrdiff_t before = bytes_held;
  const auto cursor = store.Walk(SwarmStore::kWholeSwarms);
  for (Step step; (step = cursor->Next([](const SwarmView&) {})) != Step::kEnd;) {
    ++(step == Step::kVisited ? calls.visited : calls.prepared);
    if (calls.visited == 0) calls.prepared_before_the_first = calls.prepared;
  }
  calls.bytes = most_bytes_held - before;
  return calls;
}

constexpr std::size_t kNamesACall = 32 * 1024;

TEST(MemoryStoreWalk, VisitsASwarmAtEachCallWhereNamesAreSpreadEvenly) {
  for (const std::uint64_t torrents : {1u, 1000u, 100'000u}) {
    const Calls calls = WalkOver(*StoreOf(torrents, EvenHash));
    EXPECT_EQ(calls.visited, torrents);
    EXPECT_EQ(calls.prepared, 0u);
    EXPECT_LT(calls.bytes, 20'000);
  }
}

TEST(MemoryStoreWalk, EndsThoughSomebodyAddsNamesAheadOfIt) {
  constexpr std::uint64_t kTorrents = 1000;
  constexpr std::uint64_t kAdded = 20;  // for each that was there: more than a pass takes
  MemoryStore store({.hash_seed = 4});
  const auto announce = [&](const InfoHash& hash) {
    Announce(store, {.hash = hash, .peer = TestPeer(1), .room4 = 0, .room6 = 0});
  };
  for (std::uint64_t t = 1; t <= kTorrents; ++t) announce(RisingHash(t << 32));
  const auto cursor = store.Walk(SwarmStore::kWholeSwarms,
                                 {.names_held = 16, .names_under_lock = 4, .names_sorted = 4});
  std::uint64_t visited = 0;
  std::uint64_t old = 0;
  std::uint64_t added = 0;
  const auto visit = [&](const SwarmView& view) {
    ++visited;
    old += view.info_hash() == RisingHash((old + 1) << 32);
  };
  while (visited <= kTorrents && VisitNext(*cursor, visit)) {
    // Behind those that were added before, and before the next one that was there.
    for (std::uint64_t n = 0; n < kAdded; ++n) announce(RisingHash((old << 32) + ++added));
  }
  EXPECT_EQ(visited, kTorrents);
  EXPECT_EQ(old, kTorrents);
  EXPECT_EQ(store.Totals().torrents, kTorrents + added);
}

TEST(MemoryStoreWalk, SpreadsTheWorkForManyNamesThatBeginAlikeOverManyCalls) {
  constexpr std::size_t kTorrents = 200'000;
  for (const auto hash_of : {LikeHash, RisingHash}) {
    const Calls calls = WalkOver(*StoreOf(kTorrents, hash_of));
    EXPECT_EQ(calls.visited, kTorrents);
    // The first one is known when all have been looked at.
    EXPECT_GE(calls.prepared_before_the_first, kTorrents / kNamesACall);
    // In each pass, of which there are about as many as it takes to hold them all, too.
    EXPECT_GE(calls.prepared, kTorrents / kNamesACall * (kTorrents / kNamesACall));
    EXPECT_LT(calls.bytes, 1 << 20);
  }
}

}  // namespace
}  // namespace muster::testing_swarm
