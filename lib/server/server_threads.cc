// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "muster/server.h"
#include "server/bind.h"
#include "server/outbound.h"
#include "server/server_impl.h"
#include "server/server_options.h"
#include "server/worker_thread.h"
#include "wire/connection_id.h"

namespace muster {
namespace {

class TrackerServing final : public WorkerThread::Content {
 public:
  explicit TrackerServing(std::unique_ptr<Server> server) : server_(std::move(server)) {}
  void Close() override { server_->Close(nullptr); }

 private:
  const std::unique_ptr<Server> server_;
};

class Sending final : public WorkerThread::Content {
 public:
  explicit Sending(ClosingPtr<Outbound> outbound) : outbound_(std::move(outbound)) {}
  void Close() override { outbound_.reset(); }

 private:
  ClosingPtr<Outbound> outbound_;
};

}  // namespace

class ServerThreads::Impl {
 public:
  static absl::StatusOr<std::unique_ptr<Impl>> Listen(Tracker* tracker,
                                                      const ServerOptions& options,
                                                      std::size_t workers);
  ~Impl() { Stop(); }
  absl::Status Run();
  void Stop();

  std::vector<Listener> listeners;
  std::size_t worker_count = 0;
  std::shared_ptr<Server::Impl::Shared> shared;

 private:
  // Behind those that serve the one that sends, if any.
  std::vector<std::unique_ptr<WorkerThread>> workers_;
};

// Everything but the threads.
absl::StatusOr<std::unique_ptr<ServerThreads::Impl>> ServerThreads::Impl::Listen(
    Tracker* tracker, const ServerOptions& options, std::size_t workers) {
  absl::Status status = CheckServerOptions(options);
  if (!status.ok()) return status;
  if (workers == 0) return absl::InvalidArgumentError("workers: there must be one at least");
  auto impl = std::make_unique<Impl>();
  impl->listeners = options.listeners;
  impl->worker_count = workers;
  impl->shared = std::make_shared<Server::Impl::Shared>(tracker, options, workers);
  PortSharing sharing = workers == 1 ? PortSharing::kNone : PortSharing::kFirst;
  for (std::size_t i = 0; i < workers; ++i) {
    absl::StatusOr<std::vector<BoundListener>> bound =
        BindAll(impl->listeners, sharing, options.udp.socket_buffer);
    if (!bound.ok()) return bound.status();
    impl->listeners = ListenersOf(*bound);  // the others take the ports that the first one got
    sharing = PortSharing::kJoin;
    WorkerThread& worker = *impl->workers_.emplace_back(std::make_unique<WorkerThread>());
    status = worker.Init();
    if (!status.ok()) return status;
    // One of them sweeps: a pass goes through all of the store anyway.
    absl::StatusOr<std::unique_ptr<Server>> server =
        Server::Impl::Start(worker.loop(), tracker, options, *std::move(bound), impl->shared, i,
                            /*is_alone=*/false);
    if (!server.ok()) return server.status();
    worker.Take(std::make_unique<TrackerServing>(*std::move(server)));
  }
  if (Outbound::IsNeeded(options.outbound)) {
    WorkerThread& worker = *impl->workers_.emplace_back(std::make_unique<WorkerThread>());
    status = worker.Init();
    if (!status.ok()) return status;
    absl::StatusOr<ClosingPtr<Outbound>> outbound =
        Outbound::Start(worker.loop(), tracker, &impl->shared->desk, &impl->shared->book.outbound(),
                        options.outbound, options.log);
    if (!outbound.ok()) return outbound.status();
    worker.Take(std::make_unique<Sending>(*std::move(outbound)));
  }
  return impl;
}

absl::Status ServerThreads::Impl::Run() {
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    absl::Status status =
        workers_[i]->Run(i < worker_count ? absl::StrCat("muster-", i) : "muster-out");
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

void ServerThreads::Impl::Stop() {
  // All are asked before one is waited for, so that they drain at the same time.
  for (const std::unique_ptr<WorkerThread>& worker : workers_) worker->AskToStop();
  workers_.clear();
}

absl::StatusOr<std::unique_ptr<ServerThreads>> ServerThreads::Start(Tracker* tracker,
                                                                    const ServerOptions& options,
                                                                    std::size_t workers) {
  return Start(tracker, options, workers, [](ServerThreads&) { return absl::OkStatus(); });
}

absl::StatusOr<std::unique_ptr<ServerThreads>> ServerThreads::Start(
    Tracker* tracker, const ServerOptions& options, std::size_t workers,
    absl::FunctionRef<absl::Status(ServerThreads& server)> before_serving) {
  absl::StatusOr<std::unique_ptr<Impl>> impl = Impl::Listen(tracker, options, workers);
  if (!impl.ok()) return impl.status();
  std::unique_ptr<ServerThreads> server(new ServerThreads(*std::move(impl)));
  absl::Status status = before_serving(*server);
  if (status.ok()) status = server->impl_->Run();
  if (!status.ok()) return status;
  return server;
}

ServerThreads::ServerThreads(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ServerThreads::~ServerThreads() = default;
const std::vector<Listener>& ServerThreads::listeners() const { return impl_->listeners; }
std::size_t ServerThreads::workers() const { return impl_->worker_count; }
ServerStatistics ServerThreads::Statistics() const { return impl_->shared->book.Sum(); }
void ServerThreads::SetTorrentTrackers(std::vector<MultitrackerTorrent> torrents) {
  impl_->shared->desk.SetTorrents(std::move(torrents));
}
void ServerThreads::Stop() { impl_->Stop(); }

}  // namespace muster
