// SPDX-License-Identifier: Apache-2.0
#include "http/response.h"

#include <charconv>

namespace muster {
namespace {

void AppendNumber(std::uint64_t n, std::string& out) {
  char digits[20];
  const std::to_chars_result end = std::to_chars(digits, digits + sizeof digits, n);
  out.append(digits, static_cast<std::size_t>(end.ptr - digits));
}

void AppendHeader(std::string_view name, std::string_view value, std::string& out) {
  out += "\r\n";
  out += name;
  out += ": ";
  out += value;
}

}  // namespace

std::string_view HttpReason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 202:
      return "Accepted";
    case 206:
      return "Partial Content";
    case 302:
      return "Found";
    case 304:
      return "Not Modified";
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
    case 409:
      return "Conflict";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Payload Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
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
  if (response.status == 200 && !response.content_type.empty()) {
    out += "HTTP/1.1 200 OK\r\nContent-Type: ";
    out += response.content_type;
  } else {
    out += "HTTP/1.1 ";
    AppendNumber(static_cast<std::size_t>(response.status), out);
    out += ' ';
    out += HttpReason(response.status);
    if (response.status == 405 && !response.allow.empty())
      AppendHeader("Allow", response.allow, out);
    if (!response.content_type.empty()) AppendHeader("Content-Type", response.content_type, out);
  }
  if (!response.content_encoding.empty()) {
    AppendHeader("Content-Encoding", response.content_encoding, out);
  }
  if (!response.location.empty()) AppendHeader("Location", response.location, out);
  if (!response.file_name.empty()) {
    AppendHeader("Content-Disposition", "attachment; filename=\"", out);
    out += response.file_name;
    out += '"';
  }
  for (const auto& [name, value] : response.headers) AppendHeader(name, value, out);
  if (response.no_store) {
    out += response.keep_alive ? "\r\nCache-Control: no-store\r\nConnection: keep-alive\r\n"
                               : "\r\nCache-Control: no-store\r\nConnection: close\r\n";
  } else {
    out += response.keep_alive ? "\r\nConnection: keep-alive\r\n" : "\r\nConnection: close\r\n";
  }
  switch (response.framing) {
    case HttpFraming::kLength:
      out += "Content-Length: ";
      AppendNumber(response.length.value_or(response.body.size()), out);
      out += "\r\n\r\n";
      break;
    case HttpFraming::kChunked:
      out += "Transfer-Encoding: chunked\r\n\r\n";
      break;
    case HttpFraming::kClose:
    case HttpFraming::kNone:
      out += "\r\n";
      break;
  }
  if (!response.head_only) out += response.body;
}

}  // namespace muster
