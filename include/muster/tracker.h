// SPDX-License-Identifier: Apache-2.0
//
// Tracker: the rules. It turns announces into changes of a swarm and answers; it knows no socket,
// clock, file or thread.
//
// Thread-safe: any thread may announce, scrape and expire at any time. It owns its store; observers
// and the policy belong to the caller, are set before the first announce, and must outlive it.
//
//   auto tracker = muster::Tracker::Create(muster::TrackerOptions{});
//   if (!tracker.ok()) return tracker.status();
//   muster::Random random = muster::Random::FromSystem();
//   muster::AnnounceRequest request;
//   request.info_hash = hash;
//   request.peer = *muster::Endpoint::Parse("192.0.2.1:6881");
//   auto response = (*tracker)->Announce(request, now, random);
//   if (!response.ok()) return response.status();
//   for (const muster::Endpoint& peer : response->peers) std::puts(peer.ToString().c_str());
#ifndef MUSTER_TRACKER_H_
#define MUSTER_TRACKER_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "muster/announce.h"
#include "muster/export.h"
#include "muster/foreign_peers.h"
#include "muster/instant.h"
#include "muster/random.h"
#include "muster/refusal.h"
#include "muster/swarm_store.h"

namespace muster {

struct TrackerOptions {
  // How often clients are told to announce. Longer means less traffic and staler peer lists.
  Seconds interval{30 * 60};
  // Each answer's interval is drawn evenly from interval ± spread, so that clients do not come in
  // waves. Less than interval.
  Seconds interval_spread{3 * 60};
  // The earliest re-announce that clients are asked to keep to (HTTP `min interval`). At most
  // interval - interval_spread.
  Seconds min_interval{15 * 60};
  // A peer that has not announced for this long is forgotten. Longer than interval +
  // interval_spread.
  Seconds peer_timeout{45 * 60};
  // Peers in an answer when the client does not say how many it wants.
  std::uint32_t default_numwant = 50;
  // Peers in an answer at most, whatever the client wants. 0 to 1000; a UDP answer holds at most
  // what fits a packet.
  std::uint32_t max_numwant = 200;
  // Peers remembered of each torrent that others told of (see ForeignPeers); they are handed out
  // among its own. 0: none, 10000 at most.
  std::uint32_t max_foreign_peers = 0;
};

// Decides who is served. Called on the announcing thread before anything is stored; thread-safe and
// quick.
class MUSTER_EXPORT Policy {
 public:
  virtual ~Policy() = default;
  // OK to go on, or Refuse("why") for the client to read.
  virtual absl::Status AllowAnnounce(const AnnounceRequest& request, Instant now) = 0;
  // Decides for one torrent of a scrape; `from` is the asking address. A refusal refuses the whole
  // scrape.
  virtual absl::Status AllowScrape(const InfoHash& info_hash, const IpAddress& from,
                                   Instant now) = 0;
  // Whether an address is served at all, whatever it asks for; pages ask as well, where the answers
  // are those of bttrack.
  virtual absl::Status AllowAddress(const IpAddress& from) const {
    (void)from;
    return absl::OkStatus();
  }
  // Whether a torrent is known without having a swarm: a scrape that names it says zeros of it.
  virtual bool Knows(const InfoHash& info_hash) const {
    (void)info_hash;
    return false;
  }
  // Whether scrapes and pages show a torrent, with a swarm or without.
  virtual bool Shows(const InfoHash& info_hash) const {
    (void)info_hash;
    return true;
  }
  // Announces and scrapes that come next: a policy may use the hint to have its memory at hand.
  virtual void Prefetch(absl::Span<const SwarmHint> coming) const { (void)coming; }
};

class MUSTER_EXPORT Tracker {
 public:
  // InvalidArgument when the options contradict each other, with the option's name. Without a
  // store, an in-memory store with defaults that fit the options is made.
  static absl::StatusOr<std::unique_ptr<Tracker>> Create(
      const TrackerOptions& options, std::unique_ptr<SwarmStore> store = nullptr);
  ~Tracker();
  Tracker(const Tracker&) = delete;
  Tracker& operator=(const Tracker&) = delete;

  const TrackerOptions& options() const { return options_; }
  SwarmStore& store() { return *store_; }
  const SwarmStore& store() const { return *store_; }
  // Whether its store does: then AnnounceRequest::details counts, and port 0 is accepted from who
  // does not want to be found.
  bool keeps_details() const { return keeps_details_; }
  // Null when the options want none.
  ForeignPeers* foreign_peers() { return foreign_peers_.get(); }

  // See SwarmObserver for when it is called.
  void AddObserver(SwarmObserver* observer);
  // Null takes the policy away.
  void SetPolicy(Policy* policy) { policy_ = policy; }
  // Null where there is none.
  Policy* policy() const { return policy_; }

  // Applies one announce and fills `peers`, which limits how many peers of each family are chosen.
  // InvalidArgument for a request that no client should send (port 0 while it stays in the swarm),
  // or what the policy refuses with.
  absl::StatusOr<AnnounceAnswer> Announce(const AnnounceRequest& request, Instant now,
                                          Random& random, PeerBatch& peers);
  // The same with peers of both families in a vector of their own.
  absl::StatusOr<AnnounceResponse> Announce(const AnnounceRequest& request, Instant now,
                                            Random& random);

  // Applies an announce that another tracker has accepted, and has told this one of: as Announce(),
  // but nobody waits for an answer, and observers see that it came so.
  absl::Status Replicate(const AnnounceRequest& request, Instant now);

  // Fills one row for each hash, in the order asked; `rows` has as many places as there are hashes.
  absl::Status Scrape(absl::Span<const InfoHash> info_hashes, const IpAddress& from, Instant now,
                      absl::Span<std::optional<SwarmCounts>> rows) const;
  // The same with rows of their own.
  absl::StatusOr<std::vector<ScrapeRow>> Scrape(absl::Span<const InfoHash> info_hashes,
                                                const IpAddress& from, Instant now) const;

  // What comes next; whoever has a batch of requests says so, and it costs less.
  void Prefetch(absl::Span<const SwarmHint> coming) const;

  // Forgets peers that timed out, in a step of about `max_swarms` swarms. Returns how many went.
  std::size_t Expire(Instant now, std::size_t max_swarms);

 private:
  class Observers;

  Tracker(const TrackerOptions& options, std::unique_ptr<SwarmStore> store);
  // Where there are details or peers from elsewhere.
  SwarmCounts ApplyWithMore(const AnnounceRequest& request, SwarmUpdate& update, Instant now,
                            PeerBatch& peers);
  absl::Status Allow(const AnnounceRequest& request, PeerState state, Instant now) const;

  const TrackerOptions options_;
  const std::unique_ptr<SwarmStore> store_;
  const bool keeps_details_;
  const std::unique_ptr<ForeignPeers> foreign_peers_;
  const bool knows_more_;  // one of the two
  std::unique_ptr<Observers> observers_;
  Policy* policy_ = nullptr;
};

}  // namespace muster

#endif  // MUSTER_TRACKER_H_
