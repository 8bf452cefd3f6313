// SPDX-License-Identifier: Apache-2.0
#include "net/http_client.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace muster {
namespace {

// Kinds of deadline: the request's time, and no time at all.
enum : std::size_t { kTimeout, kSoon };

std::string_view TextOf(TcpEnd why) {
  switch (why) {
    case TcpEnd::kRefused:
      return "connection refused";
    case TcpEnd::kUnreachable:
      return "unreachable";
    case TcpEnd::kNoResources:
      return "out of descriptors, ports or memory";
    case TcpEnd::kDeadline:
      return "no connection in time";
    case TcpEnd::kClosed:
    case TcpEnd::kReset:
      break;
  }
  return "the connection broke";
}

}  // namespace

ClosingPtr<HttpClient> HttpClient::New(uv_loop_t* loop, const HostPort& server,
                                       const HttpClientOptions& options) {
  return ClosingPtr<HttpClient>(new HttpClient(loop, server, options));
}

HttpClient::HttpClient(uv_loop_t* loop, const HostPort& server, const HttpClientOptions& options)
    : loop_(loop),
      server_(server),
      options_(options),
      deadlines_(Deadlines::New(loop, std::array{options.timeout, std::chrono::milliseconds(0)})),
      parser_(options.limits) {}

void HttpClient::Close(Closed closed) {
  deadlines_->Stop(*this);
  parts_.Close(std::move(lookup_));
  parts_.Close(std::move(connection_));
  parts_.Close(std::move(deadlines_));
  parts_.Then(
      [this, closed = std::move(closed)]() mutable { FreeThenCall(this, std::move(closed)); });
}

void HttpClient::Get(std::string_view target, Done done, std::string_view headers) {
  busy_ = true;
  done_ = std::move(done);
  request_ = absl::StrCat("GET ", ToAbsl(target), " HTTP/1.1\r\nHost: ", server_.ToString(),
                          "\r\nUser-Agent: ", options_.user_agent, "\r\n",
                          options_.idle_timeout.count() > 0 ? "" : "Connection: close\r\n",
                          ToAbsl(headers), "\r\n");
  parser_.Reset();
  deadlines_->Start(*this, kTimeout);
  if (connection_ == nullptr) return LookUp();
  connection_->ClearDeadline();
  connection_->Send(request_);
}

void HttpClient::LookUp() {
  used_before_ = false;
  lookup_ = NameLookup::Start(loop_, server_, [this](absl::StatusOr<std::vector<Endpoint>> found) {
    parts_.Close(std::move(lookup_));
    if (!found.ok()) return Finish(found.status());
    addresses_ = *std::move(found);
    std::reverse(addresses_.begin(), addresses_.end());
    ConnectNext();
  });
  if (lookup_ == nullptr) deadlines_->Start(*this, kSoon);  // nothing is called within Get()
}

void HttpClient::ConnectNext() {
  connected_ = false;
  connection_ = TcpConnection::Connect(loop_, addresses_.back(), options_.timeout, this);
  addresses_.pop_back();
}

void HttpClient::OnConnected() {
  connected_ = true;
  connection_->ClearDeadline();  // the request has one of its own
  connection_->Send(request_);
}

void HttpClient::OnReceived(std::string_view bytes) {
  if (!busy_) return parts_.Close(std::move(connection_));  // an answer to nothing
  OnResult(parser_.Feed(bytes));
}

void HttpClient::OnEnded(TcpEnd why) {
  parts_.Close(std::move(connection_));
  if (!busy_) return;
  if (!connected_) {
    if (!addresses_.empty()) return ConnectNext();
    return Finish(Error(absl::StatusCode::kUnavailable, TextOf(why)));
  }
  if (used_before_ && !parser_.begun()) return LookUp();
  if (!parser_.begun() || why != TcpEnd::kClosed) {
    return Finish(Error(absl::StatusCode::kUnavailable, TextOf(TcpEnd::kReset)));
  }
  OnResult(parser_.End());
}

void HttpClient::OnResult(HttpReplyParser::Result result) {
  switch (result) {
    case HttpReplyParser::Result::kNeedMore:
      return;
    case HttpReplyParser::Result::kBad:
      return Finish(Error(absl::StatusCode::kInvalidArgument,
                          std::string("bad response: ").append(parser_.error())));
    case HttpReplyParser::Result::kDone:
      return Finish(ReceivedReply{parser_.status(), parser_.TakeBody()});
  }
}

void HttpClient::OnDeadline() {
  const bool stuck = lookup_ == nullptr && connection_ == nullptr;
  Finish(stuck ? Error(absl::StatusCode::kUnavailable, "the system cannot look it up")
               : Error(absl::StatusCode::kDeadlineExceeded, "no answer in time"));
}

absl::Status HttpClient::Error(absl::StatusCode code, std::string_view what) const {
  return absl::Status(code, absl::StrCat(server_.ToString(), ": ", ToAbsl(what)));
}

void HttpClient::Finish(absl::StatusOr<ReceivedReply> reply) {
  busy_ = false;
  deadlines_->Stop(*this);
  addresses_.clear();
  parts_.Close(std::move(lookup_));
  if (!reply.ok() || !parser_.keep_alive() || options_.idle_timeout.count() <= 0) {
    parts_.Close(std::move(connection_));
  } else if (connection_ != nullptr) {
    used_before_ = true;
    connection_->SetDeadline(options_.idle_timeout);
  }
  Done done = std::move(done_);
  done(std::move(reply));  // may close this
}

}  // namespace muster
