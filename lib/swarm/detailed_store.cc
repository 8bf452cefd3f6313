// SPDX-License-Identifier: Apache-2.0
#include "swarm/detailed_store.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace muster {
namespace {

using Name = DetailedSwarm::Name;
using Peer = DetailedSwarm::Peer;

// An announce without details is one of a client that said nothing but what every protocol has.
IpAddress SourceOf(const SwarmUpdate& update) {
  return update.details != nullptr ? update.details->from : update.peer.address();
}
std::string_view KeyOf(const SwarmUpdate& update) {
  if (update.details == nullptr) return {};
  return update.details->key.substr(0, AnnounceDetails::kMaxKey);
}

// The address that the last announce came from, or the key that it had.
bool IsOwner(const SwarmUpdate& update, const Peer& peer) {
  if (SourceOf(update) == peer.from) return true;
  const std::uint32_t key = KeyNumber(KeyOf(update));
  return key != 0 && key == KeyNumber(peer.key);
}

// What a walk and an observer see; `details` is where its side record goes.
PeerRecord RecordOf(const DetailedSwarm::Node& node, PeerDetails& details) {
  const Peer& peer = node.second;
  // More is what a client says that does not know.
  details.left.reset();
  if (peer.left <= std::uint64_t{INT64_MAX}) details.left = peer.left;
  details.key = peer.key;
  details.nat = peer.nat.ToNumber();
  details.supports_crypto = peer.supports_crypto;
  details.requires_crypto = peer.requires_crypto;
  details.given_ip.clear();
  if (peer.from != peer.peer.address()) details.given_ip = peer.peer.address().ToString();
  const bool is_nameless = node.first.id == MadeUpPeerId(peer.peer);
  return {.peer = Endpoint(peer.from, peer.peer.port()),
          .state = peer.state,
          .completed = peer.completed,
          .last_seen = peer.last_seen,
          .peer_id = is_nameless ? nullptr : &node.first.id,
          .details = &details};
}

}  // namespace

std::unique_ptr<SwarmStore> NewDetailedStore(const DetailedStoreOptions& options) {
  return std::make_unique<DetailedStore>(options);
}

DetailedStore::Swarms::value_type* DetailedStore::Open(Shard& shard, const InfoHash& info_hash) {
  const auto known = shard.swarms.find(info_hash);
  if (known != shard.swarms.end()) return &*known;
  if (!MayAdd(torrents_, options_.max_torrents)) return nullptr;
  torrents_.fetch_add(1, std::memory_order_relaxed);
  return &*shard.swarms.try_emplace(info_hash, options_.nat_tries > 0).first;
}

void DetailedStore::Settle(Shard& shard, Swarms::iterator at, const DetailedSwarm::Tally& before,
                           bool outlived) {
  const DetailedSwarm::Tally after = at->second.tally();
  shard.tally.peers += after.peers - before.peers;
  shard.tally.ipv6_peers += after.ipv6_peers - before.ipv6_peers;
  shard.tally.seeders += after.seeders - before.seeders;
  peers_.fetch_add(after.peers - before.peers, std::memory_order_relaxed);
  if (at->second.counts() != SwarmCounts{} || (options_.keep_empty && !outlived)) return;
  shard.swarms.erase(at);
  torrents_.fetch_sub(1, std::memory_order_relaxed);
}

void DetailedStore::Tell(const InfoHash& info_hash, const DetailedSwarm& swarm, const Node& node,
                         PeerState state, bool completed, Instant now, std::int32_t minutes,
                         bool replicated) const {
  if (observer_ == nullptr) return;
  PeerDetails details;
  const PeerRecord record = RecordOf(node, details);
  observer_->OnDelta({info_hash, record.peer, node.first.id, state, completed, now,
                      record.completed, swarm.completed, minutes, replicated, &details});
}

// --- announces ---

