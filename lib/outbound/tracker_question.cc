// SPDX-License-Identifier: Apache-2.0
#include "outbound/tracker_question.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace muster {
namespace {

// A tracker's answer with kMaxNumwant peers as dictionaries takes less.
constexpr std::size_t kMaxTrackerAnswer = 256 * 1024;

}  // namespace

ClosingPtr<TrackerQuestion> TrackerQuestion::Ask(uv_loop_t* loop, const TrackerUrl& url,
                                                 const TrackerQuery& query,
                                                 const TrackerQuestionOptions& options,
                                                 Random random, Done done) {
  ClosingPtr<TrackerQuestion> question(
      new TrackerQuestion(loop, url, query, options, random, std::move(done)));
  if (url.scheme == TrackerUrl::Scheme::kHttp) {
    question->AskHttp();
    return question;
  }
  TrackerQuestion* self = question.get();
  self->timer_ = Timer::Start(loop, options.timeout, [self] { return self->OnTick(); });
  self->slept_ = options.timeout;
  self->lookup_ =
      NameLookup::Start(loop, url.server, [self](absl::StatusOr<std::vector<Endpoint>> found) {
        self->parts_.Close(std::move(self->lookup_));
        if (!found.ok()) return self->Finish(found.status());
        self->AskUdp(*found);
      });
  return question;
}

TrackerQuestion::TrackerQuestion(uv_loop_t* loop, const TrackerUrl& url, const TrackerQuery& query,
                                 const TrackerQuestionOptions& options, Random random, Done done)
    : loop_(loop),
      url_(url),
      query_(query),
      options_(options),
      random_(random),
      done_(std::move(done)),
      retry_(options.udp_retry),
      left_(options.timeout) {}

void TrackerQuestion::Close(Closed closed) {
  parts_.Close(std::move(http_));
  parts_.Close(std::move(lookup_));
  parts_.Close(std::move(udp_));
  parts_.Close(std::move(timer_));
  parts_.Then(
      [this, closed = std::move(closed)]() mutable { FreeThenCall(this, std::move(closed)); });
}

void TrackerQuestion::AskHttp() {
  http_ = HttpClient::New(loop_, url_.server,
                          {.limits = {.max_body_bytes = kMaxTrackerAnswer},
                           .timeout = options_.timeout,
                           .idle_timeout = std::chrono::milliseconds(0)});
  http_->Get(TrackerQueryTarget(url_.target, query_),
             [this](absl::StatusOr<ReceivedReply> reply) { OnHttpReply(std::move(reply)); });
}

void TrackerQuestion::OnHttpReply(absl::StatusOr<ReceivedReply> reply) {
  if (!reply.ok()) return Finish(reply.status());
  absl::StatusOr<TrackerReply> answer = DecodeTrackerReply(reply->body, query_.numwant);
  // Trackers say what they refuse with any status.
  const bool refused = answer.ok() && !answer->failure.empty();
  if (reply->status != 200 && !refused) {
    return Finish(absl::UnavailableError(absl::StrCat("status ", reply->status)));
  }
  Finish(std::move(answer));
}

void TrackerQuestion::AskUdp(const std::vector<Endpoint>& addresses) {
  absl::Status why;
  for (const Endpoint& address : addresses) {
    absl::StatusOr<ClosingPtr<UdpClient>> client = UdpClient::Open(
        loop_, address, [this](std::string_view datagram) { OnDatagram(datagram); });
    if (!client.ok()) {
      why = client.status();
      continue;
    }
    udp_ = *std::move(client);
    question_.emplace(query_, url_.target, address.family(), random_);
    udp_->Send(question_->datagram());
    // The look-up's time counts as none: it is bounded by the system, and the end is bounded here.
    parts_.Close(std::move(timer_));
    slept_ = std::min(retry_, left_);
    timer_ = Timer::Start(loop_, slept_, [this] { return OnTick(); });
    return;
  }
  Finish(why);
}

std::chrono::milliseconds TrackerQuestion::OnTick() {
  left_ -= slept_;
  if (left_.count() <= 0 || !question_) {
    Finish(absl::DeadlineExceededError("no answer in time"));
    return slept_;
  }
  udp_->Send(question_->datagram());
  retry_ *= 2;
  slept_ = std::min(retry_, left_);
  return slept_;
}

void TrackerQuestion::OnDatagram(std::string_view datagram) {
  switch (question_->Receive(datagram)) {
    case UdpQuestion::Result::kIgnored:
      return;
    case UdpQuestion::Result::kSend:
      return udp_->Send(question_->datagram());
    case UdpQuestion::Result::kDone:
      return Finish(question_->reply());
  }
}

void TrackerQuestion::Finish(absl::StatusOr<TrackerReply> reply) {
  parts_.Close(std::move(udp_));
  parts_.Close(std::move(timer_));
  Done done = std::move(done_);
  done(std::move(reply));  // may close this
}

}  // namespace muster
