// SPDX-License-Identifier: Apache-2.0
//
// Writing HTTP/1.1 responses: one function, appending to the bytes that go out. Every response says
// how its end is known, whether the connection stays open, and that it must not be stored. There is
// no Date: no clock is read here. Reentrant.
#ifndef MUSTER_LIB_HTTP_RESPONSE_H_
#define MUSTER_LIB_HTTP_RESPONSE_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace muster {

// How a client knows where a body ends.
enum class HttpFraming : std::uint8_t {
  kLength,   // Content-Length: the body is known
  kChunked,  // the body follows in chunks
  kClose,    // the body follows, up to the connection's end; keep_alive must be false
};

struct HttpResponse {
  // A 405 also names the methods that are allowed: GET and HEAD.
  int status = 200;
  std::string_view content_type = "text/plain";
  std::string_view body = {};
  bool keep_alive = false;
  // The answer to HEAD: the headers of the answer to GET, without the body.
  bool head_only = false;
  // Empty, or what the body was put into.
  std::string_view content_encoding = {};
  // Empty, or where a 302 leads.
  std::string_view location = {};
  // Other than kLength: `body` is empty and follows later.
  HttpFraming framing = HttpFraming::kLength;
};

void AppendHttpResponse(const HttpResponse& response, std::string& out);

// "Not Found" for 404; "Error" for a status that muster never sends.
std::string_view HttpReason(int status);

}  // namespace muster

#endif  // MUSTER_LIB_HTTP_RESPONSE_H_
