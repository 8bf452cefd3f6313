// SPDX-License-Identifier: Apache-2.0
//
// What keeping the state costs:
//
//   state_bench size [TORRENTS [PEERS]]    seconds to save and to load, bytes a peer on disk and in memory, and how long
//                                          announces wait with and without a save under way
//   state_bench journal [ROUNDS]           processor time of an announce with the journal on against off, interleaved
//
// Files go to the folder in TMPDIR, else /tmp.
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "muster/random.h"
#include "muster/snapshot.h"
#include "muster/state_keeper.h"
#include "muster/swarm_store.h"

namespace {

using muster::Endpoint;
using muster::InfoHash;
using muster::Instant;
using SteadyClock = std::chrono::steady_clock;

constexpr Instant kNow = muster::InstantFromUnixSeconds(1'800'000'000);

double Since(SteadyClock::time_point begin) {
  return std::chrono::duration<double>(SteadyClock::now() - begin).count();
}

double ProcessSeconds() {
  timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

[[noreturn]] void Die(const absl::Status& status) {
  std::fprintf(stderr, "state_bench: %s\n", status.ToString().c_str());
  std::exit(1);
}

InfoHash HashOf(std::uint64_t torrent) {
  muster::Random random(torrent);
  std::uint8_t bytes[24];
  for (int i = 0; i < 3; ++i) {
    const std::uint64_t word = random.Next();
    std::memcpy(bytes + 8 * i, &word, 8);
  }
  return InfoHash::FromBytes(bytes);
}

Endpoint PeerOf(std::uint64_t peer) {
  muster::Random random(peer);
  const std::uint64_t word = random.Next();
  std::uint8_t compact[6];
  std::memcpy(compact, &word, 6);
  return Endpoint::FromCompact(muster::AddressFamily::kIpv4, compact);
}

void Announce(muster::SwarmStore& store, const InfoHash& hash, const Endpoint& peer,
              muster::Random& random, Instant now, std::size_t wanted = 0) {
  static const muster::PeerId kId;
  std::uint8_t room[50 * 6];
  muster::PeerBatch chosen(room, {});
  store.Apply(
      {.info_hash = hash,
       .peer = peer,
       .peer_id = kId,
       .state = random.Below(3) == 0 ? muster::PeerState::kSeeder : muster::PeerState::kDownloader,
       .completed = random.Below(10) == 0,
       .wanted = wanted,
       .random = random.Next()},
      now, chosen);
}

std::string Folder() {
  const char* const tmp = std::getenv("TMPDIR");
  std::string name = std::string(tmp != nullptr ? tmp : "/tmp") + "/state_bench_XXXXXX";
  if (mkdtemp(name.data()) == nullptr) Die(absl::InternalError("no folder in TMPDIR"));
  return name;
}

muster::StateKeeperOptions Manual() {
  muster::StateKeeperOptions options;
  options.save_interval = std::chrono::hours(24);
  options.clock = [] { return kNow; };
  return options;
}

// The times that announces at a steady rate took, each from when it was due. A thread by itself.
class Latencies {
 public:
  Latencies(muster::SwarmStore* store, const std::vector<InfoHash>& hashes, std::uint64_t peers)
      : store_(store), hashes_(hashes), peers_(peers), thread_([this] { Run(); }) {}
  void StopAndPrint(const char* what) {
    over_ = true;
    thread_.join();
    std::sort(took_.begin(), took_.end());
    const auto at = [&](double part) {
      return took_[static_cast<std::size_t>(part * static_cast<double>(took_.size() - 1))] * 1e6;
    };
    std::printf(
        "announce latency %-22s p50 %6.1f us, p99 %6.1f us, p99.99 %7.1f us, worst %7.1f us "
        "(%zu)\n",
        what, at(0.5), at(0.99), at(0.9999), at(1), took_.size());
  }

 private:
  void Run() {
    muster::Random random(7);
    while (!over_) {
      const InfoHash& hash = hashes_[random.Below(static_cast<std::uint32_t>(hashes_.size()))];
      const Endpoint peer = PeerOf(random.Next() % peers_);
      const auto begin = SteadyClock::now();
      Announce(*store_, hash, peer, random, kNow, 30);
      took_.push_back(Since(begin));
    }
  }

  muster::SwarmStore* const store_;
  const std::vector<InfoHash>& hashes_;
  const std::uint64_t peers_;
  std::vector<double> took_;
  std::atomic<bool> over_{false};
  std::thread thread_;
};

// For how long a save keeps announces of one swarm of so many peers waiting at a time: the longest
// visit, in processor time.
void MeasureLongestVisit(std::uint32_t peers) {
  const auto store = muster::NewMemoryStore({.hash_seed = 1});
  muster::Random random(1);
  for (std::uint32_t p = 0; p < peers; ++p) Announce(*store, HashOf(1), PeerOf(p), random, kNow);
  const auto cpu = [] {
    timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
  };
  double longest = 0;
  const auto cursor = store->Walk(4096);
  std::vector<muster::PeerRecord> copied;
  for (auto step = muster::SwarmCursor::Step::kVisited; step != muster::SwarmCursor::Step::kEnd;) {
    copied.clear();
    copied.reserve(16 * 1024);
    const double begin = cpu();
    step = cursor->Next([&](const muster::SwarmView& view) {
      view.ForEachPeer([&](const muster::PeerRecord& record) { copied.push_back(record); });
    });
    longest = std::max(longest, cpu() - begin);
  }
  std::printf("one swarm of %u peers: a save holds its lock for at most %.0f us at a time\n", peers,
              longest * 1e6);
}

void MeasureSize(std::uint64_t torrents, std::uint64_t peers) {
  const std::string folder = Folder();
  auto store = muster::NewMemoryStore({.hash_seed = 1});
  muster::Random random(1);
  std::vector<InfoHash> hashes(torrents);
  for (std::uint64_t t = 0; t < torrents; ++t) hashes[t] = HashOf(t);
  for (std::uint64_t p = 0; p < peers; ++p) {
    Announce(*store, hashes[p % torrents], PeerOf(p), random,
             kNow - muster::Seconds(60 * (44 - 44 * p / peers)));
  }
  const muster::StoreTotals totals = store->Totals();
  std::printf("%llu torrents, %llu peers, %.1f bytes a peer in memory\n",
              static_cast<unsigned long long>(totals.torrents),
              static_cast<unsigned long long>(totals.peers),
              static_cast<double>(totals.bytes) / static_cast<double>(totals.peers));
  for (const muster::StateCompression compression :
       {muster::StateCompression::kNone, muster::StateCompression::kZlib}) {
    const bool zlib = compression == muster::StateCompression::kZlib;
    const std::string path = folder + (zlib ? "/zlib" : "/plain");
    muster::StateKeeperOptions options = Manual();
    options.compression = compression;
    auto keeper = muster::StateKeeper::Open(path, store.get(), options);
    if (!keeper.ok()) Die(keeper.status());
    double cpu = ProcessSeconds();
    auto begin = SteadyClock::now();
    if (absl::Status status = (*keeper)->Save(); !status.ok()) Die(status);
    const double save = Since(begin);
    const double save_cpu = ProcessSeconds() - cpu;
    const double bytes = static_cast<double>(std::filesystem::file_size(path));
    if (!zlib) {
      store->SetObserver(keeper->get());
      for (const bool saving : {false, true, false, true}) {
        Latencies latencies(store.get(), hashes, peers);
        if (!saving)
          std::this_thread::sleep_for(std::chrono::duration<double>(std::max(save, 0.5)));
        if (saving) {
          if (absl::Status status = (*keeper)->Save(); !status.ok()) Die(status);
        }
        latencies.StopAndPrint(saving ? "while saving" : "without a save");
      }
      store->SetObserver(nullptr);
    }
    keeper->reset();
    auto copy = muster::NewMemoryStore({.hash_seed = 1});
    cpu = ProcessSeconds();
    begin = SteadyClock::now();
    keeper = muster::StateKeeper::Open(path, copy.get(), Manual());
    if (!keeper.ok()) Die(keeper.status());
    const double load = Since(begin);
    std::printf(
        "%s: %.1f bytes a peer on disk; saved in %.2f s (%.2f s of processor), loaded in %.2f s "
        "(%.2f s)\n",
        zlib ? "zlib " : "plain", bytes / static_cast<double>(peers), save, save_cpu, load,
        ProcessSeconds() - cpu);
    if (copy->Totals().torrents != store->Totals().torrents)
      Die(absl::InternalError("not all of it came back"));
    keeper->reset();
  }
  std::filesystem::remove_all(folder);
}

// Processor time per announce, of everything in the process.
double AnnounceCost(bool journal, std::uint64_t torrents, std::uint64_t peers) {
  const std::string folder = Folder();
  auto store = muster::NewMemoryStore({.hash_seed = 1});
  muster::StateKeeperOptions options = Manual();
  options.journal = journal;
  auto keeper = muster::StateKeeper::Open(folder + "/state", store.get(), options);
  if (!keeper.ok()) Die(keeper.status());
  muster::Random random(3);
  std::vector<InfoHash> hashes(torrents);
  for (std::uint64_t t = 0; t < torrents; ++t) hashes[t] = HashOf(t);
  for (std::uint64_t p = 0; p < peers; ++p)
    Announce(*store, hashes[p % torrents], PeerOf(p), random, kNow);
  if (journal) store->SetObserver(keeper->get());
  constexpr int kAnnounces = 1'000'000;
  const double begin = ProcessSeconds();
  for (int i = 0; i < kAnnounces; ++i) {
    const std::uint64_t p = random.Next() % peers;
    Announce(*store, hashes[p % torrents], PeerOf(p), random, kNow, 30);
  }
  if (journal) {
    if (absl::Status status = (*keeper)->Sync(); !status.ok()) Die(status);
  }
  const double cost = (ProcessSeconds() - begin) / kAnnounces;
  store->SetObserver(nullptr);
  keeper->reset();
  std::filesystem::remove_all(folder);
  return cost;
}

void MeasureJournal(int rounds) {
  std::vector<double> added;
  for (int round = 0; round < rounds; ++round) {
    const double off = AnnounceCost(false, 10'000, 100'000);
    const double on = AnnounceCost(true, 10'000, 100'000);
    added.push_back(on - off);
    std::printf("round %d: %.0f ns an announce of the store without, %.0f ns with the journal\n",
                round + 1, off * 1e9, on * 1e9);
  }
  std::sort(added.begin(), added.end());
  std::printf("the journal adds %.0f ns of processor time to an announce (median)\n",
              added[added.size() / 2] * 1e9);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  const auto number = [&](int i, std::uint64_t otherwise) {
    return argc > i ? std::strtoull(argv[i], nullptr, 10) : otherwise;
  };
  if (what == "size") {
    MeasureSize(number(2, 1'000'000), number(3, 10'000'000));
    MeasureLongestVisit(1'000'000);
  } else if (what == "journal") {
    MeasureJournal(static_cast<int>(number(2, 5)));
  } else {
    std::fprintf(stderr, "usage: state_bench size [TORRENTS [PEERS]] | journal [ROUNDS]\n");
    return 2;
  }
}
