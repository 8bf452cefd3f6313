// SPDX-License-Identifier: Apache-2.0
//
// HttpConnection: one client's connection, from its first byte to its last answer. It is served as
// soon as it is accepted; libuv comes to know of it only when it has to wait for something.
// Loop-bound; made and kept by HttpListener.
//
//                        first byte of the next
//                  +---------------------------------+
//                  v                                 |
//   Start ---> kRequest -------- answered -------> kIdle
//                  |
//                  +-- the peer does not take the answer, or it is made while it is sent
//                  |     --> kWriting (reads nothing meanwhile)
//                  +-- the answer comes later --> kAnswering (sees only whether the peer is gone)
//                  +-- closing, but input was left unread --> kLingering
//
// A body that comes with a request is taken while it is kRequest. A peer that ends its half of the
// connection while an answer is worked on counts as gone: that is how clients give up.
//
// Each phase has a deadline of its own, which nothing that the peer does in that phase puts off;
// but each piece of a body that is made while it is sent has its own time, and all of it together
// has a limit.
#ifndef MUSTER_LIB_NET_HTTP_CONNECTION_H_
#define MUSTER_LIB_NET_HTTP_CONNECTION_H_

#include <uv.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/functional/any_invocable.h"
#include "absl/types/span.h"
#include "http/exchange.h"
#include "http/request.h"
#include "http/request_body.h"
#include "muster/endpoint.h"
#include "net/closing.h"
#include "net/deadlines.h"
#include "net/http_batch.h"
#include "net/late_answers.h"
#include "net/socket.h"
#include "statistics/counters.h"

