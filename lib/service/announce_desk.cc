// SPDX-License-Identifier: Apache-2.0
#include "service/announce_desk.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/hex.h"
#include "http/query.h"
#include "muster/refusal.h"
#include "wire/http_parameter.h"

namespace muster {
namespace {

// Only who knows the secret can add to them.
constexpr std::size_t kMostSeeded = 1'000'000;

bool IsNeeded(const Tracker& tracker, const ServerOptions& options) {
  const AnnounceOptions& announce = options.announce;
  return tracker.keeps_details() || announce.tracker_queries != TrackerQueries::kNone ||
         announce.aggregator || !announce.dedicated_seed_id.empty() ||
         options.outbound.multitracker.has_value() ||
         options.outbound.aggregate_forward.has_value();
}

OutTray::Limits LimitsOf(const OutboundOptions& options) {
  return {.checks = options.nat_check ? options.nat_check->max_queued : 0,
          .copies = options.aggregate_forward ? options.aggregate_forward->max_queued : 0};
}

absl::Status NotAuthorized() {
  return Refuse("Requested download is not authorized for use with this tracker.");
}

std::string_view EventText(Event event) {
  switch (event) {
    case Event::kStarted:
      return "&event=started";
    case Event::kCompleted:
      return "&event=completed";
    case Event::kStopped:
      return "&event=stopped";
    case Event::kPaused:
      return "&event=paused";
    case Event::kNone:
      break;
  }
  return "";
}

// Takes as long wherever two texts of one length differ.
bool IsSecret(std::string_view given, std::string_view secret) {
  unsigned differs = given.size() == secret.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size() && i < secret.size(); ++i)
    differs |= static_cast<unsigned char>(given[i] ^ secret[i]);
  return differs == 0;
}

}  // namespace

AnnounceDesk::AnnounceDesk(Tracker* tracker, const ServerOptions& options, const PeerId& tracker_id,
                           OutboundCounters* counters)
    : tracker_(tracker),
      options_(options.announce),
      tracker_id_(tracker_id),
      is_needed_(IsNeeded(*tracker, options)),
      tray_(LimitsOf(options.outbound), counters),
      torrents_(std::make_shared<const std::vector<MultitrackerTorrent>>()),
      known_torrents_(std::make_unique<std::vector<InfoHash>>()) {}

bool AnnounceDesk::IsKnownTorrent(const InfoHash& info_hash) const {
  const auto known = known_torrents_.Read();
  return std::binary_search(known->begin(), known->end(), info_hash);
}

absl::Status AnnounceDesk::AdmitTracker(AnnounceRequest& request) const {
  if (options_.tracker_queries == TrackerQueries::kNone || request.peer_id == tracker_id_)
    return Refuse(kOwnAnnounce);
  if (options_.tracker_queries == TrackerQueries::kAutodetect &&
      !IsKnownTorrent(request.info_hash)) {
    return Refuse("Requested download is not authorized for multitracker use.");
  }
  // It is nobody's peer, whatever it says, and its clients may be of any kind.
  request.visitor = true;
  request.event = Event::kNone;
  request.left = 1;
  request.peer.set_port(0);
  return absl::OkStatus();
}

absl::Status AnnounceDesk::Admit(const HttpAnnounceMore& more, const IpAddress& from,
                                 AnnounceRequest& request, AnnounceDetails& details) const {
  if (options_.aggregator && !options_.aggregator_password.empty() &&
      !IsSecret(more.password, options_.aggregator_password)) {
    return NotAuthorized();
  }
  details.from = from;
  request.details = &details;
  if (more.is_tracker) return AdmitTracker(request);
  if (options_.aggregator) request.numwant = 0;
  details.key = more.key;
  details.supports_crypto = more.supports_crypto;
  details.requires_crypto = more.requires_crypto;
  details.wants_crypto = more.wants_crypto;
  details.surely_reachable =
      options_.aggregator || (options_.reachable && options_.reachable(from));
  const bool is_believed = tracker_->keeps_details() && more.ip && options_.given_ip_from &&
                           options_.given_ip_from(from);
  if (is_believed) request.peer = Endpoint(*more.ip, request.peer.port());
  return absl::OkStatus();
}