DetailedStore::Node* DetailedStore::FindPeer(DetailedSwarm& swarm, const Name& name,
                                             const Endpoint& peer, const IpAddress& from) {
  if (Node* const found = swarm.Find(name); found != nullptr) return found;
  const Name made_up{MadeUpPeerId(peer), name.family};
  const Node* const nameless = swarm.Find(made_up);
  if (nameless == nullptr || nameless->second.from != from) return nullptr;
  return &swarm.Rename(made_up, name);
}

bool DetailedStore::CountCompletion(DetailedSwarm& swarm, Peer& peer, const SwarmUpdate& update,
                                    PeerState old_state, bool is_new) const {
  const bool seeds = peer.state == PeerState::kSeeder;
  if (options_.completed_by_left && !is_new) {
    const bool seeded = old_state == PeerState::kSeeder;
    if (seeds == seeded) return false;
    peer.completed = seeds;
    if (!seeds && swarm.completed > 0) --swarm.completed;
    if (seeds) ++swarm.completed;
    return seeds;
  }
  if (!seeds || !update.completed || peer.completed) return false;
  peer.completed = true;
  ++swarm.completed;
  return true;
}

bool DetailedStore::Renew(DetailedSwarm& swarm, Node& node, const SwarmUpdate& update, bool is_new,
                          Instant now) {
  Peer& peer = node.second;
  const bool moves = is_new || peer.peer != update.peer || peer.from != SourceOf(update);
  const PeerState old_state = peer.state;
  if (!is_new) swarm.TakeOut(node);
  peer.peer = update.peer;
  peer.from = SourceOf(update);
  peer.state = update.state;
  peer.last_seen = now;
  peer.key = KeyOf(update);
  AnnounceDetails* const details = update.details;
  peer.requires_crypto = details != nullptr && details->requires_crypto;
  peer.supports_crypto = peer.requires_crypto || (details != nullptr && details->supports_crypto);
  peer.left = details != nullptr ? details->left : 0;
  if (moves) peer.nat = NatRecord();
  if (moves) peer.is_being_checked = false;
  if (peer.peer.port() == 0) {
    peer.nat = NatRecord::Never();
  } else if (update.replicated || (details != nullptr && details->surely_reachable)) {
    peer.nat = NatRecord::Reachable();
  }
  if (details != nullptr && !peer.is_being_checked && peer.nat.WantsCheck(options_.nat_tries))
    details->wants_check = peer.is_being_checked = true;
  const bool completed = CountCompletion(swarm, peer, update, old_state, is_new);
  swarm.Arrange(node);
  return completed;
}

SwarmCounts DetailedStore::Apply(const SwarmUpdate& update, Instant now, PeerBatch& chosen) {
  Locked& locked = ShardOf(update.info_hash);
  MutexLock lock(&locked.mu);
  Shard& shard = locked.shard;
  auto at = shard.swarms.find(update.info_hash);
  const bool may_join =
      !update.visitor && update.state != PeerState::kStopped && MayAdd(peers_, options_.max_peers);
  if (at == shard.swarms.end()) {
    if (!may_join || Open(shard, update.info_hash) == nullptr) return {};
    at = shard.swarms.find(update.info_hash);
  }
  DetailedSwarm& swarm = at->second;
  const DetailedSwarm::Tally before = swarm.tally();
  // What another tracker tells of may have no id.
  const bool is_nameless = update.replicated && update.peer_id == PeerId();
  const Name name{is_nameless ? MadeUpPeerId(update.peer) : update.peer_id, update.peer.family()};
  Node* node = update.visitor ? nullptr : FindPeer(swarm, name, update.peer, SourceOf(update));
  const bool is_new = node == nullptr;
  const bool is_owner = is_new || IsOwner(update, node->second);
  if (update.details != nullptr) update.details->is_impostor = !is_owner;
  if (is_owner && update.state == PeerState::kStopped) {
    if (is_new) return swarm.counts();
    Tell(update.info_hash, swarm, *node, PeerState::kStopped, false, now, -1, update.replicated);
    swarm.Remove(*node);
    node = nullptr;
    swarm.empty_since = now;
  } else if (is_owner && (!is_new || may_join)) {
    std::int32_t minutes = -1;
    if (is_new) {
      node = &swarm.Add(name);
    } else {
      const auto seconds = std::max<std::int64_t>(0, (now - node->second.last_seen).count());
      minutes = static_cast<std::int32_t>(seconds / 60);
      if (update.minutes_since_seen != nullptr) *update.minutes_since_seen = minutes;
    }
    const bool moves = node->second.peer != update.peer || node->second.from != SourceOf(update);
    if (!is_new && moves)  // who knows endpoints only is to lose the old one
      Tell(update.info_hash, swarm, *node, PeerState::kStopped, false, now);
    const bool completed = Renew(swarm, *node, update, is_new, now);
    if (completed) completed_.fetch_add(1, std::memory_order_relaxed);
    Tell(update.info_hash, swarm, *node, update.state, completed, now, minutes, update.replicated);
  }
  swarm.Choose(update, node, chosen);
  const SwarmCounts counts = swarm.counts();
  Settle(shard, at, before);
  return counts;
}

