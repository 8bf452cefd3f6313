// SPDX-License-Identifier: Apache-2.0
#include "service/udp_service.h"

#include <algorithm>

#include "muster/refusal.h"
#include "service/outcome.h"

namespace muster {
namespace {

// At most as long as the shortest request that can get it (a scrape of one torrent, 36 bytes,
// leaves 28 for text).
constexpr std::string_view kStaleId = "connection id expired";

// What a packet asks for, by its header; a malformed one counts as the announce that nearly all are.
RequestKind KindOf(const UdpHeader& header) {
  return header.kind == UdpKind::kScrape ? RequestKind::kScrape : RequestKind::kAnnounce;
}

}  // namespace

UdpService::UdpService(Tracker* tracker, const UdpOptions& options, const ConnectionIdKey& key,
                       Random random, WorkerCounters* counters, AnnounceDesk* desk)
    : tracker_(tracker),
      options_(options),
      counters_(*counters),
      desk_(desk != nullptr && desk->is_needed() ? desk : nullptr),
      default_numwant_(options.default_numwant == 0
                           ? AnnounceRequest::kDefaultNumwant
                           : static_cast<std::int32_t>(options.default_numwant)),
      ids_(key, options.connection_id_lifetime),
      random_(random) {}

void UdpService::Answer(absl::Span<UdpDatagram> batch, Instant now) {
  pending_.clear();
  claims_.clear();
  coming_.clear();
  peers_.clear();
  peers_.reserve(batch.size());  // it is pointed into
  for (UdpDatagram& datagram : batch) {
    const UdpHeader header = DecodeUdpHeader(datagram.request);
    if (header.kind == UdpKind::kNoise) {
      datagram.answer = datagram.answer.first(0);
      counters_.udp.noise.Add();
      continue;
    }
    pending_.push_back({&datagram, header});
    claims_.push_back({&datagram.from, header.kind == UdpKind::kConnect, header.connection_id});
    // The info hash stands behind the header in both; fetching for a wrong id is harmless.
    const std::uint8_t* const info_hash = datagram.request.data() + 16;
    if (header.kind == UdpKind::kAnnounce) {
      peers_.push_back(UdpAnnouncePeer(datagram.request, datagram.from));
      coming_.push_back({info_hash, &peers_.back()});
    } else if (header.kind == UdpKind::kScrape) {
      coming_.push_back({info_hash});
    }
  }
  tracker_->Prefetch(coming_);
  ids_.Resolve(absl::MakeSpan(claims_), now);
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    UdpDatagram& datagram = *pending_[i].datagram;
    datagram.answer = datagram.answer.first(AnswerOne(pending_[i], claims_[i], now));
  }
}

std::size_t UdpService::AnswerOne(const Pending& pending, const ConnectionIds::Claim& claim,
                                  Instant now) {
  const UdpHeader& header = pending.header;
  if (header.kind == UdpKind::kConnect) {
    Count(pending, RequestKind::kConnect, Outcome::kAnswered);
    return EncodeUdpConnect(header.transaction_id, claim.id, pending.datagram->answer.data());
  }
  if (!claim.good) {
    Count(pending, KindOf(header), Outcome::kStale);
    if (!options_.answer_stale_connection_id || header.kind == UdpKind::kMalformed) return 0;
    return Error(pending, kStaleId);
  }
  switch (header.kind) {
    case UdpKind::kAnnounce:
      return Announce(pending, now);
    case UdpKind::kScrape:
      return Scrape(pending, now);
    default:
      return Invalid(pending, KindOf(header), "request is too short");
  }
}

