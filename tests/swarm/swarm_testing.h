// SPDX-License-Identifier: Apache-2.0
//
// What tests of stores share: names for torrents and peers by number, announces in one line, and a
// whole store as a value that can be compared.
#ifndef MUSTER_TESTS_SWARM_SWARM_TESTING_H_
#define MUSTER_TESTS_SWARM_SWARM_TESTING_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "muster/random.h"
#include "muster/swarm_store.h"

namespace muster {

inline std::ostream& operator<<(std::ostream& out, const Endpoint& peer) {
  return out << peer.ToString();
}
inline std::ostream& operator<<(std::ostream& out, const InfoHash& hash) {
  return out << hash.ToHex();
}
inline std::ostream& operator<<(std::ostream& out, const SwarmCounts& c) {
  return out << "{seeders " << c.seeders << ", partial " << c.partial_seeders << ", downloaders "
             << c.downloaders << ", completed " << c.completed << "}";
}

namespace testing_swarm {

inline constexpr AddressFamily kBothFamilies[] = {AddressFamily::kIpv4, AddressFamily::kIpv6};
inline constexpr PeerState kStayingStates[] = {PeerState::kSeeder, PeerState::kPartialSeeder,
                                               PeerState::kDownloader};

// Any time will do; this one is in 2027 and at the beginning of an hour.
inline constexpr Instant kStart = InstantFromUnixSeconds(500'000 * 3600);
inline constexpr Seconds kMinute{60};
inline constexpr Seconds kHour{3600};

// Info hash number `n`: as good as SHA-1, and different for each n.
inline InfoHash TestHash(std::uint64_t n) {
  Random random(n * 3 + 1);
  std::array<std::uint8_t, 20> bytes;
  for (std::uint8_t& b : bytes) b = static_cast<std::uint8_t>(random.Next());
  return InfoHash::FromBytes(bytes.data());
}

// The same with `same` first bytes that are those of all others.
inline InfoHash CrowdedHash(std::uint64_t n, std::size_t same = 8) {
  std::array<std::uint8_t, 20> bytes;
  std::copy_n(TestHash(n).data(), 20, bytes.begin());
  std::fill_n(bytes.begin(), same, std::uint8_t{0x5a});
  return InfoHash::FromBytes(bytes.data());
}

// Peer number `n` (< 2^24) of a family. Neighbours share addresses or ports, as peers do.
inline Endpoint TestPeer(std::uint32_t n, AddressFamily family = AddressFamily::kIpv4) {
  const auto low = static_cast<std::uint8_t>(n / 4);
  const auto middle = static_cast<std::uint8_t>(n / 4 >> 8);
  const auto high = static_cast<std::uint8_t>(n / 4 >> 16);
  const auto port = static_cast<std::uint8_t>(n % 4);
  if (family == AddressFamily::kIpv4) {
    const std::uint8_t compact[6] = {10, high, middle, low, 0x1a, port};
    return Endpoint::FromCompact(family, compact);
  }
  const std::uint8_t compact[18] = {0x20, 1, 0xd, 0xb8, 0, 0,      high, 0,    0,
                                    0,    0, 0,   0,    0, middle, low,  0x1a, port};
  return Endpoint::FromCompact(family, compact);
}

// The peer id that tests give to an endpoint: it can be told from the endpoint alone.
inline PeerId TestId(const Endpoint& peer) {
  std::array<std::uint8_t, 20> bytes{'-', 'M'};
  std::copy(peer.compact().begin(), peer.compact().end(), bytes.begin() + 2);
  return PeerId::FromBytes(bytes.data());
}

// One announce and what is asked for.
struct Ask {
  InfoHash hash;
  Endpoint peer;
  PeerState state = PeerState::kDownloader;
  bool completed = false;
  std::size_t wanted = 0;
  // Room for peers of each family.
  std::size_t room4 = 1000;
  std::size_t room6 = 1000;
  std::uint64_t random = 0;
  // TestId(peer) unless given.
  std::optional<PeerId> id = std::nullopt;
  bool want_ids = false;
  bool visitor = false;
};

struct Answer {
  SwarmCounts counts;
  std::vector<Endpoint> peers;
  // For each peer, where ids were asked for and kept.
  std::vector<PeerId> ids;

  std::size_t Count(AddressFamily family) const {
    std::size_t n = 0;
    for (const Endpoint& peer : peers) n += peer.family() == family ? 1 : 0;
    return n;
  }
};

inline Answer Announce(SwarmStore& store, const Ask& ask, Instant now = kStart) {
  // Exactly as much memory as is lent, so that a sanitizer sees a store that writes more.
  std::vector<std::uint8_t> ipv4(ask.room4 * 6);
  std::vector<std::uint8_t> ipv6(ask.room6 * 18);
  std::vector<PeerId> ids4(ask.want_ids ? ask.room4 : 0);
  std::vector<PeerId> ids6(ask.want_ids ? ask.room6 : 0);
  PeerBatch chosen(absl::MakeSpan(ipv4), absl::MakeSpan(ipv6));
  if (ask.want_ids) chosen.WantPeerIds(ids4.data(), ids6.data());
  const PeerId id = ask.id.value_or(TestId(ask.peer));
  Answer answer;
  answer.counts = store.Apply({.info_hash = ask.hash,
                               .peer = ask.peer,
                               .peer_id = id,
                               .state = ask.state,
                               .completed = ask.completed,
                               .wanted = ask.wanted,
                               .random = ask.random,
                               .visitor = ask.visitor},
                              now, chosen);
  for (const AddressFamily family : kBothFamilies) {
    for (std::size_t i = 0; i < chosen.size(family); ++i)
      answer.peers.push_back(chosen.peer(family, i));
    for (const PeerId& chosen_id : chosen.ids(family)) answer.ids.push_back(chosen_id);
  }
  return answer;
}

// Goes on with a walk until it has visited something; false when there is nothing more.
inline bool VisitNext(SwarmCursor& cursor, absl::FunctionRef<void(const SwarmView&)> visit) {
  SwarmCursor::Step step;
  do {
    step = cursor.Next(visit);
  } while (step == SwarmCursor::Step::kPrepared);
  return step == SwarmCursor::Step::kVisited;
}

// Everything that a store remembers, through ForEach().
struct PeerImage {
  PeerState state;
  bool completed;
  Instant last_seen;
  std::optional<PeerId> id;
  bool operator==(const PeerImage&) const = default;
};
struct SwarmImage {
  SwarmCounts counts;
  std::map<Endpoint, PeerImage> peers;
  bool operator==(const SwarmImage&) const = default;
};
struct StoreImage {
  std::map<InfoHash, SwarmImage> swarms;
  // What is wrong in itself: hashes out of order, a peer seen twice, counts that do not follow from
  // the states. Empty when all is well.
  std::string fault;

  StoreTotals Recount() const {
    StoreTotals totals;
    totals.torrents = swarms.size();
    for (const auto& [hash, swarm] : swarms) {
      totals.peers += swarm.peers.size();
      for (const auto& [peer, image] : swarm.peers) {
        totals.seeders += image.state == PeerState::kSeeder ? 1 : 0;
        totals.ipv6_peers += peer.family() == AddressFamily::kIpv6 ? 1 : 0;
      }
    }
    return totals;
  }
};

inline StoreImage ImageOf(const SwarmStore& store) {
  StoreImage image;
  std::optional<InfoHash> last;
  store.ForEach([&](const SwarmView& view) {
    if (last.has_value() && !(*last < view.info_hash())) image.fault = "not in ascending order";
    last = view.info_hash();
    SwarmImage& swarm = image.swarms[view.info_hash()];
    swarm.counts = view.counts();
    SwarmCounts recount{.completed = swarm.counts.completed};
    view.ForEachPeer([&](const PeerRecord& record) {
      PeerImage peer{record.state, record.completed, record.last_seen, std::nullopt};
      if (record.peer_id != nullptr) peer.id = *record.peer_id;
      if (!swarm.peers.emplace(record.peer, peer).second)
        image.fault = record.peer.ToString() + " stands twice in " + view.info_hash().ToHex();
      if (record.state == PeerState::kSeeder) ++recount.seeders;
      if (record.state == PeerState::kPartialSeeder) ++recount.partial_seeders;
      if (record.state == PeerState::kDownloader) ++recount.downloaders;
    });
    if (recount != swarm.counts)
      image.fault = "counts of " + view.info_hash().ToHex() + " do not follow from its peers";
    return true;
  });
  return image;
}

// The peers of one swarm.
inline std::map<Endpoint, PeerImage> PeersOf(const SwarmStore& store, const InfoHash& hash) {
  return ImageOf(store).swarms[hash].peers;
}

// Steps that surely make a whole pass of Expire(), wherever the last one stopped, in a store that
// keeps to the contract: about one for each swarm and for each few dozen peers, and some for empty
// parts of the store.
inline std::size_t StepsOfAPass(const SwarmStore& store) {
  const StoreTotals totals = store.Totals();
  return 2 * (2048 + totals.torrents + totals.peers / 8);
}

// Forgets everyone last seen before the given time.
inline std::size_t ExpireAll(SwarmStore& store, Instant last_seen_before) {
  return store.Expire(last_seen_before, StepsOfAPass(store));
}

// The resolution of a store's ages, from the contract.
inline Seconds ResolutionFor(Seconds peer_timeout) {
  const std::int64_t minutes = (peer_timeout.count() + 3599) / 3600;
  return kMinute * std::max<std::int64_t>(1, minutes);
}

}  // namespace testing_swarm
}  // namespace muster

#endif  // MUSTER_TESTS_SWARM_SWARM_TESTING_H_
