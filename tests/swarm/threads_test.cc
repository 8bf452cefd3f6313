// SPDX-License-Identifier: Apache-2.0
//
// Many threads at a store at once, for ThreadSanitizer and for the sums.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "muster/detailed_store.h"
#include "swarm/slab_heap.h"
#include "swarm/swarm_testing.h"

namespace muster::testing_swarm {
namespace {

constexpr int kThreads = 4;

void InThreads(const std::function<void(int)>& work) {
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) threads.emplace_back(work, t);
  for (std::thread& thread : threads) thread.join();
}

class CountingObserver final : public SwarmObserver {
 public:
  void OnDelta(const SwarmDelta& delta) override {
    ++(delta.state == PeerState::kStopped ? stopped : stayed);
    if (delta.completed) ++completed;
  }
  std::atomic<std::uint64_t> stayed{0}, stopped{0}, completed{0};
};

struct Crowd {
  const char* name;
  std::uint32_t torrents;
  std::uint32_t peers;  // of each torrent
};

class ThreadsTest : public ::testing::TestWithParam<Crowd> {};

TEST_P(ThreadsTest, EveryVerbAtOnceLeavesTotalsThatAreARecount) {
  const Crowd crowd = GetParam();
  for (const auto& [limited, detailed] : {std::pair(false, false), {true, false}, {true, true}}) {
    const std::uint64_t max_torrents = limited ? crowd.torrents / 2 + 1 : 0u;
    const std::uint64_t max_peers = limited ? 1500u : 0u;
    const auto store =
        detailed ? NewDetailedStore({.max_torrents = max_torrents, .max_peers = max_peers})
                 : NewMemoryStore({.max_torrents = max_torrents,
                                   .max_peers = max_peers,
                                   .keep_peer_ids = limited,
                                   .hash_seed = 3});
    CountingObserver observer;
    store->SetObserver(&observer);
    std::atomic<std::uint64_t> answers{0};
    InThreads([&, is_limited = limited](int thread) {
      Random random(static_cast<std::uint64_t>(thread));
      std::vector<InfoHash> hashes;
      const Endpoint hinted = TestPeer(3);
      std::vector<SwarmHint> coming;
      for (std::uint32_t i = 0; i < 16; ++i) hashes.push_back(TestHash(i));
      for (const InfoHash& hash : hashes) coming.push_back({hash.data(), &hinted});
      Instant now = kStart;
      for (int step = 0; step < 6000; ++step) {
        if (step % 300 == 0) now += kMinute;
        const InfoHash hash = TestHash(random.Below(crowd.torrents));
        const Endpoint peer =
            TestPeer(random.Below(crowd.peers), static_cast<AddressFamily>(random.Below(3) == 0));
        const std::uint32_t what = random.Below(64);
        if (what < 56) {
          const Answer answer = Announce(*store,
                                         {.hash = hash,
                                          .peer = peer,
                                          .state = static_cast<PeerState>(what % 4),
                                          .completed = what % 8 == 0,
                                          .wanted = 30,
                                          .room4 = 30,
                                          .room6 = 30,
                                          .random = random.Next()},
                                         now);
          answers += answer.peers.size();
          // One who stays is counted, unless the store is full.
          if (what % 4 != 3 && !is_limited) {
            ASSERT_GT(answer.counts.peers(), 0u);
          }
        } else if (what < 59) {
          store->Count(hash);
        } else if (what < 61) {
          store->Expire(now - 5 * kMinute, random.Below(100));
        } else if (what == 61) {
          store->Prefetch(coming);
          store->Totals();
        } else if (what == 62 && step % 16 == 0) {
          std::uint64_t seen = 0;
          store->ForEach([&](const SwarmView& view) {
            std::uint32_t n = 0;
            view.ForEachPeer([&](const PeerRecord&) { ++n; });
            EXPECT_EQ(n, view.counts().peers());
            return ++seen < 50;
          });
        } else if (what == 62 && step % 16 == 1) {
          std::uint64_t seen = 0;
          const auto cursor = store->Walk(100);
          while (seen < 50 && VisitNext(*cursor, [&](const SwarmView& view) {
                   ++seen;
                   view.ForEachPeer([&](const PeerRecord&) { ++seen; });
                 })) {
          }
        } else if (what == 63 && step % 8 == 0) {
          store->Remove(hash);
        } else if (what == 63) {
          const PeerId id = TestId(peer);
          const PeerRecord saved{.peer = peer,
                                 .state = static_cast<PeerState>(step % 4),
                                 .completed = step % 3 == 0,
                                 .last_seen = now - kMinute,
                                 .peer_id = &id};
          EXPECT_TRUE(
              store->Restore({.info_hash = hash, .completed = 3, .peers = {&saved, 1}}, now).ok());
        }
      }
    });
    const StoreImage image = ImageOf(*store);
    EXPECT_EQ(image.fault, "");
    const StoreTotals recount = image.Recount();
    const StoreTotals totals = store->Totals();
    EXPECT_EQ(totals.torrents, recount.torrents);
    EXPECT_EQ(totals.peers, recount.peers);
    EXPECT_EQ(totals.seeders, recount.seeders);
    EXPECT_EQ(totals.ipv6_peers, recount.ipv6_peers);
    EXPECT_GT(observer.stayed, 0u);
    EXPECT_GT(observer.stopped, 0u);
    EXPECT_GT(observer.completed, 0u);
    EXPECT_GT(answers, 0u);
    // What is left goes, and then the limits have their whole room again.
    ExpireAll(*store, kStart + kHour);
    EXPECT_EQ(store->Totals().peers, 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(Crowds, ThreadsTest,
                         ::testing::Values(Crowd{"OneHugeSwarm", 1, 3000},
                                           Crowd{"FewSwarms", 5, 300},
                                           Crowd{"ManySwarms", 5000, 4}),
                         [](const auto& crowd) { return std::string(crowd.param.name); });

TEST(Threads, PeersOfOneSwarmAreAllThereWhenAllHaveCome) {
  for (const bool family : {false, true}) {
    const auto store = NewMemoryStore();
    const InfoHash hash = TestHash(1);
    InThreads([&](int thread) {
      for (std::uint32_t i = 0; i < 2000; ++i) {
        Announce(*store, {.hash = hash,
                          .peer = TestPeer(i * kThreads + static_cast<std::uint32_t>(thread),
                                           static_cast<AddressFamily>(family)),
                          .state = PeerState::kSeeder,
                          .completed = true,
                          .room4 = 0,
                          .room6 = 0});
      }
    });
    EXPECT_EQ(store->Count(hash), (SwarmCounts{.seeders = 8000, .completed = 8000}));
    InThreads([&](int thread) {
      for (std::uint32_t i = 0; i < 2000; ++i) {
        Announce(*store, {.hash = hash,
                          .peer = TestPeer(i * kThreads + static_cast<std::uint32_t>(thread),
                                           static_cast<AddressFamily>(family)),
                          .state = PeerState::kStopped,
                          .room4 = 0,
                          .room6 = 0});
      }
    });
    EXPECT_EQ(store->Count(hash), (SwarmCounts{.completed = 8000}));
  }
}

TEST(Threads, ASweepForgetsNobodyWhoComesMeanwhile) {
  constexpr std::uint32_t kPeers = 50;
  for (int round = 0; round < 300; ++round) {
    const auto store = NewMemoryStore();
    std::atomic<bool> all_came{false};
    std::size_t gone = 0;
    std::thread sweeper([&] {
      do {
        gone += store->Expire(kStart - std::chrono::hours(1), 2000);
      } while (!all_came.load());
    });
    for (std::uint32_t i = 0; i < kPeers; ++i)
      Announce(*store, {.hash = TestHash(i), .peer = TestPeer(i)}, kStart + round * Seconds(1));
    all_came.store(true);
    sweeper.join();
    ASSERT_EQ(gone, 0u);
    ASSERT_EQ(store->Totals().peers, kPeers);
  }
}

// Names that are spread evenly, and more than a walk holds at once that begin alike.
TEST(Threads, AWalkMissesNothingWhileOthersComeAndGo) {
  for (const bool crowded : {false, true}) {
    const std::uint64_t staying = crowded ? 36'000 : 4000;
    const auto hash_of = [crowded](std::uint64_t t) {
      return crowded ? CrowdedHash(t) : TestHash(t);
    };
    const auto store = NewMemoryStore({.hash_seed = 7});
    std::set<InfoHash> stays;
    for (std::uint64_t t = 0; t < staying; ++t) {
      stays.insert(hash_of(t));
      Announce(*store, {.hash = hash_of(t), .peer = TestPeer(1), .room4 = 0, .room6 = 0});
    }
    std::atomic<bool> done{false};
    std::thread others([&] {
      Random random(5);
      while (!done.load()) {
        const InfoHash hash = hash_of(staying + random.Below(4000));
        if (random.Below(2) == 0) {
          Announce(*store, {.hash = hash, .peer = TestPeer(1)});
        } else {
          store->Remove(hash);
        }
      }
    });
    for (int walk = 0; walk < (crowded ? 3 : 20); ++walk) {
      std::size_t seen = 0;
      std::optional<InfoHash> last;
      store->ForEach([&](const SwarmView& view) {
        EXPECT_TRUE(!last.has_value() || *last < view.info_hash());
        last = view.info_hash();
        seen += stays.count(view.info_hash());
        return true;
      });
      EXPECT_EQ(seen, staying);
    }
    done.store(true);
    others.join();
  }
}

TEST(Threads, DeltasOfOneSwarmArriveInTheirOrder) {
  // Replayed, they must give the counts that the store has.
  class Replay final : public SwarmObserver {
   public:
    void OnDelta(const SwarmDelta& delta) override {
      // One swarm, inside its transaction: no lock is needed.
      if (delta.state == PeerState::kStopped) {
        seeders.erase(delta.peer);
      } else {
        seeders[delta.peer] = delta.state == PeerState::kSeeder;
      }
    }
    std::map<Endpoint, bool> seeders;
  };
  const auto store = NewMemoryStore();
  Replay replay;
  store->SetObserver(&replay);
  InThreads([&](int thread) {
    Random random(static_cast<std::uint64_t>(thread));
    for (int i = 0; i < 3000; ++i) {
      Announce(*store, {.hash = TestHash(1),
                        .peer = TestPeer(random.Below(40)),
                        .state = static_cast<PeerState>(random.Below(4)),
                        .room4 = 0,
                        .room6 = 0});
    }
  });
  std::map<Endpoint, bool> seeders;
  for (const auto& [peer, record] : PeersOf(*store, TestHash(1)))
    seeders[peer] = record.state == PeerState::kSeeder;
  EXPECT_EQ(replay.seeders, seeders);
}

TEST(Threads, TheHeapGivesEachObjectToOneThread) {
  SlabHeap heap;
  InThreads([&](int thread) {
    Random random(static_cast<std::uint64_t>(thread));
    struct Object {
      std::uint8_t* at;
      std::size_t size;
    };
    std::vector<Object> objects;
    for (int i = 0; i < 20'000; ++i) {
      if (objects.size() < 200 || random.Below(2) == 0) {
        const std::size_t size = 1 + random.Below(random.Below(20) == 0 ? 18'000 : 200);
        objects.push_back({static_cast<std::uint8_t*>(heap.Allocate(size)), size});
        objects.back().at[0] = static_cast<std::uint8_t>(thread);
        objects.back().at[size - 1] = static_cast<std::uint8_t>(thread);
      } else {
        std::swap(objects[random.Below(static_cast<std::uint32_t>(objects.size()))],
                  objects.back());
        const Object object = objects.back();
        objects.pop_back();
        ASSERT_EQ(object.at[0], thread);
        ASSERT_EQ(object.at[object.size - 1], thread);
        heap.Sparse(object.at, object.size);
        heap.Free(object.at, object.size);
      }
    }
    for (const Object& object : objects) heap.Free(object.at, object.size);
  });
  EXPECT_EQ(heap.bytes(), 0u);
}

}  // namespace
}  // namespace muster::testing_swarm
