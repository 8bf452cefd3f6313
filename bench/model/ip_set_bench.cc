// SPDX-License-Identifier: Apache-2.0
//
// What it costs to ask an IpSet, and to read one, by its number of ranges. Addresses are spread
// evenly, so that about half of them are inside, and the processor cannot guess which.
#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "muster/ip_set.h"
#include "muster/random.h"

namespace muster {
namespace {

IpAddress AddressOf(AddressFamily family, std::uint64_t high) {
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<std::uint8_t>(high >> (56 - 8 * i));
  return family == AddressFamily::kIpv4 ? IpAddress::FromIpv4(bytes.data())
                                        : IpAddress::FromIpv6(bytes.data());
}

// Each range is the lower half of an equal part of the address space.
std::vector<IpRange> Ranges(AddressFamily family, std::uint64_t count) {
  std::vector<IpRange> ranges;
  const std::uint64_t part = ~std::uint64_t{0} / count;
  for (std::uint64_t i = 0; i < count; ++i) {
    ranges.push_back({AddressOf(family, i * part), AddressOf(family, i * part + part / 2)});
  }
  return ranges;
}

void Contains(benchmark::State& state, AddressFamily family) {
  const auto count = static_cast<std::uint64_t>(state.range(0));
  const IpSet set{absl::MakeConstSpan(Ranges(family, count))};
  std::vector<IpAddress> asked;
  Random random(1);
  for (int i = 0; i < 1 << 16; ++i) asked.push_back(AddressOf(family, random.Next()));
  std::size_t i = 0, inside = 0;
  for (auto _ : state) inside += set.Contains(asked[i++ % asked.size()]);
  benchmark::DoNotOptimize(inside);
  state.counters["bytes/range"] = static_cast<double>(set.bytes()) / static_cast<double>(count);
}
BENCHMARK_CAPTURE(Contains, ipv4, AddressFamily::kIpv4)->Arg(10)->Arg(10'000)->Arg(1'000'000);
BENCHMARK_CAPTURE(Contains, ipv6, AddressFamily::kIpv6)->Arg(10)->Arg(10'000)->Arg(1'000'000);

void Read(benchmark::State& state, IpListFormat format, AddressFamily family) {
  std::string text;
  for (const IpRange& range : Ranges(family, static_cast<std::uint64_t>(state.range(0)))) {
    if (format == IpListFormat::kNamedRanges) text += "Example Ltd.:";
    text += range.first.ToString() + "-" + range.last.ToString() + "\n";
  }
  for (auto _ : state) benchmark::DoNotOptimize(ParseIpList(text, format).entries);
}
BENCHMARK_CAPTURE(Read, networks_ipv4, IpListFormat::kNetworks, AddressFamily::kIpv4)
    ->Arg(1'000'000)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Read, networks_ipv6, IpListFormat::kNetworks, AddressFamily::kIpv6)
    ->Arg(1'000'000)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Read, named_ipv4, IpListFormat::kNamedRanges, AddressFamily::kIpv4)
    ->Arg(1'000'000)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace muster

BENCHMARK_MAIN();
