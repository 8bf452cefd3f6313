// SPDX-License-Identifier: Apache-2.0
#include "muster/tracker.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace muster {
namespace {

constexpr std::uint32_t kMostNumwant = 1000;
constexpr std::uint32_t kMostForeignPeers = 10'000;

absl::Status Check(const TrackerOptions& o) {
  const auto bad = [](absl::string_view what) { return absl::InvalidArgumentError(what); };
  if (o.interval < Seconds(1)) return bad("interval must be at least a second");
  if (o.interval_spread < Seconds(0) || o.interval_spread >= o.interval) {
    return bad("interval_spread must be at least 0 and less than interval");
  }
  if (o.min_interval < Seconds(0) || o.min_interval > o.interval - o.interval_spread) {
    return bad("min_interval must be at least 0 and at most interval - interval_spread");
  }
  if (o.peer_timeout <= o.interval + o.interval_spread) {
    return bad("peer_timeout must be longer than interval + interval_spread");
  }
  if (o.max_numwant > kMostNumwant) {
    return bad(absl::StrCat("max_numwant must be at most ", kMostNumwant));
  }
  if (o.max_foreign_peers > kMostForeignPeers) {
    return bad(absl::StrCat("max_foreign_peers must be at most ", kMostForeignPeers));
  }
  return absl::OkStatus();
}

// How many peers a client gets at most: what it asked for, within the caps. Zero is an honest wish.
std::size_t Wanted(const AnnounceRequest& request, const TrackerOptions& options) {
  if (request.event == Event::kStopped) return 0;
  const std::uint32_t wanted =
      request.numwant < 0 ? options.default_numwant : static_cast<std::uint32_t>(request.numwant);
  return std::min(wanted, options.max_numwant);
}

}  // namespace

// The store knows one observer; this hands each delta on to all of the tracker's.
class Tracker::Observers : public SwarmObserver {
 public:
  void Add(SwarmObserver* observer) { all_.push_back(observer); }
  void OnDelta(const SwarmDelta& delta) override {
    for (SwarmObserver* observer : all_) observer->OnDelta(delta);
  }
  void OnRemove(const InfoHash& info_hash) override {
    for (SwarmObserver* observer : all_) observer->OnRemove(info_hash);
  }

 private:
  std::vector<SwarmObserver*> all_;
};

absl::StatusOr<std::unique_ptr<Tracker>> Tracker::Create(const TrackerOptions& options,
                                                         std::unique_ptr<SwarmStore> store) {
  if (absl::Status status = Check(options); !status.ok()) return status;
  if (store == nullptr) {
    MemoryStoreOptions store_options;
    store_options.peer_timeout = options.peer_timeout;
    store = NewMemoryStore(store_options);
  }
  return std::unique_ptr<Tracker>(new Tracker(options, std::move(store)));
}

Tracker::Tracker(const TrackerOptions& options, std::unique_ptr<SwarmStore> store)
    : options_(options),
      store_(std::move(store)),
      keeps_details_(store_->keeps_details()),
      foreign_peers_(
          options.max_foreign_peers == 0
              ? nullptr
              : std::make_unique<ForeignPeers>(options.max_foreign_peers, options.interval)),
      knows_more_(keeps_details_ || foreign_peers_ != nullptr) {}

Tracker::~Tracker() = default;

void Tracker::AddObserver(SwarmObserver* observer) {
  if (observers_ == nullptr) {
    observers_ = std::make_unique<Observers>();
    store_->SetObserver(observers_.get());
  }
  observers_->Add(observer);
}

absl::Status Tracker::Allow(const AnnounceRequest& request, PeerState state, Instant now) const {
  if (policy_ != nullptr) {
    if (absl::Status status = policy_->AllowAnnounce(request, now); !status.ok()) return status;
  }
  const bool may_be_nowhere = state == PeerState::kStopped || keeps_details_ || request.visitor;
  if (request.peer.port() == 0 && !may_be_nowhere)
    return absl::InvalidArgumentError("port 0 cannot be connected to");
  return absl::OkStatus();
}

absl::StatusOr<AnnounceAnswer> Tracker::Announce(const AnnounceRequest& request, Instant now,
                                                 Random& random, PeerBatch& peers) {
  const PeerState state = PeerStateOf(request.event, request.left);
  if (policy_ != nullptr || request.peer.port() == 0) {  // nothing else is refused
    if (absl::Status status = Allow(request, state, now); !status.ok()) return status;
  }
  const std::uint64_t chance = random.Next();
  AnnounceAnswer answer;
  SwarmUpdate update{.info_hash = request.info_hash,
                     .peer = request.peer,
                     .peer_id = request.peer_id,
                     .state = state,
                     .completed = request.event == Event::kCompleted,
                     .wanted = Wanted(request, options_),
                     .random = chance,
                     .minutes_since_seen = &answer.minutes_since_seen,
                     .visitor = request.visitor};
  answer.counts =
      knows_more_ ? ApplyWithMore(request, update, now, peers) : store_->Apply(update, now, peers);
  const auto spread = static_cast<std::uint32_t>(options_.interval_spread.count());
  answer.interval =
      options_.interval - options_.interval_spread + Seconds(random.Below(2 * spread + 1));
  answer.min_interval = options_.min_interval;
  return answer;
}

