// SPDX-License-Identifier: Apache-2.0
//
// UDP in batches of 64: each source is a connected socket with a window of slots; the transaction
// id names the slot and its generation, so an answer finds its question by an index. Sockets are
// polled in turn without blocking: a load generator that slept would make the tracker pay for
// waking it. At a set rate there is time to sleep, and a generator that took a whole core would be
// what answers wait for.
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "base/bytes.h"
#include "load/run.h"

namespace muster::load {
namespace {

constexpr std::size_t kBatch = 64;
constexpr std::size_t kLargestAnswer = 4096;
constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kConnectionLife =
    60 * kSecond;                         // BEP 15: a client may use an id for a minute
constexpr std::uint64_t kSpin = 200'000;  // ns without an answer before poll() is asked
constexpr std::uint64_t kLongestSleep = 1'000'000;
constexpr std::uint64_t kTimeoutCheck = 10'000'000;
constexpr std::uint32_t kSlotBits = 12;
constexpr std::uint32_t kSlotMask = (1u << kSlotBits) - 1;

struct Slot {
  std::uint64_t sent_at = 0;
  std::uint32_t transaction = 0;  // its low bits are the slot's own number
  std::uint16_t tries = 0;
  bool busy = false;
  Job job;
};

struct Source {
  Source(Phase phase, const RunOptions& options, const Plan* plan, std::uint32_t n)
      : number(n), work(phase, plan, n, options.mix, options.samples), slots(options.window) {
    for (std::uint32_t i = options.window; i > 0; --i) {
      slots[i - 1].transaction = i - 1;
      free.push_back(i - 1);
    }
  }
  Source(Source&&) = delete;
  ~Source() {
    if (fd >= 0) close(fd);
  }

  std::uint32_t number;
  int fd = -1;
  Workload work;
  std::vector<Slot> slots;
  std::vector<std::uint32_t> free;
  std::deque<std::pair<Job, std::uint16_t>> again;  // and how often each was asked
  std::uint64_t connection = 0;
  std::uint64_t connected_at = 0;  // 0: no connection id yet
  bool connecting = false;
  bool done = false;  // its workload has no more

  std::size_t outstanding() const { return slots.size() - free.size(); }
};

class UdpRun {
 public:
  UdpRun(Phase phase, const RunOptions& options, const Plan& plan)
      : phase_(phase), options_(options), plan_(plan) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      tx_iov_[i].iov_base = tx_[i];
      tx_msg_[i].msg_hdr.msg_iov = &tx_iov_[i];
      tx_msg_[i].msg_hdr.msg_iovlen = 1;
      rx_iov_[i] = {rx_[i], kLargestAnswer};
      rx_msg_[i].msg_hdr.msg_iov = &rx_iov_[i];
      rx_msg_[i].msg_hdr.msg_iovlen = 1;
    }
  }

  absl::Status Open(const std::vector<std::uint32_t>& numbers);
  Tally Run();

 private:
  bool Receive(Source& source);
  void Answer(Source& source, absl::Span<const std::uint8_t> answer, std::uint64_t now);
  Fault Judge(Source& source, const Slot& slot, absl::Span<const std::uint8_t> answer);
  Asked Ask(const Source& source, const Job& job) const {
    return {&plan_,           source.number,          job,
            options_.numwant, options_.target.family, options_.allow_self};
  }
  void Send(Source& source, Allowance& allowance);
  bool NextJob(Source& source, std::uint64_t now, Job& job, std::uint16_t& tries);
  std::size_t Write(std::uint8_t* to, const Source& source, const Slot& slot) const;
  void Release(Source& source, Slot& slot);
  void GiveUpOld(Source& source, std::uint64_t now);
  void Idle(std::uint64_t ns);
  // A phase in which every question must be answered.
  bool complete() const { return phase_ != Phase::kSteady; }

  const Phase phase_;
  const RunOptions& options_;
  const Plan& plan_;
  std::vector<std::unique_ptr<Source>> sources_;
  std::vector<pollfd> polled_;  // one for each source
  bool has_slept_ = false;      // so polled_ says who has got something
  Tally tally_;

  alignas(64) std::uint8_t tx_[kBatch][128];
  alignas(64) std::uint8_t rx_[kBatch][kLargestAnswer];
  iovec tx_iov_[kBatch] = {};
  iovec rx_iov_[kBatch] = {};
  mmsghdr tx_msg_[kBatch] = {};
  mmsghdr rx_msg_[kBatch] = {};
};

