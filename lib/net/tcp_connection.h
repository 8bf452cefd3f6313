// SPDX-License-Identifier: Apache-2.0
//
// TcpConnection: one outgoing connection, from connect() to its end, under one deadline.
// Loop-bound.
//
//   connection_ = muster::TcpConnection::Connect(loop, to, std::chrono::seconds(15), this);
//   ...OnConnected(): connection_->Send(request); OnReceived(bytes): ...; OnEnded(why): ...
#ifndef MUSTER_LIB_NET_TCP_CONNECTION_H_
#define MUSTER_LIB_NET_TCP_CONNECTION_H_

#include <uv.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "muster/endpoint.h"
#include "net/closing.h"
#include "net/socket.h"

namespace muster {

// Why a connection came to its end by itself.
enum class TcpEnd : std::uint8_t {
  kRefused,      // nobody listens there
  kUnreachable,  // the network has no way there
  kNoResources,  // this machine is out of descriptors, ports or memory
  kDeadline,
  kClosed,  // the other side has said all that it will say
  kReset,   // the other side, or the network, broke it
};

class TcpConnection {
 public:
  // Who is told. Every function may call Close(), and may go away itself after that.
  class Handler {
   public:
    virtual void OnConnected() = 0;
    // Bytes in the order in which they were sent; valid during the call.
    virtual void OnReceived(std::string_view bytes) = 0;
    // Nothing more will be called. The connection is still to be closed.
    virtual void OnEnded(TcpEnd why) = 0;

   protected:
    ~Handler() = default;
  };

  // Never calls `handler` before it returns. `handler` lives until Close().
  static ClosingPtr<TcpConnection> Connect(uv_loop_t* loop, const Endpoint& to,
                                           std::chrono::milliseconds deadline, Handler* handler);

  // The handler is not called any more.
  void Close(Closed closed);

  // Queues what the kernel does not take at once: as much memory as the caller gives. Only after
  // OnConnected(); does nothing once the connection has ended.
  void Send(std::string_view bytes);

  // Ends with kDeadline after this time, counted from now; it takes the place of the one before.
  void SetDeadline(std::chrono::milliseconds deadline);
  void ClearDeadline();

 private:
  enum class Phase : std::uint8_t { kConnecting, kConnected, kEnded };

  explicit TcpConnection(Handler* handler) : handler_(handler) {}
  void Open(uv_loop_t* loop, const Endpoint& to);
  // Tells it from the loop, not from Connect().
  void FailSoon(int error);
  void OnEvents(int status, int events);
  void FinishConnect();
  void Receive();
  void Flush();
  void Poll();
  void End(TcpEnd why);
  void OnHandleClosed();

  Handler* const handler_;
  Phase phase_ = Phase::kConnecting;
  bool closing_ = false;
  bool has_poll_ = false;
  int polled_events_ = 0;
  int failed_with_ = 0;  // the error that the timer will tell of
  int open_handles_ = 0;
  UniqueFd fd_;
  uv_poll_t poll_;
  uv_timer_t timer_;
  std::string output_;  // waits for the kernel from `sent_` on
  std::size_t sent_ = 0;
  Closed closed_;
};

}  // namespace muster

#endif  // MUSTER_LIB_NET_TCP_CONNECTION_H_