SwarmCounts Tracker::ApplyWithMore(const AnnounceRequest& request, SwarmUpdate& update, Instant now,
                                   PeerBatch& peers) {
  AnnounceDetails own;
  char key[8];
  if (keeps_details_) {
    update.details = request.details;
    if (update.details == nullptr) {
      own.from = request.peer.address();
      if (request.key != 0) own.key = KeyText(request.key, key);
      update.details = &own;
    }
    update.details->left = request.left;
  }
  // Nobody knows whether those from elsewhere would do for one that requires encryption.
  // Trackers that ask each other are told their own peers only: others would go round for ever.
  const bool takes_any = update.details == nullptr ||
                         !(update.details->requires_crypto || update.details->wants_crypto);
  const std::size_t foreign = foreign_peers_ == nullptr || !takes_any || update.visitor
                                  ? 0
                                  : foreign_peers_->Count(update.info_hash, now);
  if (foreign == 0) return store_->Apply(update, now, peers);
  // As many of them as is their part of all that there are, and more where the store has no others.
  Random chance(update.random);
  const std::optional<SwarmCounts> known = store_->Count(update.info_hash);
  const std::size_t all = foreign + (known ? known->peers() : 0);
  const std::size_t wanted = update.wanted;
  const std::size_t before = peers.size();
  const auto rounding = chance.Below(static_cast<std::uint32_t>(all));
  update.wanted -= std::min(wanted, (wanted * foreign + rounding) / all);
  const SwarmCounts counts = store_->Apply(update, now, peers);
  const std::size_t given[] = {peers.size(AddressFamily::kIpv4), peers.size(AddressFamily::kIpv6)};
  foreign_peers_->Choose(update.info_hash, request.peer, wanted - (peers.size() - before), chance,
                         peers);
  for (const AddressFamily family : {AddressFamily::kIpv4, AddressFamily::kIpv6}) {
    const auto f = static_cast<std::size_t>(family);
    if (update.details == nullptr || update.details->crypto_flags[f] == nullptr) continue;
    std::fill(update.details->crypto_flags[f] + given[f],
              update.details->crypto_flags[f] + peers.size(family), std::uint8_t{0});
  }
  return counts;
}

absl::Status Tracker::Replicate(const AnnounceRequest& request, Instant now) {
  const PeerState state = PeerStateOf(request.event, request.left);
  if (absl::Status status = Allow(request, state, now); !status.ok()) return status;
  PeerBatch nobody({}, {});
  store_->Apply({.info_hash = request.info_hash,
                 .peer = request.peer,
                 .peer_id = request.peer_id,
                 .state = state,
                 .completed = request.event == Event::kCompleted,
                 .replicated = true},
                now, nobody);
  return absl::OkStatus();
}

absl::StatusOr<AnnounceResponse> Tracker::Announce(const AnnounceRequest& request, Instant now,
                                                   Random& random) {
  const std::size_t wanted = Wanted(request, options_);
  std::vector<std::uint8_t> ipv4(wanted * CompactSize(AddressFamily::kIpv4));
  std::vector<std::uint8_t> ipv6(wanted * CompactSize(AddressFamily::kIpv6));
  PeerBatch peers(absl::MakeSpan(ipv4), absl::MakeSpan(ipv6));
  absl::StatusOr<AnnounceAnswer> answer = Announce(request, now, random, peers);
  if (!answer.ok()) return answer.status();
  AnnounceResponse response{*answer, {}};
  response.peers.reserve(peers.size());
  for (const AddressFamily family : {AddressFamily::kIpv4, AddressFamily::kIpv6}) {
    for (std::size_t i = 0; i < peers.size(family); ++i)
      response.peers.push_back(peers.peer(family, i));
  }
  return response;
}

absl::Status Tracker::Scrape(absl::Span<const InfoHash> info_hashes, const IpAddress& from,
                             Instant now, absl::Span<std::optional<SwarmCounts>> rows) const {
  for (std::size_t i = 0; i < info_hashes.size(); ++i) {
    if (policy_ != nullptr) {
      if (absl::Status status = policy_->AllowScrape(info_hashes[i], from, now); !status.ok())
        return status;
    }
    rows[i] = store_->Count(info_hashes[i]);
    if (policy_ == nullptr) continue;
    if (!rows[i] && policy_->Knows(info_hashes[i])) rows[i] = SwarmCounts();
    if (rows[i] && !policy_->Shows(info_hashes[i])) rows[i].reset();
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ScrapeRow>> Tracker::Scrape(absl::Span<const InfoHash> info_hashes,
                                                       const IpAddress& from, Instant now) const {
  std::vector<std::optional<SwarmCounts>> counts(info_hashes.size());
  if (absl::Status status = Scrape(info_hashes, from, now, absl::MakeSpan(counts)); !status.ok())
    return status;
  std::vector<ScrapeRow> rows;
  rows.reserve(counts.size());
  for (std::size_t i = 0; i < counts.size(); ++i) rows.push_back({info_hashes[i], counts[i]});
  return rows;
}

void Tracker::Prefetch(absl::Span<const SwarmHint> coming) const {
  store_->Prefetch(coming);
  if (policy_ != nullptr) policy_->Prefetch(coming);
}

std::size_t Tracker::Expire(Instant now, std::size_t max_swarms) {
  return store_->Expire(now - options_.peer_timeout, max_swarms);
}

}  // namespace muster
