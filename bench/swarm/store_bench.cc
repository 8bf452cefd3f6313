// SPDX-License-Identifier: Apache-2.0
//
// What an announce costs the store: by the size of its swarm (it must not matter), by the number of
// workers, and by the number of torrents (which is what the caches feel), with and without
// Prefetch(). And what it costs the one that knows its peers by their ids, by the size of the swarm.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "muster/detailed_store.h"
#include "muster/random.h"
#include "muster/swarm_store.h"

namespace muster {
namespace {

constexpr Instant kNow = InstantFromUnixSeconds(1'800'000'000);
constexpr std::size_t kBatch = 64;  // what a server receives at once

// Computed, not looked up: a table would cost the very cache misses that are to be measured.
InfoHash HashOf(std::uint64_t torrent) {
  Random random(torrent);
  std::uint64_t words[3] = {random.Next(), random.Next(), random.Next()};
  return InfoHash::FromBytes(reinterpret_cast<const std::uint8_t*>(words));
}

Endpoint PeerOf(std::uint64_t peer) {
  const auto byte = [peer](int shift) { return static_cast<std::uint8_t>(peer >> shift); };
  const std::uint8_t compact[6] = {10, byte(16), byte(8), byte(0), 0x1a, byte(24)};
  return Endpoint::FromCompact(AddressFamily::kIpv4, compact);
}

// A third has everything.
PeerState StateOf(std::uint64_t peer) {
  return peer % 3 == 0 ? PeerState::kSeeder : PeerState::kDownloader;
}

PeerId IdOf(std::uint64_t peer) {
  std::uint8_t id[PeerId::kSize] = {'-', 'X', 'X', '0', '0', '0', '1', '-'};
  for (std::size_t i = 8; i < 16; ++i) id[i] = static_cast<std::uint8_t>(peer >> (8 * (i - 8)));
  return PeerId::FromBytes(id);
}

enum class Kind { kCompact, kDetailed };

// The same store for all benchmarks that follow each other with the same crowd.
struct Crowd {
  Kind kind = Kind::kCompact;
  std::uint64_t torrents = 0;
  std::uint64_t peers = 0;  // of each torrent
  std::unique_ptr<SwarmStore> store;
};

class Announcer {
 public:
  explicit Announcer(SwarmStore& store, std::uint64_t seed = 7) : store_(store), random_(seed) {}
  SwarmCounts operator()(const InfoHash& hash, std::uint64_t peer, std::size_t wanted) {
    PeerBatch chosen(absl::MakeSpan(room_), {});
    const Endpoint endpoint = PeerOf(peer);
    const PeerId id = IdOf(peer);
    return store_.Apply({.info_hash = hash,
                         .peer = endpoint,
                         .peer_id = id,
                         .state = StateOf(peer),
                         .wanted = wanted,
                         .random = random_.Next()},
                        kNow, chosen);
  }
  std::uint32_t Below(std::uint64_t bound) {
    return random_.Below(static_cast<std::uint32_t>(bound));
  }

 private:
  SwarmStore& store_;
  Random random_;
  std::array<std::uint8_t, 200 * 6> room_;
};

SwarmStore& StoreOf(std::uint64_t torrents, std::uint64_t peers, Kind kind = Kind::kCompact) {
  static Crowd crowd;
  if (crowd.kind == kind && crowd.torrents == torrents && crowd.peers == peers) return *crowd.store;
  crowd.store = nullptr;  // before the next takes its memory
  crowd = {kind, torrents, peers,
           kind == Kind::kCompact ? NewMemoryStore({.hash_seed = 1}) : NewDetailedStore()};
  Announcer announce(*crowd.store);
  // Each torrent's peers come one by one, between those of others.
  for (std::uint64_t p = 0; p < peers; ++p) {
    for (std::uint64_t t = 0; t < torrents; ++t) announce(HashOf(t), p, 0);
  }
  return *crowd.store;
}

void PerItem(benchmark::State& state, std::size_t items_an_iteration) {
  state.counters["each"] = benchmark::Counter(
      static_cast<double>(items_an_iteration),
      benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

// --- by the size of the swarm ---

// Known peers announce again and get 50 others, in batches as a server has them. Arguments: peers of
// a swarm, swarms.
void BM_ApplyBySwarmSize(benchmark::State& state, Kind kind) {
  const auto peers = static_cast<std::uint64_t>(state.range(0));
  const auto torrents = static_cast<std::uint64_t>(state.range(1));
  SwarmStore& store = StoreOf(torrents, peers, kind);
  Announcer announce(store);
  std::array<InfoHash, kBatch> hashes;
  std::array<std::uint64_t, kBatch> who;
  std::array<Endpoint, kBatch> endpoints;
  std::array<SwarmHint, kBatch> coming;
  for (auto _ : state) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      hashes[i] = HashOf(announce.Below(torrents));
      who[i] = announce.Below(peers);
      endpoints[i] = PeerOf(who[i]);
      coming[i] = {hashes[i].data(), &endpoints[i]};
    }
    store.Prefetch(coming);
    for (std::size_t i = 0; i < kBatch; ++i)
      benchmark::DoNotOptimize(announce(hashes[i], who[i], 50));
  }
  PerItem(state, kBatch);
}
// One swarm, as small or large as it is.
BENCHMARK_CAPTURE(BM_ApplyBySwarmSize, compact, Kind::kCompact)
    ->ArgNames({"peers", "swarms"})
    ->Args({1, 1})
    ->Args({100, 1})
    ->Args({10'000, 1})
    ->Args({1'000'000, 1});
// A million peers in all, so that the caches are equally cold.
BENCHMARK_CAPTURE(BM_ApplyBySwarmSize, compact, Kind::kCompact)
    ->ArgNames({"peers", "swarms"})
    ->Args({1, 1'000'000})
    ->Args({100, 10'000})
    ->Args({10'000, 100});
BENCHMARK_CAPTURE(BM_ApplyBySwarmSize, detailed, Kind::kDetailed)
    ->ArgNames({"peers", "swarms"})
    ->Args({1, 1})
    ->Args({100, 1})
    ->Args({10'000, 1})
    ->Args({1'000'000, 1})
    ->Args({1, 1'000'000})
    ->Args({100, 10'000});

// A peer comes, changes its role, and goes.
void BM_AComingAndGoing(benchmark::State& state) {
  const auto peers = static_cast<std::uint64_t>(state.range(0));
  SwarmStore& store = StoreOf(1, peers);
  const InfoHash hash = HashOf(0);
  const PeerId id;
  std::uint64_t next = std::uint64_t{1} << 24;
  for (auto _ : state) {
    const Endpoint peer = PeerOf(next++);
    PeerBatch nobody({}, {});
    for (const PeerState s : {PeerState::kDownloader, PeerState::kSeeder, PeerState::kStopped}) {
      benchmark::DoNotOptimize(
          store.Apply({.info_hash = hash, .peer = peer, .peer_id = id, .state = s}, kNow, nobody));
    }
  }
  PerItem(state, 3);
}
BENCHMARK(BM_AComingAndGoing)->ArgName("peers")->Arg(1)->Arg(50)->Arg(10'000)->Arg(1'000'000);

// --- by the number of workers ---

// Workers of one store, each with batches of its own: what two of them get done, and how often one
// had to sleep because another held a lock.
void BM_ApplyByWorkers(benchmark::State& state) {
  constexpr std::uint64_t kTorrents = 100'000, kPeers = 5;
  static SwarmStore* store = nullptr;
  if (state.thread_index() == 0) store = &StoreOf(kTorrents, kPeers);
  std::array<InfoHash, kBatch> hashes;
  std::array<Endpoint, kBatch> endpoints;
  std::array<SwarmHint, kBatch> coming;
  std::array<std::uint64_t, kBatch> who;
  std::optional<Announcer> announce;
  rusage before{};
  for (auto _ : state) {
    if (!announce) {  // behind the barrier at which all threads begin
      announce.emplace(*store, 7 + static_cast<std::uint64_t>(state.thread_index()));
      getrusage(RUSAGE_THREAD, &before);
    }
    for (std::size_t i = 0; i < kBatch; ++i) {
      hashes[i] = HashOf(announce->Below(kTorrents));
      who[i] = announce->Below(kPeers);
      endpoints[i] = PeerOf(who[i]);
      coming[i] = {hashes[i].data(), &endpoints[i]};
    }
    store->Prefetch(coming);
    for (std::size_t i = 0; i < kBatch; ++i)
      benchmark::DoNotOptimize((*announce)(hashes[i], who[i], 50));
  }
  rusage after{};
  getrusage(RUSAGE_THREAD, &after);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBatch));
  state.counters["sleeps_per_million"] =
      benchmark::Counter(static_cast<double>(after.ru_nvcsw - before.ru_nvcsw) * 1e6 /
                             static_cast<double>(state.iterations() * kBatch),
                         benchmark::Counter::kAvgThreads);
}
BENCHMARK(BM_ApplyByWorkers)->ThreadRange(1, 8)->UseRealTime();

// --- by the number of torrents ---

// Torrents with one peer each, announced in random order, in batches as a server has them.
void BM_ApplyByTorrents(benchmark::State& state) {
  const auto torrents = static_cast<std::uint64_t>(state.range(0));
  const bool prefetch = state.range(1) != 0;
  SwarmStore& store = StoreOf(torrents, 1);
  Announcer announce(store);
  std::array<InfoHash, kBatch> hashes;
  std::array<SwarmHint, kBatch> coming;
  const Endpoint peer = PeerOf(0);
  for (auto _ : state) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      hashes[i] = HashOf(announce.Below(torrents));
      coming[i] = {hashes[i].data(), &peer};
    }
    if (prefetch) store.Prefetch(coming);
    for (const InfoHash& hash : hashes) benchmark::DoNotOptimize(announce(hash, 0, 50));
  }
  PerItem(state, kBatch);
}

void BM_CountByTorrents(benchmark::State& state) {
  const auto torrents = static_cast<std::uint64_t>(state.range(0));
  SwarmStore& store = StoreOf(torrents, 1);
  Random random(3);
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        store.Count(HashOf(random.Below(static_cast<std::uint32_t>(torrents)))));
  }
}

void EachNumberOfTorrents(std::int64_t torrents) {
  for (const std::int64_t prefetch : {0, 1}) {
    benchmark::RegisterBenchmark("BM_ApplyByTorrents", BM_ApplyByTorrents)
        ->ArgNames({"torrents", "prefetch"})
        ->Args({torrents, prefetch});
  }
  benchmark::RegisterBenchmark("BM_CountByTorrents", BM_CountByTorrents)
      ->ArgName("torrents")
      ->Arg(torrents);
}

// What the two above spend on making a hash.
void BM_MakingAHash(benchmark::State& state) {
  std::uint64_t n = 0;
  for (auto _ : state) benchmark::DoNotOptimize(HashOf(n++));
}
BENCHMARK(BM_MakingAHash);

}  // namespace
}  // namespace muster

int main(int argc, char** argv) {
  // The last needs 600 MB; --benchmark_filter=-torrents:10000000 leaves it out.
  for (const std::int64_t torrents : {1'000, 10'000, 100'000, 1'000'000, 10'000'000})
    muster::EachNumberOfTorrents(torrents);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
