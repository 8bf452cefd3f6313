// SPDX-License-Identifier: Apache-2.0
//
// HttpListener: accepts connections from any number of sockets, and keeps them within the limits.
// Loop-bound.
#ifndef MUSTER_LIB_NET_HTTP_LISTENER_H_
#define MUSTER_LIB_NET_HTTP_LISTENER_H_

#include <uv.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "muster/log_sink.h"
#include "net/closing.h"
#include "net/http_connection.h"
#include "net/socket.h"

namespace muster {

struct HttpSocket {
  UniqueFd fd;  // as ListenTcp() makes it
  // Each connection begins with a header of the PROXY protocol.
  bool proxied = false;
};

class HttpListener final : private HttpConnection::Owner {
 public:
  ~HttpListener() = default;

  // The limits hold for the connections of all sockets together. `counters`
  // must outlive this. `drain_timeout` is for Drain(). `log` may be null.
  static absl::StatusOr<ClosingPtr<HttpListener>> Start(
      uv_loop_t* loop, std::vector<HttpSocket> sockets, const HttpListenerOptions& options,
      HttpHandlers handlers, HttpCounters* counters, std::chrono::milliseconds drain_timeout,
      LogSink* log);

  // One of these two, once. Drain() accepts what has come already and no more, answers the requests
  // that are there or under way, for `drain_timeout` at most, and closes; connections without a
  // request close at once.
  void Drain(Closed closed);
  // Closes at once; the handlers are not called any more.
  void Close(Closed closed);

  // Open at the moment.
  std::size_t connections() const { return active_.size(); }

 private:
  struct Socket {
    HttpListener* listener;
    UniqueFd fd;
    bool proxied;
    uv_poll_t poll;
  };
  // A deadline of the listener's own.
  class Alarm final : public Deadlines::Entry {
   public:
    Alarm(HttpListener* listener, void (HttpListener::*then)())
        : listener_(listener), then_(then) {}

   private:
    void OnDeadline() override { (listener_->*then_)(); }

    HttpListener* const listener_;
    void (HttpListener::*const then_)();
  };

  HttpListener(uv_loop_t* loop, const HttpListenerOptions& options, HttpHandlers handlers,
               HttpCounters* counters, std::chrono::milliseconds drain_timeout, LogSink* log);
  static void OnAcceptable(uv_poll_t* handle, int status, int events);
  bool Accept(const Socket& socket);
  bool IsProxy(const IpAddress& address) const;
  void Refuse(const UniqueFd& fd);
  void Pause(int error);
  void Resume();
  void CloseConnections();
  void CloseSockets(Closed closed);
  void CloseRestIfLast();
  void OnHandleClosed();
  void OnEnded(HttpConnection& connection) override;
  void OnFree(HttpConnection& connection) override;

  HttpConnection::Shared shared_;
  // Called when the loop has asked the kernel: what has come meanwhile is answered.
  uv_check_t received_;
  LogSink* const log_;
  std::vector<std::unique_ptr<Socket>> sockets_;
  // Each owned by itself while it is open; its `index` is its place here.
  std::vector<HttpConnection*> active_;
  // For the next ones; a burst's memory is given back beyond a few.
  std::vector<std::unique_ptr<HttpConnection>> spare_;
  // Not polling the sockets, for want of file descriptors.
  bool paused_ = false;
  // When the log may hear of it again, in the loop's time.
  std::uint64_t tell_next_ms_ = 0;
  // The sockets are closed; what remains is to end the connections.
  bool closing_ = false;
  Alarm resume_{this, &HttpListener::Resume};
  Alarm drained_{this, &HttpListener::CloseConnections};
  // Handles that libuv still knows of, and connections that are ending.
  std::size_t open_handles_ = 0;
  Closed closed_;
};

}  // namespace muster

#endif  // MUSTER_LIB_NET_HTTP_LISTENER_H_
