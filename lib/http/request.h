// SPDX-License-Identifier: Apache-2.0
//
// HttpRequestParser: the head of one HTTP/1.0 or 1.1 request, from bytes that come in any pieces.
// No sockets.
//
//   muster::HttpRequestParser parser(limits);
//   switch (parser.Parse(received)) {  // all bytes since the request began, again each time
//     case kNeedMore: ...receive more...
//     case kDone: ...answer parser.request(), go on behind parser.consumed(), parser.Reset()...
//     case kBad: ...answer parser.error_status() and close...
//   }
//
// What is accepted: RFC 9112, and bare LF line ends, empty lines before the request, a missing
// Host. Where no bodies are wanted, one with a Content-Length is skipped as long as it fits the
// limit of the request, and one in chunks is refused (501). Where they are, kDone comes at the end
// of the head, and body() says what follows: see HttpBodyReader.
// Refused: two-word request lines (HTTP/0.9) and everything else that is malformed (400), folded
// header lines and blanks in header names (400), other transfer codings (501), other major versions
// (505), and whatever goes over a limit (413, 414, 431).
#ifndef MUSTER_LIB_HTTP_REQUEST_H_
#define MUSTER_LIB_HTTP_REQUEST_H_

#include <http_parser.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/types/span.h"

namespace muster {

enum class HttpMethod : std::uint8_t { kGet, kHead, kPost, kOther };

struct HttpLimits {
  // Request line, headers and body together. A longer request is answered 414 when the limit falls
  // into the request's target, 431 when into its headers, 413 when into its body. At most 1 GiB;
  // http-parser itself takes 80 KiB of headers.
  std::size_t max_request_bytes = 8192;
  // Header lines; more are answered 431.
  std::size_t max_headers = 100;
  // Takes blanks between the path and the query ("GET /announce ?port=1 HTTP/1.0"), which some
  // clients of trackers send, and whatever stands in the place of a version HTTP/1.x, or nothing, for
  // HTTP/1.0.
  bool loose_request_line = false;
  // Bytes of a body, which are beside those of the request then. 0: bodies are not wanted.
  std::size_t max_body_bytes = 0;
};

// How the end of a request's body is known.
struct HttpBodyFraming {
  enum class Kind : std::uint8_t { kNone, kLength, kChunked };
  Kind kind = Kind::kNone;
  // kLength: bytes, at least one.
  std::size_t length = 0;
};

// A request that borrows the bytes given to the parser; valid until they move or the parser is used
// again.
struct HttpRequest {
  // One header line, as offsets into the request's bytes.
  struct Field {
    std::uint32_t name;
    std::uint32_t name_size;
    std::uint32_t value;
    std::uint32_t value_size;
  };

  HttpMethod method = HttpMethod::kOther;
  // As sent: "/path?query" or "http://host/path?query".
  std::string_view target;
  // From its first '/' on, still percent-encoded; "/" when an absolute target has none. Ends where
  // `query` begins, or at the end of the target.
  std::string_view path;
  // What follows the first '?', without it, still percent-encoded; may hold raw bytes from 0x80 on.
  std::string_view query;
  // Path and query as they stand in the target.
  std::string_view url;
  // 0 or 1; later minor versions count as 1.
  int minor_version = 1;
  // What the client asks for, by its version and its Connection header.
  bool keep_alive = false;
  // As it came, with a body that is skipped.
  std::string_view bytes;
  absl::Span<const Field> fields;
  // Where bodies are wanted, and whoever received it has put it here.
  std::string_view body = {};

  // The first value of a header, without surrounding blanks; empty when there is none. Case does
  // not matter.
  std::string_view Header(std::string_view name) const;
};

// Thread-compatible. Holds offsets, not pointers: the buffer may move between calls. Looks at each
// byte once, so a sender of single bytes costs linear time. Allocates when a request has more
// headers than any before it.
class HttpRequestParser {
 public:
  enum class Result : std::uint8_t { kNeedMore, kDone, kBad };

  explicit HttpRequestParser(const HttpLimits& limits);

  // `received` begins at the request's first byte and never shrinks until Reset(). The outcome does
  // not depend on the pieces in which the bytes come, and does not change once it is kDone or kBad.
  Result Parse(std::string_view received);

  // After kDone; refers to the bytes of the last Parse().
  const HttpRequest& request() const { return request_; }
  // After kDone: bytes of this request, with a body that is skipped. What follows, or the next
  // request, begins there.
  std::size_t consumed() const { return consumed_; }
  // After kDone: what follows the head where bodies are wanted.
  const HttpBodyFraming& body() const { return body_; }
  // After kDone: the request's bytes are at another place, as many as consumed().
  void Move(std::string_view bytes) { BuildRequest(bytes); }
  // After kDone: what request() has as its body.
  void SetBody(std::string_view body) { request_.body = body; }
  // After kBad: 400, 413, 414, 431, 501 or 505.
  int error_status() const { return error_status_; }

  // Makes ready for the next request of the connection.
  void Reset();

 private:
  // In the order in which a request passes through them.
  enum class Phase : std::uint8_t { kMethod, kTarget, kFields, kBody, kDone, kBad };

  static const http_parser_settings& Settings();
  void ParseMethod();
  void ParseTarget();
  bool SplitTarget(std::string_view target);
  std::size_t CountFields(std::string_view name) const;
  void ParseFields();
  void FinishHead();
  void FinishHeadBeforeBody();
  void BuildRequest(std::string_view received);
  bool Feed(std::string_view bytes);
  void OnName(const char* at, std::size_t size);
  void OnValue(const char* at, std::size_t size);
  void Fail(int status);

  HttpLimits limits_;
  http_parser parser_;
  Phase phase_ = Phase::kMethod;
  bool in_value_ =
      true;  // the last field has begun its value: a name that comes now is another field's
  bool malformed_ = false;
  bool too_many_fields_ = false;
  int error_status_ = 0;
  // Offsets from the request's first byte.
  std::size_t seen_ = 0;
  std::size_t target_ = 0;
  std::size_t target_end_ = 0;
  std::size_t path_ = 0;
  std::size_t path_end_ = 0;
  std::size_t query_ = 0;  // target_end_ when there is none
  std::size_t consumed_ = 0;
  HttpBodyFraming body_;
  std::vector<HttpRequest::Field> fields_;
  std::string_view received_;  // during Parse(): what of its argument is within the limit
  HttpRequest request_;
};

}  // namespace muster

#endif  // MUSTER_LIB_HTTP_REQUEST_H_
