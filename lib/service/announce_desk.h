// SPDX-License-Identifier: Apache-2.0
//
// AnnounceDesk: what a tracker makes of an announce beside what every tracker does, for the services
// of all workers: peers' own addresses and encryption, NAT checks, questions of other trackers, the
// aggregator and its password, the operator's own seed. See AnnounceOptions.
//
// Thread-safe. The tracker is not owned.
#ifndef MUSTER_LIB_SERVICE_ANNOUNCE_DESK_H_
#define MUSTER_LIB_SERVICE_ANNOUNCE_DESK_H_

#include <memory>
#include <set>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "base/mutex.h"
#include "base/published.h"
#include "muster/announce.h"
#include "muster/ids.h"
#include "muster/multitracker.h"
#include "muster/server.h"
#include "muster/tracker.h"
#include "service/out_tray.h"
#include "wire/http_announce.h"

namespace muster {

class AnnounceDesk {
 public:
  // `tracker_id`: who this tracker is when it asks others.
  // `counters` counts what the tray has no room for, and is not owned either.
  AnnounceDesk(Tracker* tracker, const ServerOptions& options, const PeerId& tracker_id,
               OutboundCounters* counters);

  // Whether there is anything to do. If not, announces cost what they cost without a desk.
  bool is_needed() const { return is_needed_; }
  const PeerId& tracker_id() const { return tracker_id_; }
  OutTray& tray() { return tray_; }

  // The announce of a client that came from there, as far as it may be what it says: sets what it
  // says of its peer, and lets `request` borrow `details`. A refusal where it may not announce.
  absl::Status Admit(const HttpAnnounceMore& more, const IpAddress& from, AnnounceRequest& request,
                     AnnounceDetails& details) const;
  // The same of a UDP client; what HTTP has in its query stands in its URL.
  absl::Status AdmitUdp(AnnounceRequest& request, AnnounceDetails& details,
                        HttpAnnounceMore& more) const;
  // Does what an announce leads to that was accepted: counts the seed, has the peer checked.
  void Accepted(const HttpAnnounceMore& more, const AnnounceRequest& request,
                AnnounceAnswer& answer);
  // Has it copied to the aggregator: by its query, or, of UDP, by one that says the same.
  void Copy(std::string_view query, const IpAddress& from);
  void CopyUdp(const AnnounceRequest& request);

  bool IsSeeded(const InfoHash& info_hash) const;
  bool answers_as_aggregator() const { return options_.aggregator; }

  void SetTorrents(std::vector<MultitrackerTorrent> torrents);
  // As they were set last.
  std::shared_ptr<const std::vector<MultitrackerTorrent>> torrents() const;

 private:
  absl::Status AdmitTracker(AnnounceRequest& request) const;
  bool IsKnownTorrent(const InfoHash& info_hash) const;

  Tracker* const tracker_;
  const AnnounceOptions options_;
  const PeerId tracker_id_;
  const bool is_needed_;
  OutTray tray_;
  mutable Mutex mu_;
  std::set<InfoHash> seeded_ ABSL_GUARDED_BY(mu_);
  std::shared_ptr<const std::vector<MultitrackerTorrent>> torrents_ ABSL_GUARDED_BY(mu_);
  // The hashes of those, in order.
  Published<std::vector<InfoHash>> known_torrents_;
};

}  // namespace muster

#endif  // MUSTER_LIB_SERVICE_ANNOUNCE_DESK_H_
