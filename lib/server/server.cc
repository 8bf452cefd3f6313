// SPDX-License-Identifier: Apache-2.0
#include "muster/server.h"

#include <utility>

#include "server/server_impl.h"
#include "server/server_options.h"

namespace muster {

absl::StatusOr<std::unique_ptr<Server>> Server::Listen(uv_loop_s* loop, Tracker* tracker,
                                                       const ServerOptions& options) {
  const absl::Status status = CheckServerOptions(options);
  if (!status.ok()) return status;
  absl::StatusOr<std::vector<BoundListener>> bound =
      BindAll(options.listeners, PortSharing::kNone, options.udp.socket_buffer);
  if (!bound.ok()) return bound.status();
  return Impl::Start(loop, tracker, options, *std::move(bound),
                     std::make_shared<Impl::Shared>(tracker, options, /*workers=*/1),
                     /*worker=*/0, /*is_alone=*/true);
}

Server::~Server() { impl_->Drop(); }

const std::vector<Listener>& Server::listeners() const { return impl_->listeners(); }

ServerStatistics Server::Statistics() const { return impl_->Statistics(); }

void Server::SetTorrentTrackers(std::vector<MultitrackerTorrent> torrents) {
  impl_->SetTorrentTrackers(std::move(torrents));
}

void Server::Close(absl::AnyInvocable<void()> done) { impl_->Close(std::move(done)); }

// What the service writes has room.
static_assert(UdpListener::kMaxAnswer >= kMaxUdpAnswer);

absl::StatusOr<std::unique_ptr<Server>> Server::Impl::Start(uv_loop_t* loop, Tracker* tracker,
                                                            const ServerOptions& options,
                                                            std::vector<BoundListener> bound,
                                                            std::shared_ptr<Shared> shared,
                                                            std::size_t worker, bool is_alone) {
  std::unique_ptr<Server> server(
      new Server(new Impl(loop, tracker, options, std::move(shared), worker)));
  const absl::Status status =
      server->impl_->Open(std::move(bound), /*is_first=*/worker == 0, is_alone);
  if (!status.ok()) return status;
  return server;
}

Server::Impl::Impl(uv_loop_t* loop, Tracker* tracker, const ServerOptions& options,
                   std::shared_ptr<Shared> shared, std::size_t worker)
    : loop_(loop),
      tracker_(tracker),
      options_(options),
      shared_(std::move(shared)),
      counters_(shared_->book.worker(worker)),
      clock_(loop),
      udp_service_(tracker, options.udp, shared_->key, Random::FromSystem(), &counters_,
                   &shared_->desk),
      http_service_(tracker, options.http, Random::FromSystem(), &counters_, &shared_->site,
                    &shared_->desk) {}

absl::Status Server::Impl::Open(std::vector<BoundListener> bound, bool is_first, bool is_alone) {
  listeners_ = ListenersOf(bound);
  const auto proxies =
      [set = std::make_shared<const IpSet>(absl::MakeConstSpan(options_.http.trusted_proxies))](
          const IpAddress& from) { return set->Contains(from); };
  std::vector<HttpSocket> http_sockets;
  for (BoundListener& one : bound) {
    if (one.listener.protocol == Protocol::kHttp) {
      http_sockets.push_back({std::move(one.socket), one.listener.proxied});
      continue;
    }
    absl::StatusOr<ClosingPtr<UdpListener>> udp = UdpListener::Start(
        loop_, std::move(one.socket),
        [this](absl::Span<UdpDatagram> batch) { udp_service_.Answer(batch, clock_.Now()); },
        &counters_.udp, options_.log,
        one.listener.proxied ? UdpListener::Proxies(proxies) : nullptr);
    if (!udp.ok()) return udp.status();
    udp_.push_back(*std::move(udp));
  }
  if (!http_sockets.empty()) {
    const HttpOptions& o = options_.http;
    absl::StatusOr<ClosingPtr<HttpListener>> http = HttpListener::Start(
        loop_, std::move(http_sockets),
        {.limits = {.max_request_bytes = o.max_request_bytes,
                    .loose_request_line = o.loose_requests},
         .max_connections = o.max_connections,
         .max_requests_per_connection = o.max_requests_per_connection,
         .request_timeout = o.request_timeout,
         .idle_timeout = o.idle_timeout,
         .write_timeout = o.write_timeout,
         .stream_timeout = o.stream_timeout,
         .proxies = proxies},
        {.answer = [this](absl::Span<HttpExchange> batch,
                          std::string& out) { http_service_.Answer(batch, clock_.Now(), out); },
         .error = [this](int status, std::string& out) { http_service_.AnswerError(status, out); }},
        &counters_.http, options_.drain_timeout, options_.log);
    if (!http.ok()) return http.status();
    http_ = *std::move(http);
  }
  if (!is_first) return absl::OkStatus();
  sweeper_ = Timer::Start(loop_, std::chrono::milliseconds(0), [this] { return Sweep(); });
  if (!is_alone || !Outbound::IsNeeded(options_.outbound)) return absl::OkStatus();
  absl::StatusOr<ClosingPtr<Outbound>> outbound = Outbound::Start(
      loop_, tracker_, &shared_->desk, &shared_->book.outbound(), options_.outbound, options_.log);
  if (!outbound.ok()) return outbound.status();
  outbound_ = *std::move(outbound);
  return absl::OkStatus();
}

std::chrono::milliseconds Server::Impl::Sweep() {
  const Instant now = clock_.Now();
  if (now != planned_at_) {  // the totals cost a walk over all shards
    step_ = PlanSweep(tracker_->store().Totals(), tracker_->options().peer_timeout);
    planned_at_ = now;
  }
  tracker_->Expire(now, step_.max_swarms);
  return step_.pause;
}

void Server::Impl::Close(absl::AnyInvocable<void()> done) {
  if (state_ == State::kClosed) {
    if (done) done();
    return;
  }
  if (done) done_.push_back(std::move(done));
  CloseParts(/*drain=*/true);
}

void Server::Impl::Drop() {
  if (state_ == State::kClosed) {
    delete this;
    return;
  }
  dropped_ = true;
  CloseParts(/*drain=*/false);
}

void Server::Impl::CloseParts(bool drain) {
  if (state_ != State::kOpen) return;
  state_ = State::kClosing;
  const auto closed = [this] { OnPartClosed(); };
  closing_parts_ = 1;  // this function
  for (ClosingPtr<UdpListener>& udp : udp_) {
    ++closing_parts_;
    udp.release()->Close(closed);
  }
  if (http_ != nullptr) {
    ++closing_parts_;
    HttpListener* const http = http_.release();
    drain ? http->Drain(closed) : http->Close(closed);
  }
  if (sweeper_ != nullptr) {
    ++closing_parts_;
    sweeper_.release()->Close(closed);
  }
  if (outbound_ != nullptr) {
    ++closing_parts_;
    outbound_.release()->Close(closed);
  }
  OnPartClosed();
}

void Server::Impl::OnPartClosed() {
  if (--closing_parts_ > 0) return;
  // A callback may drop the Server, or ask for another callback.
  while (!done_.empty()) {
    for (absl::AnyInvocable<void()>& done : std::exchange(done_, {})) done();
  }
  state_ = State::kClosed;
  if (dropped_) delete this;
}

}  // namespace muster
