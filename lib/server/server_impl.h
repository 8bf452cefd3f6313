// SPDX-License-Identifier: Apache-2.0
//
// Server::Impl: the block that a server's parts live in. It frees itself when both the Server
// object and the last handle on the loop are gone, in whatever order.
#ifndef MUSTER_LIB_SERVER_SERVER_IMPL_H_
#define MUSTER_LIB_SERVER_SERVER_IMPL_H_

#include <uv.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "muster/server.h"
#include "net/clock.h"
#include "net/closing.h"
#include "net/http_listener.h"
#include "net/timer.h"
#include "net/udp_listener.h"
#include "server/bind.h"
#include "server/outbound.h"
#include "server/sweep.h"
#include "service/announce_desk.h"
#include "service/http_service.h"
#include "service/http_site.h"
#include "service/udp_service.h"
#include "statistics/counters.h"
#include "wire/connection_id.h"

namespace muster {

class Server::Impl {
 public:
  // What all workers of a server count and have in common; each keeps it alive.
  struct Shared {
    Shared(Tracker* tracker, const ServerOptions& options, std::size_t workers)
        : key(ConnectionIdKey::FromSystem()),
          book(workers, std::chrono::floor<Seconds>(std::chrono::system_clock::now())),
          site(tracker, &book, options.http, options.live_sync),
          desk(tracker, options, TrackerIdFromSystem(), &book.outbound()) {}

    const ConnectionIdKey key;
    CounterBook book;
    HttpSite site;
    AnnounceDesk desk;
  };

  // `options` have been checked. `worker` counts from 0; that one forgets the tracker's old peers. One
  // that is alone also sends what the server sends by itself.
  static absl::StatusOr<std::unique_ptr<Server>> Start(uv_loop_t* loop, Tracker* tracker,
                                                       const ServerOptions& options,
                                                       std::vector<BoundListener> bound,
                                                       std::shared_ptr<Shared> shared,
                                                       std::size_t worker, bool is_alone);

  ServerStatistics Statistics() const { return shared_->book.Sum(); }
  const std::vector<Listener>& listeners() const { return listeners_; }
  void SetTorrentTrackers(std::vector<MultitrackerTorrent> torrents) {
    shared_->desk.SetTorrents(std::move(torrents));
  }
  void Close(absl::AnyInvocable<void()> done);
  // The Server object goes away.
  void Drop();

 private:
  Impl(uv_loop_t* loop, Tracker* tracker, const ServerOptions& options,
       std::shared_ptr<Shared> shared, std::size_t worker);

  static PeerId TrackerIdFromSystem() {
    Random random = Random::FromSystem();
    return NewTrackerId(random);
  }

  absl::Status Open(std::vector<BoundListener> bound, bool is_first, bool is_alone);
  void CloseParts(bool drain);
  void OnPartClosed();
  std::chrono::milliseconds Sweep();

  uv_loop_t* const loop_;
  Tracker* const tracker_;
  const ServerOptions options_;
  const std::shared_ptr<Shared> shared_;
  WorkerCounters& counters_;
  const Clock clock_;
  UdpService udp_service_;
  HttpService http_service_;
  std::vector<Listener> listeners_;

  // The parts that have handles. All are given up when closing begins, and tell when they are gone.
  std::vector<ClosingPtr<UdpListener>> udp_;
  ClosingPtr<HttpListener> http_;
  ClosingPtr<Timer> sweeper_;
  ClosingPtr<Outbound> outbound_;

  SweepStep step_{};
  Instant planned_at_;

  enum class State : std::uint8_t { kOpen, kClosing, kClosed };
  State state_ = State::kOpen;
  // Parts that were told to close, and are not gone yet.
  std::size_t closing_parts_ = 0;
  // The Server object is gone.
  bool dropped_ = false;
  std::vector<absl::AnyInvocable<void()>> done_;
};

}  // namespace muster

#endif  // MUSTER_LIB_SERVER_SERVER_IMPL_H_
