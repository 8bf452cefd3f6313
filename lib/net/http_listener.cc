// SPDX-License-Identifier: Apache-2.0
#include "net/http_listener.h"

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "absl/status/status.h"

namespace muster {
namespace {

// Connections accepted, and served, before the loop gets its turn again: about a millisecond of
// work.
constexpr int kMaxAccepts = 64;

// So many times kMaxAccepts at the end: as many as the kernel holds ready by default.
constexpr int kMaxLastRounds = 64;

// A lack of file descriptors is logged at most so often.
constexpr std::uint64_t kTellEveryMs = 10'000;

// Connections kept for the next ones.
constexpr std::size_t kMaxSpare = 256;

uv_handle_t* AsHandle(uv_poll_t* poll) { return reinterpret_cast<uv_handle_t*>(poll); }

}  // namespace

HttpListener::HttpListener(uv_loop_t* loop, const HttpListenerOptions& options,
                           HttpHandlers handlers, HttpCounters* counters,
                           std::chrono::milliseconds drain_timeout, LogSink* log)
    : shared_(this, loop, options, std::move(handlers), counters, drain_timeout),
      log_(log),
      open_handles_(2) {
  uv_check_init(loop, &received_);
  received_.data = this;
  uv_check_start(&received_, [](uv_check_t* handle) {
    static_cast<HttpListener*>(handle->data)->shared_.ServeBatch();
  });
  // What it waits for keeps the loop alive itself.
  uv_unref(reinterpret_cast<uv_handle_t*>(&received_));
}

absl::StatusOr<ClosingPtr<HttpListener>> HttpListener::Start(
    uv_loop_t* loop, std::vector<HttpSocket> sockets, const HttpListenerOptions& options,
    HttpHandlers handlers, HttpCounters* counters, std::chrono::milliseconds drain_timeout,
    LogSink* log) {
  ClosingPtr<HttpListener> listener(
      new HttpListener(loop, options, std::move(handlers), counters, drain_timeout, log));
  for (HttpSocket& one : sockets) {
    auto socket =
        std::make_unique<Socket>(Socket{listener.get(), std::move(one.fd), one.proxied, {}});
    const int error = uv_poll_init(loop, &socket->poll, socket->fd.get());
    if (error != 0) return absl::InternalError(uv_strerror(error));
    socket->poll.data = socket.get();
    uv_poll_start(&socket->poll, UV_READABLE, &OnAcceptable);
    listener->sockets_.push_back(std::move(socket));
    ++listener->open_handles_;
  }
  return listener;
}

void HttpListener::Drain(Closed closed) {
  shared_.draining = true;
  for (const std::unique_ptr<Socket>& socket : sockets_) {
    for (int round = 0; round < kMaxLastRounds && Accept(*socket); ++round) {
    }
  }
  shared_.ServeBatch();
  const std::vector<HttpConnection*> connections = active_;  // each ends none that come after it
  for (HttpConnection* connection : connections) connection->Drain();
  shared_.ServeBatch();
  shared_.deadlines->Start(drained_, HttpConnection::Shared::kDrain);
  CloseSockets(std::move(closed));
}

void HttpListener::Close(Closed closed) {
  shared_.draining = true;
  CloseConnections();
  CloseSockets(std::move(closed));
}

void HttpListener::CloseConnections() {
  while (!active_.empty()) active_.back()->Close();
}

void HttpListener::CloseSockets(Closed closed) {
  closing_ = true;
  closed_ = std::move(closed);
  shared_.deadlines->Stop(resume_);
  for (const std::unique_ptr<Socket>& socket : sockets_) {
    uv_close(AsHandle(&socket->poll), [](uv_handle_t* handle) {
      static_cast<Socket*>(handle->data)->listener->OnHandleClosed();
    });
    socket->fd.reset();
  }
  CloseRestIfLast();
}

// These are needed for as long as there are connections.
void HttpListener::CloseRestIfLast() {
  if (!active_.empty()) return;
  uv_close(reinterpret_cast<uv_handle_t*>(&received_),
           [](uv_handle_t* handle) { static_cast<HttpListener*>(handle->data)->OnHandleClosed(); });
  shared_.deadlines->Stop(drained_);
  shared_.deadlines.release()->Close([this] { OnHandleClosed(); });
}

void HttpListener::OnHandleClosed() {
  if (--open_handles_ > 0) return;
  FreeThenCall(this, std::move(closed_));
}

void HttpListener::OnAcceptable(uv_poll_t* handle, int status, int /*events*/) {
  auto* socket = static_cast<Socket*>(handle->data);
  if (status < 0) return socket->listener->Pause(-status);
  socket->listener->Accept(*socket);
}

bool HttpListener::IsProxy(const IpAddress& address) const {
  return shared_.options.proxies && shared_.options.proxies(address);
}

// True when there may be more.
bool HttpListener::Accept(const Socket& socket) {
  for (int i = 0; i < kMaxAccepts; ++i) {
    SocketAddress from;
    UniqueFd fd(accept4(socket.fd.get(), &from.any, &from.size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd.get() < 0) {
      switch (errno) {
        case EAGAIN:
          return false;
        // Trouble of the connection that would have been accepted; see accept(2).
        case ECONNABORTED:
        case EHOSTDOWN:
        case EHOSTUNREACH:
        case EINTR:
        case ENETDOWN:
        case ENETUNREACH:
        case ENONET:
        case ENOPROTOOPT:
        case EOPNOTSUPP:
        case EPERM:
        case EPROTO:
          continue;
        default:
          Pause(errno);
          return false;
      }
    }
    shared_.counters.accepted.Add();
    if (socket.proxied && !IsProxy(from.address())) {
      shared_.counters.turned_away.Add();
      continue;
    }
    if (active_.size() >= shared_.options.max_connections) {
      shared_.counters.turned_away.Add();
      Refuse(fd);
      continue;
    }
    if (spare_.empty()) spare_.push_back(std::make_unique<HttpConnection>(&shared_));
    HttpConnection* connection = spare_.back().release();
    spare_.pop_back();
    connection->index = active_.size();
    active_.push_back(connection);
    shared_.counters.open.Set(active_.size());
    connection->Start(std::move(fd), from.address(), socket.proxied);
  }
  return true;
}

// As good as it goes without waiting.
void HttpListener::Refuse(const UniqueFd& fd) {
  // Left unread, the request would make the kernel reset the connection.
  recv(fd.get(), shared_.batch.room(), shared_.batch.room_size(), 0);
  shared_.output.clear();
  shared_.handlers.error(503, shared_.output);
  send(fd.get(), shared_.output.data(), shared_.output.size(), MSG_NOSIGNAL);
}

// There is a connection, but no file descriptor or memory for it. It stays in the backlog until one
// of ours has ended or a while has passed; to go on polling would be to spin.
void HttpListener::Pause(int error) {
  if (shared_.draining) return;
  if (log_ != nullptr && uv_now(shared_.loop) >= tell_next_ms_) {
    tell_next_ms_ = uv_now(shared_.loop) + kTellEveryMs;
    log_->Log(LogLevel::kWarning,
              std::string("cannot accept connections for now: ") + std::strerror(error));
  }
  paused_ = true;
  for (const std::unique_ptr<Socket>& socket : sockets_) uv_poll_stop(&socket->poll);
  shared_.deadlines->Start(resume_, HttpConnection::Shared::kAcceptPause);
}

void HttpListener::Resume() {
  paused_ = false;
  shared_.deadlines->Stop(resume_);
  for (const std::unique_ptr<Socket>& socket : sockets_) {
    uv_poll_start(&socket->poll, UV_READABLE, &OnAcceptable);
  }
}

void HttpListener::OnEnded(HttpConnection& connection) {
  active_.back()->index = connection.index;
  active_[connection.index] = active_.back();
  active_.pop_back();
  shared_.counters.open.Set(active_.size());
  ++open_handles_;  // until OnFree(), so that this outlives it
  if (closing_) return CloseRestIfLast();
  if (paused_) Resume();
}

void HttpListener::OnFree(HttpConnection& connection) {
  std::unique_ptr<HttpConnection> free(&connection);
  if (spare_.size() < kMaxSpare) spare_.push_back(std::move(free));
  OnHandleClosed();
}

}  // namespace muster
