// SPDX-License-Identifier: Apache-2.0
//
// AccessRules: a policy made of lists. Which torrents are served (a white list, a black list, or
// both), and to which addresses (allowed ones, banned ones, or both).
//
// Thread-safe. Everything may be changed while announces are under way; none of them waits.
//
//   muster::AccessRules rules;                       // outlives the tracker's last announce
//   rules.blacklist().Replace(hashes);
//   rules.ForgetRefused(tracker->store());           // what is refused loses its swarm
//   tracker->SetPolicy(&rules);
#ifndef MUSTER_ACCESS_RULES_H_
#define MUSTER_ACCESS_RULES_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "muster/announce.h"
#include "muster/endpoint.h"
#include "muster/export.h"
#include "muster/hash_list.h"
#include "muster/ids.h"
#include "muster/instant.h"
#include "muster/ip_set.h"
#include "muster/swarm_store.h"
#include "muster/torrent_catalog.h"
#include "muster/tracker.h"

namespace muster {

class MUSTER_EXPORT AccessRules final : public Policy {
 public:
  // Everything is allowed.
  AccessRules();
  ~AccessRules() override;

  // A torrent on it is refused, also when it is on the white list.
  HashList& blacklist() { return blacklist_; }
  const HashList& blacklist() const { return blacklist_; }
  // Once it is enforced, a torrent that is not on it is refused: all of them while it is empty.
  HashList& whitelist() { return whitelist_; }
  const HashList& whitelist() const { return whitelist_; }
  void EnforceWhitelist(bool enforce) { enforce_whitelist_ = enforce; }
  bool enforces_whitelist() const { return enforce_whitelist_; }

  // Addresses that may announce and scrape; nothing for all of them.
  void SetAllowedIps(std::optional<IpSet> allowed);
  // Addresses that may not, also when they are allowed.
  void SetBannedIps(IpSet banned);

  // Refuses, in its words, what a torrent of the catalog refuses. Not owned; set before the first
  // announce.
  void SetCatalog(const TorrentCatalog* catalog) { catalog_ = catalog; }

  bool Allows(const InfoHash& info_hash) const;
  bool Allows(const IpAddress& address) const;

  // Forgets every torrent that is refused, or those of `info_hashes` that are; returns how many
  // were known. An announce that was allowed just before a list changed may still be on its way
  // into the store: a second call, a moment later, forgets that as well. Peers at refused addresses
  // stay until they expire.
  std::size_t ForgetRefused(SwarmStore& store) const;
  std::size_t ForgetRefused(SwarmStore& store, absl::Span<const InfoHash> info_hashes) const;
  // Takes out the peers whose addresses are refused, of a store that a saved state was read into;
  // returns how many there were. Counts of finished downloads stay. Observers are not told.
  std::size_t ForgetRefusedPeers(SwarmStore& store, Instant now) const;

  // Policy. A scrape is held against the rules for addresses only: a torrent that is refused is not
  // shown, as if nothing were known of it.
  absl::Status AllowAnnounce(const AnnounceRequest& request, Instant now) override;
  absl::Status AllowScrape(const InfoHash& info_hash, const IpAddress& from, Instant now) override;
  absl::Status AllowAddress(const IpAddress& from) const override;
  // What is on the white list, once it is enforced, and not refused.
  bool Knows(const InfoHash& info_hash) const override;
  bool Shows(const InfoHash& info_hash) const override { return Allows(info_hash); }
  void Prefetch(absl::Span<const SwarmHint> coming) const override;

 private:
  class IpRules;

  HashList blacklist_;
  HashList whitelist_;
  std::atomic<bool> enforce_whitelist_{false};
  const std::unique_ptr<IpRules> ip_rules_;
  const TorrentCatalog* catalog_ = nullptr;
};

}  // namespace muster

#endif  // MUSTER_ACCESS_RULES_H_
