// SPDX-License-Identifier: Apache-2.0
//
// What the store costs in memory, as the growth of the process's resident size, and how long a
// single call took at worst: an announce while it grew and shrank, a step of the sweep, a step of a
// walk. One case a process, since memory that was used before hides growth:
//
//   memory_bench single|crowded|crowded8|mixed|mixed6|one [TORRENTS [PEERS]]
//
// crowded: like single, with info hashes that all begin with the same two bytes; crowded8: with the
// same eight, which come in ascending order.
//
// The same is done three times, call for call: what the store itself makes a call wait for is there
// each time, what else the machine did is not. So the shortest of the three waits counts.
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

#include "muster/random.h"
#include "muster/swarm_store.h"

namespace {

using muster::Endpoint;
using muster::InfoHash;

// Processor time of this thread: what the store itself takes, whoever else runs on the machine.
struct Clock {
  static double Seconds() {
    timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
  }
};

std::size_t ResidentBytes() {
  std::size_t pages = 0;
  if (FILE* statm = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(statm, "%*u %zu", &pages) != 1) pages = 0;
    std::fclose(statm);
  }
  return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

// The first `same` bytes (0, 2 or 8) are those of all others; of those with eight, a greater number
// has a greater one.
InfoHash HashOf(std::uint64_t torrent, std::size_t same = 0) {
  muster::Random random(torrent);
  std::uint8_t bytes[24];
  for (int i = 0; i < 3; ++i) {
    const std::uint64_t word = random.Next();
    std::copy_n(reinterpret_cast<const std::uint8_t*>(&word), 8, bytes + 8 * i);
  }
  std::fill_n(bytes, same, std::uint8_t{7});
  for (std::size_t i = 0; same == 8 && i < 4; ++i)
    bytes[same + i] = static_cast<std::uint8_t>(torrent >> (24 - 8 * i));
  return InfoHash::FromBytes(bytes);
}

Endpoint PeerOf(std::uint64_t peer, bool ipv6) {
  const auto byte = [peer](int shift) { return static_cast<std::uint8_t>(peer >> shift); };
  std::uint8_t compact[18] = {10, byte(16), byte(8), byte(0), 0x1a, 0xe1};
  if (ipv6) {
    const std::uint8_t v6[18] = {0x20, 1, 0xd,      0xb8,     0,        0,
                                 0,    0, byte(40), byte(32), byte(24), byte(16),
                                 0,    0, byte(8),  byte(0),  0x1a,     0xe1};
    std::copy_n(v6, 18, compact);
    return Endpoint::FromCompact(muster::AddressFamily::kIpv6, compact);
  }
  compact[0] = static_cast<std::uint8_t>(11 + byte(24));
  return Endpoint::FromCompact(muster::AddressFamily::kIpv4, compact);
}

// How many peers torrent `t` of `torrents` has: half of them one, the others a long tail that adds
// up to `peers`.
std::vector<std::uint32_t> MixedSizes(std::size_t torrents, std::size_t peers) {
  std::vector<std::uint32_t> sizes(torrents, 1);
  const std::size_t tail = torrents / 2;
  std::size_t left = peers - torrents;
  double weights = 0;
  for (std::size_t i = 0; i < tail; ++i) weights += 1.0 / static_cast<double>(i + 20);
  const auto share = static_cast<double>(left);
  for (std::size_t i = 0; i < tail; ++i) {
    const auto more =
        std::min(left, static_cast<std::size_t>(share / weights / static_cast<double>(i + 20)));
    sizes[i] += static_cast<std::uint32_t>(more);
    left -= more;
  }
  for (std::size_t i = 0; left > 0; i = (i + 1) % tail, --left) ++sizes[i];
  return sizes;
}

// How long each call of one kind took, over all runs.
class Waits {
 public:
  explicit Waits(std::size_t calls) : shortest_(calls, 1e9f) {}

  void Begin() { next_ = 0; }
  void Add(double seconds) {
    if (next_ == shortest_.size()) shortest_.push_back(1e9f);
    float& shortest = shortest_[next_++];
    shortest = std::min(shortest, static_cast<float>(seconds));
  }
  void Print(const char* name) const {
    const std::size_t n = next_;
    double total = 0;
    float worst = 0;
    for (std::size_t i = 0; i < n; ++i) {
      total += double{shortest_[i]};
      worst = std::max(worst, shortest_[i]);
    }
    std::printf("  %-16s mean %.0f ns, worst %.3f ms, of %zu\n", name, total / double(n) * 1e9,
                double{worst} * 1e3, n);
  }

 private:
  std::vector<float> shortest_;
  std::size_t next_ = 0;
};

constexpr int kRuns = 3;

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  const bool ipv6 = what == "mixed6";
  const std::size_t same = what == "crowded8" ? 8 : what == "crowded" ? 2 : 0;
  const bool is_single = what == "single" || same > 0;
  std::size_t torrents =
      argc > 2 ? std::strtoull(argv[2], nullptr, 10) : (what == "one" ? 1 : 1'000'000);
  std::size_t peers = argc > 3        ? std::strtoull(argv[3], nullptr, 10)
                      : is_single     ? torrents
                      : what == "one" ? 1'000'000
                                      : 5 * torrents;
  if ((!is_single && what != "mixed" && what != "mixed6" && what != "one") || peers < torrents) {
    std::fprintf(
        stderr,
        "usage: memory_bench single|crowded|crowded8|mixed|mixed6|one [TORRENTS [PEERS]]\n");
    return 2;
  }
  // Peers arrive in random order, as they do: one entry for each, naming its torrent.
  std::vector<std::uint32_t> arrivals;
  arrivals.reserve(peers);
  if (what == "one") {
    arrivals.assign(peers, 0);
  } else {
    const std::vector<std::uint32_t> sizes = MixedSizes(torrents, peers);
    for (std::uint32_t t = 0; t < torrents; ++t) arrivals.insert(arrivals.end(), sizes[t], t);
  }
  muster::Random random(7);
  for (std::size_t i = peers; i > 1 && same < 8; --i) {
    std::swap(arrivals[i - 1], arrivals[random.Below(static_cast<std::uint32_t>(i))]);
  }

