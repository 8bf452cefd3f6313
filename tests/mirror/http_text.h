// SPDX-License-Identifier: Apache-2.0
//
// HttpText: a request as it is on the wire, read by the parser that servers use.
#ifndef MUSTER_TESTS_MIRROR_HTTP_TEXT_H_
#define MUSTER_TESTS_MIRROR_HTTP_TEXT_H_

#include <string>
#include <utility>

#include "http/request.h"

namespace muster {

class HttpText {
 public:
  // `head` is the request line and the headers, each with its line end, without the empty line.
  explicit HttpText(const std::string& head, std::string body = "")
      : text_(head + "\r\n"), body_(std::move(body)), parser_({.max_request_bytes = 1 << 20}) {
    is_good_ = parser_.Parse(text_) == HttpRequestParser::Result::kDone;
  }
  HttpText(const HttpText&) = delete;
  HttpText& operator=(const HttpText&) = delete;

  bool is_good() const { return is_good_; }
  const HttpRequest& request() const { return parser_.request(); }
  const std::string& body() const { return body_; }

 private:
  const std::string text_;
  const std::string body_;
  HttpRequestParser parser_;
  bool is_good_;
};

}  // namespace muster

#endif  // MUSTER_TESTS_MIRROR_HTTP_TEXT_H_