std::size_t UdpService::Announce(const Pending& pending, Instant now) {
  AnnounceRequest request;
  if (!DecodeUdpAnnounce(pending.datagram->request, pending.datagram->from, request, url_)) {
    return Invalid(pending, RequestKind::kAnnounce,
                   "announce options run over the end of the packet");
  }
  const std::int32_t numwant = request.numwant;
  if (numwant < 0) request.numwant = default_numwant_;
  // Peers go straight to their place in the answer. A packet has peers of the sender's own family
  // only (BEP 15).
  std::uint8_t* const to = pending.datagram->answer.data();
  const absl::Span<std::uint8_t> space(to + kUdpAnnounceHeader, kMaxUdpAnswer - kUdpAnnounceHeader);
  const bool ipv4 = request.peer.family() == AddressFamily::kIpv4;
  PeerBatch peers(ipv4 ? space : absl::Span<std::uint8_t>(),
                  ipv4 ? absl::Span<std::uint8_t>() : space);
  const absl::StatusOr<AnnounceAnswer> answer =
      desk_ == nullptr ? tracker_->Announce(request, now, random_, peers)
                       : AnnounceAtDesk(request, now, peers);
  if (!answer.ok()) return Refused(pending, RequestKind::kAnnounce, answer.status());
  Count(pending, RequestKind::kAnnounce, Outcome::kAnswered);
  counters_.requests.CountAnnounce(answer->minutes_since_seen, numwant);
  return EncodeUdpAnnounceHeader(pending.header.transaction_id, *answer, to) +
         peers.compact(request.peer.family()).size();
}

absl::StatusOr<AnnounceAnswer> UdpService::AnnounceAtDesk(AnnounceRequest& request, Instant now,
                                                          PeerBatch& peers) {
  AnnounceDetails details;
  HttpAnnounceMore more;
  if (absl::Status status = desk_->AdmitUdp(request, details, more); !status.ok()) return status;
  absl::StatusOr<AnnounceAnswer> answer = tracker_->Announce(request, now, random_, peers);
  if (answer.ok()) {
    desk_->Accepted(more, request, *answer);
    if (!request.visitor) desk_->CopyUdp(request);
  }
  request.details = nullptr;  // they end here
  return answer;
}

std::size_t UdpService::Scrape(const Pending& pending, Instant now) {
  if (!options_.scrape) {
    return Refused(pending, RequestKind::kScrape, Refuse("scrape is not available here"));
  }
  const absl::Span<const std::uint8_t> bytes = UdpScrapeHashes(pending.datagram->request);
  const std::size_t n = bytes.size() / InfoHash::kSize;
  if (n > std::min(options_.max_scrape_torrents, kMaxUdpScrapeRows))
    return Invalid(pending, RequestKind::kScrape, "too many torrents in one scrape");
  scrape_hashes_.clear();
  for (std::size_t i = 0; i < n; ++i) {
    scrape_hashes_.push_back(InfoHash::FromBytes(bytes.data() + i * InfoHash::kSize));
  }
  scrape_rows_.resize(n);
  const absl::Status status = tracker_->Scrape(scrape_hashes_, pending.datagram->from.address(),
                                               now, absl::MakeSpan(scrape_rows_));
  if (!status.ok()) return Refused(pending, RequestKind::kScrape, status);
  Count(pending, RequestKind::kScrape, Outcome::kAnswered);
  std::uint8_t* const to = pending.datagram->answer.data();
  std::size_t size = EncodeUdpScrapeHeader(pending.header.transaction_id, to);
  for (const std::optional<SwarmCounts>& counts : scrape_rows_)
    size += EncodeUdpScrapeRow(counts, to + size);
  return size;
}

std::size_t UdpService::Refused(const Pending& pending, RequestKind kind,
                                const absl::Status& status) {
  Count(pending, kind, OutcomeOf(status));
  return Error(pending, ClientText(status));
}

std::size_t UdpService::Invalid(const Pending& pending, RequestKind kind, std::string_view text) {
  Count(pending, kind, Outcome::kInvalid);
  return Error(pending, text);
}

std::size_t UdpService::Error(const Pending& pending, std::string_view text) const {
  // Nothing that is not an answer to a good request is longer than the request.
  return EncodeUdpError(pending.header.transaction_id, text, pending.datagram->request.size(),
                        pending.datagram->answer.data());
}

}  // namespace muster
