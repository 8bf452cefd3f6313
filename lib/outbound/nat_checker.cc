// SPDX-License-Identifier: Apache-2.0
#include "outbound/nat_checker.h"

#include <algorithm>
#include <string>
#include <utility>

#include "model/address_scope.h"

namespace muster {
namespace {

constexpr std::chrono::milliseconds kSecond{1000};

NatCheckOptions AtLeastOne(NatCheckOptions options) {
  options.max_under_way = std::max<std::size_t>(options.max_under_way, 1);
  options.max_per_second = std::max<std::size_t>(options.max_per_second, 1);
  return options;
}

bool MayConnect(const Endpoint& peer, bool allow_private) {
  const AddressScope scope = ScopeOf(peer.address());
  return peer.port() != 0 && scope != AddressScope::kNone &&
         (allow_private || scope == AddressScope::kPublic);
}

NatOutcome OutcomeOf(TcpEnd why, bool connected) {
  switch (why) {
    case TcpEnd::kRefused:
      return NatOutcome::kRefused;
    case TcpEnd::kUnreachable:
      return connected ? NatOutcome::kClosed : NatOutcome::kUnreachable;
    case TcpEnd::kNoResources:
      return NatOutcome::kNoResources;
    case TcpEnd::kDeadline:
      return connected ? NatOutcome::kTimeout : NatOutcome::kConnectTimeout;
    case TcpEnd::kClosed:
    case TcpEnd::kReset:
      break;
  }
  return NatOutcome::kClosed;
}

}  // namespace

std::unique_ptr<NatChecker> NatChecker::Start(uv_loop_s* loop, const NatCheckOptions& options) {
  return std::unique_ptr<NatChecker>(new NatChecker(new Impl(loop, AtLeastOne(options))));
}

NatChecker::~NatChecker() { impl_->Drop(); }

void NatChecker::Check(const NatCheckRequest& request, Done done) {
  impl_->Check(request, std::move(done));
}

void NatChecker::Close(absl::AnyInvocable<void()> closed) { impl_->Close(std::move(closed)); }

std::size_t NatChecker::under_way() const { return impl_->under_way(); }
std::size_t NatChecker::queued() const { return impl_->queued(); }

NatChecker::Impl::Impl(uv_loop_s* loop, const NatCheckOptions& options)
    : loop_(loop), options_(options), deadlines_(Deadlines::New(loop, std::array{kSecond})) {}

void NatChecker::Impl::Check(const NatCheckRequest& request, Done done) {
  if (closing_) return done(NatOutcome::kCancelled);
  if (!MayConnect(request.peer, options_.allow_private)) return done(NatOutcome::kNotAllowed);
  const auto [of_address, is_first] = by_address_.try_emplace(request.peer.address(), 0);
  if (queue_.size() >= options_.max_queued || of_address->second >= options_.max_per_address) {
    if (is_first) by_address_.erase(of_address);
    return done(NatOutcome::kTooMany);
  }
  ++of_address->second;
  queue_.push_back({request, std::move(done)});
  Begin();
}

// Takes from the queue what may begin now.
void NatChecker::Impl::Begin() {
  while (!closing_ && !queue_.empty() && attempts_.size() < options_.max_under_way &&
         begun_in_second_ < options_.max_per_second) {
    if (begun_in_second_++ == 0) deadlines_->Start(*this, 0);
    Waiting first = std::move(queue_.front());
    queue_.pop_front();
    attempts_.push_back(std::make_unique<Attempt>(this, attempts_.size(), std::move(first)));
  }
}

void NatChecker::Impl::OnDeadline() {
  begun_in_second_ = 0;
  Begin();
}

void NatChecker::Impl::Leave(const IpAddress& address) {
  const auto of_address = by_address_.find(address);
  if (--of_address->second == 0) by_address_.erase(of_address);
}

void NatChecker::Impl::Finish(Attempt& attempt, NatOutcome outcome) {
  Leave(attempt.waiting.request.peer.address());
  parts_.Close(std::move(attempt.connection));
  Done done = std::move(attempt.waiting.done);
  std::swap(attempts_[attempt.index], attempts_.back());
  attempts_[attempt.index]->index = attempt.index;
  attempts_.pop_back();  // the attempt
  done(outcome);
  Begin();
}

void NatChecker::Impl::Close(Closed closed) {
  closing_ = true;
  deadlines_->Stop(*this);
  for (const std::unique_ptr<Attempt>& attempt : attempts_) {
    parts_.Close(std::move(attempt->connection));
  }
  parts_.Close(std::move(deadlines_));  // so there is a part at least, and the end comes later
  parts_.Then([this, closed = std::move(closed)]() mutable {
    Closed tell = std::move(closed);
    left_loop_ = true;
    if (dropped_) delete this;
    if (tell) tell();
  });
  const auto attempts = std::exchange(attempts_, {});
  auto queue = std::exchange(queue_, {});
  by_address_.clear();
  for (const std::unique_ptr<Attempt>& attempt : attempts) {
    if (!dropped_) attempt->waiting.done(NatOutcome::kCancelled);
  }
  for (Waiting& waiting : queue) {
    if (!dropped_) waiting.done(NatOutcome::kCancelled);
  }
}

void NatChecker::Impl::Drop() {
  dropped_ = true;
  if (left_loop_) {
    delete this;
  } else if (!closing_) {
    Close(nullptr);
  }
}

NatChecker::Impl::Attempt::Attempt(Impl* checker, std::size_t at, Waiting what)
    : index(at),
      waiting(std::move(what)),
      connection(TcpConnection::Connect(checker->loop_, waiting.request.peer,
                                        checker->options_.timeout, this)),
      checker_(checker),
      handshake_(
          waiting.request.info_hash, waiting.request.peer_id,
          waiting.request.encrypted ? std::optional(MseChance::FromSystem()) : std::nullopt) {}

void NatChecker::Impl::Attempt::OnConnected() {
  connected_ = true;
  std::string out;
  handshake_.Begin(out);
  connection->Send(out);
}

void NatChecker::Impl::Attempt::OnReceived(std::string_view bytes) {
  std::string out;
  const std::optional<NatOutcome> outcome = handshake_.Receive(bytes, out);
  if (outcome) return checker_->Finish(*this, *outcome);
  if (!out.empty()) connection->Send(out);
}

void NatChecker::Impl::Attempt::OnEnded(TcpEnd why) {
  checker_->Finish(*this, OutcomeOf(why, connected_));
}

}  // namespace muster
