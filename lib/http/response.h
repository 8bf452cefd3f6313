// SPDX-License-Identifier: Apache-2.0
//
// Writing HTTP/1.1 responses: one function, appending to the bytes that go out. Every response says
// how its end is known and whether the connection stays open, and most that it must not be stored.
// There is no Date but what is among the further headers: no clock is read here. Reentrant.
#ifndef MUSTER_LIB_HTTP_RESPONSE_H_
#define MUSTER_LIB_HTTP_RESPONSE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/types/span.h"

namespace muster {

// How a client knows where a body ends.
enum class HttpFraming : std::uint8_t {
  kLength,   // Content-Length: the body is known
  kChunked,  // the body follows in chunks
  kClose,    // the body follows, up to the connection's end; keep_alive must be false
  kNone,     // there is none, as the status says: 304
};

// Name and value of a header line, without line ends.
using HttpHeader = std::pair<std::string_view, std::string>;

struct HttpResponse {
  // A 405 also names the methods that are allowed.
  int status = 200;
  // Empty: the headers below say it, or there is nothing to say it of.
  std::string_view content_type = "text/plain";
  std::string_view body = {};
  bool keep_alive = false;
  // The answer to HEAD: the headers of the answer to GET, without the body.
  bool head_only = false;
  // Empty, or what the body was put into.
  std::string_view content_encoding = {};
  // Empty, or where a 302 leads.
  std::string_view location = {};
  // Empty, or what a browser that saves the body calls it: visible ASCII without quotes and
  // backslashes.
  std::string_view file_name = {};
  // Other than kLength: `body` is empty and follows later.
  HttpFraming framing = HttpFraming::kLength;
  // kLength: the length of a body that follows later.
  std::optional<std::uint64_t> length = std::nullopt;
  // Whether caches must not keep it.
  bool no_store = true;
  // Of a 405; empty: the headers below say it.
  std::string_view allow = "GET, HEAD";
  // Further lines.
  absl::Span<const HttpHeader> headers = {};
};

void AppendHttpResponse(const HttpResponse& response, std::string& out);

// "Not Found" for 404; "Error" for a status that muster never sends.
std::string_view HttpReason(int status);

}  // namespace muster

#endif  // MUSTER_LIB_HTTP_RESPONSE_H_
