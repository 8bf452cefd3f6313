// SPDX-License-Identifier: Apache-2.0
//
// What it costs to hold an announce against a list of hashes, to read such a list, and to change it
// or replace it.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "muster/access_rules.h"
#include "muster/hash_list.h"
#include "muster/random.h"

namespace muster {
namespace {

std::vector<InfoHash> SomeHashes(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<InfoHash> hashes;
  hashes.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    std::uint64_t words[3] = {random.Next(), random.Next(), random.Next()};
    hashes.push_back(InfoHash::FromBytes(reinterpret_cast<const std::uint8_t*>(words)));
  }
  return hashes;
}

constexpr std::size_t kAsked = 1 << 20;

// What is asked for, in no order, so that most of it is in no cache.
std::vector<InfoHash> Asked(const std::vector<InfoHash>& hashes, bool listed) {
  std::vector<InfoHash> asked = SomeHashes(kAsked, 2);
  if (!listed) return asked;
  Random random(3);
  for (InfoHash& hash : asked)
    hash = hashes[random.Below(static_cast<std::uint32_t>(hashes.size()))];
  return asked;
}

// `state.range(0)` hashes listed.
void Contains(benchmark::State& state, bool listed) {
  std::vector<InfoHash> hashes = SomeHashes(static_cast<std::size_t>(state.range(0)), 1);
  const std::vector<InfoHash> asked = Asked(hashes, listed);
  const HashList list(std::move(hashes));
  std::size_t i = 0, found = 0;
  for (auto _ : state) found += list.Contains(asked[i++ % kAsked]);
  benchmark::DoNotOptimize(found);
  state.counters["bytes/hash"] =
      static_cast<double>(list.bytes()) / static_cast<double>(list.size());
}
BENCHMARK_CAPTURE(Contains, listed, true)->Arg(1'000)->Arg(100'000)->Arg(10'000'000);
BENCHMARK_CAPTURE(Contains, not_listed, false)->Arg(1'000)->Arg(100'000)->Arg(10'000'000);

// Each look-up waits for the one before, as if nothing else were to be done meanwhile.
void ContainsInTurn(benchmark::State& state) {
  const std::vector<InfoHash> asked = SomeHashes(kAsked, 2);
  const HashList list(SomeHashes(static_cast<std::size_t>(state.range(0)), 1));
  std::size_t i = 0;
  for (auto _ : state) i = (i + 1 + (list.Contains(asked[i]) ? 1 : 0)) % kAsked;
  benchmark::DoNotOptimize(i);
}
BENCHMARK(ContainsInTurn)->Arg(1'000)->Arg(100'000)->Arg(10'000'000);

// As a server asks: what comes next is known for a batch of 64.
void ContainsInBatches(benchmark::State& state, bool listed) {
  constexpr std::size_t kBatch = 64;
  std::vector<InfoHash> hashes = SomeHashes(static_cast<std::size_t>(state.range(0)), 1);
  const std::vector<InfoHash> asked = Asked(hashes, listed);
  const HashList list(std::move(hashes));
  std::vector<SwarmHint> coming(kBatch);
  std::size_t i = 0, found = 0;
  for (auto _ : state) {
    for (std::size_t j = 0; j < kBatch; ++j) coming[j].info_hash = asked[i + j].data();
    list.Prefetch(coming);
    for (std::size_t j = 0; j < kBatch; ++j) found += list.Contains(asked[i + j]);
    i = (i + kBatch) % kAsked;
  }
  benchmark::DoNotOptimize(found);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBatch));
  state.counters["each"] = benchmark::Counter(
      static_cast<double>(state.iterations() * static_cast<std::int64_t>(kBatch)),
      benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK_CAPTURE(ContainsInBatches, listed, true)->Arg(1'000)->Arg(100'000)->Arg(10'000'000);
BENCHMARK_CAPTURE(ContainsInBatches, not_listed, false)->Arg(1'000)->Arg(100'000)->Arg(10'000'000);

// All that an announce pays where nothing is listed, and where both lists are in force.
void AllowAnnounce(benchmark::State& state) {
  AccessRules rules;
  rules.EnforceWhitelist(state.range(0) > 0);
  const std::vector<InfoHash> hashes = SomeHashes(static_cast<std::size_t>(state.range(0)) + 1, 1);
  if (state.range(0) > 0) {
    rules.whitelist().Replace(hashes);
    rules.blacklist().Replace(SomeHashes(static_cast<std::size_t>(state.range(0)), 9));
  }
  AnnounceRequest request;
  std::size_t i = 0, allowed = 0;
  for (auto _ : state) {
    request.info_hash = hashes[i++ * 7919 % hashes.size()];
    allowed += rules.AllowAnnounce(request, Instant()).ok();
  }
  benchmark::DoNotOptimize(allowed);
}
BENCHMARK(AllowAnnounce)->Arg(0)->Arg(100'000);

void Read(benchmark::State& state) {
  std::string text;
  for (const InfoHash& hash : SomeHashes(static_cast<std::size_t>(state.range(0)), 1)) {
    text += hash.ToHex() + "\n";
  }
  for (auto _ : state) {
    HashListReader reader(text.size());
    reader.Add(text);
    const HashList list(std::move(reader).Finish().hashes);
    benchmark::DoNotOptimize(list.size());
  }
}
BENCHMARK(Read)->Arg(10'000'000)->Unit(benchmark::kMillisecond);

// As /proc/self/status has it, in bytes.
std::size_t MemoryOf(const std::string& field) {
  std::ifstream file("/proc/self/status");
  std::size_t kib = 0;
  for (std::string word; file >> word && word != field + ":";) {
  }
  file >> kib;
  return kib * 1024;
}

// All of a list by others; "peak/hash" is the memory of both, and of what they are handed over in.
void Replace(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  const std::size_t before = MemoryOf("VmRSS");
  HashList list(SomeHashes(count, 1));
  for (auto _ : state) {
    state.PauseTiming();
    std::vector<InfoHash> hashes = SomeHashes(count, 2);
    std::ofstream("/proc/self/clear_refs") << 5;  // the peak begins anew
    state.ResumeTiming();
    list.Replace(std::move(hashes));
  }
  state.counters["peak/hash"] =
      static_cast<double>(MemoryOf("VmHWM") - before) / static_cast<double>(count);
}
BENCHMARK(Replace)->Arg(10'000'000)->Unit(benchmark::kMillisecond);

void ChangeOne(benchmark::State& state) {
  HashList list(SomeHashes(static_cast<std::size_t>(state.range(0)), 1));
  const std::vector<InfoHash> others = SomeHashes(1000, 2);
  std::size_t i = 0;
  for (auto _ : state) {
    list.Change({{others[i / 2 % others.size()], i % 2 == 0}});
    ++i;
  }
}
BENCHMARK(ChangeOne)->Arg(1'000)->Arg(10'000'000);

}  // namespace
}  // namespace muster

BENCHMARK_MAIN();
