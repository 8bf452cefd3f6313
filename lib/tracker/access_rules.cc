// SPDX-License-Identifier: Apache-2.0
#include "muster/access_rules.h"

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/published.h"
#include "base/turns.h"
#include "muster/refusal.h"

namespace muster {
namespace {

// Of a huge swarm so many are looked at in one step.
constexpr std::size_t kPeersAVisit = 10'000;
// So many are found before they are removed.
constexpr std::size_t kRefusedAtOnce = 1024;

// Visits of a walk before others have a turn; a call that only prepares takes as long as those.
constexpr std::size_t kVisitsATurn = 64;
std::size_t VisitsOf(SwarmCursor::Step step) {
  return step == SwarmCursor::Step::kPrepared ? kVisitsATurn : 1;
}

// As other trackers word it, for scripts that look for the text. Copies share one text.
const absl::Status& TorrentRefused() {
  static const absl::Status* const status =
      new absl::Status(Refuse("Requested download is not authorized for use with this tracker."));
  return *status;
}
const absl::Status& AddressRefused() {
  static const absl::Status* const status =
      new absl::Status(Refuse("your IP is not allowed on this tracker"));
  return *status;
}

}  // namespace

class AccessRules::IpRules {
 public:
  void SetAllowed(std::optional<IpSet> allowed) {
    const MutexLock lock(&changing_);
    Rules rules = Copy();
    rules.allowed = std::move(allowed);
    Publish(std::move(rules));
  }
  void SetBanned(IpSet banned) {
    const MutexLock lock(&changing_);
    Rules rules = Copy();
    rules.banned = std::move(banned);
    Publish(std::move(rules));
  }
  bool Allow(const IpAddress& address) const {
    if (!any_.load(std::memory_order_acquire)) return true;
    const auto rules = rules_.Read();
    return (!rules->allowed || rules->allowed->Contains(address)) &&
           !rules->banned.Contains(address);
  }

 private:
  struct Rules {
    std::optional<IpSet> allowed;
    IpSet banned;
  };

  Rules Copy() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(changing_) { return *rules_.Read(); }
  void Publish(Rules rules) ABSL_EXCLUSIVE_LOCKS_REQUIRED(changing_) {
    const bool any = rules.allowed || !rules.banned.empty();
    rules_.Publish(std::make_unique<Rules>(std::move(rules)));
    any_.store(any, std::memory_order_release);
  }

  Published<Rules> rules_{std::make_unique<Rules>()};
  Mutex changing_;
  // Whether there is a rule at all: most trackers have none.
  std::atomic<bool> any_{false};
};

AccessRules::AccessRules() : ip_rules_(std::make_unique<IpRules>()) {}
AccessRules::~AccessRules() = default;

void AccessRules::SetAllowedIps(std::optional<IpSet> allowed) {
  ip_rules_->SetAllowed(std::move(allowed));
}
void AccessRules::SetBannedIps(IpSet banned) { ip_rules_->SetBanned(std::move(banned)); }

bool AccessRules::Allows(const InfoHash& info_hash) const {
  return !blacklist_.Contains(info_hash) &&
         (!enforce_whitelist_.load(std::memory_order_relaxed) || whitelist_.Contains(info_hash));
}

bool AccessRules::Allows(const IpAddress& address) const { return ip_rules_->Allow(address); }

std::size_t AccessRules::ForgetRefused(SwarmStore& store) const {
  std::size_t forgotten = 0;
  Turns turns(kVisitsATurn);
  std::vector<InfoHash> refused;
  const std::unique_ptr<SwarmCursor> cursor = store.Walk(SwarmStore::kWholeSwarms);
  for (auto step = SwarmCursor::Step::kVisited; step != SwarmCursor::Step::kEnd;) {
    step = cursor->Next([&](const SwarmView& swarm) {
      if (!Allows(swarm.info_hash())) refused.push_back(swarm.info_hash());
    });
    turns.After(VisitsOf(step));
    if (refused.size() < kRefusedAtOnce && step != SwarmCursor::Step::kEnd) continue;
    forgotten += ForgetRefused(store, refused);
    refused.clear();
  }
  return forgotten;
}

std::size_t AccessRules::ForgetRefused(SwarmStore& store,
                                       absl::Span<const InfoHash> info_hashes) const {
  std::size_t forgotten = 0;
  for (const InfoHash& info_hash : info_hashes) {
    if (!Allows(info_hash) && store.Remove(info_hash)) ++forgotten;
  }
  return forgotten;
}

std::size_t AccessRules::ForgetRefusedPeers(SwarmStore& store, Instant now) const {
  // Of one visit: what a record refers to ends with it.
  struct Refused {
    PeerRecord record;
    PeerId peer_id;
    PeerDetails details;
  };
  std::vector<Refused> refused;
  std::vector<PeerRecord> records;
  InfoHash info_hash;
  const auto collect = [&](const SwarmView& swarm) {
    info_hash = swarm.info_hash();
    swarm.ForEachPeer([&](const PeerRecord& peer) {
      if (Allows(peer.peer.address())) return;
      refused.push_back({peer, peer.peer_id != nullptr ? *peer.peer_id : PeerId(),
                         peer.details != nullptr ? *peer.details : PeerDetails()});
    });
  };
  std::size_t forgotten = 0;
  Turns turns(kVisitsATurn);
  const std::unique_ptr<SwarmCursor> cursor = store.Walk(kPeersAVisit);
  for (auto step = SwarmCursor::Step::kVisited; step != SwarmCursor::Step::kEnd;) {
    step = cursor->Next(collect);
    turns.After(VisitsOf(step));
    if (refused.empty()) continue;
    for (Refused& one : refused) {
      PeerRecord& record = records.emplace_back(one.record);
      record.state = PeerState::kStopped;
      if (record.peer_id != nullptr) record.peer_id = &one.peer_id;
      if (record.details != nullptr) record.details = &one.details;
    }
    if (!store.Restore({.info_hash = info_hash, .peers = records}, now).ok()) break;
    forgotten += refused.size();
    refused.clear();
    records.clear();
  }
  return forgotten;
}

absl::Status AccessRules::AllowAnnounce(const AnnounceRequest& request, Instant) {
  if (!Allows(request.peer.address())) return AddressRefused();
  if (!Allows(request.info_hash)) return TorrentRefused();
  if (catalog_ == nullptr) return absl::OkStatus();
  const std::string refusal = catalog_->RefusalOf(request.info_hash);
  return refusal.empty() ? absl::OkStatus() : Refuse(refusal);
}

absl::Status AccessRules::AllowScrape(const InfoHash&, const IpAddress& from, Instant) {
  return Allows(from) ? absl::OkStatus() : AddressRefused();
}

absl::Status AccessRules::AllowAddress(const IpAddress& from) const {
  return Allows(from) ? absl::OkStatus() : AddressRefused();
}

bool AccessRules::Knows(const InfoHash& info_hash) const {
  return enforces_whitelist() && Allows(info_hash);
}

void AccessRules::Prefetch(absl::Span<const SwarmHint> coming) const {
  blacklist_.Prefetch(coming);
  if (enforces_whitelist()) whitelist_.Prefetch(coming);
}

}  // namespace muster
