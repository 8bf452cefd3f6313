// SPDX-License-Identifier: Apache-2.0
//
// The conformance suite of SwarmStore: every sentence of the contract at the top of
// muster/swarm_store.h as a test, for any implementation. Whoever writes another store includes
// this in one source file of a GoogleTest program and says how the store is made:
//
//   #include "swarm/conformance.h"
//
//   namespace muster::testing_swarm {
//   INSTANTIATE_TEST_SUITE_P(MyStore, SwarmStoreConformance,
//                            ::testing::Values(StoreCase{"", [](const StoreSpec& spec) {
//                              return std::make_unique<MyStore>(spec.peer_timeout, ...);
//                            }}));
//   }
//
// The factory returns null for what a kind of store cannot do (keep peer ids, have limits); the
// tests that need it are skipped then. A store's own chance (the seed of its hashes) should be
// fixed, so that a test of fairness gives the same result each time.
//
// The tests are in four parts: who is in a swarm and what is counted (conformance_membership.h),
// who is chosen (conformance_choice.h), what time does (conformance_time.h), and what is walked over
// and put back (conformance_restore.h).
#ifndef MUSTER_TESTS_SWARM_CONFORMANCE_H_
#define MUSTER_TESTS_SWARM_CONFORMANCE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "muster/swarm_store.h"
#include "swarm/swarm_testing.h"

namespace muster::testing_swarm {

// What a test asks of the store that it is given.
struct StoreSpec {
  Seconds peer_timeout{45 * 60};
  Seconds keep_completed{24 * 60 * 60};
  std::uint64_t max_torrents = 0;
  std::uint64_t max_peers = 0;
  bool keep_peer_ids = false;
};

using StoreFactory = std::function<std::unique_ptr<SwarmStore>(const StoreSpec&)>;

struct StoreCase {
  std::string name;
  StoreFactory make;
  // Tests of fairness draw many thousand times; a slow store may be given a part of it.
  double part_of_draws = 1;
  // And its swarms for them may be smaller than others'.
  std::uint32_t largest_fair = 5000;
  // A peer is an id, not an endpoint; see muster/detailed_store.h.
  bool peers_by_id = false;
};
inline std::ostream& operator<<(std::ostream& out, const StoreCase& c) { return out << c.name; }

// Sizes of swarms at which a store may change how it keeps them, and some on both sides.
inline const std::vector<std::uint32_t> kSizes = {1,  2,   3,   4,   5,   16,  17,  18,
                                                  60, 254, 255, 256, 257, 300, 1200};

// Two thirds of a swarm want more; the others have everything or want no more.
inline PeerState MixedState(std::uint32_t n) {
  return n % 6 == 0   ? PeerState::kSeeder
         : n % 6 == 3 ? PeerState::kPartialSeeder
                      : PeerState::kDownloader;
}

// Peers 0 to n - 1, every third of them IPv6 when `mixed`.
inline AddressFamily MixedFamily(std::uint32_t n) {
  return n % 3 == 2 ? AddressFamily::kIpv6 : AddressFamily::kIpv4;
}
inline void Fill(SwarmStore& store, const InfoHash& hash, std::uint32_t n, bool mixed,
                 Instant now = kStart) {
  for (std::uint32_t i = 0; i < n; ++i) {
    Announce(store,
             {.hash = hash,
              .peer = TestPeer(i, mixed ? MixedFamily(i) : AddressFamily::kIpv4),
              .state = MixedState(i)},
             now);
  }
}

class SwarmStoreConformance : public ::testing::TestWithParam<StoreCase> {
 protected:
  static std::unique_ptr<SwarmStore> Make(const StoreSpec& spec = {}) {
    return GetParam().make(spec);
  }
};

}  // namespace muster::testing_swarm

#include "swarm/conformance_choice.h"      // IWYU pragma: export
#include "swarm/conformance_membership.h"  // IWYU pragma: export
#include "swarm/conformance_restore.h"     // IWYU pragma: export
#include "swarm/conformance_time.h"        // IWYU pragma: export

#endif  // MUSTER_TESTS_SWARM_CONFORMANCE_H_