  const std::size_t agains = std::min<std::size_t>(peers, 2'000'000);
  Waits join(peers), again(agains), leave(peers / 2), pass(1 << 20), sweep(1 << 20),
      walk(2 * torrents);
  double whole_walk = 1e9;
  const muster::PeerId id;
  std::vector<std::uint8_t> space4(50 * 6), space6(50 * 18);
  const muster::Instant start = muster::InstantFromUnixSeconds(1'800'000'000);
  for (int run = 0; run < kRuns; ++run) {
    for (Waits* waits : {&join, &again, &leave, &pass, &sweep, &walk}) waits->Begin();
    muster::Random chance(8);
    const std::size_t before = ResidentBytes();
    auto store = muster::NewMemoryStore({.hash_seed = 9});
    const auto announce = [&](std::uint64_t peer, muster::PeerState state, Waits& waits) {
      const InfoHash hash = HashOf(arrivals[peer], same);
      const Endpoint endpoint = PeerOf(peer, ipv6);
      muster::PeerBatch chosen(absl::MakeSpan(space4), absl::MakeSpan(space6));
      const double from = Clock::Seconds();
      store->Apply({.info_hash = hash,
                    .peer = endpoint,
                    .peer_id = id,
                    .state = state,
                    .wanted = 50,
                    .random = chance.Next()},
                   start, chosen);
      waits.Add(Clock::Seconds() - from);
    };
    const auto state_of = [](std::uint64_t peer) {
      return peer % 3 == 0 ? muster::PeerState::kSeeder : muster::PeerState::kDownloader;
    };
    for (std::size_t i = 0; i < peers; ++i) announce(i, state_of(i), join);
    // One pass of the sweep, as a server makes every minute.
    for (std::size_t steps = 0; steps < torrents + peers / 32 + 1024; steps += 128) {
      const double from = Clock::Seconds();
      store->Expire(start - muster::Seconds(45 * 60), 128);
      pass.Add(Clock::Seconds() - from);
    }
    const std::size_t full = ResidentBytes();
    const muster::StoreTotals totals = store->Totals();
    std::size_t of_walk = 0;
    for (const bool timed : {true, false}) {  // each call, and all together
      const auto cursor = store->Walk(4096);
      std::size_t visited = 0;
      const auto next = [&] {
        return cursor->Next([&](const muster::SwarmView&) { ++visited; }) !=
               muster::SwarmCursor::Step::kEnd;
      };
      const double begin = Clock::Seconds();
      for (bool more = true; more;) {
        const double from = timed ? Clock::Seconds() : 0;
        more = next();
        if (timed) walk.Add(Clock::Seconds() - from);
      }
      if (!timed) whole_walk = std::min(whole_walk, Clock::Seconds() - begin);
      if (timed) of_walk = ResidentBytes() - std::min(full, ResidentBytes());
      if (visited < torrents) return 1;
    }
    for (std::size_t i = 0; i < agains; ++i) {
      const std::size_t p = chance.Below(static_cast<std::uint32_t>(peers));
      announce(p, state_of(p), again);
    }
    // Half of them leave; the rest is swept away in steps.
    for (std::size_t i = 0; i < peers / 2; ++i) announce(i, muster::PeerState::kStopped, leave);
    const muster::Instant later = start + muster::Seconds(3600);
    for (std::size_t steps = 0; store->Totals().peers > 0; ++steps) {
      const double from = Clock::Seconds();
      store->Expire(later, 128);
      sweep.Add(Clock::Seconds() - from);
      if (steps > 10'000'000) return 1;
    }
    const std::size_t after = ResidentBytes();
    if (run > 0) continue;  // memory that was used before
    std::printf("%s: %zu torrents, %zu peers\n", argv[1], static_cast<std::size_t>(totals.torrents),
                peers);
    std::printf(
        "  resident growth  %.1f MB = %.1f bytes a peer, %.1f a torrent (store says %.1f MB)\n",
        double(full - before) / 1e6, double(full - before) / double(peers),
        double(full - before) / double(totals.torrents), double(totals.bytes) / 1e6);
    std::printf("  a walk took      %.2f MB\n", double(of_walk) / 1e6);
    std::printf("  after all went   %.1f MB\n", (double(after) - double(before)) / 1e6);
  }
  join.Print("join");
  again.Print("announce again");
  leave.Print("leave");
  walk.Print("step of a walk");
  std::printf("  %-16s %.1f ms\n", "a whole walk", whole_walk * 1e3);
  pass.Print("sweep, all stay");
  sweep.Print("sweep, all go");
  return 0;
}