bool DetailedStore::CountNatCheck(const NatChecked& checked) {
  Locked& locked = ShardOf(checked.info_hash);
  MutexLock lock(&locked.mu);
  const auto at = locked.shard.swarms.find(checked.info_hash);
  if (at == locked.shard.swarms.end()) return false;
  DetailedSwarm& swarm = at->second;
  Node* const node = swarm.Find({checked.peer_id, checked.peer.family()});
  if (node == nullptr || node->second.peer != checked.peer) return false;
  Peer& peer = node->second;
  peer.is_being_checked = false;
  NatRecord nat = peer.nat;
  nat.Count(checked.outcome);
  if (nat == peer.nat) return true;
  swarm.TakeOut(*node);
  peer.nat = nat;
  swarm.Arrange(*node);
  Tell(checked.info_hash, swarm, *node, peer.state, false, peer.last_seen);
  return true;
}

// --- states ---

void DetailedStore::RestorePeer(DetailedSwarm& swarm, const PeerRecord& record, bool may_join,
                                Instant now) const {
  static const PeerDetails kNone;
  const PeerDetails& details = record.details != nullptr ? *record.details : kNone;
  const Endpoint peer = ReachedAt(record.peer, details.given_ip);
  const Name name = NameOfPeer(record.peer_id, peer);
  Node* node = FindPeer(swarm, name, peer, record.peer.address());
  if (record.state == PeerState::kStopped) {
    if (node != nullptr && node->second.peer == peer) swarm.Remove(*node);
    return;
  }
  if (node == nullptr && !may_join) return;
  if (node == nullptr) {
    node = &swarm.Add(name);
  } else {
    swarm.TakeOut(*node);
  }
  Peer& to = node->second;
  to.peer = peer;
  to.from = record.peer.address();
  to.state = record.state;
  to.completed = record.completed;
  to.last_seen = std::min(record.last_seen, now);
  to.left = details.left.value_or(0);
  to.key = details.key.substr(0, AnnounceDetails::kMaxKey);
  to.requires_crypto = details.requires_crypto;
  to.supports_crypto = details.supports_crypto || details.requires_crypto;
  to.is_being_checked = false;
  to.nat = peer.port() == 0 ? NatRecord::Never() : NatRecord::FromNumber(details.nat);
  swarm.Arrange(*node);
}

