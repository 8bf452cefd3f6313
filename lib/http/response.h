// SPDX-License-Identifier: Apache-2.0
//
// Writing HTTP/1.1 responses: one function, appending to the bytes that go out. Every response says
// its Content-Length and whether the connection stays open, and that it must not be stored. There
// is no Date: no clock is read here. Reentrant.
#ifndef MUSTER_LIB_HTTP_RESPONSE_H_
#define MUSTER_LIB_HTTP_RESPONSE_H_

#include <string>
#include <string_view>

namespace muster {

struct HttpResponse {
  // A 405 also names the methods that are allowed: GET and HEAD.
  int status = 200;
  std::string_view content_type = "text/plain";
  std::string_view body = {};
  bool keep_alive = false;
  // The answer to HEAD: the headers of the answer to GET, without the body.
  bool head_only = false;
};

void AppendHttpResponse(const HttpResponse& response, std::string& out);

// "Not Found" for 404; "Error" for a status that muster never sends.
std::string_view HttpReason(int status);

}  // namespace muster

#endif  // MUSTER_LIB_HTTP_RESPONSE_H_
