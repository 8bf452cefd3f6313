// SPDX-License-Identifier: Apache-2.0
//
// Each engine that this CPU can run, and the one that chooses by itself, over what torrents hash:
// one long message, the blocks of a file (BEP 52), pieces, pairs of digests, and the unequal files
// of a folder. Bytes a second are those of the messages, without padding. Caches hold all of it but
// the 256 MiB of 64 times 4 MiB.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hash/chunk_hasher.h"
#include "hash/hasher.h"
#include "muster/random.h"

namespace muster {
namespace {

std::string NameOf(HashKind kind) { return kind == HashKind::kSha1 ? "sha1" : "sha256"; }

struct Load {
  const char* name;
  std::size_t count;
  std::size_t size;  // 0: unequal
};

constexpr Load kLoads[] = {
    {"one of 1 MiB", 1, 1 << 20},   {"20 of 16 KiB", 20, 16 << 10},
    {"64 of 16 KiB", 64, 16 << 10}, {"32 of 256 KiB", 32, 256 << 10},
    {"64 of 4 MiB", 64, 4 << 20},  // more than caches hold
    {"4096 of 64 B", 4096, 64},     {"1000 unequal", 1000, 0},
};

std::vector<std::size_t> SizesOf(const Load& load) {
  std::vector<std::size_t> sizes(load.count, load.size);
  if (load.size != 0) return sizes;
  Random random(1);
  for (std::size_t& size : sizes) size = random.Below(std::uint32_t{64} << random.Below(11));
  return sizes;
}

void Run(benchmark::State& state, Hasher& hasher, const Load& load) {
  const std::vector<std::size_t> sizes = SizesOf(load);
  std::size_t total = 0;
  for (const std::size_t size : sizes) total += size;
  std::vector<std::uint8_t> bytes(total, 0x5a);
  std::vector<ByteSpan> messages;
  std::size_t at = 0;
  for (const std::size_t size : sizes) {
    messages.push_back(absl::MakeConstSpan(bytes).subspan(at, size));
    at += size;
  }
  std::vector<std::uint8_t> digests(messages.size() * DigestSize(hasher.kind()));
  for (auto _ : state) {
    if (load.size == 64) {
      hasher.HashBlocks(bytes, 64, digests.data());
    } else {
      hasher.Hash(messages, digests.data());
    }
    benchmark::DoNotOptimize(digests.data());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(total) * state.iterations());
}

// Sixteen pieces, of each of which 64 KiB are there at a time.
void RunChunks(benchmark::State& state, HashKind kind, ChunkHasher& hasher) {
  constexpr std::size_t kChunk = 64 << 10, kSteps = 16;
  const std::vector<std::uint8_t> bytes(hasher.messages() * kChunk, 0x5a);
  std::vector<ByteSpan> chunks;
  for (std::size_t i = 0; i < hasher.messages(); ++i) {
    chunks.push_back(absl::MakeConstSpan(bytes).subspan(i * kChunk, kChunk));
  }
  std::vector<std::uint8_t> digests(hasher.messages() * DigestSize(kind));
  for (auto _ : state) {
    for (std::size_t step = 0; step < kSteps; ++step) hasher.Append(chunks);
    hasher.Finish(digests.data());
    benchmark::DoNotOptimize(digests.data());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes.size() * kSteps) * state.iterations());
}

void Register() {
  for (const Load& load : kLoads) {
    for (const HashKind kind : {HashKind::kSha1, HashKind::kSha256}) {
      const auto add = [&](std::string_view way, auto make) {
        const std::string name = NameOf(kind) + "/" + load.name + "/" + std::string(way);
        benchmark::RegisterBenchmark(name.c_str(), [make, &load](benchmark::State& state) {
          const std::unique_ptr<Hasher> hasher = make();
          Run(state, *hasher, load);
        });
      };
      for (const HashEngine engine : UsableEngines()) {
        add(EngineName(engine), [=] { return std::make_unique<Hasher>(kind, engine); });
      }
      add("chosen", [=] { return std::make_unique<Hasher>(kind); });
    }
  }
  for (const HashKind kind : {HashKind::kSha1, HashKind::kSha256}) {
    for (const HashEngine engine : UsableEngines()) {
      const std::string name =
          NameOf(kind) + "/16 of 1 MiB in chunks/" + std::string(EngineName(engine));
      benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
        ChunkHasher hasher(kind, 16, engine);
        RunChunks(state, kind, hasher);
      });
    }
  }
}

}  // namespace
}  // namespace muster

int main(int argc, char** argv) {
  muster::Register();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
