// SPDX-License-Identifier: Apache-2.0
#include "swarm/conformance.h"

#include "muster/detailed_store.h"
#include "swarm/reference_store.h"

namespace muster::testing_swarm {
namespace {

MemoryStoreOptions OptionsOf(const StoreSpec& spec) {
  return {.peer_timeout = spec.peer_timeout,
          .keep_completed = spec.keep_completed,
          .max_torrents = spec.max_torrents,
          .max_peers = spec.max_peers,
          .keep_peer_ids = spec.keep_peer_ids,
          .hash_seed = 42};
}

std::unique_ptr<SwarmStore> MakeMemory(const StoreSpec& spec) {
  return NewMemoryStore(OptionsOf(spec));
}

// Peer ids change how swarms are kept, so everything is tried with them, too.
std::unique_ptr<SwarmStore> MakeMemoryWithIds(const StoreSpec& spec) {
  MemoryStoreOptions options = OptionsOf(spec);
  options.keep_peer_ids = true;
  return NewMemoryStore(options);
}

std::unique_ptr<SwarmStore> MakeReference(const StoreSpec& spec) {
  return std::make_unique<ReferenceStore>(OptionsOf(spec));
}

std::unique_ptr<SwarmStore> MakeDetailed(const StoreSpec& spec) {
  return NewDetailedStore({.peer_timeout = spec.peer_timeout,
                           .keep_completed = spec.keep_completed,
                           .max_torrents = spec.max_torrents,
                           .max_peers = spec.max_peers});
}

// Those with peer ids choose as the first does.
const StoreCase kCases[] = {
    {.name = "Memory", .make = MakeMemory},
    {.name = "MemoryWithPeerIds", .make = MakeMemoryWithIds, .part_of_draws = 0.3},
    {.name = "Reference", .make = MakeReference, .part_of_draws = 0.005, .largest_fair = 1000},
    {.name = "Detailed",
     .make = MakeDetailed,
     .part_of_draws = 0.2,
     .largest_fair = 2000,
     .peers_by_id = true}};

std::string NameOf(const ::testing::TestParamInfo<StoreCase>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Stores, SwarmStoreConformance, ::testing::ValuesIn(kCases), NameOf);
INSTANTIATE_TEST_SUITE_P(Stores, SwarmStoreFairness, ::testing::ValuesIn(kCases), NameOf);

}  // namespace
}  // namespace muster::testing_swarm
