// SPDX-License-Identifier: Apache-2.0
#include "net/http_connection.h"

#include <sched.h>
#include <signal.h>
#include <sys/sendfile.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "base/text.h"

#include "net/proxy_protocol.h"

namespace muster {
namespace {

// Answers to pipelined requests are put together up to about this size. A peer that does not take
// them is not read from.
constexpr std::size_t kMaxOutput = 64 * 1024;

// A piece of a body that is made while it is sent: a fraction of a millisecond of work.
constexpr std::size_t kPiece = 64 * 1024;

// What is sent of a file at a turn of the loop.
constexpr std::int64_t kFilePiece = 512 * 1024;

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
                              kLingerTime, with.answer_timeout, kAcceptPauseTime, drain_timeout})),
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
  on_behalf_of_ = OnBehalfOf::kSender;
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
  DropIncoming();
  if (deferral_ != nullptr) shared_->late_answers->GiveUp(*std::exchange(deferral_, nullptr));
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
    case Phase::kAnswering:
      return self->Close();  // nobody waits for the answer
    default:
      return self->Read();
  }
}

void HttpConnection::OnDeadline() {
  if (phase_ == Phase::kAnswering) {
    shared_->late_answers->GiveUp(*deferral_);
    HttpReply reply;
    shared_->handlers.error(503, reply.text);
    return OnAnswer(std::move(reply));
  }
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
    if (preamble.client.has_value()) {
      from_ = *preamble.client;
    } else {
      on_behalf_of_ = preamble.is_local ? OnBehalfOf::kProxyItself : OnBehalfOf::kNobodyKnown;
    }
    size -= preamble.size;
    std::memmove(bytes, bytes + preamble.size, size);
    if (size > 0) return true;
  }
  AwaitInput({bytes, size});
  return false;
}

bool HttpConnection::ParseFirst(std::string_view received, HttpExchange& exchange) {
  if (incoming_ != nullptr || parser_.Parse(received) != HttpRequestParser::Result::kDone ||
      parser_.body().kind != HttpBodyFraming::Kind::kNone) {
    return false;
  }
  exchange = Begin();
  return true;
}

