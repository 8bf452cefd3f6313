// SPDX-License-Identifier: Apache-2.0
//
// DetailedSwarm: a torrent of a DetailedStore. Peers by name, and beside that in an order in which
// those that suit a client stand together:
//
//   not handed out | IPv4: seeders .., partial seeders .., downloaders .. | IPv6: likewise |
//
// and of each role those without encryption first, then those that support it, then those that
// require it. So whatever a client may be given are at most three stretches of a family, and a
// choice draws places in them.
//
// Thread-compatible: its shard's lock guards it.
#ifndef MUSTER_LIB_SWARM_DETAILED_SWARM_H_
#define MUSTER_LIB_SWARM_DETAILED_SWARM_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "muster/ids.h"
#include "muster/nat_record.h"
#include "muster/peer_details.h"
#include "muster/swarm_store.h"
#include "swarm/peer_name.h"

namespace muster {

class DetailedSwarm {
 public:
  using Name = PeerName;
  struct Peer {
    Endpoint peer;   // where it is reached
    IpAddress from;  // where it announces from
    PeerState state = PeerState::kDownloader;
    bool completed = false;  // its completion has been counted
    bool supports_crypto = false;
    bool requires_crypto = false;
    bool is_being_checked = false;
    NatRecord nat;
    std::uint32_t place = 0;  // in the order
    Instant last_seen;
    std::uint64_t left = 0;
    std::string key;
  };
  using Peers = std::map<Name, Peer>;
  using Node = Peers::value_type;

  // What is done to a store by the peers of one torrent.
  struct Tally {
    std::uint64_t peers = 0;
    std::uint64_t ipv6_peers = 0;
    std::uint64_t seeders = 0;
  };

  // `checks_nat`: only peers that are known to be reachable are chosen, and not all that have a port.
  explicit DetailedSwarm(bool checks_nat) : checks_nat_(checks_nat) {}
  DetailedSwarm(const DetailedSwarm&) = delete;
  DetailedSwarm& operator=(const DetailedSwarm&) = delete;

  const Peers& peers() const { return peers_; }
  SwarmCounts counts() const;
  Tally tally() const;

  // Null when it is not there.
  Node* Find(const Name& name);
  // A peer that is not there; Arrange() puts it in its place.
  Node& Add(const Name& name);
  // Gives a peer another name, which nobody has.
  Node& Rename(const Name& from, const Name& to);
  void Remove(Node& node);
  // To be called before a peer's state, reachability or encryption changes, and Arrange() after it.
  void TakeOut(Node& node);
  void Arrange(Node& node);

  // Chooses up to `update.wanted` peers other than `asking`, which may be null, that suit it.
  void Choose(const SwarmUpdate& update, const Node* asking, PeerBatch& chosen) const;

  // Forgets who was last seen before that time, from where `at` says on, visiting about `max_peers`.
  // When it comes to the end `at` is nothing again. Returns how many went.
  std::size_t Sweep(Instant last_seen_before, std::size_t max_peers, std::optional<Name>& at);

  std::uint32_t completed = 0;
  // When the last peer went, while there is none.
  Instant empty_since;

 private:
  static constexpr unsigned kRoles = 3;
  static constexpr unsigned kCryptoKinds = 3;
  static constexpr unsigned kGroups = 1 + 2 * kRoles * kCryptoKinds;
  // What may be chosen of a family.
  struct Stretches {
    std::array<std::uint32_t, kRoles> begin{};
    std::array<std::uint32_t, kRoles> size{};
    std::size_t all = 0;

    // The place of number `i` < all.
    std::uint32_t At(std::size_t i) const;
    // The number of a place; `all` when it is in none of them.
    std::size_t NumberOf(std::uint32_t place) const;
  };

  unsigned GroupOf(const Node& node) const;
  Stretches Suiting(const SwarmUpdate& update, AddressFamily family) const;
  void Put(Node* node, std::uint32_t place) {
    order_[place] = node;
    node->second.place = place;
  }

  const bool checks_nat_;
  Peers peers_;
  std::vector<Node*> order_;
  // Where each group begins, and where the last one ends.
  std::array<std::uint32_t, kGroups + 1> begin_{};
  std::array<std::uint32_t, kRoles> by_state_{};
  std::uint32_t ipv6_ = 0;
};

}  // namespace muster

#endif  // MUSTER_LIB_SWARM_DETAILED_SWARM_H_
