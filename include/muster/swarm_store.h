// SPDX-License-Identifier: Apache-2.0
//
// SwarmStore: who is in which swarm. The contract that every store keeps, and the options of the
// in-memory store.
//
// Thread-safe: every verb may be called from any thread at any time. Every verb that takes an info
// hash is one transaction on that swarm: it happens entirely before or entirely after any other
// verb on the same swarm.
//
// The contract, which tests/swarm/conformance.h proves for any implementation:
//   - A peer is an endpoint. Two announces from one endpoint are one peer; its last state counts.
//     (To a store that keeps details a peer is a peer id: see muster/detailed_store.h.)
//   - Counts follow from states: seeders, partial_seeders and downloaders add up to the peers.
//   - `completed` grows by at most one for a peer while it is remembered.
//   - A stopped peer is gone when Apply returns.
//   - The asking peer is never among the chosen. One that uploads only (a seeder or a partial
//     seeder) is given downloaders only. Everyone that may be chosen is about equally likely to be.
//   - IPv4 and IPv6 peers of one torrent share its swarm and its counts.
//   - A swarm without peers is forgotten, except that one with a `completed` count may be kept for
//     a while.
//   - What a walk shows of a store, Restore() puts into another: the same swarms, peers, ages, and
//     counts.
#ifndef MUSTER_SWARM_STORE_H_
#define MUSTER_SWARM_STORE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "muster/endpoint.h"
#include "muster/export.h"
#include "muster/ids.h"
#include "muster/instant.h"
#include "muster/nat_record.h"
#include "muster/peer_batch.h"
#include "muster/peer_details.h"

namespace muster {

// What a peer is to its swarm. Wire fields (event, left) become one of these early; see
// PeerStateOf() in announce.h.
enum class PeerState : std::uint8_t {
  kSeeder,         // has everything
  kPartialSeeder,  // lacks something and wants nothing more (BEP 21)
  kDownloader,     // wants more
  kStopped,        // leaves
};

struct SwarmCounts {
  std::uint32_t seeders = 0;
  std::uint32_t partial_seeders = 0;
  std::uint32_t downloaders = 0;
  // Downloads that were finished since the swarm is known.
  std::uint32_t completed = 0;

  // As announce and scrape answers count (BEP 48): partial seeders lack something, so they are
  // incomplete.
  std::uint32_t complete() const { return seeders; }
  std::uint32_t incomplete() const { return partial_seeders + downloaders; }
  std::uint32_t peers() const { return seeders + partial_seeders + downloaders; }

