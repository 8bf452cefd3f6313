// SPDX-License-Identifier: Apache-2.0
#include "http/response.h"

#include <charconv>

namespace muster {
namespace {

void AppendNumber(std::size_t n, std::string& out) {
  char digits[20];
  const std::to_chars_result end = std::to_chars(digits, digits + sizeof digits, n);
  out.append(digits, end.ptr);
}

}  // namespace

std::string_view HttpReason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 302:
      return "Found";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Payload Too Large";
    case 414:
      return "URI Too Long";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Error";
  }
}

void AppendHttpResponse(const HttpResponse& response, std::string& out) {
  if (response.status == 200) {
    out += "HTTP/1.1 200 OK\r\nContent-Type: ";
  } else {
    out += "HTTP/1.1 ";
    AppendNumber(static_cast<std::size_t>(response.status), out);
    out += ' ';
    out += HttpReason(response.status);
    out += response.status == 405 ? "\r\nAllow: GET, HEAD\r\nContent-Type: " : "\r\nContent-Type: ";
  }
  out += response.content_type;
  if (!response.content_encoding.empty()) {
    out += "\r\nContent-Encoding: ";
    out += response.content_encoding;
  }
  if (!response.location.empty()) {
    out += "\r\nLocation: ";
    out += response.location;
  }
  out += response.keep_alive ? "\r\nCache-Control: no-store\r\nConnection: keep-alive\r\n"
                             : "\r\nCache-Control: no-store\r\nConnection: close\r\n";
  switch (response.framing) {
    case HttpFraming::kLength:
      out += "Content-Length: ";
      AppendNumber(response.body.size(), out);
      out += "\r\n\r\n";
      break;
    case HttpFraming::kChunked:
      out += "Transfer-Encoding: chunked\r\n\r\n";
      break;
    case HttpFraming::kClose:
      out += "\r\n";
      break;
  }
  if (!response.head_only) out += response.body;
}

}  // namespace muster
