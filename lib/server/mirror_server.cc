// SPDX-License-Identifier: Apache-2.0
#include "muster/mirror_server.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "http/conditions.h"
#include "http/deferral.h"
#include "http/response.h"
#include "mirror/mirror_impl.h"
#include "net/clock.h"
#include "net/http_listener.h"
#include "server/bind.h"
#include "server/server_options.h"
#include "server/worker_thread.h"
#include "statistics/counters.h"

namespace muster {
namespace {

Instant Now() { return std::chrono::floor<Seconds>(std::chrono::system_clock::now()); }

// An answer as it goes onto the connection. An answer that came late has the time of when it came.
HttpReply ReplyOf(MirrorAnswer answer, bool keep_alive, const FileBody::Run& run) {
  const bool has_no_body = answer.status == 304;
  const std::int64_t length = answer.length();
  answer.headers.emplace_back("Date", HttpDate(Now()));
  HttpResponse response{.status = answer.status,
                        .content_type = {},
                        .keep_alive = keep_alive,
                        .head_only = answer.is_head,
                        .framing = has_no_body ? HttpFraming::kNone : HttpFraming::kLength,
                        .length = static_cast<std::uint64_t>(length),
                        .no_store = false,
                        .allow = {},
                        .headers = answer.headers};
  if (answer.body == MirrorAnswer::Body::kText) response.body = answer.text;
  HttpReply reply{.text = {}, .body = nullptr, .keep_alive = keep_alive};
  AppendHttpResponse(response, reply.text);
  reply.body = answer.TakeBody(run);
  return reply;
}

HttpListenerOptions ListenerOptionsOf(const MirrorServerOptions& o, std::size_t max_form) {
  return {.limits = {.max_request_bytes = o.max_request_bytes, .max_body_bytes = max_form},
          .max_connections = o.max_connections,
          .max_requests_per_connection = o.max_requests_per_connection,
          .request_timeout = o.request_timeout,
          .idle_timeout = o.idle_timeout,
          .write_timeout = o.write_timeout,
          .stream_timeout = o.transfer_timeout,
          .answer_timeout = o.answer_timeout,
          .max_receiving_bytes = o.max_receiving_bytes};
}

absl::Status CheckOptions(const MirrorServerOptions& options) {
  const auto count = [](std::size_t n) { return static_cast<std::int64_t>(n); };
  return CheckRanges({
      {"listeners", count(options.listeners.size()), 1},
      {"workers", count(options.workers), 1},
      {"max_connections", count(options.max_connections), 1},
      {"max_request_bytes", count(options.max_request_bytes), 256, 65536},
      {"max_requests_per_connection", count(options.max_requests_per_connection), 1},
      {"request_timeout", options.request_timeout.count(), 1},
      {"idle_timeout", options.idle_timeout.count(), 1},
      {"answer_timeout", options.answer_timeout.count(), 1},
      {"write_timeout", options.write_timeout.count(), 1},
      {"transfer_timeout", options.transfer_timeout.count(), 1},
      {"drain_timeout", options.drain_timeout.count(), 0},
  });
}

// One worker's connections.
class MirrorServing final : public WorkerThread::Content {
 public:
  MirrorServing(MirrorService* service, const MirrorServerOptions& options, uv_loop_t* loop,
                HttpCounters* counters)
      : service_(*service), options_(options), clock_(loop), counters_(*counters) {}

  absl::Status Listen(uv_loop_t* loop, std::vector<HttpSocket> sockets) {
    auto listener = HttpListener::Start(
        loop, std::move(sockets), ListenerOptionsOf(options_, service_.options().max_form),
        {.answer = [this](absl::Span<HttpExchange> batch, std::string& out) { Answer(batch, out); },
         .error = [this](int status, std::string& out) { AnswerError(status, out); }},
        &counters_, options_.drain_timeout, options_.log);
    if (!listener.ok()) return listener.status();
    listener_ = *std::move(listener);
    return absl::OkStatus();
  }

  void Close() override { listener_.release()->Drain(nullptr); }

 private:
  void Answer(absl::Span<HttpExchange> batch, std::string& out) {
    for (HttpExchange& exchange : batch) {
      AnswerOne(exchange, out);
      exchange.end = out.size();
    }
  }

