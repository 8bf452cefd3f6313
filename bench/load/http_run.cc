// SPDX-License-Identifier: Apache-2.0
//
// HTTP with a connection for each question, or kept alive. Connections are tried in turn without
// blocking, like the UDP sockets, for the same reason. Where one is closed, it is the server that
// closes first, as `Connection: close` asks.
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "base/bytes.h"
#include "load/run.h"

namespace muster::load {
namespace {

constexpr std::uint64_t kSpin = 200'000;  // ns without an answer before poll() is asked
constexpr std::uint64_t kTimeoutCheck = 10'000'000;
constexpr std::size_t kLargestAnswer = std::size_t{64} * 1024;

struct Source {
  Source(Phase phase, const RunOptions& options, const Plan* plan, std::uint32_t n)
      : number(n), work(phase, plan, n, options.mix, options.samples) {}

  std::uint32_t number;
  Workload work;
  std::deque<std::pair<Job, int>> again;  // and how often each was asked
  bool done = false;
};

enum class State : std::uint8_t {
  kIdle,     // nothing asked
  kSending,  // asked, and not all of it is out
  kReading,  // asked
  kClosing,  // answered; the server is going to close
};

struct Connection {
  explicit Connection(Source* from) : source(from) {}
  Connection(Connection&&) = delete;
  ~Connection() { Close(); }
  void Close() {
    if (fd >= 0) close(fd);
    fd = -1;
  }

  Source* source;
  int fd = -1;
  State state = State::kIdle;
  Job job;
  int tries = 0;
  std::uint64_t asked_at = 0;
  bool reused = false;  // this is not its first question
  std::string out;
  std::size_t out_at = 0;
  std::string in;
};

class HttpRun {
 public:
  HttpRun(Phase phase, const RunOptions& options, const Plan& plan,
          const std::vector<std::uint32_t>& numbers)
      : phase_(phase), options_(options), plan_(plan) {
    for (const std::uint32_t n : numbers) {
      sources_.push_back(std::make_unique<Source>(phase, options, &plan, n));
    }
    for (std::uint32_t i = 0; i < options.window; ++i) {
      for (const auto& source : sources_) {
        connections_.push_back(std::make_unique<Connection>(source.get()));
      }
    }
  }

  Tally Run();

 private:
  bool Ask(Connection& c, std::uint64_t now);
  bool Open(Connection& c);
  void SendRest(Connection& c);
  bool Read(Connection& c);
  // The answer as far as it is there; `ended`: the server closed. False while more must come.
  bool Parse(Connection& c, bool ended);
  Fault Judge(const Connection& c, const HttpHead& head, std::string_view body);
  Asked Asking(const Connection& c) const {
    return {&plan_,           c.source->number,       c.job,
            options_.numwant, options_.target.family, options_.allow_self};
  }
  void Fail(Connection& c);
  void GiveUpOld(Connection& c, std::uint64_t now);
  void Idle();
  bool complete() const { return phase_ != Phase::kSteady; }

