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
        service_(tracker_.get(), UdpOptions{}, kKey, Random(1), &counters_),
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
  UdpService& service() { return service_; }
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
  WorkerCounters counters_;
  UdpService service_;
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

// Decoding and the store, without the rules.
void BM_4_Store(benchmark::State& state) {
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

// Decoding, the rules and the store.
void BM_5_Tracker(benchmark::State& state) {
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

// Datagram to datagram: all of the above, and the answer's header.
void BM_6_WholeWay(benchmark::State& state) {
  World& world = WorldOf(state);
  std::size_t batch = 0;
  std::vector<std::array<std::uint8_t, kMaxUdpAnswer>> room(kBatch);
  std::vector<UdpDatagram> datagrams(kBatch);
  std::size_t bytes = 0;
  for (auto _ : state) {
    const Endpoint* from = world.from(batch);
    const absl::Span<const World::Packet> packets = world.packets(batch++);
    for (std::size_t i = 0; i < kBatch; ++i)
      datagrams[i] = {packets[i], from[i], absl::MakeSpan(room[i])};
    world.service().Answer(absl::MakeSpan(datagrams), kNow);
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
BENCHMARK(BM_1_Header)->ArgNames({"torrents", "peers"})->Args({1'000, 50});
BENCHMARK(BM_2_ConnectionIds)->ArgNames({"torrents", "peers"})->Args({1'000, 50});
BENCHMARK(BM_3_Decode)->ArgNames({"torrents", "peers"})->Args({1'000, 50});
BENCHMARK(BM_4_Store)->Apply(Crowds);
BENCHMARK(BM_5_Tracker)->Apply(Crowds);
BENCHMARK(BM_6_WholeWay)->Apply(Crowds);

}  // namespace
}  // namespace muster

BENCHMARK_MAIN();