  // The answer may be there at once, or come from another thread at any time.
  void AnswerOne(HttpExchange& exchange, std::string& out) {
    const auto deferral = std::make_shared<HttpDeferral>();
    const bool may_see_pages = options_.pages_for && options_.pages_for(*exchange.from);
    service_.Answer(*exchange.request, may_see_pages, clock_.Now(),
                    [deferral, keep_alive = exchange.keep_alive,
                     run = service_.reading()](MirrorAnswer answer) {
                      deferral->Finish(ReplyOf(std::move(answer), keep_alive, run));
                    });
    std::optional<HttpReply> reply = deferral->Take();
    if (!reply) {
      exchange.deferral = deferral;
      return;
    }
    out += reply->text;
    exchange.body = std::move(reply->body);
  }

  void AnswerError(int status, std::string& out) {
    const std::string line =
        absl::StrCat(absl::string_view(HttpReason(status).data(), HttpReason(status).size()), "\n");
    AppendHttpResponse({.status = status, .body = line}, out);
  }

  MirrorService& service_;
  const MirrorServerOptions options_;
  const Clock clock_;
  HttpCounters& counters_;
  ClosingPtr<HttpListener> listener_;
};

}  // namespace

class MirrorServer::Impl {
 public:
  explicit Impl(std::size_t workers) : book(workers, Now()) {}
  ~Impl() { Stop(); }

  absl::Status Start(MirrorService* service, const MirrorServerOptions& options,
                     absl::FunctionRef<absl::Status()> before_serving);
  void Stop() {
    // All are asked before one is waited for, so that they drain at the same time.
    for (const std::unique_ptr<WorkerThread>& worker : workers_) worker->AskToStop();
    workers_.clear();
  }

  CounterBook book;
  std::vector<Endpoint> listeners;

 private:
  std::vector<std::unique_ptr<WorkerThread>> workers_;
};

absl::Status MirrorServer::Impl::Start(MirrorService* service, const MirrorServerOptions& options,
                                       absl::FunctionRef<absl::Status()> before_serving) {
  std::vector<Listener> wanted;
  for (const Endpoint& endpoint : options.listeners) wanted.push_back({Protocol::kHttp, endpoint});
  PortSharing sharing = options.workers == 1 ? PortSharing::kNone : PortSharing::kFirst;
  for (std::size_t i = 0; i < options.workers; ++i) {
    absl::StatusOr<std::vector<BoundListener>> bound = BindAll(wanted, sharing, 0);
    if (!bound.ok()) return bound.status();
    wanted = ListenersOf(*bound);  // the others take the ports that the first one got
    sharing = PortSharing::kJoin;
    std::vector<HttpSocket> sockets;
    for (BoundListener& one : *bound) sockets.push_back({std::move(one.socket)});
    WorkerThread& worker = *workers_.emplace_back(std::make_unique<WorkerThread>());
    if (absl::Status status = worker.Init(); !status.ok()) return status;
    auto serving =
        std::make_unique<MirrorServing>(service, options, worker.loop(), &book.worker(i).http);
    absl::Status status = serving->Listen(worker.loop(), std::move(sockets));
    worker.Take(std::move(serving));
    if (!status.ok()) return status;
  }
  for (const Listener& listener : wanted) listeners.push_back(listener.endpoint);
  if (absl::Status status = before_serving(); !status.ok()) return status;
  for (std::size_t i = 0; i < options.workers; ++i) {
    if (absl::Status status = workers_[i]->Run(absl::StrCat("muster-", i)); !status.ok())
      return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<MirrorServer>> MirrorServer::Start(
    Mirror* mirror, const MirrorServerOptions& options,
    absl::FunctionRef<absl::Status()> before_serving) {
  if (absl::Status status = CheckOptions(options); !status.ok()) return status;
  auto impl = std::make_unique<Impl>(options.workers);
  absl::Status status = impl->Start(mirror->impl_->service.get(), options, before_serving);
  if (!status.ok()) return status;
  return std::unique_ptr<MirrorServer>(new MirrorServer(std::move(impl)));
}

MirrorServer::MirrorServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MirrorServer::~MirrorServer() = default;
const std::vector<Endpoint>& MirrorServer::listeners() const { return impl_->listeners; }
void MirrorServer::Stop() { impl_->Stop(); }

}  // namespace muster