namespace muster {

struct HttpListenerOptions {
  HttpLimits limits = {};
  // Connections at a time; more are answered 503 and closed.
  std::size_t max_connections = 8192;
  // Requests on one connection; 1 closes after each answer.
  std::size_t max_requests_per_connection = 1000;
  // From accepting, or from a later request's first byte, to the request's end.
  std::chrono::milliseconds request_timeout{10'000};
  // Without a request, on a connection that is kept alive.
  std::chrono::milliseconds idle_timeout{30'000};
  // From when the peer leaves a part of an answer to when it has taken all of it; for a body that is
  // made while it is sent, for each piece of it.
  std::chrono::milliseconds write_timeout{30'000};
  // For all of such a body.
  std::chrono::milliseconds stream_timeout{15 * 60'000};
  // For an answer that comes later; then it is a 503.
  std::chrono::milliseconds answer_timeout{15 * 60'000};
  // Bytes of bodies that are being received, of all connections together; for more, 503.
  std::size_t max_receiving_bytes = std::size_t{64} << 20;
  // Whose word is taken on sockets that expect the PROXY protocol; connections of others are closed.
  // Empty: nobody's.
  std::function<bool(const IpAddress&)> proxies = nullptr;
};

struct HttpHandlers {
  HttpAnswer answer;
  // Appends the response to what is no request; the connection closes after it.
  absl::AnyInvocable<void(int status, std::string& out)> error;
};

class HttpConnection final : private Deadlines::Entry, private LateAnswers::Waiter {
 public:
  // Whoever made the connections.
  class Owner {
   public:
    // The connection's socket is closed; it is no longer counted.
    virtual void OnEnded(HttpConnection& connection) = 0;
    // Nothing of it is left on the loop either. May destroy it or start it anew.
    virtual void OnFree(HttpConnection& connection) = 0;

   protected:
    ~Owner() = default;
  };

  // What the connections of one owner share.
  struct Shared {
    // Kinds of deadline beyond those of a connection's phases.
    enum : std::size_t { kAcceptPause = 5, kDrain };

    Shared(Owner* by, uv_loop_t* on_loop, const HttpListenerOptions& with, HttpHandlers answered_by,
           HttpCounters* counted_in, std::chrono::milliseconds drain_timeout);
    // Answers what the connections have received.
    void ServeBatch();
    // Whether to time what is served next: reading the clock costs something.
    bool IsTimed() { return ++served % kTimedEvery == 0; }

    Owner* const owner;
    uv_loop_t* const loop;
    const HttpListenerOptions options;
    HttpHandlers handlers;
    HttpCounters& counters;
    ClosingPtr<Deadlines> deadlines;
    // Set before the first connection is started.
    ClosingPtr<LateAnswers> late_answers;
    // Of bodies that are being received.
    std::size_t receiving_bytes = 0;
    HttpBatch batch;
    // Scratch: the answers to what one connection has received.
    std::string output;
    // Each connection closes as soon as it would have to wait for its next request's first byte.
    bool draining = false;

   private:
    static constexpr std::uint32_t kTimedEvery = 32;
    std::uint32_t served = 0;
  };

  explicit HttpConnection(Shared* shared) : shared_(shared), parser_(shared->options.limits) {}

  // Receives what has come already. May end the connection before it returns, as all of these may.
  // `proxied`: it begins with a header of the PROXY protocol.
  void Start(UniqueFd fd, const IpAddress& from, bool proxied);
  // Answers what has come and ends, or ends as soon as the request under way is answered; call
  // after `draining` was set.
  void Drain();
  // Ends it at once.
  void Close();

  // Its place in the listener's list; not used here.
  std::size_t index = 0;

  // --- for HttpBatch ---

  // Takes the first request off the batch's part of the input, if there is a whole one.
  bool ParseFirst(std::string_view received, HttpExchange& exchange);
  // Sends the answer to that, if there was one, and serves the rest. `exchange` is null without an
  // answer.
  void ServeAll(std::string_view received, HttpExchange* exchange, std::string_view answer);
  // Its place among those that wait in the batch.
  std::size_t place_in_batch = HttpBatch::kNowhere;

 private:
  // The first five are kinds of deadline as well.
  enum class Phase : std::uint8_t { kRequest, kIdle, kWriting, kLingering, kAnswering, kFresh };

  // A request whose body is being received.
  struct Incoming {
    std::string head;
    HttpBodyReader reader;
  };

  static void OnPoll(uv_poll_t* handle, int status, int events);
  void OnDeadline() override;
  void OnAnswer(HttpReply reply) override;
  // Each of these is the last thing that its caller does: the connection may be gone when it
  // returns.
  void Read();
  // Takes the header of the PROXY protocol off the first `size` bytes of the batch's room. False
  // when nothing is to be served yet, or the connection is gone.
  bool TakePreamble(std::size_t& size);
  void Serve(std::string_view received);
  // False when it cannot go on now: the connection waits until it can, or is gone. What is left of
  // the input has its turn then.
  bool Send(std::string_view answers, std::string_view received);
  bool AnswerAll(std::string_view& received);
  void AnswerOne(std::string_view& received);
  void Refuse(int status);
  HttpExchange Begin();
  // True when all of the request's body is there.
  bool ReceiveBody(std::string_view& received);
  void DropIncoming();
  // Something has to be sent, or to come, before the next request is looked at.
  bool IsHeldUp() const { return last_ || body_ != nullptr || deferral_ != nullptr; }
  void Answered(HttpExchange& exchange, std::string_view& received);
  void AwaitInput(std::string_view received);
  void AwaitAnswer(std::string_view received);
  void StartBody(std::unique_ptr<HttpBody> body);
  void Flush();
  bool SendRest();
  void SendNextPiece();
  void AwaitPiece();
  void SendStretch(FileStretch& stretch);
  void GoOn();
  void End();
  void Discard();
  void Await(Phase phase, int events);

  Shared* const shared_;
  HttpRequestParser parser_;
  UniqueFd fd_;
  IpAddress from_;
  // The header that says who that is really is still to come.
  bool awaits_preamble_ = false;
  OnBehalfOf on_behalf_of_ = OnBehalfOf::kSender;
  Phase phase_ = Phase::kFresh;
  // The answer that is being sent is the last one.
  bool last_ = false;
  // There is, or may be, input that nobody will read.
  bool unread_ = false;
  // The handle below exists.
  bool has_handle_ = false;
  int polled_events_ = 0;
  std::size_t requests_ = 0;
  std::size_t discarded_ = 0;
  // What waits for more input, or, in kWriting, for its turn.
  std::string input_;
  // What waits for the peer, from `output_sent_` on.
  std::string output_;
  std::size_t output_sent_ = 0;
  // What comes after that; null when nothing does.
  std::unique_ptr<HttpBody> body_;
  // What the answer is waited for by, instead of either, or the next piece of the body; null when
  // neither is.
  std::shared_ptr<HttpDeferral> deferral_;
  // Null when no body is being received.
  std::unique_ptr<Incoming> incoming_;
  // When the body's time is up, in the loop's time.
  std::uint64_t body_due_ms_ = 0;
  uv_poll_t poll_;
};

}  // namespace muster

#endif  // MUSTER_LIB_NET_HTTP_CONNECTION_H_
