// SPDX-License-Identifier: Apache-2.0
//
// What a client that has some of a file already asks for: ranges and conditions (RFC 9110, 13 and
// 14), and dates as HTTP has them. Reentrant.
#ifndef MUSTER_LIB_HTTP_CONDITIONS_H_
#define MUSTER_LIB_HTTP_CONDITIONS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/request.h"
#include "muster/instant.h"

namespace muster {

// "Sun, 06 Nov 1994 08:49:37 GMT", from the year 1 to 9999.
std::string HttpDate(Instant time);
// Nothing for what is no such date; the two obsolete forms are not read.
std::optional<Instant> ParseHttpDate(std::string_view text);

// What a request asks for and on what conditions, for who answers when the request is gone.
struct FileConditions {
  bool is_get = false;
  // The headers of these names.
  std::string if_match = {};
  std::string if_unmodified_since = {};
  std::string if_none_match = {};
  std::string if_modified_since = {};
  std::string if_range = {};
  std::string range = {};

  static FileConditions Of(const HttpRequest& request);
};

// What may be sent: all of it, or a part.
struct ByteRange {
  std::int64_t first = 0;
  std::int64_t size = 0;

  bool operator==(const ByteRange&) const = default;
};

// What the answer to a GET or HEAD is to be.
struct Selection {
  int status = 200;  // 206, 304, 412 or 416
  // Of the file's bytes: all of them for a 200, one range or several for a 206.
  std::vector<ByteRange> ranges;
};

// Ranges that one request may ask for; whoever asks for more, or for more bytes than there are, gets
// the whole file.
inline constexpr std::size_t kMaxRanges = 32;

// Of a file of `size` bytes that has changed at `modified`. `etag` is a strong one, with its
// quotes.
Selection Select(const FileConditions& conditions, std::string_view etag, Instant modified,
                 std::int64_t size);

}  // namespace muster

#endif  // MUSTER_LIB_HTTP_CONDITIONS_H_
