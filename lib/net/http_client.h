// SPDX-License-Identifier: Apache-2.0
//
// HttpClient: asks one HTTP server, one GET after another, over a connection that is kept alive.
// Loop-bound.
//
//   client->Get("/announce?info_hash=...", [](absl::StatusOr<muster::ReceivedReply> reply) { ... });
//
// Not followed: redirects. Not spoken: TLS.
#ifndef MUSTER_LIB_NET_HTTP_CLIENT_H_
#define MUSTER_LIB_NET_HTTP_CLIENT_H_

#include <uv.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "http/reply.h"
#include "muster/host_port.h"
#include "net/closing.h"
#include "net/closing_parts.h"
#include "net/deadlines.h"
#include "net/name_lookup.h"
#include "net/tcp_connection.h"

namespace muster {

struct HttpClientOptions {
  HttpReplyLimits limits = {};
  // For one request, from Get() to the last byte of its reply, name look-up included.
  std::chrono::milliseconds timeout{60'000};
  // How long a connection is kept for the next request; 0: it is not.
  std::chrono::milliseconds idle_timeout{30'000};
  std::string user_agent = "muster";
};

struct ReceivedReply {
  int status = 0;
  std::string body;
};

class HttpClient final : private TcpConnection::Handler, private Deadlines::Entry {
 public:
  // What a request has come to: a reply of any status, or Unavailable (no connection, or no reply
  // on it), DeadlineExceeded, or InvalidArgument (what came is no reply, or goes over a limit), in
  // words that name the server.
  using Done = absl::AnyInvocable<void(absl::StatusOr<ReceivedReply>)>;

  static ClosingPtr<HttpClient> New(uv_loop_t* loop, const HostPort& server,
                                    const HttpClientOptions& options);
  ~HttpClient() override = default;

  // Begins a request; the client must not be busy(). `target` is an origin-form: "/path?query"
  // without blanks or control characters. `headers` are whole lines, each with its "\r\n". `done` is
  // called from the loop; it may call Get() and Close().
  //
  // A server may close a kept connection while a request is on its way: a request that gets no
  // byte of a reply on a connection that was used before is sent once more on a new one.
  void Get(std::string_view target, Done done, std::string_view headers = {});
  bool busy() const { return busy_; }

  // `done` is not called any more.
  void Close(Closed closed);

 private:
  HttpClient(uv_loop_t* loop, const HostPort& server, const HttpClientOptions& options);

  void LookUp();
  void ConnectNext();
  void Finish(absl::StatusOr<ReceivedReply> reply);
  absl::Status Error(absl::StatusCode code, std::string_view what) const;
  void OnResult(HttpReplyParser::Result result);
  void OnConnected() override;
  void OnReceived(std::string_view bytes) override;
  void OnEnded(TcpEnd why) override;
  void OnDeadline() override;

  uv_loop_t* const loop_;
  const HostPort server_;
  const HttpClientOptions options_;
  ClosingPtr<Deadlines> deadlines_;
  ClosingPtr<NameLookup> lookup_;
  ClosingPtr<TcpConnection> connection_;
  std::vector<Endpoint> addresses_;  // still to be tried, the last one first
  HttpReplyParser parser_;
  std::string request_;
  Done done_;
  bool busy_ = false;
  bool connected_ = false;
  bool used_before_ = false;  // the connection has answered a request already
  ClosingParts parts_;
};

}  // namespace muster

#endif  // MUSTER_LIB_NET_HTTP_CLIENT_H_
