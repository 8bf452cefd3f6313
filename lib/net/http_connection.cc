// SPDX-License-Identifier: Apache-2.0
#include "net/http_connection.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "net/proxy_protocol.h"

namespace muster {
namespace {

// Answers to pipelined requests are put together up to about this size. A peer that does not take
// them is not read from.
constexpr std::size_t kMaxOutput = 64 * 1024;

// A piece of a body that is made while it is sent: a fraction of a millisecond of work.
constexpr std::size_t kPiece = 64 * 1024;

// Received at once, at least: a burst of pipelined requests.
constexpr std::size_t kMinInput = 16 * 1024;

// How long, and for how many bytes, the peer may go on sending what nobody reads, so that it can
// read its answer: closing with unread input makes the kernel reset the connection, and the peer's
// kernel throw the answer away.
constexpr std::chrono::milliseconds kLingerTime{2'000};
constexpr std::size_t kMaxDiscarded = 1024 * 1024;

// How long to accept nothing when there are no file descriptors left.
constexpr std::chrono::milliseconds kAcceptPauseTime{100};

// A waiting or spare connection's strings give back what they hold beyond this.
constexpr std::size_t kMaxSpareCapacity = 1024;

void ClearAndShrink(std::string& text) {
  text.clear();
  if (text.capacity() > kMaxSpareCapacity) text.shrink_to_fit();
}

}  // namespace

HttpConnection::Shared::Shared(Owner* by, uv_loop_t* on_loop, const HttpListenerOptions& with,
                               HttpHandlers answered_by, HttpCounters* counted_in,
                               std::chrono::milliseconds drain_timeout)
    : owner(by),
      loop(on_loop),
      options(with),
      handlers(std::move(answered_by)),
      counters(*counted_in),
      deadlines(Deadlines::New(
          on_loop, std::array{with.request_timeout, with.idle_timeout, with.write_timeout,
                              kLingerTime, kAcceptPauseTime, drain_timeout})),
      // A request that is not complete is shorter than its limit, so there is always room to
      // receive.
      batch(std::max(kMinInput, 2 * with.limits.max_request_bytes)) {}

void HttpConnection::Shared::ServeBatch() {
  if (batch.empty()) return;
  if (!IsTimed()) {
    batch.Serve(handlers.answer);
    return;
  }
  const std::uint64_t before = uv_hrtime();
  const std::size_t requests = batch.Serve(handlers.answer);
  counters.latency.Record(uv_hrtime() - before, requests);
}

void HttpConnection::Start(UniqueFd fd, const IpAddress& from, bool proxied) {
  fd_ = std::move(fd);
  from_ = from;
  phase_ = Phase::kFresh;
  last_ = unread_ = has_handle_ = false;
  awaits_preamble_ = proxied;
  polled_events_ = 0;
  requests_ = discarded_ = output_sent_ = 0;
  parser_.Reset();
  Read();
}

void HttpConnection::Drain() {
  if (phase_ == Phase::kRequest || phase_ == Phase::kIdle) Read();
}

void HttpConnection::Close() {
  shared_->batch.Remove(this);
  shared_->deadlines->Stop(*this);
  if (has_handle_) {
    uv_close(reinterpret_cast<uv_handle_t*>(&poll_), [](uv_handle_t* handle) {
      auto* self = static_cast<HttpConnection*>(handle->data);
      self->shared_->owner->OnFree(*self);
    });
  }
  fd_.reset();
  body_.reset();
  ClearAndShrink(input_);
  ClearAndShrink(output_);
  shared_->owner->OnEnded(*this);
  if (!has_handle_) shared_->owner->OnFree(*this);
}

void HttpConnection::OnPoll(uv_poll_t* handle, int status, int /*events*/) {
  auto* self = static_cast<HttpConnection*>(handle->data);
  if (status < 0) return self->Close();  // reset by the peer
  switch (self->phase_) {
    case Phase::kWriting:
      return self->Flush();
    case Phase::kLingering:
      return self->Discard();
    default:
      return self->Read();
  }
}

void HttpConnection::OnDeadline() {
  if (phase_ == Phase::kWriting) {
    // Otherwise the kernel would go on offering the rest for minutes.
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  Close();
}

void HttpConnection::Read() {
  if (place_in_batch != HttpBatch::kNowhere) return;  // what came first is answered first
  // What came before goes in front, so that the parser sees the request in one piece.
  char* const to = shared_->batch.room();
  std::memcpy(to, input_.data(), input_.size());
  const std::size_t room = shared_->batch.room_size() - input_.size();
  const ssize_t n = recv(fd_.get(), to + input_.size(), room, 0);
  if (n < 0 && WouldBlock()) return AwaitInput({to, input_.size()});
  // At the end of its input a client has all its answers, as nothing is read before they are out.
  if (n <= 0) return Close();
  unread_ = static_cast<std::size_t>(n) == room;
  std::size_t size = input_.size() + static_cast<std::size_t>(n);
  if (awaits_preamble_ && !TakePreamble(size)) return;
  // A fresh connection is often answered and closed for good: what the kernel has just made of it is
  // at hand now.
  if (phase_ == Phase::kFresh) {
    HttpCounters& counters = shared_->counters;
    const std::uint64_t before = shared_->IsTimed() ? uv_hrtime() : 0;
    Serve({to, size});
    if (before != 0) counters.latency.Record(uv_hrtime() - before, 1);
    return;
  }
  if (shared_->batch.Add(this, size)) shared_->ServeBatch();
}

bool HttpConnection::TakePreamble(std::size_t& size) {
  char* const bytes = shared_->batch.room();
  const ProxyPreamble preamble = ParseProxyPreamble({bytes, size});
  if (preamble.result == ProxyPreamble::Result::kBad) {
    Close();
    return false;
  }
  if (preamble.result == ProxyPreamble::Result::kDone) {
    awaits_preamble_ = false;
    if (preamble.client.has_value()) from_ = *preamble.client;
    size -= preamble.size;
    std::memmove(bytes, bytes + preamble.size, size);
    if (size > 0) return true;
  }
  AwaitInput({bytes, size});
  return false;
}

bool HttpConnection::ParseFirst(std::string_view received, HttpExchange& exchange) {
  if (parser_.Parse(received) != HttpRequestParser::Result::kDone) return false;
  exchange = Begin();
  return true;
}

void HttpConnection::ServeAll(std::string_view received, HttpExchange* exchange,
                              std::string_view answer) {
  if (exchange != nullptr) {
    Answered(*exchange, received);
    if (last_ && !received.empty()) unread_ = true;
    if (!Send(answer, received)) return;
    if (last_) return End();
  }
  Serve(received);
}

// Answers the requests in `received` and sends the answers.
void HttpConnection::Serve(std::string_view received) {
  for (bool more = true; more;) {
    shared_->output.clear();
    more = AnswerAll(received);
    if (!shared_->output.empty() && !Send(shared_->output, received)) return;
  }
  if (last_) return End();
  AwaitInput(received);
}

bool HttpConnection::Send(std::string_view answers, std::string_view received) {
  // The last answer waits for End(), so that it and the connection's end are one packet; and a head
  // for what follows it.
  const bool more = last_ || body_ != nullptr;
  const ssize_t n =
      send(fd_.get(), answers.data(), answers.size(), MSG_NOSIGNAL | (more ? MSG_MORE : 0));
  if (n < 0 && !WouldBlock()) {
    Close();
    return false;
  }
  const std::size_t sent = n < 0 ? 0 : static_cast<std::size_t>(n);
  if (sent == answers.size() && body_ == nullptr) return true;
  output_.assign(answers.substr(sent));
  output_sent_ = 0;
  input_.assign(received);
  Await(Phase::kWriting, UV_WRITABLE);
  return false;
}

// A whole request is there: decides whether it is the last one.
HttpExchange HttpConnection::Begin() {
  const HttpRequest& request = parser_.request();
  last_ = !request.keep_alive || shared_->draining ||
          ++requests_ >= shared_->options.max_requests_per_connection;
  return {.request = &request, .from = &from_, .keep_alive = !last_};
}

// The same request has its answer.
void HttpConnection::Answered(HttpExchange& exchange, std::string_view& received) {
  last_ = !exchange.keep_alive;
  if (exchange.body != nullptr) {
    body_ = std::move(exchange.body);
    body_due_ms_ =
        uv_now(shared_->loop) + static_cast<std::uint64_t>(shared_->options.stream_timeout.count());
  }
  received.remove_prefix(parser_.consumed());
  parser_.Reset();
  phase_ = Phase::kIdle;  // the next one's time has not begun
}

// Appends answers to the shared output and takes their requests off `received`. True when it
// stopped because that is enough for once, and not because the next request is incomplete or
// unwanted.
bool HttpConnection::AnswerAll(std::string_view& received) {
  while (!last_ && body_ == nullptr && !received.empty()) {
    if (shared_->output.size() >= kMaxOutput) return true;
    switch (parser_.Parse(received)) {
      case HttpRequestParser::Result::kNeedMore:
        return false;
      case HttpRequestParser::Result::kBad:
        shared_->handlers.error(parser_.error_status(), shared_->output);
        last_ = true;
        break;
      case HttpRequestParser::Result::kDone: {
        HttpExchange exchange = Begin();
        shared_->handlers.answer(absl::MakeSpan(&exchange, 1), shared_->output);
        Answered(exchange, received);
        break;
      }
    }
  }
  if (last_ && !received.empty()) unread_ = true;
  return false;
}

void HttpConnection::AwaitInput(std::string_view received) {
  if (received.empty() && shared_->draining) return Close();
  if (received.empty()) {
    ClearAndShrink(input_);
  } else {
    input_.assign(received);
  }
  Await(received.empty() && requests_ > 0 ? Phase::kIdle : Phase::kRequest, UV_READABLE);
}

void HttpConnection::Flush() {
  if (output_sent_ < output_.size() && !SendRest()) return;
  if (body_ != nullptr) return SendNextPiece();
  GoOn();
}

// True when all of the output is out; otherwise the connection waits, or is gone.
bool HttpConnection::SendRest() {
  const ssize_t n =
      send(fd_.get(), output_.data() + output_sent_, output_.size() - output_sent_, MSG_NOSIGNAL);
  if (n < 0) {
    if (!WouldBlock()) Close();
    return false;
  }
  output_sent_ += static_cast<std::size_t>(n);
  return output_sent_ == output_.size();
}

// One piece at a turn of the loop, so that everybody else has a turn as well.
void HttpConnection::SendNextPiece() {
  if (uv_now(shared_->loop) >= body_due_ms_) return OnDeadline();
  output_.clear();
  output_sent_ = 0;
  const HttpBody::Progress progress = body_->Produce(kPiece, output_);
  // Reset, so that the peer does not take what it has for the whole.
  if (progress == HttpBody::Progress::kFailed) return OnDeadline();
  if (progress == HttpBody::Progress::kEnd) body_.reset();
  if (!output_.empty()) {
    Await(Phase::kWriting, UV_WRITABLE);
    if (!SendRest()) return;
  }
  if (body_ == nullptr) GoOn();
}

// The output is out.
void HttpConnection::GoOn() {
  ClearAndShrink(output_);
  if (last_) return End();
  std::memcpy(shared_->batch.room(), input_.data(), input_.size());
  Serve({shared_->batch.room(), input_.size()});
}

// The last answer is out. What Send() kept back goes with the end, by either way.
void HttpConnection::End() {
  if (!unread_) return Close();
  shutdown(fd_.get(), SHUT_WR);
  Await(Phase::kLingering, UV_READABLE);
}

void HttpConnection::Discard() {
  const ssize_t n = recv(fd_.get(), shared_->batch.room(), shared_->batch.room_size(), 0);
  if (n < 0 && WouldBlock()) return;
  if (n > 0) discarded_ += static_cast<std::size_t>(n);
  if (n <= 0 || discarded_ > kMaxDiscarded) Close();
}

void HttpConnection::Await(Phase phase, int events) {
  // A request's time runs from its first byte, however many pieces it comes in.
  if (phase != phase_ || phase != Phase::kRequest) {
    shared_->deadlines->Start(*this, static_cast<std::size_t>(phase));
  }
  phase_ = phase;
  if (events == polled_events_) return;
  if (!has_handle_) {
    if (uv_poll_init(shared_->loop, &poll_, fd_.get()) != 0) return Close();
    poll_.data = this;
    has_handle_ = true;
  }
  uv_poll_start(&poll_, events, &OnPoll);
  polled_events_ = events;
}

}  // namespace muster
