// SPDX-License-Identifier: Apache-2.0
//
// HttpText: a request as it is on the wire, read by the parser that servers use.
#ifndef MUSTER_TESTS_HTTP_HTTP_TEXT_H_
#define MUSTER_TESTS_HTTP_HTTP_TEXT_H_

#include <optional>
#include <string>
#include <utility>

#include "http/request.h"

namespace muster {

class HttpText {
 public:
  // `head` is the request line and the headers, each with its line end, without the empty line. The
  // length of a body is added, also of an empty one of a POST; without a body, none is.
  explicit HttpText(const std::string& head, std::optional<std::string> body = "")
      : text_(head + LengthOf(head, body) + "\r\n"),
        body_(std::move(body).value_or("")),
        parser_({.max_request_bytes = 1 << 20, .max_body_bytes = 1 << 30}) {
    is_good_ = parser_.Parse(text_) == HttpRequestParser::Result::kDone;
    parser_.SetBody(body_);
  }
  HttpText(const HttpText&) = delete;
  HttpText& operator=(const HttpText&) = delete;

  bool is_good() const { return is_good_; }
  const HttpRequest& request() const { return parser_.request(); }

 private:
  static std::string LengthOf(const std::string& head, const std::optional<std::string>& body) {
    if (!body || (body->empty() && head.rfind("POST", 0) != 0)) return "";
    return "Content-Length: " + std::to_string(body->size()) + "\r\n";
  }

  const std::string text_;
  const std::string body_;
  HttpRequestParser parser_;
  bool is_good_;
};

}  // namespace muster

#endif  // MUSTER_TESTS_HTTP_HTTP_TEXT_H_
