// SPDX-License-Identifier: Apache-2.0
#include "net/tcp_connection.h"

#include <netinet/tcp.h>

#include <cerrno>
#include <utility>

namespace muster {
namespace {

constexpr std::size_t kReceiveAtOnce = 16 * 1024;

TcpEnd EndOf(int error) {
  switch (error) {
    case ECONNREFUSED:
      return TcpEnd::kRefused;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EADDRNOTAVAIL:  // no port is left for this side
      return TcpEnd::kNoResources;
    case ETIMEDOUT:
      return TcpEnd::kDeadline;
    case ECONNRESET:
    case EPIPE:
      return TcpEnd::kReset;
    default:
      return TcpEnd::kUnreachable;
  }
}

}  // namespace

ClosingPtr<TcpConnection> TcpConnection::Connect(uv_loop_t* loop, const Endpoint& to,
                                                 std::chrono::milliseconds deadline,
                                                 Handler* handler) {
  ClosingPtr<TcpConnection> connection(new TcpConnection(handler));
  uv_timer_init(loop, &connection->timer_);
  connection->timer_.data = connection.get();
  connection->open_handles_ = 1;
  connection->SetDeadline(deadline);
  connection->Open(loop, to);
  return connection;
}

void TcpConnection::Open(uv_loop_t* loop, const Endpoint& to) {
  const SocketAddress address(to);
  fd_ = UniqueFd(socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd_.get() < 0) return FailSoon(errno);
  const int on = 1;  // what is sent is a whole message
  setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(fd_.get(), &address.any, address.size) != 0 && errno != EINPROGRESS) {
    return FailSoon(errno);
  }
  const int error = uv_poll_init(loop, &poll_, fd_.get());
  if (error != 0) return FailSoon(-error);
  poll_.data = this;
  has_poll_ = true;
  ++open_handles_;
  Poll();
}

void TcpConnection::FailSoon(int error) {
  failed_with_ = error;
  SetDeadline(std::chrono::milliseconds(0));
}

void TcpConnection::Close(Closed closed) {
  closing_ = true;
  closed_ = std::move(closed);
  const auto on_closed = [](uv_handle_t* handle) {
    static_cast<TcpConnection*>(handle->data)->OnHandleClosed();
  };
  if (has_poll_) uv_close(reinterpret_cast<uv_handle_t*>(&poll_), on_closed);
  uv_close(reinterpret_cast<uv_handle_t*>(&timer_), on_closed);
  fd_.reset();
}

void TcpConnection::OnHandleClosed() {
  if (--open_handles_ == 0) FreeThenCall(this, std::move(closed_));
}

void TcpConnection::SetDeadline(std::chrono::milliseconds deadline) {
  uv_timer_start(
      &timer_,
      [](uv_timer_t* timer) {
        auto* self = static_cast<TcpConnection*>(timer->data);
        self->End(self->failed_with_ != 0 ? EndOf(self->failed_with_) : TcpEnd::kDeadline);
      },
      static_cast<std::uint64_t>(deadline.count()), 0);
}

void TcpConnection::ClearDeadline() {
  if (failed_with_ == 0) uv_timer_stop(&timer_);
}

void TcpConnection::Send(std::string_view bytes) {
  if (phase_ != Phase::kConnected || closing_) return;
  output_.append(bytes);
  if (output_.size() == bytes.size()) Flush();
}

// Sends what waits; an error is told by the loop, so that Send() never calls the handler.
void TcpConnection::Flush() {
  const ssize_t n = send(fd_.get(), output_.data() + sent_, output_.size() - sent_, MSG_NOSIGNAL);
  if (n < 0 && !WouldBlock()) return FailSoon(errno);
  if (n > 0) sent_ += static_cast<std::size_t>(n);
  if (sent_ == output_.size()) {
    output_.clear();
    sent_ = 0;
  }
  Poll();
}

void TcpConnection::Poll() {
  const int events = phase_ == Phase::kConnecting
                         ? UV_WRITABLE
                         : UV_READABLE | (output_.empty() ? 0 : UV_WRITABLE);
  if (events == polled_events_) return;
  polled_events_ = events;
  uv_poll_start(&poll_, events, [](uv_poll_t* handle, int status, int ready) {
    static_cast<TcpConnection*>(handle->data)->OnEvents(status, ready);
  });
}

void TcpConnection::OnEvents(int status, int events) {
  if (phase_ == Phase::kConnecting) return FinishConnect();
  if (status == 0 && (events & UV_WRITABLE) != 0 && !output_.empty()) Flush();
  if (status < 0 || (events & UV_READABLE) != 0) Receive();
}

void TcpConnection::FinishConnect() {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return End(EndOf(error));
  phase_ = Phase::kConnected;
  Poll();
  handler_->OnConnected();
}

void TcpConnection::Receive() {
  char bytes[kReceiveAtOnce];
  const ssize_t n = recv(fd_.get(), bytes, sizeof bytes, 0);
  if (n < 0 && WouldBlock()) return;
  if (n < 0) return End(EndOf(errno));
  if (n == 0) return End(TcpEnd::kClosed);
  handler_->OnReceived({bytes, static_cast<std::size_t>(n)});
}

void TcpConnection::End(TcpEnd why) {
  phase_ = Phase::kEnded;
  if (has_poll_) uv_poll_stop(&poll_);
  uv_timer_stop(&timer_);
  handler_->OnEnded(why);
}

}  // namespace muster