  bool operator==(const SwarmCounts&) const = default;
};

// One announce, as the store sees it. Borrows what it refers to for the time of the call.
struct SwarmUpdate {
  const InfoHash& info_hash;
  const Endpoint& peer;
  const PeerId& peer_id;  // kept only by a store that keeps peer ids
  PeerState state = PeerState::kDownloader;
  // The peer says that it has just finished; counted once, and only together with kSeeder.
  bool completed = false;
  // Peers wanted, both families together. What the batch has room for limits each family as well.
  // When both have more than is wanted, each gets at least a quarter and the rest is shared in
  // proportion.
  std::size_t wanted = 0;
  // Chance for the choice, fresh for each call.
  std::uint64_t random = 0;
  // Where given: set to the minutes since the peer was last seen, to the store's resolution; left
  // alone when it is new, stops, or is not remembered.
  std::int32_t* minutes_since_seen = nullptr;
  // Another tracker has accepted it, and told this one.
  bool replicated = false;
  // Who asks is nobody's peer: it is answered, and not remembered. Nobody has its endpoint, whose
  // port is 0.
  bool visitor = false;
  // What is told to a store that keeps details, and what it answers. Others do not look at it.
  AnnounceDetails* details = nullptr;
};

// What came of a check whether a peer can be reached.
struct NatChecked {
  InfoHash info_hash;
  PeerId peer_id;
  // Where it was tried: as the announce had it that wanted the check.
  Endpoint peer;
  NatOutcome outcome;
};

// What is known of an announce or a scrape that comes next. Borrows what it points to for the time
// of the call.
struct SwarmHint {
  const std::uint8_t* info_hash;   // 20 bytes
  const Endpoint* peer = nullptr;  // null for a scrape
};

// One accepted change, small enough to be written to a journal or sent to another tracker. Applying
// the deltas of a swarm in order to an empty store gives that swarm again. What it says is what is
// true after the change, so that deltas which a state contains already may be applied to it again.
struct SwarmDelta {
  InfoHash info_hash;
  Endpoint peer;
  PeerId peer_id;
  PeerState state;
  // This change added one to the swarm's completed count.
  bool completed;
  Instant time;
  // The peer's completion has been counted, now or before.
  bool counted = false;
  // The swarm's completed count.
  std::uint32_t completed_count = 0;
  // Minutes since the peer was last seen, to the store's resolution; negative when it is new or
  // stops.
  std::int32_t minutes_since_seen = -1;
  // As SwarmUpdate::replicated.
  bool replicated = false;
  // The peer's side record, of a store that keeps it; valid during the call.
  const PeerDetails* details = nullptr;
};

// Sees every accepted change. Called on the announcing thread inside the transaction, so the deltas
// of one swarm arrive in their order; it must be quick, thread-safe, and must not call the store.
class MUSTER_EXPORT SwarmObserver {
 public:
  virtual ~SwarmObserver() = default;
  virtual void OnDelta(const SwarmDelta& delta) = 0;
  // Remove() has forgotten a swarm.
  virtual void OnRemove(const InfoHash& info_hash) { (void)info_hash; }
};

// A peer as a walk shows it.
struct PeerRecord {
  Endpoint peer;
  PeerState state;
  // Its completion has been counted.
  bool completed;
  // To the store's resolution, which is a minute for peers that are forgotten within the hour.
  Instant last_seen;
  // Null when the store keeps none; valid during the visit.
  const PeerId* peer_id;
  // The side record, likewise.
  const PeerDetails* details = nullptr;
};

// One swarm during a visit; borrowed, valid only inside the visit.
class MUSTER_EXPORT SwarmView {
 public:
  virtual ~SwarmView() = default;
  virtual const InfoHash& info_hash() const = 0;
  virtual SwarmCounts counts() const = 0;
  virtual void ForEachPeer(absl::FunctionRef<void(const PeerRecord&)> visit) const = 0;
  // When the last peer went, of a swarm that has none; nothing where the store does not know.
  virtual std::optional<Instant> empty_since() const { return std::nullopt; }
};

// A swarm, or a part of one, to be put back. Borrows what it refers to for the time of the call.
struct SwarmRestore {
  const InfoHash& info_hash;
  // The swarm's completed count is to be at least this.
  std::uint32_t completed = 0;
  // Those that are there already become what stands here. kStopped: is to be gone.
  absl::Span<const PeerRecord> peers = {};
  // When the last peer went, should there be none; nothing: now.
  std::optional<Instant> empty_since = std::nullopt;
};

// A walk over all swarms in ascending order of info hash, in as many steps as one likes, while others
// use the store. A swarm that is there all the while is seen once, as it is when it is seen; one that
// comes or goes meanwhile may be seen or not. Thread-compatible; the store must outlive it.
//
// A swarm of many more peers than the walk visits at a time is visited in parts, one after the other:
// its counts are of all of it, its peers of the part. A peer that stays in it all the while is in
// exactly one of them.
//
// A call takes a fraction of a millisecond and what its visit takes, and the walk a bounded memory,
// however many swarms there are and whatever their info hashes:
//
//   for (auto step = Step::kVisited; step != Step::kEnd;) {
//     step = cursor->Next(visit);
//     if (step == Step::kPrepared || ++visits % 64 == 0) ...  // others may want a turn
//   }
class MUSTER_EXPORT SwarmCursor {
 public:
  // What a call came to.
  enum class Step : std::uint8_t {
    kVisited,   // a swarm, or a part of one
    kPrepared,  // nothing yet: so much was to be done for the next visit that it takes several calls
    kEnd,       // nothing: all have been visited
  };