absl::Status AnnounceDesk::AdmitUdp(AnnounceRequest& request, AnnounceDetails& details,
                                    HttpAnnounceMore& more) const {
  const std::size_t mark = request.url.find('?');
  if (mark != std::string_view::npos) {
    QueryReader reader(request.url.substr(mark + 1));
    for (std::size_t n = 0; n < kMaxAnnounceParameters && reader.Next(); ++n) {
      if (IsParameter(reader.name(), "tracker")) more.is_tracker = reader.value() != "0";
      DecodedText<kMaxParameterValue> text;
      if (IsParameter(reader.name(), "password"))
        more.password = text.Decode(reader.value()).value_or("");
    }
  }
  char key[8];
  if (request.key != 0) more.key = KeyText(request.key, key);
  return Admit(more, request.peer.address(), request, details);
}

void AnnounceDesk::Accepted(const HttpAnnounceMore& more, const AnnounceRequest& request,
                            AnnounceAnswer& answer) {
  if (request.visitor) {
    answer.interval = answer.min_interval = options_.tracker_interval;
    return;
  }
  if (!options_.dedicated_seed_id.empty() && request.left == 0 &&
      IsSecret(more.seed_id, options_.dedicated_seed_id)) {
    MutexLock lock(&mu_);
    if (seeded_.size() < kMostSeeded) seeded_.insert(request.info_hash);
  }
  if (!request.details->wants_check) return;
  const bool taken = tray_.PutCheck({.peer = request.peer,
                                     .info_hash = request.info_hash,
                                     .peer_id = request.peer_id,
                                     .encrypted = request.details->requires_crypto});
  if (taken) return;
  tracker_->store().CountNatCheck(
      {request.info_hash, request.peer_id, request.peer, NatOutcome::kTooMany});
}

void AnnounceDesk::Copy(std::string_view query, const IpAddress& from) {
  if (tray_.wants_copies()) tray_.PutCopy(query, from);
}

void AnnounceDesk::CopyUdp(const AnnounceRequest& request) {
  if (!tray_.wants_copies()) return;
  std::string query = "info_hash=";
  AppendPercentEncoded(request.info_hash.text(), query);
  query += "&peer_id=";
  AppendPercentEncoded(request.peer_id.text(), query);
  absl::StrAppend(&query, "&port=", request.peer.port(), "&uploaded=", request.uploaded,
                  "&downloaded=", request.downloaded);
  if (request.left != AnnounceRequest::kUnknownLeft)
    absl::StrAppend(&query, "&left=", request.left);
  char key[8];
  if (request.key != 0) query.append("&key=").append(KeyText(request.key, key));
  query.append("&compact=1&numwant=0").append(EventText(request.event));
  tray_.PutCopy(query, request.peer.address());
}

bool AnnounceDesk::IsSeeded(const InfoHash& info_hash) const {
  MutexLock lock(&mu_);
  return seeded_.count(info_hash) != 0;
}

void AnnounceDesk::SetTorrents(std::vector<MultitrackerTorrent> torrents) {
  auto known = std::make_unique<std::vector<InfoHash>>();
  known->reserve(torrents.size());
  for (const MultitrackerTorrent& torrent : torrents) known->push_back(torrent.info_hash);
  std::sort(known->begin(), known->end());
  known_torrents_.Publish(std::move(known));
  auto shared = std::make_shared<const std::vector<MultitrackerTorrent>>(std::move(torrents));
  {
    MutexLock lock(&mu_);
    torrents_.swap(shared);  // the old ones go without the lock
  }
  tray_.PutTorrents();
}

std::shared_ptr<const std::vector<MultitrackerTorrent>> AnnounceDesk::torrents() const {
  MutexLock lock(&mu_);
  return torrents_;
}

}  // namespace muster
