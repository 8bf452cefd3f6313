// SPDX-License-Identifier: Apache-2.0
//
// HttpBodyReader: the body of one request, by its length or in chunks (RFC 9112, 7.1), from bytes
// that come in any pieces. No sockets.
//
//   muster::HttpBodyReader reader(parser.body(), max_body_bytes);
//   switch (reader.Read(received)) {  // takes what is the body's off `received`
//     case kNeedMore: ...receive more...
//     case kDone: ...answer with reader.body(); the next request begins at `received`...
//     case kBad: ...answer reader.error_status() and close...
//   }
//
// Of chunks, extensions and trailers are passed over, up to a limit; lines end with CR and LF, as a
// reader who takes less for an end may see another request than a proxy in front does.
// Thread-compatible.
#ifndef MUSTER_LIB_HTTP_REQUEST_BODY_H_
#define MUSTER_LIB_HTTP_REQUEST_BODY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/request.h"

namespace muster {

class HttpBodyReader {
 public:
  enum class Result : std::uint8_t { kNeedMore, kDone, kBad };

  // Bytes of extensions and trailers together.
  static constexpr std::size_t kMaxExtra = 8192;

  // A framing of kLength is within the limit already.
  HttpBodyReader(const HttpBodyFraming& framing, std::size_t max_body_bytes);

  // The outcome does not depend on the pieces, and does not change once it is kDone or kBad.
  Result Read(std::string_view& received);

  // All that has come of it.
  const std::string& body() const { return body_; }
  // After kBad: 400 or 413.
  int error_status() const { return error_status_; }

 private:
  enum class State : std::uint8_t {
    kLength,      // of all that is left, `left_` bytes
    kSize,        // the digits of a chunk's size
    kExtension,   // what follows them, up to the line's end
    kSizeEnd,     // the line feed of that line
    kData,        // `left_` bytes
    kDataReturn,  // the line end after them
    kDataEnd,
    kTrailer,  // the first byte of a line
    kTrailerLine,
    kTrailerEnd,
    kLastEnd,  // the line feed of the empty line
    kDone,
    kBad,
  };

  void Take(std::string_view& received);
  void Byte(char c);
  void SizeByte(char c);
  void BeginData();
  bool IsExtraTooLong();
  void Fail(int status);

  const std::size_t max_body_bytes_;
  State state_;
  std::size_t left_ = 0;
  std::size_t digits_ = 0;
  std::size_t extra_ = 0;
  int error_status_ = 0;
  std::string body_;
};

}  // namespace muster

#endif  // MUSTER_LIB_HTTP_REQUEST_BODY_H_