absl::Status DetailedStore::Restore(const SwarmRestore& restore, Instant now) {
  const auto is_wanted = [&](const PeerRecord& peer) {
    return peer.state == PeerState::kStopped || peer.last_seen >= now - options_.peer_timeout;
  };
  const bool brings_something =
      restore.completed > 0 || options_.keep_empty ||
      std::any_of(restore.peers.begin(), restore.peers.end(), [&](const PeerRecord& peer) {
        return peer.state != PeerState::kStopped && is_wanted(peer);
      });
  Locked& locked = ShardOf(restore.info_hash);
  MutexLock lock(&locked.mu);
  Shard& shard = locked.shard;
  const bool is_new = shard.swarms.count(restore.info_hash) == 0;
  if (is_new && !brings_something) return absl::OkStatus();
  if (Open(shard, restore.info_hash) == nullptr) return absl::OkStatus();
  const auto at = shard.swarms.find(restore.info_hash);
  DetailedSwarm& swarm = at->second;
  const DetailedSwarm::Tally before = swarm.tally();
  for (const PeerRecord& peer : restore.peers) {
    const std::uint64_t known =
        peers_.load(std::memory_order_relaxed) + swarm.peers().size() - before.peers;
    const bool may_join = options_.max_peers == 0 || known < options_.max_peers;
    if (is_wanted(peer)) RestorePeer(swarm, peer, may_join, now);
  }
  swarm.completed = std::max(swarm.completed, restore.completed);
  if (swarm.peers().empty() && (restore.empty_since.has_value() || before.peers > 0 || is_new))
    swarm.empty_since = std::min(restore.empty_since.value_or(now), now);
  Settle(shard, at, before);
  return absl::OkStatus();
}

bool DetailedStore::Remove(const InfoHash& info_hash) {
  Locked& locked = ShardOf(info_hash);
  MutexLock lock(&locked.mu);
  const auto at = locked.shard.swarms.find(info_hash);
  if (at == locked.shard.swarms.end()) return false;
  const DetailedSwarm::Tally tally = at->second.tally();
  locked.shard.tally.peers -= tally.peers;
  locked.shard.tally.ipv6_peers -= tally.ipv6_peers;
  locked.shard.tally.seeders -= tally.seeders;
  peers_.fetch_sub(tally.peers, std::memory_order_relaxed);
  torrents_.fetch_sub(1, std::memory_order_relaxed);
  locked.shard.swarms.erase(at);
  if (observer_ != nullptr) observer_->OnRemove(info_hash);
  return true;
}

std::optional<SwarmCounts> DetailedStore::Count(const InfoHash& info_hash) const {
  const Locked& locked = ShardOf(info_hash);
  MutexLock lock(&locked.mu);
  const auto at = locked.shard.swarms.find(info_hash);
  if (at == locked.shard.swarms.end()) return std::nullopt;
  return at->second.counts();
}

std::size_t DetailedStore::Expire(Instant last_seen_before, std::size_t max_swarms) {
  // A lock is held for so many swarms or so many peers of one: some tens of microseconds.
  constexpr std::size_t kStepsUnderLock = 16;
  constexpr std::size_t kPeersAStep = 32;
  std::size_t gone = 0;
  for (std::size_t steps = 0; steps < max_swarms;) {
    Locked& locked = shards_[sweep_shard_.load(std::memory_order_relaxed) % kShards];
    MutexLock lock(&locked.mu);
    Shard& shard = locked.shard;
    auto at =
        shard.sweep_swarm ? shard.swarms.lower_bound(*shard.sweep_swarm) : shard.swarms.begin();
    const std::size_t end = std::min(max_swarms, steps + kStepsUnderLock);
    for (; at != shard.swarms.end() && steps < end; ++steps) {
      if (shard.sweep_swarm != at->first) shard.sweep_peer.reset();
      shard.sweep_swarm = at->first;
      const auto swept = at++;
      DetailedSwarm& swarm = swept->second;
      const DetailedSwarm::Tally before = swarm.tally();
      const std::size_t went = swarm.Sweep(last_seen_before, kPeersAStep, shard.sweep_peer);
      gone += went;
      if (went > 0 && swarm.peers().empty()) swarm.empty_since = last_seen_before;
      if (shard.sweep_peer) {  // it has more
        Settle(shard, swept, before);
        at = swept;
        continue;
      }
      const bool outlived =
          swarm.peers().empty() && last_seen_before - swarm.empty_since > options_.keep_completed;
      if (outlived) swarm.completed = 0;
      Settle(shard, swept, before, outlived);
    }
    if (at != shard.swarms.end()) {
      shard.sweep_swarm = at->first;
      continue;
    }
    shard.sweep_swarm.reset();
    shard.sweep_peer.reset();
    sweep_shard_.fetch_add(1, std::memory_order_relaxed);
    ++steps;  // an empty shard is a step too, so that a call always ends
  }
  return gone;
}

