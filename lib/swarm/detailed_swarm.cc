// SPDX-License-Identifier: Apache-2.0
#include "swarm/detailed_swarm.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "muster/random.h"
#include "swarm/share.h"

namespace muster {

SwarmCounts DetailedSwarm::counts() const {
  return {by_state_[0], by_state_[1], by_state_[2], completed};
}

DetailedSwarm::Tally DetailedSwarm::tally() const {
  return {peers_.size(), ipv6_, by_state_[static_cast<int>(PeerState::kSeeder)]};
}

// --- the order ---

unsigned DetailedSwarm::GroupOf(const Node& node) const {
  const Peer& peer = node.second;
  if (checks_nat_ ? !peer.nat.is_reachable() : peer.peer.port() == 0) return 0;
  const unsigned crypto = peer.requires_crypto ? 2 : peer.supports_crypto ? 1 : 0;
  return 1 +
         (static_cast<unsigned>(node.first.family) * kRoles + static_cast<unsigned>(peer.state)) *
             kCryptoKinds +
         crypto;
}

void DetailedSwarm::Arrange(Node& node) {
  ++by_state_[static_cast<std::size_t>(node.second.state)];
  if (node.first.family == AddressFamily::kIpv6) ++ipv6_;
  // Each later group gives up its first place and takes one at its end.
  order_.push_back(nullptr);
  unsigned g = kGroups - 1;
  for (; g > GroupOf(node); --g) {
    if (begin_[g] != begin_[g + 1]) Put(order_[begin_[g]], begin_[g + 1]);
    ++begin_[g + 1];
  }
  Put(&node, begin_[g + 1]++);
}

void DetailedSwarm::TakeOut(Node& node) {
  --by_state_[static_cast<std::size_t>(node.second.state)];
  if (node.first.family == AddressFamily::kIpv6) --ipv6_;
  // The last of each group from its own on fills the place that has become free.
  std::uint32_t place = node.second.place;
  for (unsigned g = GroupOf(node); g < kGroups; ++g) {
    const std::uint32_t last = --begin_[g + 1];
    if (last != place) Put(order_[last], place);
    place = last;
  }
  order_.pop_back();
}

// --- who is there ---

DetailedSwarm::Node* DetailedSwarm::Find(const Name& name) {
  const auto found = peers_.find(name);
  return found == peers_.end() ? nullptr : &*found;
}

DetailedSwarm::Node& DetailedSwarm::Add(const Name& name) {
  return *peers_.try_emplace(name).first;
}

DetailedSwarm::Node& DetailedSwarm::Rename(const Name& from, const Name& to) {
  auto node = peers_.extract(from);
  node.key() = to;
  // The node stays where it is in memory, so the order need not know.
  return *peers_.insert(std::move(node)).position;
}

void DetailedSwarm::Remove(Node& node) {
  TakeOut(node);
  peers_.erase(peers_.find(node.first));
}

std::size_t DetailedSwarm::Sweep(Instant last_seen_before, std::size_t max_peers,
                                 std::optional<Name>& at) {
  auto it = at ? peers_.lower_bound(*at) : peers_.begin();
  std::size_t gone = 0;
  for (std::size_t n = 0; n < max_peers && it != peers_.end(); ++n) {
    Node& node = *it++;
    if (node.second.last_seen >= last_seen_before) continue;
    Remove(node);
    ++gone;
  }
  at = it == peers_.end() ? std::nullopt : std::optional(it->first);
  return gone;
}

// --- choosing ---

std::uint32_t DetailedSwarm::Stretches::At(std::size_t i) const {
  std::size_t role = 0;
  for (; i >= size[role]; ++role) i -= size[role];
  return begin[role] + static_cast<std::uint32_t>(i);
}

std::size_t DetailedSwarm::Stretches::NumberOf(std::uint32_t place) const {
  std::size_t before = 0;
  for (std::size_t role = 0; role < kRoles; ++role) {
    if (place >= begin[role] && place - begin[role] < size[role])
      return before + place - begin[role];
    before += size[role];
  }
  return all;
}

// Who asks has no use for peers without it.
static bool RequiresCrypto(const SwarmUpdate& update) {
  return update.details != nullptr &&
         (update.details->requires_crypto || update.details->wants_crypto);
}

DetailedSwarm::Stretches DetailedSwarm::Suiting(const SwarmUpdate& update,
                                                AddressFamily family) const {
  const bool supports = update.details != nullptr && update.details->supports_crypto;
  const bool requires_it = RequiresCrypto(update);
  // Who requires encryption has no use for those without; who does not support it, none for those
  // that require it.
  const unsigned first_kind = requires_it ? 1 : 0;
  const unsigned end_kind = supports || requires_it ? kCryptoKinds : kCryptoKinds - 1;
  const bool uploads_only =
      update.state == PeerState::kSeeder || update.state == PeerState::kPartialSeeder;
  Stretches stretches;
  for (unsigned role = uploads_only ? kRoles - 1 : 0; role < kRoles; ++role) {
    const unsigned group = 1 + (static_cast<unsigned>(family) * kRoles + role) * kCryptoKinds;
    stretches.begin[role] = begin_[group + first_kind];
    stretches.size[role] = begin_[group + end_kind] - begin_[group + first_kind];
    stretches.all += stretches.size[role];
  }
  return stretches;
}

void DetailedSwarm::Choose(const SwarmUpdate& update, const Node* asking, PeerBatch& chosen) const {
  if (update.wanted == 0) return;
  constexpr AddressFamily kFamilies[] = {AddressFamily::kIpv4, AddressFamily::kIpv6};
  std::array<Stretches, 2> suiting;
  std::array<std::size_t, 2> own{};  // the number of the one who asks
  std::array<std::size_t, 2> others{};
  for (const AddressFamily family : kFamilies) {
    const auto f = static_cast<std::size_t>(family);
    suiting[f] = Suiting(update, family);
    own[f] = asking == nullptr ? suiting[f].all : suiting[f].NumberOf(asking->second.place);
    others[f] = suiting[f].all - (own[f] == suiting[f].all ? 0 : 1);
  }
  const bool encrypted = RequiresCrypto(update);
  Random random(update.random);
  const Shares shares =
      Share(update.wanted, std::min(others[0], chosen.room(AddressFamily::kIpv4)),
            std::min(others[1], chosen.room(AddressFamily::kIpv6)), random.Next());
  for (const AddressFamily family : kFamilies) {
    const auto f = static_cast<std::size_t>(family);
    if (shares.of[f] == 0) continue;
    // From anywhere on in steps of a random width, which comes by everyone before it comes by
    // anyone again.
    const auto n = static_cast<std::uint32_t>(others[f]);
    std::size_t at = random.Below(n);
    std::uint32_t width = 1 + random.Below(n);
    while (std::gcd(width, n) != 1) width = 1 + random.Below(n);
    for (std::size_t i = 0; i < shares.of[f]; ++i, at = (at + width) % n) {
      const Node& node = *order_[suiting[f].At(at < own[f] ? at : at + 1)];
      std::uint8_t* const flags =
          update.details == nullptr ? nullptr : update.details->crypto_flags[f];
      if (flags != nullptr)
        flags[chosen.size(family)] = encrypted || node.second.requires_crypto ? 1 : 0;
      chosen.Append(family, node.second.peer.compact().data(), node.first.id.data(), 1);
    }
  }
}

}  // namespace muster
