// SPDX-License-Identifier: Apache-2.0
#include "outbound/aggregate_forwarder.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/hex.h"
#include "base/text.h"
#include "muster/bencode.h"

namespace muster {
namespace {

// An answer to a forwarded announce is a few bytes; an aggregator that is an ordinary tracker sends
// peers.
constexpr std::size_t kMaxAnswer = 64 * 1024;
constexpr std::size_t kMaxReason = 200;

// The tracker's own words, or empty when it has taken the announce.
std::string Refusal(const ReceivedReply& reply) {
  if (reply.status != 200) return absl::StrCat("status ", reply.status);
  BencodeDocument document;
  const BencodeLimits limits{.max_size = kMaxAnswer, .max_tokens = 20'000, .max_depth = 8};
  if (!document.Decode(reply.body, BencodeMode::kLenient, limits).ok()) return "";
  return HarmlessText(document.root().Find("failure reason").StringOr(""), kMaxReason);
}

}  // namespace

absl::StatusOr<AggregateForwardOptions> AggregateForwardOptions::Parse(std::string_view text) {
  const std::size_t comma = std::min(text.find(','), text.size());
  absl::StatusOr<TrackerUrl> url = TrackerUrl::Parse(text.substr(0, comma));
  if (!url.ok()) return url.status();
  if (url->scheme != TrackerUrl::Scheme::kHttp) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", url->ToString(), "\" is not a URL of http://"));
  }
  AggregateForwardOptions options;
  options.aggregator = *std::move(url);
  options.password = text.substr(std::min(comma + 1, text.size()));
  return options;
}

ClosingPtr<AggregateForwarder> AggregateForwarder::Start(uv_loop_t* loop,
                                                         const AggregateForwardOptions& options,
                                                         LogSink* log, OutboundCounters* counters) {
  return ClosingPtr<AggregateForwarder>(new AggregateForwarder(loop, options, log, counters));
}

AggregateForwarder::AggregateForwarder(uv_loop_t* loop, const AggregateForwardOptions& options,
                                       LogSink* log, OutboundCounters* counters)
    : loop_(loop),
      options_(options),
      log_(log),
      counters_(*counters),
      next_pause_(options.min_pause) {
  const HttpClientOptions client{.limits = {.max_body_bytes = kMaxAnswer},
                                 .timeout = options.timeout};
  for (std::size_t i = 0; i < std::max<std::size_t>(options.connections, 1); ++i) {
    clients_.push_back(HttpClient::New(loop, options.aggregator.server, client));
  }
}

void AggregateForwarder::Close(Closed closed) {
  closing_ = true;
  queue_.clear();
  for (ClosingPtr<HttpClient>& client : clients_) parts_.Close(std::move(client));
  parts_.Close(std::move(pause_));
  parts_.Then(
      [this, closed = std::move(closed)]() mutable { FreeThenCall(this, std::move(closed)); });
}

void AggregateForwarder::Forward(std::string_view query, const IpAddress& peer) {
  if (queue_.size() >= options_.max_queued || query.size() > kMaxQuery) {
    counters_.forward_dropped.Add();
    return;
  }
  queue_.push_back({std::string(query), peer});
  SendNext();
}

void AggregateForwarder::SendNext() {
  if (pause_ != nullptr || closing_) return;
  for (const ClosingPtr<HttpClient>& client : clients_) {
    if (queue_.empty()) return;
    if (!client->busy()) Send(*client);
  }
}

void AggregateForwarder::Send(HttpClient& client) {
  const Waiting waiting = std::move(queue_.front());
  queue_.pop_front();
  const std::string& target = options_.aggregator.target;
  std::string request =
      absl::StrCat(target, target.find('?') == std::string::npos ? "?" : "&", waiting.query);
  if (!options_.password.empty()) {
    request += "&password=";
    AppendPercentEncoded(options_.password, request);
  }
  client.Get(
      request, [this](const absl::StatusOr<ReceivedReply>& reply) { OnReply(reply); },
      absl::StrCat("X-Forwarded-For: ", waiting.peer.ToString(), "\r\n"));
}

void AggregateForwarder::OnReply(const absl::StatusOr<ReceivedReply>& reply) {
  if (!reply.ok()) {
    counters_.forward_failed.Add();
    Say(LogLevel::kWarning, absl::StrCat("the aggregator fails: ", reply.status().message()));
    if (pause_ == nullptr) Pause();
    return;
  }
  next_pause_ = options_.min_pause;
  const std::string refusal = Refusal(*reply);
  if (refusal.empty()) {
    counters_.forwarded.Add();
    if (!said_.empty()) Say(LogLevel::kInfo, "the aggregator takes announces again");
    said_.clear();
  } else {
    counters_.forward_refused.Add();
    Say(LogLevel::kWarning, absl::StrCat("the aggregator refuses announces: ", refusal));
  }
  SendNext();
}

void AggregateForwarder::Pause() {
  pause_ = Timer::Start(loop_, next_pause_, [this] {
    parts_.Close(std::move(pause_));
    SendNext();
    return std::chrono::milliseconds(0);
  });
  next_pause_ = std::min(next_pause_ * 2, options_.max_pause);
}

void AggregateForwarder::Say(LogLevel level, std::string text) {
  if (text == said_) return;
  if (log_ != nullptr) log_->Log(level, text);
  said_ = std::move(text);
}

}  // namespace muster