  const Phase phase_;
  const RunOptions& options_;
  const Plan& plan_;
  std::vector<std::unique_ptr<Source>> sources_;
  std::vector<std::unique_ptr<Connection>> connections_;
  Tally tally_;
  std::array<char, kLargestAnswer> buffer_;
};

Tally HttpRun::Run() {
  const std::uint64_t start = NowNs();
  Allowance allowance(phase_, options_, start);
  const auto patience = static_cast<std::uint64_t>(options_.timeout * 1e9 * options_.tries);
  std::uint64_t last_progress = start;
  std::uint64_t next_check = start + kTimeoutCheck;
  for (;;) {
    bool progress = false;
    bool asking = false;
    std::uint64_t now = NowNs();
    for (const auto& c : connections_) {
      if (c->state == State::kSending) SendRest(*c);
      if (c->state == State::kReading || c->state == State::kClosing) progress |= Read(*c);
      if (c->state == State::kIdle && allowance.Left(now) > 0) {
        now = NowNs();
        if (Ask(*c, now)) allowance.Asked(1);
      }
      asking |= c->state != State::kIdle;
    }
    now = NowNs();
    if (progress) last_progress = now;
    if (now >= next_check) {
      for (const auto& c : connections_) GiveUpOld(*c, now);
      next_check = now + kTimeoutCheck;
    }
    const bool more = !allowance.over(now) &&
                      std::any_of(sources_.begin(), sources_.end(),
                                  [](const auto& s) { return !s->done || !s->again.empty(); });
    if (!asking && !more) break;
    if (now - last_progress > patience) break;
    if (!progress && now - last_progress > kSpin) Idle();
  }
  for (const auto& source : sources_) tally_.lost += source->again.size();
  for (const auto& c : connections_) {
    tally_.lost += c->state == State::kSending || c->state == State::kReading ? 1 : 0;
  }
  tally_.seconds = static_cast<double>(last_progress - start) * 1e-9;
  return tally_;
}

bool HttpRun::Ask(Connection& c, std::uint64_t now) {
  Source& source = *c.source;
  if (!source.again.empty()) {
    std::tie(c.job, c.tries) = source.again.front();
    source.again.pop_front();
    ++tally_.again;
  } else if (source.done || !source.work.Next(c.job)) {
    source.done = true;
    return false;
  } else {
    c.tries = 0;
  }
  ++c.tries;
  ++tally_.sent;
  c.asked_at = now;
  c.in.clear();
  c.out.clear();
  c.out_at = 0;
  AppendHttpRequest(c.out, options_.target.path, options_.target.host,
                    plan_.Hash(c.job.peer.torrent), c.job, options_.numwant, options_.keep_alive);
  c.reused = c.fd >= 0;
  if (!c.reused && !Open(c)) {
    Fail(c);
    return true;
  }
  c.state = State::kSending;
  if (c.reused || options_.at_once) SendRest(c);
  return true;
}

bool HttpRun::Open(Connection& c) {
  const auto fd = OpenSource(SOCK_STREAM, options_.target, plan_, c.source->number);
  if (!fd.ok()) return false;
  c.fd = *fd;
  const int on = 1;
  setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return true;
}

void HttpRun::SendRest(Connection& c) {
  const ssize_t n =
      send(c.fd, c.out.data() + c.out_at, c.out.size() - c.out_at, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n < 0) {
    if (errno != EAGAIN && errno != EINTR) Fail(c);
    return;
  }
  c.out_at += static_cast<std::size_t>(n);
  if (c.out_at == c.out.size()) c.state = State::kReading;
}

bool HttpRun::Read(Connection& c) {
  const ssize_t n = recv(c.fd, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
  if (n < 0) {
    if (errno == EAGAIN || errno == EINTR) return false;
    if (c.state == State::kClosing) {
      c.Close();
      c.state = State::kIdle;
    } else {
      Fail(c);
    }
    return true;
  }
  if (c.state == State::kClosing) {  // the rest does not matter, its end does
    if (n == 0) {
      c.Close();
      c.state = State::kIdle;
    }
    return true;
  }
  c.in.append(buffer_.data(), static_cast<std::size_t>(n));
  const bool ended = n == 0;
  if (!Parse(c, ended)) {
    if (ended || c.in.size() > kLargestAnswer) Fail(c);
    return true;
  }
  if (ended) {
    c.Close();
    c.state = State::kIdle;
  }
  return true;
}

bool HttpRun::Parse(Connection& c, bool ended) {
  HttpHead head;
  if (!ReadHttpHead(c.in, head)) return false;
  const std::size_t there = c.in.size() - head.size;
  std::size_t size = head.body_size;
  if (size == HttpHead::kNoLength) {
    if (!ended) return false;
    size = there;
  }
  if (there < size) return false;

  const Fault fault = Judge(c, head, std::string_view(c.in).substr(head.size, size));
  if (fault == Fault::kNone) {
    ++tally_.answered[static_cast<std::size_t>(c.job.action)];
  } else {
    ++tally_.faults[static_cast<std::size_t>(fault)];
    if (tally_.example.empty()) tally_.example = Describe(fault, Asking(c), BytesOf(c.in));
  }
  tally_.latency.Add(NowNs() - c.asked_at);
  if (c.job.action == Action::kAnnounce && fault == Fault::kNone) tally_.bytes += size;
  c.state = options_.keep_alive && !head.close ? State::kIdle : State::kClosing;
  return true;
}

Fault HttpRun::Judge(const Connection& c, const HttpHead& head, std::string_view body) {
  if (head.status == 0) return Fault::kSyntax;
  if (head.status != 200) return Fault::kStatus;
  if (!options_.verify) return Fault::kNone;
  const Asked asked = Asking(c);
  if (c.job.action == Action::kScrape) {
    ScrapeView view;
    const Fault read = ReadHttpScrape(body, plan_.Hash(c.job.peer.torrent), view);
    return JudgeScrape(read, view, asked, phase_);
  }
  AnnounceView view;
  const Fault read = ReadHttpAnnounce(body, options_.target.family, view);
  return JudgeAnnounce(read, view, asked,
                       OwnEndpoint(options_.target, plan_, c.source->number, c.job.peer.port),
                       options_, tally_);
}

// A server may close a kept connection at any time; a question that met that is asked again on a
// new one.
void HttpRun::Fail(Connection& c) {
  const bool again = c.reused && c.in.empty();
  c.Close();
  if (again && Open(c)) {
    ++tally_.reopened;
    c.reused = false;
    c.out_at = 0;
    c.state = State::kSending;
    return;
  }
  c.Close();
  c.state = State::kIdle;
  if (complete() && c.tries < options_.tries) {
    c.source->again.emplace_back(c.job, c.tries);
  } else {
    ++tally_.lost;
  }
}

void HttpRun::GiveUpOld(Connection& c, std::uint64_t now) {
  if (c.state == State::kIdle ||
      now < c.asked_at + static_cast<std::uint64_t>(options_.timeout * 1e9)) {
    return;
  }
  if (c.state == State::kClosing) {
    c.Close();
    c.state = State::kIdle;
  } else {
    Fail(c);
  }
}

void HttpRun::Idle() {
  std::vector<pollfd> fds;
  for (const auto& c : connections_) {
    const short events = c->state == State::kSending ? POLLOUT : POLLIN;
    if (c->fd >= 0 && c->state != State::kIdle) fds.push_back({c->fd, events, 0});
  }
  poll(fds.data(), fds.size(), 1);
}

}  // namespace

absl::StatusOr<Tally> RunHttp(Phase phase, const RunOptions& options, const Plan& plan,
                              const std::vector<std::uint32_t>& sources) {
  if (options.window == 0 || options.window > 4096) {
    return absl::InvalidArgumentError("the window is 1 to 4096");
  }
  return std::make_unique<HttpRun>(phase, options, plan, sources)->Run();
}

}  // namespace muster::load