absl::Status UdpRun::Open(const std::vector<std::uint32_t>& numbers) {
  for (const std::uint32_t n : numbers) {
    auto source = std::make_unique<Source>(phase_, options_, &plan_, n);
    auto fd = OpenSource(SOCK_DGRAM, options_.target, plan_, n);
    if (!fd.ok()) return fd.status();
    source->fd = *fd;
    polled_.push_back({*fd, POLLIN, 0});
    sources_.push_back(std::move(source));
  }
  return absl::OkStatus();
}

Tally UdpRun::Run() {
  if (options_.rate > 0)
    prctl(PR_SET_TIMERSLACK, 1000);  // sleeps as long as it wants to, not 50 us more
  const std::uint64_t start = NowNs();
  Allowance allowance(phase_, options_, start);
  std::uint64_t last_answer = start;
  std::uint64_t next_check = start + kTimeoutCheck;
  const auto patience = static_cast<std::uint64_t>(options_.timeout * 1e9 * options_.tries);
  for (;;) {
    bool progress = false;
    bool pending = false;
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      Source& source = *sources_[i];
      const bool may_have_come = !has_slept_ || polled_[i].revents != 0;
      if (source.outstanding() > 0 && may_have_come) progress |= Receive(source);
      Send(source, allowance);
      pending |= source.outstanding() > 0 || !(source.done && source.again.empty());
    }
    has_slept_ = false;
    const std::uint64_t now = NowNs();
    if (progress) last_answer = now;
    if (now >= next_check) {
      for (const auto& source : sources_) GiveUpOld(*source, now);
      next_check = now + kTimeoutCheck;
    }
    if (!pending) break;
    if (now - last_answer > patience) break;
    if (allowance.over(now)) {
      const bool quiet = std::all_of(sources_.begin(), sources_.end(),
                                     [](const auto& s) { return s->outstanding() == 0; });
      if (quiet) break;
    }
    if (progress) continue;
    if (const std::uint64_t next = allowance.NextAt(); next > now) {
      Idle(std::min(next - now, kLongestSleep));
    } else if (options_.rate > 0 || now - last_answer > kSpin) {
      Idle(kLongestSleep);
    }
  }
  for (const auto& source : sources_) {
    tally_.lost += source->again.size() + source->outstanding();
  }
  tally_.seconds = static_cast<double>(last_answer - start) * 1e-9;
  return tally_;
}

bool UdpRun::Receive(Source& source) {
  const int n = recvmmsg(source.fd, rx_msg_, kBatch, MSG_DONTWAIT, nullptr);
  if (n <= 0) return false;  // also an ICMP "port unreachable": the question times out
  const std::uint64_t now = NowNs();
  for (int i = 0; i < n; ++i) Answer(source, {rx_[i], rx_msg_[i].msg_len}, now);
  return true;
}

void UdpRun::Answer(Source& source, absl::Span<const std::uint8_t> answer, std::uint64_t now) {
  const auto wrong = [&](Fault fault) { ++tally_.faults[static_cast<std::size_t>(fault)]; };
  if (answer.size() < 8) return wrong(Fault::kSize);
  const std::uint32_t transaction = LoadBig32(answer.data() + 4);
  const std::uint32_t n = transaction & kSlotMask;
  if (n >= source.slots.size()) return wrong(Fault::kTransaction);
  Slot& slot = source.slots[n];
  if (!slot.busy || slot.transaction != transaction) {
    // Generations count up, so an older one was asked some time ago; a newer one never.
    if (transaction <= slot.transaction) {
      ++tally_.late;
      return;
    }
    return wrong(Fault::kTransaction);
  }
  const Fault fault = Judge(source, slot, answer);
  if (fault != Fault::kNone) {
    wrong(fault);
    if (tally_.example.empty()) tally_.example = Describe(fault, Ask(source, slot.job), answer);
    // A tracker that restarted, or forgot us: ask for a new id.
    if (fault == Fault::kRefused) source.connected_at = 0;
  } else {
    ++tally_.answered[static_cast<std::size_t>(slot.job.action)];
  }
  if (slot.job.action == Action::kConnect) {
    source.connecting = false;
    if (fault == Fault::kNone) {
      source.connection = LoadBig64(answer.data() + 8);
      source.connected_at = now;
    }
  } else {
    tally_.latency.Add(now - slot.sent_at);
    if (slot.job.action == Action::kAnnounce && fault == Fault::kNone)
      tally_.bytes += answer.size();
  }
  Release(source, slot);
}

