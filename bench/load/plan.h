// SPDX-License-Identifier: Apache-2.0
//
// Plan: who is in which swarm. N peers in T torrents, the same for the same options and seed, so
// that one run can fill a tracker and the next one load it with announces of peers that it knows.
//
// A tracker tells peers apart by address and port. Peer number k of torrent t comes from source (k
// + t) % S; with an address for each source (127.0.0.0/8 has plenty) its port is 1024 + k / S, with
// one address for all (::1, or a remote target) 1024 + k. So every planned peer is a peer of its
// own to the tracker, and totals are exact.
//
// Immutable once made; thread-safe.
#ifndef MUSTER_BENCH_LOAD_PLAN_H_
#define MUSTER_BENCH_LOAD_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "muster/ids.h"

namespace muster::load {

// How peers are divided over torrents.
struct Popularity {
  enum class Kind {
    kZipf,     // one each, the rest as 1 / rank^exponent
    kUniform,  // as equal as the numbers allow
    kSingle,   // exactly one each
    kMixed,    // half of the torrents have one; the others at least two, and a long tail (1 /
               // rank^0.8)
    kOne,      // all in one torrent
  };
  Kind kind = Kind::kZipf;
  double exponent = 1.0;

  // "zipf", "zipf:EXPONENT", "uniform", "single", "mixed" or "one".
  static absl::StatusOr<Popularity> FromText(std::string_view text);
};

// The number of peers of each torrent: none is 0 and their sum is `peers`. An error where the kind
// forbids the numbers.
absl::StatusOr<std::vector<std::uint32_t>> SwarmSizes(const Popularity& popularity,
                                                      std::uint32_t torrents, std::uint32_t peers);

struct PlannedPeer {
  std::uint32_t torrent = 0;
  std::uint16_t port = 0;
  bool seeder = false;
};

struct PlanOptions {
  std::uint32_t torrents = 10'000;
  std::uint32_t peers = 100'000;
  Popularity popularity;
  double seeders = 0.0;       // the part of peers that have everything, 0 to 1
  std::uint32_t sources = 8;  // sockets (UDP) or local ends of connections (HTTP)
  bool own_addresses = true;  // each source has an address of its own
  std::uint64_t seed = 1;
};

class Plan {
 public:
  static constexpr std::uint32_t kFirstPort = 1024;
  static constexpr std::uint32_t kPorts = 65536 - kFirstPort;

  static absl::StatusOr<Plan> Make(const PlanOptions& options);

  const PlanOptions& options() const { return options_; }
  std::uint32_t torrents() const { return options_.torrents; }
  InfoHash Hash(std::uint32_t torrent) const;
  std::uint32_t SwarmSize(std::uint32_t torrent) const { return sizes_[torrent]; }
  std::uint32_t LargestSwarm() const;
  // How many of a torrent's peers are planned as seeders. Takes time in the swarm's size.
  std::uint32_t Seeders(std::uint32_t torrent) const;
  // The peers that announce from one source, in a random order.
  absl::Span<const PlannedPeer> PeersOf(std::uint32_t source) const { return peers_[source]; }
  // True when a peer of that torrent announces `port` from `source` (any source where they share
  // one address).
  bool Has(std::uint32_t torrent, std::uint32_t source, std::uint16_t port) const;

  // What an answer carries on average when each peer asks for `numwant` others and gets as many as
  // there are.
  double MeanAnswerPeers(std::uint32_t numwant) const;

 private:
  Plan() = default;
  bool IsSeeder(std::uint32_t torrent, std::uint32_t k) const;

  PlanOptions options_;
  std::vector<std::uint32_t> sizes_;
  std::vector<std::vector<PlannedPeer>> peers_;
};

}  // namespace muster::load

#endif  // MUSTER_BENCH_LOAD_PLAN_H_
