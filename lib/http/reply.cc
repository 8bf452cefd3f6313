// SPDX-License-Identifier: Apache-2.0
#include "http/reply.h"

#include <algorithm>
#include <limits>

namespace muster {
namespace {

// What http-parser says when the length is not known.
constexpr std::uint64_t kUnknownLength = std::numeric_limits<std::uint64_t>::max();

}  // namespace

HttpReplyParser::HttpReplyParser(const HttpReplyLimits& limits) : limits_(limits) { Reset(); }

void HttpReplyParser::Reset() {
  http_parser_init(&parser_, HTTP_RESPONSE);
  result_ = Result::kNeedMore;
  begun_ = keep_alive_ = surplus_ = false;
  in_head_ = true;
  head_bytes_ = 0;
  body_.clear();
}

HttpReplyParser::Result HttpReplyParser::Feed(std::string_view bytes) {
  if (!bytes.empty()) begun_ = true;
  while (!bytes.empty() && result_ == Result::kNeedMore) {
    // A head is shown no further than it may go; a body's bytes are counted as they come.
    const std::size_t room =
        in_head_ ? std::min(bytes.size(), limits_.max_head_bytes - head_bytes_) : bytes.size();
    if (room == 0) {
      Fail("its headers are too long");
      break;
    }
    parser_.data = this;  // here and not in Reset(), so that a parser may be moved
    const bool was_in_head = in_head_;
    const std::size_t eaten = http_parser_execute(&parser_, &Settings(), bytes.data(), room);
    const http_errno error = HTTP_PARSER_ERRNO(&parser_);
    if (error != HPE_OK && error != HPE_PAUSED && result_ != Result::kBad) {
      Fail("it is no HTTP response");
    }
    if (was_in_head) head_bytes_ += eaten;
    bytes.remove_prefix(std::min(eaten, bytes.size()));
  }
  if (result_ == Result::kDone && !bytes.empty()) surplus_ = true;
  return result_;
}

HttpReplyParser::Result HttpReplyParser::End() {
  if (result_ != Result::kNeedMore) return result_;
  parser_.data = this;
  if (begun_) http_parser_execute(&parser_, &Settings(), nullptr, 0);
  if (result_ == Result::kNeedMore) Fail("the connection ended before it");
  keep_alive_ = false;
  return result_;
}

int HttpReplyParser::Fail(std::string_view error) {
  result_ = Result::kBad;
  error_ = error;
  body_.clear();
  return -1;  // http-parser stops
}

int HttpReplyParser::OnHeadersComplete() {
  if (parser_.http_major != 1) return Fail("it is of another version of HTTP");
  if (parser_.status_code < 100) return Fail("it is no HTTP response");
  if (parser_.status_code == 101) return Fail("it changes the protocol");
  const bool has_body = (parser_.flags & F_CHUNKED) != 0 ||
                        (parser_.content_length != 0 && parser_.content_length != kUnknownLength);
  if (parser_.status_code < 200 && has_body) return Fail("it is an interim response with a body");
  if (parser_.content_length != kUnknownLength && parser_.content_length > limits_.max_body_bytes) {
    return Fail("its body is too long");
  }
  in_head_ = false;
  return 0;
}

int HttpReplyParser::OnBody(std::string_view bytes) {
  if (bytes.size() > limits_.max_body_bytes - body_.size()) return Fail("its body is too long");
  body_.append(bytes);
  return 0;
}

void HttpReplyParser::OnMessageComplete() {
  if (parser_.status_code < 200) {  // the real one follows
    in_head_ = true;
    return;
  }
  keep_alive_ = http_should_keep_alive(&parser_) != 0;
  result_ = Result::kDone;
  http_parser_pause(&parser_, 1);
}

const http_parser_settings& HttpReplyParser::Settings() {
  static const http_parser_settings settings = [] {
    http_parser_settings s;
    http_parser_settings_init(&s);
    s.on_headers_complete = [](http_parser* p) {
      return static_cast<HttpReplyParser*>(p->data)->OnHeadersComplete();
    };
    s.on_body = [](http_parser* p, const char* at, std::size_t size) {
      return static_cast<HttpReplyParser*>(p->data)->OnBody({at, size});
    };
    s.on_message_complete = [](http_parser* p) {
      static_cast<HttpReplyParser*>(p->data)->OnMessageComplete();
      return 0;
    };
    return s;
  }();
  return settings;
}

}  // namespace muster
