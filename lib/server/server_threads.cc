// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <signal.h>
#include <uv.h>

#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "muster/server.h"
#include "server/bind.h"
#include "server/outbound.h"
#include "server/server_impl.h"
#include "server/server_options.h"
#include "wire/connection_id.h"

namespace muster {
namespace {

// Threads started in this scope leave signals to the application's own threads.
class BlockSignals {
 public:
  BlockSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~BlockSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockSignals(const BlockSignals&) = delete;
  BlockSignals& operator=(const BlockSignals&) = delete;

 private:
  sigset_t before_;
};

// A loop, and the thread that runs it once there is something on it. Everything but the run happens
// on the thread of whoever uses the ServerThreads, before the worker's thread starts or after it
// ended.
class Worker {
 public:
  Worker() = default;
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Init(), Take(), Run(), in this order and once each, as far as they succeed.
  absl::Status Init();
  void Take(std::unique_ptr<Server> server) { server_ = std::move(server); }
  void Take(ClosingPtr<Outbound> outbound) { outbound_ = std::move(outbound); }
  absl::Status Run(const std::string& name);
  // May be called twice.
  void AskToStop();

  uv_loop_t* loop() { return &loop_; }

 private:
  void Close();

  uv_loop_t loop_;
  uv_async_t stop_;
  bool open_ = false;  // the two above exist
  bool asked_ = false;
  // One of them.
  std::unique_ptr<Server> server_;
  ClosingPtr<Outbound> outbound_;
  std::thread thread_;
};

absl::Status Worker::Init() {
  int error = uv_loop_init(&loop_);
  if (error == 0) {
    error = uv_async_init(&loop_, &stop_,
                          [](uv_async_t* stop) { static_cast<Worker*>(stop->data)->Close(); });
    if (error != 0) uv_loop_close(&loop_);
  }
  if (error != 0) return absl::InternalError(absl::StrCat("event loop: ", uv_strerror(error)));
  stop_.data = this;
  open_ = true;
  return absl::OkStatus();
}

absl::Status Worker::Run(const std::string& name) {
  try {
    thread_ = std::thread([this, name] {
      pthread_setname_np(pthread_self(), name.c_str());
      uv_run(&loop_, UV_RUN_DEFAULT);
    });
  } catch (const std::system_error& error) {
    return absl::ResourceExhaustedError(absl::StrCat("thread: ", error.what()));
  }
  return absl::OkStatus();
}

void Worker::AskToStop() {
  if (thread_.joinable() && !std::exchange(asked_, true)) uv_async_send(&stop_);
}

// On the worker's thread. The loop then runs out.
void Worker::Close() {
  if (server_ != nullptr) server_->Close(nullptr);
  outbound_.reset();
  uv_close(reinterpret_cast<uv_handle_t*>(&stop_), nullptr);
}

Worker::~Worker() {
  if (!open_) return;
  if (thread_.joinable()) {
    AskToStop();
    thread_.join();
    server_.reset();
  } else {
    server_.reset();
    outbound_.reset();
    uv_close(reinterpret_cast<uv_handle_t*>(&stop_), nullptr);
    uv_run(&loop_, UV_RUN_DEFAULT);
  }
  uv_loop_close(&loop_);
}

}  // namespace

class ServerThreads::Impl {
 public:
  static absl::StatusOr<std::unique_ptr<Impl>> Start(
      Tracker* tracker, const ServerOptions& options, std::size_t workers,
      absl::FunctionRef<absl::Status()> before_serving);
  ~Impl() { Stop(); }
  void Stop();

  std::vector<Listener> listeners;
  std::size_t worker_count = 0;
  std::shared_ptr<Server::Impl::Shared> shared;

 private:
  // Behind those that serve the one that sends, if any.
  std::vector<std::unique_ptr<Worker>> workers_;
};

absl::StatusOr<std::unique_ptr<ServerThreads::Impl>> ServerThreads::Impl::Start(
    Tracker* tracker, const ServerOptions& options, std::size_t workers,
    absl::FunctionRef<absl::Status()> before_serving) {
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
    Worker& worker = *impl->workers_.emplace_back(std::make_unique<Worker>());
    status = worker.Init();
    if (!status.ok()) return status;
    // One of them sweeps: a pass goes through all of the store anyway.
    absl::StatusOr<std::unique_ptr<Server>> server =
        Server::Impl::Start(worker.loop(), tracker, options, *std::move(bound), impl->shared, i,
                            /*is_alone=*/false);
    if (!server.ok()) return server.status();
    worker.Take(*std::move(server));
  }
  if (Outbound::IsNeeded(options.outbound)) {
    Worker& worker = *impl->workers_.emplace_back(std::make_unique<Worker>());
    status = worker.Init();
    if (!status.ok()) return status;
    absl::StatusOr<ClosingPtr<Outbound>> outbound =
        Outbound::Start(worker.loop(), tracker, &impl->shared->desk, options.outbound, options.log);
    if (!outbound.ok()) return outbound.status();
    worker.Take(*std::move(outbound));
  }
  status = before_serving();
  if (!status.ok()) return status;
  const BlockSignals blocked;
  for (std::size_t i = 0; i < impl->workers_.size(); ++i) {
    status = impl->workers_[i]->Run(i < workers ? absl::StrCat("muster-", i) : "muster-out");
    if (!status.ok()) return status;
  }
  return impl;
}

void ServerThreads::Impl::Stop() {
  // All are asked before one is waited for, so that they drain at the same time.
  for (const std::unique_ptr<Worker>& worker : workers_) worker->AskToStop();
  workers_.clear();
}

absl::StatusOr<std::unique_ptr<ServerThreads>> ServerThreads::Start(Tracker* tracker,
                                                                    const ServerOptions& options,
                                                                    std::size_t workers) {
  return Start(tracker, options, workers, [] { return absl::OkStatus(); });
}

absl::StatusOr<std::unique_ptr<ServerThreads>> ServerThreads::Start(
    Tracker* tracker, const ServerOptions& options, std::size_t workers,
    absl::FunctionRef<absl::Status()> before_serving) {
  absl::StatusOr<std::unique_ptr<Impl>> impl =
      Impl::Start(tracker, options, workers, before_serving);
  if (!impl.ok()) return impl.status();
  return std::unique_ptr<ServerThreads>(new ServerThreads(*std::move(impl)));
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