void HttpConnection::ServeAll(std::string_view received, HttpExchange* exchange,
                              std::string_view answer) {
  if (exchange != nullptr) {
    Answered(*exchange, received);
    if (last_ && !received.empty()) unread_ = true;
    if (!answer.empty() && !Send(answer, received)) return;
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
  if (deferral_ != nullptr) return AwaitAnswer(received);
  if (last_) return End();
  AwaitInput(received);
}

bool HttpConnection::Send(std::string_view answers, std::string_view received) {
  // The last answer waits for End(), so that it and the connection's end are one packet; and a head
  // for what follows it.
  const bool more = (last_ && deferral_ == nullptr) || body_ != nullptr;
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
  return {.request = &request, .from = &from_, .keep_alive = !last_, .on_behalf_of = on_behalf_of_};
}

// The same request has its answer.
void HttpConnection::Answered(HttpExchange& exchange, std::string_view& received) {
  last_ = !exchange.keep_alive;
  deferral_ = std::move(exchange.deferral);
  if (exchange.body != nullptr) StartBody(std::move(exchange.body));
  // The head that has a body was taken off before it.
  if (incoming_ == nullptr) received.remove_prefix(parser_.consumed());
  DropIncoming();
  parser_.Reset();
  phase_ = Phase::kIdle;  // the next one's time has not begun
}

void HttpConnection::StartBody(std::unique_ptr<HttpBody> body) {
  body_ = std::move(body);
  body_due_ms_ =
      uv_now(shared_->loop) + static_cast<std::uint64_t>(shared_->options.stream_timeout.count());
}

// Appends answers to the shared output and takes their requests off `received`. True when it
// stopped because that is enough for once, and not because the next request is incomplete or
// unwanted.
bool HttpConnection::AnswerAll(std::string_view& received) {
  while (!IsHeldUp() && !received.empty()) {
    if (shared_->output.size() >= kMaxOutput) return true;
    const HttpRequestParser::Result result =
        incoming_ != nullptr ? HttpRequestParser::Result::kDone : parser_.Parse(received);
    switch (result) {
      case HttpRequestParser::Result::kNeedMore:
        return false;
      case HttpRequestParser::Result::kBad:
        Refuse(parser_.error_status());
        break;
      case HttpRequestParser::Result::kDone:
        if (parser_.body().kind == HttpBodyFraming::Kind::kNone || ReceiveBody(received)) {
          AnswerOne(received);
        }
        break;
    }
  }
  if (last_ && !received.empty()) unread_ = true;
  return false;
}

void HttpConnection::AnswerOne(std::string_view& received) {
  HttpExchange exchange = Begin();
  shared_->handlers.answer(absl::MakeSpan(&exchange, 1), shared_->output);
  Answered(exchange, received);
}

void HttpConnection::Refuse(int status) {
  shared_->handlers.error(status, shared_->output);
  last_ = true;
  DropIncoming();
  // The rest of a body may be on its way.
  if (shared_->options.limits.max_body_bytes > 0) unread_ = true;
}

// Takes off `received` what is of the request under way. Refuses it when that cannot be.
bool HttpConnection::ReceiveBody(std::string_view& received) {
  const bool begins = incoming_ == nullptr;
  if (begins) {
    const HttpLimits& limits = shared_->options.limits;
    incoming_ =
        std::make_unique<Incoming>(Incoming{std::string(received.substr(0, parser_.consumed())),
                                            HttpBodyReader(parser_.body(), limits.max_body_bytes)});
    received.remove_prefix(parser_.consumed());
    parser_.Move(incoming_->head);
  }
  HttpBodyReader& reader = incoming_->reader;
  const std::size_t before = reader.body().size();
  const HttpBodyReader::Result result = reader.Read(received);
  shared_->receiving_bytes += reader.body().size() - before;
  switch (result) {
    case HttpBodyReader::Result::kDone:
      parser_.SetBody(reader.body());
      return true;
    case HttpBodyReader::Result::kBad:
      Refuse(reader.error_status());
      return false;
    case HttpBodyReader::Result::kNeedMore:
      break;
  }
  if (shared_->receiving_bytes > shared_->options.max_receiving_bytes) {
    Refuse(503);
  } else if (begins &&
             absl::EqualsIgnoreCase(ToAbsl(parser_.request().Header("Expect")), "100-continue")) {
    shared_->output += "HTTP/1.1 100 Continue\r\n\r\n";
  }
  return false;
}

void HttpConnection::DropIncoming() {
  if (incoming_ == nullptr) return;
  shared_->receiving_bytes -= incoming_->reader.body().size();
  incoming_.reset();
}

void HttpConnection::AwaitInput(std::string_view received) {
  const bool is_between = received.empty() && incoming_ == nullptr;
  if (is_between && shared_->draining) return Close();
  if (received.empty()) {
    ClearAndShrink(input_);
  } else {
    input_.assign(received);
  }
  Await(is_between && requests_ > 0 ? Phase::kIdle : Phase::kRequest, UV_READABLE);
}

// The rest of the input has its turn when the answer is out.
void HttpConnection::AwaitAnswer(std::string_view received) {
  input_.assign(received);
  if (std::optional<HttpReply> reply = shared_->late_answers->TakeOrWait(deferral_, this)) {
    return OnAnswer(*std::move(reply));
  }
  Await(Phase::kAnswering, UV_DISCONNECT);
}

void HttpConnection::OnAnswer(HttpReply reply) {
  deferral_.reset();
  if (body_ != nullptr) return Await(Phase::kWriting, UV_WRITABLE);  // its next piece is there
  if (!reply.keep_alive) last_ = true;
  if (last_ && !input_.empty()) unread_ = true;
  if (reply.body != nullptr) StartBody(std::move(reply.body));
  output_ = std::move(reply.text);
  output_sent_ = 0;
  Await(Phase::kWriting, UV_WRITABLE);
}

void HttpConnection::Flush() {
  if (output_sent_ < output_.size() && !SendRest()) return;
  if (body_ != nullptr) return SendNextPiece();
  GoOn();
}

// True when all of the output is out; otherwise the connection waits, or is gone.
bool HttpConnection::SendRest() {
  // A head, and text between parts of a file, go with the bytes that follow them.
  const bool more = body_ != nullptr && body_->stretch() != nullptr;
  const ssize_t n = send(fd_.get(), output_.data() + output_sent_, output_.size() - output_sent_,
                         MSG_NOSIGNAL | (more ? MSG_MORE : 0));
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
  if (!body_->IsReady()) return AwaitPiece();
  if (FileStretch* stretch = body_->stretch(); stretch != nullptr && stretch->size > 0) {
    return SendStretch(*stretch);
  }
  output_.clear();
  output_sent_ = 0;
  const HttpBody::Progress progress = body_->Produce(kPiece, output_);
  // Reset, so that the peer does not take what it has for the whole.
  if (progress == HttpBody::Progress::kFailed) return OnDeadline();
  if (progress == HttpBody::Progress::kEnd) body_.reset();
  Await(Phase::kWriting, UV_WRITABLE);  // the peer has time anew, also when there is nothing yet
  if (!output_.empty() && !SendRest()) return;
  if (body_ == nullptr) return GoOn();
  // Other threads, too: a scheduler would let one that works for long keep its core until its next
  // tick, which is 4 ms, and all that waits for that core waits so long.
  sched_yield();
}

// Nothing is asked of the peer meanwhile: whether he is gone is seen when he is sent the piece.
void HttpConnection::AwaitPiece() {
  deferral_ = std::make_shared<HttpDeferral>();
  body_->Fetch([deferral = deferral_] { deferral->Finish({}); });
  if (shared_->late_answers->TakeOrWait(deferral_, this)) return OnAnswer({});
  Await(Phase::kWriting, 0);
}

// sendfile() raises a signal where the peer is gone, and has no MSG_NOSIGNAL; the application's own
// thread may run this.
static ssize_t SendFile(int to, int from, off_t* at, std::size_t size) {
  sigset_t pipe;
  sigset_t before;
  sigset_t pending;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  sigpending(&pending);
  pthread_sigmask(SIG_BLOCK, &pipe, &before);
  const ssize_t n = sendfile(to, from, at, size);
  const int error = errno;
  // It comes also where a part was sent before.
  if (sigismember(&pending, SIGPIPE) == 0) {
    const timespec none{};
    while (sigtimedwait(&pipe, nullptr, &none) < 0 && errno == EINTR) {
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return n;
}

void HttpConnection::SendStretch(FileStretch& stretch) {
  off_t at = stretch.offset;
  const ssize_t n = SendFile(fd_.get(), stretch.fd, &at,
                             static_cast<std::size_t>(std::min(stretch.size, kFilePiece)));
  if (n < 0 && WouldBlock()) return;
  // Shorter than it was said to be, or unreadable: the peer has to see that something is missing.
  if (n <= 0) return OnDeadline();
  stretch.offset = at;
  stretch.size -= n;
  Await(Phase::kWriting, UV_WRITABLE);
}

// The output is out.
void HttpConnection::GoOn() {
  ClearAndShrink(output_);
  if (last_ && deferral_ == nullptr) return End();
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