  virtual ~SwarmCursor() = default;
  // Visits the next swarm, or the next part of one. `visit` must not call the store; announces to
  // swarms near the visited one wait for it.
  [[nodiscard]] virtual Step Next(absl::FunctionRef<void(const SwarmView&)> visit) = 0;
};

struct StoreTotals {
  std::uint64_t torrents = 0;
  std::uint64_t seeders = 0;  // both families
  std::uint64_t peers = 0;    // both families, every state
  std::uint64_t ipv6_peers = 0;
  // Downloads that were finished since the store was made, also of torrents that are gone.
  std::uint64_t completed = 0;
  // Memory that the store holds, in bytes.
  std::uint64_t bytes = 0;
};

class MUSTER_EXPORT SwarmStore {
 public:
  virtual ~SwarmStore() = default;

  // One announce: stores the peer's state (or drops the peer when it stopped), then chooses up to
  // update.wanted other peers into `chosen`, and returns the counts after the change. A store that
  // is full still answers, but does not remember.
  virtual SwarmCounts Apply(const SwarmUpdate& update, Instant now, PeerBatch& chosen) = 0;

  // Whether it keeps details of its peers.
  virtual bool keeps_details() const { return false; }
  // Whether it asks for checks of whether its peers can be reached.
  virtual bool checks_nat() const { return false; }
  // Takes the outcome of a check that AnnounceDetails::wants_check asked for; false when the peer is
  // not there any more, or somewhere else.
  virtual bool CountNatCheck(const NatChecked& checked) {
    (void)checked;
    return false;
  }

  // One line of a scrape; nothing for a swarm that is not known.
  virtual std::optional<SwarmCounts> Count(const InfoHash& info_hash) const = 0;

  // Forgets peers that were last seen before the given time, going on where the previous call
  // stopped and visiting about `max_swarms` swarms (a huge swarm takes several calls). Returns how
  // many peers went. Meant to be called often with a small step, so that no announce waits for a
  // sweep.
  virtual std::size_t Expire(Instant last_seen_before, std::size_t max_swarms) = 0;

  // A walk that begins before the first swarm, and visits about so many peers at a time.
  static constexpr std::size_t kWholeSwarms = ~std::size_t{0};
  virtual std::unique_ptr<SwarmCursor> Walk(std::size_t peers_a_visit) const = 0;
  // A walk over whole swarms in one go, until `visit` returns false.
  void ForEach(absl::FunctionRef<bool(const SwarmView&)> visit) const;

  // Puts back what a saved state knows of a swarm; observers are not told. A peer that was last
  // seen longer ago than peers are remembered is left out, as is what goes over a limit; times after
  // `now` become it. FailedPrecondition where a store keeps its state itself, as this does unless
  // it is overridden.
  virtual absl::Status Restore(const SwarmRestore& swarm, Instant now);

  // Forgets a swarm with its peers and its counts; false when it is not known.
  virtual bool Remove(const InfoHash& info_hash) = 0;

  virtual StoreTotals Totals() const = 0;

  // What comes next: a store may use the hint to have its memory at hand.
  virtual void Prefetch(absl::Span<const SwarmHint> coming) const { (void)coming; }

  // At most one, set before the first announce; not owned, and must outlive the store's last verb.
  virtual void SetObserver(SwarmObserver* observer) = 0;
};

struct MemoryStoreOptions {
  // How long a peer is meant to be remembered. The store only derives the resolution of its ages
  // from it: a sixtieth of this, and at least a minute. Expire() decides what goes; it must pass by
  // at least once in this time.
  Seconds peer_timeout{45 * 60};
  // How long a swarm without peers keeps its completed count, beyond the time at which its peers
  // are forgotten.
  Seconds keep_completed{24 * 60 * 60};
  // Keep every swarm without peers as long, also one that nobody has finished.
  bool keep_empty = false;
  // Beyond these, new torrents or peers are answered but not remembered. 0: no limit.
  std::uint64_t max_torrents = 0;
  std::uint64_t max_peers = 0;
  // Keep the 20-byte peer id of every peer, for answers in the dictionary form of BEP 3. Costs 20
  // bytes a peer and more.
  bool keep_peer_ids = false;
  // Secret of the store's hash functions, so that nobody can choose info hashes or ports that
  // collide. 0: from the system.
  std::uint64_t hash_seed = 0;
};

// A compact in-memory store; see lib/swarm/memory_store.h for how it is laid out.
MUSTER_EXPORT std::unique_ptr<SwarmStore> NewMemoryStore(const MemoryStoreOptions& options = {});

}  // namespace muster

#endif  // MUSTER_SWARM_STORE_H_
