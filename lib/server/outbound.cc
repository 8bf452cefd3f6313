// SPDX-License-Identifier: Apache-2.0
#include "server/outbound.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace muster {

absl::StatusOr<ClosingPtr<Outbound>> Outbound::Start(uv_loop_t* loop, Tracker* tracker,
                                                     AnnounceDesk* desk, OutboundCounters* counters,
                                                     const OutboundOptions& options, LogSink* log) {
  if (options.multitracker && tracker->foreign_peers() == nullptr) {
    return absl::InvalidArgumentError(
        "outbound.multitracker: the tracker has no max_foreign_peers to remember");
  }
  auto* const made = new Outbound(loop, tracker, desk, counters, options);
  const int error = uv_async_init(
      loop, &made->wake_, [](uv_async_t* wake) { static_cast<Outbound*>(wake->data)->Empty(); });
  if (error != 0) {
    delete made;
    return absl::InternalError(absl::StrCat("event loop: ", uv_strerror(error)));
  }
  made->wake_.data = made;
  made->StartParts(log);
  return ClosingPtr<Outbound>(made);
}

Outbound::Outbound(uv_loop_t* loop, Tracker* tracker, AnnounceDesk* desk,
                   OutboundCounters* counters, const OutboundOptions& options)
    : loop_(loop),
      tracker_(tracker),
      desk_(desk),
      counters_(*counters),
      options_(options),
      clock_(loop) {}

void Outbound::StartParts(LogSink* log) {
  if (options_.nat_check) checker_ = NatChecker::Start(loop_, *options_.nat_check);
  if (options_.multitracker) {
    multitracker_ = Multitracker::Start(
        loop_, *options_.multitracker, desk_->tracker_id(), Random::FromSystem(),
        [this](const InfoHash& info_hash, absl::Span<const Endpoint> peers) {
          tracker_->foreign_peers()->Put(info_hash, peers, clock_.Now());
        },
        log, &counters_);
  }
  if (options_.aggregate_forward)
    forwarder_ = AggregateForwarder::Start(loop_, *options_.aggregate_forward, log, &counters_);
  desk_->tray().Attach([this] { uv_async_send(&wake_); });
}

void Outbound::Empty() {
  const OutTray::Contents contents = desk_->tray().Take();
  for (const NatCheckRequest& request : contents.checks) Check(request);
  for (const OutTray::Copy& copy : contents.copies) forwarder_->Forward(copy.query, copy.peer);
  if (contents.torrents && multitracker_ != nullptr) multitracker_->SetTorrents(*desk_->torrents());
}

void Outbound::Check(const NatCheckRequest& request) {
  checker_->Check(request, [this, request](NatOutcome outcome) { TellOutcome(request, outcome); });
}

void Outbound::TellOutcome(const NatCheckRequest& request, NatOutcome outcome) {
  counters_.CountNatCheck(outcome);
  const NatChecked checked{request.info_hash, request.peer_id.value_or(PeerId()), request.peer,
                           outcome};
  const bool known = tracker_->store().CountNatCheck(checked);
  if (options_.on_nat_check) options_.on_nat_check(checked, known);
}

void Outbound::Close(Closed closed) {
  closed_ = std::move(closed);
  desk_->tray().Attach(nullptr);
  for (const NatCheckRequest& request : desk_->tray().Take().checks)
    TellOutcome(request, NatOutcome::kCancelled);
  const auto part_closed = [this] { OnPartClosed(); };
  closing_parts_ = 2;  // the handle, and this function
  uv_close(reinterpret_cast<uv_handle_t*>(&wake_),
           [](uv_handle_t* wake) { static_cast<Outbound*>(wake->data)->OnPartClosed(); });
  if (checker_ != nullptr) {
    ++closing_parts_;
    checker_->Close(part_closed);
  }
  if (multitracker_ != nullptr) {
    ++closing_parts_;
    multitracker_.release()->Close(part_closed);
  }
  if (forwarder_ != nullptr) {
    ++closing_parts_;
    forwarder_.release()->Close(part_closed);
  }
  OnPartClosed();
}

void Outbound::OnPartClosed() {
  if (--closing_parts_ > 0) return;
  FreeThenCall(this, std::move(closed_));
}

}  // namespace muster
