// SPDX-License-Identifier: Apache-2.0
//
// A tracker's store with a keeper, on a disk in memory, that may be killed.
#ifndef MUSTER_TESTS_STATE_KEEPER_TESTING_H_
#define MUSTER_TESTS_STATE_KEEPER_TESTING_H_

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "state/memory_file_system.h"
#include "state/state_keeper.h"
#include "swarm/swarm_testing.h"

namespace muster::testing_state {

inline constexpr char kPath[] = "/state/dfile";

class RecordingLog final : public LogSink {
 public:
  void Log(LogLevel level, std::string_view text) override {
    const std::lock_guard<std::mutex> lock(mu_);
    if (level != LogLevel::kInfo) ++complaints_;
    lines_.emplace_back(text);
  }
  std::vector<std::string> lines() const {
    const std::lock_guard<std::mutex> lock(mu_);
    return lines_;
  }
  bool Has(std::string_view part) const {
    const std::lock_guard<std::mutex> lock(mu_);
    for (const std::string& line : lines_) {
      if (line.find(part) != std::string::npos) return true;
    }
    return false;
  }
  int complaints() const {
    const std::lock_guard<std::mutex> lock(mu_);
    return complaints_;
  }

 private:
  mutable std::mutex mu_;
  std::vector<std::string> lines_;
  int complaints_ = 0;
};

// One life of a process: a store, and the keeper of its state.
class Life {
 public:
  explicit Life(FileSystem* disk, StateKeeperOptions options = {}, bool threads = false,
                std::unique_ptr<SwarmStore> of = nullptr)
      : store(std::move(of)) {
    options.log = &log;
    if (!options.clock) options.clock = [] { return testing_swarm::kStart; };
    if (store == nullptr)
      store = NewMemoryStore({.keep_peer_ids = options.peer_ids, .hash_seed = 1});
    auto opened = StateKeeperImpl::Open(disk, kPath, store.get(), options, threads);
    status = opened.status();
    if (!opened.ok()) return;
    keeper = *std::move(opened);
    store->SetObserver(keeper.get());
  }

  // `n` announces of the torrents and peers that `seed` chooses.
  void Announces(std::uint64_t seed, int n) const {
    Random random(seed);
    for (int i = 0; i < n; ++i) {
      const std::uint32_t who = random.Below(40);
      testing_swarm::Announce(*store,
                              {.hash = testing_swarm::TestHash(random.Below(12)),
                               .peer = testing_swarm::TestPeer(
                                   who, who % 3 == 0 ? AddressFamily::kIpv6 : AddressFamily::kIpv4),
                               .state = static_cast<PeerState>(random.Below(4)),
                               .completed = random.Below(2) == 0,
                               .room4 = 0,
                               .room6 = 0},
                              testing_swarm::kStart - Seconds(random.Below(600)));
    }
  }
  auto Image() const { return testing_swarm::ImageOf(*store).swarms; }

  // The end of the process, at once. The disk works again afterwards.
  void Kill(MemoryFileSystem& disk) {
    disk.Kill();
    disk.fault = [](Op) { return absl::UnavailableError("killed"); };
    keeper.reset();
    store.reset();
    disk.fault = [](Op) { return absl::OkStatus(); };
  }

  RecordingLog log;
  std::unique_ptr<SwarmStore> store;
  absl::Status status;
  std::unique_ptr<StateKeeperImpl> keeper;
};

using StoreImages = std::map<InfoHash, testing_swarm::SwarmImage>;

}  // namespace muster::testing_state

#endif  // MUSTER_TESTS_STATE_KEEPER_TESTING_H_