StoreTotals DetailedStore::Totals() const {
  StoreTotals totals;
  totals.completed = completed_.load(std::memory_order_relaxed);
  for (const Locked& locked : shards_) {
    MutexLock lock(&locked.mu);
    totals.torrents += locked.shard.swarms.size();
    totals.peers += locked.shard.tally.peers;
    totals.ipv6_peers += locked.shard.tally.ipv6_peers;
    totals.seeders += locked.shard.tally.seeders;
  }
  // A node of a tree has three pointers and a colour besides, and the heap's own word.
  constexpr std::size_t kOfANode = 5 * sizeof(void*);
  totals.bytes = sizeof(*this) + totals.torrents * (sizeof(Swarms::value_type) + kOfANode) +
                 totals.peers * (sizeof(Node) + kOfANode + sizeof(Node*));
  return totals;
}

// --- walking ---

class DetailedStore::Cursor final : public SwarmCursor {
 public:
  Cursor(const DetailedStore& store, std::size_t peers_a_visit)
      : store_(store), peers_a_visit_(std::max<std::size_t>(peers_a_visit, 1)) {}

  Step Next(absl::FunctionRef<void(const SwarmView&)> visit) override {
    for (; shard_ < kShards; ++shard_, swarm_.reset(), peer_.reset()) {
      const Locked& locked = store_.shards_[shard_];
      MutexLock lock(&locked.mu);
      const Swarms& swarms = locked.shard.swarms;
      auto at = swarm_ ? swarms.lower_bound(*swarm_) : swarms.begin();
      const bool goes_on = peer_ && at != swarms.end() && at->first == *swarm_;
      if (!goes_on) peer_.reset();
      if (swarm_ && !goes_on && at != swarms.end() && at->first == *swarm_) ++at;
      if (at == swarms.end()) continue;
      Visit(*at, visit);
      return Step::kVisited;
    }
    return Step::kEnd;
  }

 private:
  using Peers = DetailedSwarm::Peers;

  class View final : public SwarmView {
   public:
    View(const Swarms::value_type& swarm, Peers::const_iterator begin, Peers::const_iterator end)
        : swarm_(swarm), begin_(begin), end_(end) {}
    const InfoHash& info_hash() const override { return swarm_.first; }
    SwarmCounts counts() const override { return swarm_.second.counts(); }
    std::optional<Instant> empty_since() const override {
      if (!swarm_.second.peers().empty()) return std::nullopt;
      return swarm_.second.empty_since;
    }
    void ForEachPeer(absl::FunctionRef<void(const PeerRecord&)> visit) const override {
      PeerDetails details;
      for (auto it = begin_; it != end_; ++it) visit(RecordOf(*it, details));
    }

   private:
    const Swarms::value_type& swarm_;
    const Peers::const_iterator begin_;
    const Peers::const_iterator end_;
  };

  void Visit(const Swarms::value_type& swarm, absl::FunctionRef<void(const SwarmView&)> visit) {
    const Peers& peers = swarm.second.peers();
    const auto begin = peer_ ? peers.lower_bound(*peer_) : peers.begin();
    auto end = peers.size() <= peers_a_visit_ ? peers.end() : begin;
    for (std::size_t n = 0; n < peers_a_visit_ && end != peers.end(); ++n) ++end;
    swarm_ = swarm.first;
    peer_ = end == peers.end() ? std::nullopt : std::optional(end->first);
    visit(View(swarm, begin, end));
  }

  const DetailedStore& store_;
  const std::size_t peers_a_visit_;
  std::size_t shard_ = 0;
  // Visited last; with a peer, from there on it is to be visited again.
  std::optional<InfoHash> swarm_;
  std::optional<Name> peer_;
};

std::unique_ptr<SwarmCursor> DetailedStore::Walk(std::size_t peers_a_visit) const {
  return std::make_unique<Cursor>(*this, peers_a_visit);
}

}  // namespace muster