Fault UdpRun::Judge(Source& source, const Slot& slot, absl::Span<const std::uint8_t> answer) {
  const Action action = slot.job.action;
  const std::uint32_t said = LoadBig32(answer.data());
  if (said == 3) return Fault::kRefused;
  if (said != static_cast<std::uint32_t>(action)) return Fault::kAction;
  if (action == Action::kConnect) return answer.size() == 16 ? Fault::kNone : Fault::kSize;
  if (!options_.verify) return Fault::kNone;

  const Asked asked = Ask(source, slot.job);
  if (action == Action::kScrape) {
    ScrapeView view;
    const Fault read = ReadUdpScrape(answer, view);
    return JudgeScrape(read, view, asked, phase_);
  }
  AnnounceView view;
  const Fault read = ReadUdpAnnounce(answer, options_.target.family, view);
  return JudgeAnnounce(read, view, asked,
                       OwnEndpoint(options_.target, plan_, source.number, slot.job.peer.port),
                       options_, tally_);
}

void UdpRun::Send(Source& source, Allowance& allowance) {
  if (source.free.empty()) return;
  const std::uint64_t now = NowNs();
  const std::size_t room =
      std::min<std::uint64_t>({kBatch, source.free.size(), allowance.Left(now)});
  std::uint32_t used[kBatch];
  std::size_t n = 0;
  while (n < room) {
    Job job;
    std::uint16_t tries = 0;
    if (!NextJob(source, now, job, tries)) break;
    const std::uint32_t index = source.free.back();
    source.free.pop_back();
    Slot& slot = source.slots[index];
    slot.transaction += 1u << kSlotBits;
    slot.sent_at = now;
    slot.tries = static_cast<std::uint16_t>(tries + 1);
    slot.busy = true;
    slot.job = job;
    tx_iov_[n].iov_len = Write(tx_[n], source, slot);
    used[n++] = index;
  }
  if (n == 0) return;
  // What the socket does not take now is as lost as what the network drops: it times out.
  const int sent = sendmmsg(source.fd, tx_msg_, static_cast<unsigned>(n), MSG_DONTWAIT);
  tally_.sent += static_cast<std::uint64_t>(std::max(sent, 0));
  for (std::size_t i = 0; i < n; ++i) {
    if (source.slots[used[i]].tries > 1) ++tally_.again;
  }
  allowance.Asked(n);
}

// A connection id first; then what must be asked again; then new work.
bool UdpRun::NextJob(Source& source, std::uint64_t now, Job& job, std::uint16_t& tries) {
  const bool stale = source.connected_at == 0 || now > source.connected_at + kConnectionLife;
  if (stale && !source.connecting) {
    job.action = Action::kConnect;
    return source.connecting = true;
  }
  if (source.connected_at == 0) return false;
  if (!source.again.empty()) {
    std::tie(job, tries) = source.again.front();
    source.again.pop_front();
    return true;
  }
  if (source.done || !source.work.Next(job)) {
    source.done = true;
    return false;
  }
  return true;
}

std::size_t UdpRun::Write(std::uint8_t* to, const Source& source, const Slot& slot) const {
  switch (slot.job.action) {
    case Action::kConnect:
      return WriteConnect(to, slot.transaction);
    case Action::kAnnounce:
      return WriteAnnounce(to, source.connection, slot.transaction,
                           plan_.Hash(slot.job.peer.torrent), slot.job, options_.numwant);
    case Action::kScrape:
      return WriteScrape(to, source.connection, slot.transaction,
                         plan_.Hash(slot.job.peer.torrent));
  }
  return 0;
}

void UdpRun::Release(Source& source, Slot& slot) {
  slot.busy = false;
  source.free.push_back(slot.transaction & kSlotMask);
}

void UdpRun::GiveUpOld(Source& source, std::uint64_t now) {
  const auto timeout = static_cast<std::uint64_t>(options_.timeout * 1e9);
  for (Slot& slot : source.slots) {
    if (!slot.busy || now < slot.sent_at + timeout) continue;
    if (slot.job.action == Action::kConnect) source.connecting = false;
    if (complete() && slot.job.action != Action::kConnect && slot.tries < options_.tries) {
      source.again.emplace_back(slot.job, slot.tries);
    } else {
      ++tally_.lost;
    }
    Release(source, slot);
  }
}

// Until an answer comes, or so many nanoseconds.
void UdpRun::Idle(std::uint64_t ns) {
  const timespec time{0, static_cast<long>(ns)};
  has_slept_ = ppoll(polled_.data(), polled_.size(), &time, nullptr) >= 0;
}

}  // namespace

absl::StatusOr<Tally> RunUdp(Phase phase, const RunOptions& options, const Plan& plan,
                             const std::vector<std::uint32_t>& sources) {
  if (options.window == 0 || options.window > kSlotMask + 1) {
    return absl::InvalidArgumentError("the window is 1 to 4096");
  }
  const auto run = std::make_unique<UdpRun>(phase, options, plan);
  if (absl::Status status = run->Open(sources); !status.ok()) return status;
  return run->Run();
}

}  // namespace muster::load
