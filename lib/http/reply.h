// SPDX-License-Identifier: Apache-2.0
//
// HttpReplyParser: one HTTP/1.0 or 1.1 response to a GET, as a client reads it: bytes in any pieces,
// a body by Content-Length, in chunks, or up to the end of the connection. No sockets.
//
//   muster::HttpReplyParser parser(limits);
//   switch (parser.Feed(received)) {  // each byte once; parser.End() when the connection ends
//     case kNeedMore: ...receive more...
//     case kDone: ...parser.status(), parser.body(); again if parser.keep_alive()...
//     case kBad: ...parser.error(); close...
//   }
//
// Interim responses (1xx) are passed over. Refused: what is not HTTP/1, a change of protocol (101),
// and whatever goes over a limit. Content codings are the business of whoever asked for one.
#ifndef MUSTER_LIB_HTTP_REPLY_H_
#define MUSTER_LIB_HTTP_REPLY_H_

#include <http_parser.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace muster {

struct HttpReplyLimits {
  // Status line and headers, those of interim responses together with the last one's. http-parser
  // itself takes 80 KiB.
  std::size_t max_head_bytes = 16 * 1024;
  std::size_t max_body_bytes = 1024 * 1024;
};

// Thread-compatible. Keeps nothing but the body.
class HttpReplyParser {
 public:
  enum class Result : std::uint8_t { kNeedMore, kDone, kBad };

  explicit HttpReplyParser(const HttpReplyLimits& limits);

  // The outcome does not depend on the pieces, and does not change once it is kDone or kBad; bytes
  // behind the response are an answer to nothing and make the connection one that cannot be used
  // again.
  Result Feed(std::string_view bytes);
  // The connection has ended. Never kNeedMore.
  Result End();

  // Whether any byte came.
  bool begun() const { return begun_; }
  // After kDone.
  int status() const { return static_cast<int>(parser_.status_code); }
  const std::string& body() const { return body_; }
  std::string TakeBody() { return std::move(body_); }
  // Whether the connection takes another request.
  bool keep_alive() const { return keep_alive_ && !surplus_; }
  // After kBad: what is wrong, in the middle of a sentence.
  std::string_view error() const { return error_; }

  // Makes ready for the next response of the connection.
  void Reset();

 private:
  static const http_parser_settings& Settings();
  int OnHeadersComplete();
  int OnBody(std::string_view bytes);
  void OnMessageComplete();
  int Fail(std::string_view error);

  const HttpReplyLimits limits_;
  http_parser parser_;
  Result result_ = Result::kNeedMore;
  bool begun_ = false;
  bool in_head_ = true;
  bool keep_alive_ = false;
  bool surplus_ = false;
  std::size_t head_bytes_ = 0;
  std::string body_;
  std::string_view error_;
};

}  // namespace muster

#endif  // MUSTER_LIB_HTTP_REPLY_H_
