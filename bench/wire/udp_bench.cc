// SPDX-License-Identifier: Apache-2.0
//
// Where the time of a UDP announce goes: the same 64 packets through one layer after the other, up
// to the whole way from datagram to datagram. "each" is the time for one packet.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "service/udp_service.h"

namespace muster {
namespace {

constexpr Instant kNow = InstantFromUnixSeconds(1'800'000'000);
constexpr std::size_t kBatch = 64;
constexpr std::size_t kBatches = 256;  // different ones, sent in turn
constexpr ConnectionIdKey kKey{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

InfoHash HashOf(std::uint64_t torrent) {
  Random random(torrent);
  std::uint64_t words[3] = {random.Next(), random.Next(), random.Next()};
  return InfoHash::FromBytes(reinterpret_cast<const std::uint8_t*>(words));
}

Endpoint PeerOf(std::uint64_t peer) {
  const auto byte = [peer](int shift) { return static_cast<std::uint8_t>(peer >> shift); };
  const std::uint8_t compact[6] = {10, byte(16), byte(8), byte(0), 0x1a, 0xe1};
  return Endpoint::FromCompact(AddressFamily::kIpv4, compact);
}

// A tracker with a crowd, and announces of known peers in random order.
class World {
 public:
  World(std::uint64_t torrents, std::uint64_t peers)
      : tracker_(*Tracker::Create({}, NewMemoryStore({.hash_seed = 1}))),
        ids_(kKey, UdpOptions{}.connection_id_lifetime) {
    Random random(3);
    PeerBatch nobody({}, {});
    for (std::uint64_t p = 0; p < peers; ++p) {
      for (std::uint64_t t = 0; t < torrents; ++t) {
        AnnounceRequest request;
        request.info_hash = HashOf(t);
        request.peer = PeerOf(p);
        request.numwant = 0;
        if (!tracker_->Announce(request, kNow, random, nobody).ok()) std::abort();
      }
    }
    packets_.resize(kBatches * kBatch);
    from_.resize(packets_.size());
    for (std::size_t i = 0; i < packets_.size(); ++i) {
      from_[i] = PeerOf(random.Below(static_cast<std::uint32_t>(peers)));
      ConnectionIds::Claim claim{.from = &from_[i], .wants_new = true};
      ids_.Resolve(absl::MakeSpan(&claim, 1), kNow);
      auto* const p = packets_[i].data();
      StoreBig64(p, claim.id);
      StoreBig32(p + 8, 1);
      StoreBig32(p + 12, static_cast<std::uint32_t>(i));
      const InfoHash hash = HashOf(random.Below(static_cast<std::uint32_t>(torrents)));
      std::copy_n(hash.data(), 20, p + 16);
      StoreBig64(p + 64, 1);
      StoreBig32(p + 92, 50);
      StoreBig16(p + 96, from_[i].port());
      claims_.push_back({.from = &from_[i], .wants_new = false, .id = claim.id});
    }
  }

  using Packet = std::array<std::uint8_t, 98>;
  Tracker& tracker() { return *tracker_; }
  ConnectionIds& ids() { return ids_; }
  absl::Span<const Packet> packets(std::size_t batch) const {
    return absl::MakeConstSpan(packets_).subspan(batch % kBatches * kBatch, kBatch);
  }
  const Endpoint* from(std::size_t batch) const { return &from_[batch % kBatches * kBatch]; }
  absl::Span<ConnectionIds::Claim> claims(std::size_t batch) {
    return absl::MakeSpan(claims_).subspan(batch % kBatches * kBatch, kBatch);
  }

 private:
  const std::unique_ptr<Tracker> tracker_;
  ConnectionIds ids_;
  std::vector<Packet> packets_;
  std::vector<Endpoint> from_;
  std::vector<ConnectionIds::Claim> claims_;
};

World& WorldOf(const benchmark::State& state) {
  static std::unique_ptr<World> world;
  static std::pair<std::int64_t, std::int64_t> shape;
  const std::pair<std::int64_t, std::int64_t> wanted(state.range(0), state.range(1));
  if (world == nullptr || shape != wanted) {
    world = nullptr;
    world = std::make_unique<World>(wanted.first, wanted.second);
    shape = wanted;
  }
  return *world;
}

void PerPacket(benchmark::State& state) {
  state.counters["each"] = benchmark::Counter(
      kBatch, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void BM_1_Header(benchmark::State& state) {
  World& world = WorldOf(state);
  std::size_t batch = 0;
  for (auto _ : state) {
    for (const World::Packet& packet : world.packets(batch++))
      benchmark::DoNotOptimize(DecodeUdpHeader(packet));
  }
  PerPacket(state);
}

void BM_2_ConnectionIds(benchmark::State& state) {
  World& world = WorldOf(state);
  std::size_t batch = 0;
  for (auto _ : state) world.ids().Resolve(world.claims(batch++), kNow);
  PerPacket(state);
}

void BM_3_Decode(benchmark::State& state) {
  World& world = WorldOf(state);
  std::size_t batch = 0;
  std::string url;
  for (auto _ : state) {
    const Endpoint* from = world.from(batch);
    for (const World::Packet& packet : world.packets(batch++)) {
      AnnounceRequest request;
      benchmark::DoNotOptimize(DecodeUdpAnnounce(packet, *from++, request, url));
      benchmark::DoNotOptimize(request);
    }
  }
  PerPacket(state);
}

// A store that holds nothing, so that what a tracker costs with it is its rules.
class NoStore final : public SwarmStore {
 public:
  SwarmCounts Apply(const SwarmUpdate&, Instant, PeerBatch&) override { return {}; }
  std::optional<SwarmCounts> Count(const InfoHash&) const override { return std::nullopt; }
  std::size_t Expire(Instant, std::size_t) override { return 0; }
  std::unique_ptr<SwarmCursor> Walk(std::size_t) const override { return nullptr; }
  bool Remove(const InfoHash&) override { return false; }
  StoreTotals Totals() const override { return {}; }
  void SetObserver(SwarmObserver*) override {}
};

// Requests that are decoded, through the tracker to a store that does nothing.
void BM_4_Rules(benchmark::State& state) {
  World& world = WorldOf(state);
  const std::unique_ptr<Tracker> tracker = *Tracker::Create({}, std::make_unique<NoStore>());
  std::vector<AnnounceRequest> requests(kBatch);
  std::string url;
  for (std::size_t i = 0; i < kBatch; ++i)
    DecodeUdpAnnounce(world.packets(0)[i], world.from(0)[i], requests[i], url);
  Random random(1);
  std::array<std::uint8_t, kMaxUdpAnswer> room;
  for (auto _ : state) {
    for (const AnnounceRequest& request : requests) {
      PeerBatch chosen(absl::MakeSpan(room), {});
      benchmark::DoNotOptimize(tracker->Announce(request, kNow, random, chosen));
    }
  }
  PerPacket(state);
}

// The store alone.
void BM_5_Store(benchmark::State& state) {
  World& world = WorldOf(state);
  SwarmStore& store = world.tracker().store();
  std::size_t batch = 0;
  Random random(1);
  std::array<SwarmHint, kBatch> coming;
  std::array<std::uint8_t, kMaxUdpAnswer> room;
  const PeerId id;
  for (auto _ : state) {
    const Endpoint* from = world.from(batch);
    const absl::Span<const World::Packet> packets = world.packets(batch++);
    for (std::size_t i = 0; i < kBatch; ++i) coming[i] = {packets[i].data() + 16, from + i};
    store.Prefetch(coming);
    for (const World::Packet& packet : packets) {
      const InfoHash hash = InfoHash::FromBytes(packet.data() + 16);
      PeerBatch chosen(absl::MakeSpan(room), {});
      benchmark::DoNotOptimize(store.Apply({.info_hash = hash,
                                            .peer = *from++,
                                            .peer_id = id,
                                            .wanted = 50,
                                            .random = random.Next()},
                                           kNow, chosen));
    }
  }
  PerPacket(state);
}

// An answer's header; the peers behind it are the store's.
void BM_6_Encode(benchmark::State& state) {
  std::vector<std::array<std::uint8_t, kMaxUdpAnswer>> room(kBatch);
  std::uint32_t transaction_id = 0;
  AnnounceAnswer answer;
  for (auto _ : state) {
    for (std::array<std::uint8_t, kMaxUdpAnswer>& to : room) {
      benchmark::DoNotOptimize(answer);
      benchmark::DoNotOptimize(EncodeUdpAnnounceHeader(++transaction_id, answer, to.data()));
    }
    benchmark::ClobberMemory();
  }
  PerPacket(state);
}

// Decoding, the rules and the store.
void BM_7_Tracker(benchmark::State& state) {
  World& world = WorldOf(state);
  std::size_t batch = 0;
  Random random(1);
  std::string url;
  std::array<SwarmHint, kBatch> coming;
  std::array<std::uint8_t, kMaxUdpAnswer> room;
  for (auto _ : state) {
    const Endpoint* from = world.from(batch);
    const absl::Span<const World::Packet> packets = world.packets(batch++);
    for (std::size_t i = 0; i < kBatch; ++i) coming[i] = {packets[i].data() + 16, from + i};
    world.tracker().store().Prefetch(coming);
    for (const World::Packet& packet : packets) {
      AnnounceRequest request;
      DecodeUdpAnnounce(packet, *from++, request, url);
      PeerBatch chosen(absl::MakeSpan(room), {});
      benchmark::DoNotOptimize(world.tracker().Announce(request, kNow, random, chosen));
    }
  }
  PerPacket(state);
}

// Datagram to datagram: all of the above. A thread is a worker with a service of its own, and all
// of them share the tracker.
void BM_8_WholeWay(benchmark::State& state) {
  static World* world = nullptr;
  if (state.thread_index() == 0) world = &WorldOf(state);
  WorkerCounters counters;
  std::unique_ptr<UdpService> service;
  const auto worker = static_cast<std::size_t>(state.thread_index());
  std::size_t batch = worker * kBatches / static_cast<std::size_t>(state.threads());
  std::vector<std::array<std::uint8_t, kMaxUdpAnswer>> room(kBatch);
  std::vector<UdpDatagram> datagrams(kBatch);
  std::size_t bytes = 0;
  for (auto _ : state) {  // all threads begin here together
    if (service == nullptr) {
      service = std::make_unique<UdpService>(&world->tracker(), UdpOptions{}, kKey,
                                             Random(worker + 1), &counters);
    }
    const Endpoint* from = world->from(batch);
    const absl::Span<const World::Packet> packets = world->packets(batch++);
    for (std::size_t i = 0; i < kBatch; ++i)
      datagrams[i] = {packets[i], from[i], absl::MakeSpan(room[i])};
    service->Answer(absl::MakeSpan(datagrams), kNow);
    for (const UdpDatagram& datagram : datagrams) bytes += datagram.answer.size();
  }
  PerPacket(state);
  state.counters["bytes"] =
      benchmark::Counter(static_cast<double>(bytes) / kBatch, benchmark::Counter::kAvgIterations);
}

// Few torrents in the caches, many that are not, and one that all want.
void Crowds(benchmark::internal::Benchmark* b) {
  b->ArgNames({"torrents", "peers"})
      ->Args({1'000, 50})
      ->Args({100'000, 5})
      ->Args({1'000'000, 1})
      ->Args({1, 100'000});
}
// What touches neither the store nor its memory costs the same in all of them.
void OneCrowd(benchmark::internal::Benchmark* b) {
  b->ArgNames({"torrents", "peers"})->Args({1'000, 50});
}
// CPU time that stays the same in every row says that workers do not get into each other's way.
// Beyond the machine's cores they take turns.
void Workers(benchmark::internal::Benchmark* b) {
  b->ArgNames({"torrents", "peers"})->Args({100'000, 5})->ThreadRange(1, 8);
}
BENCHMARK(BM_1_Header)->Apply(OneCrowd);
BENCHMARK(BM_2_ConnectionIds)->Apply(OneCrowd);
BENCHMARK(BM_3_Decode)->Apply(OneCrowd);
BENCHMARK(BM_4_Rules)->Apply(OneCrowd);
BENCHMARK(BM_5_Store)->Apply(Crowds);
BENCHMARK(BM_6_Encode)->Apply(OneCrowd);
BENCHMARK(BM_7_Tracker)->Apply(Crowds);
BENCHMARK(BM_8_WholeWay)->Apply(Crowds);
BENCHMARK(BM_8_WholeWay)->Name("BM_8_WholeWayByWorkers")->Apply(Workers);

}  // namespace
}  // namespace muster

BENCHMARK_MAIN();
