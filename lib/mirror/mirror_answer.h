// SPDX-License-Identifier: Apache-2.0
//
// MirrorAnswer: what a mirror answers, before it is put on a connection. Whoever sends it adds
// Content-Length, Date and Connection.
#ifndef MUSTER_LIB_MIRROR_MIRROR_ANSWER_H_
#define MUSTER_LIB_MIRROR_MIRROR_ANSWER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/unique_fd.h"
#include "mirror/conditions.h"

namespace muster {

struct MirrorAnswer {
  enum class Body : std::uint8_t {
    kText,   // `text`
    kFile,   // `range` of `file`
    kZeros,  // range.size zeros
  };

  int status = 200;
  std::vector<std::pair<std::string_view, std::string>> headers = {};
  // Without its body, for a HEAD; the length is that of the body that a GET would have.
  bool is_head = false;
  Body body = Body::kText;
  std::string text = {};
  UniqueFd file = {};
  ByteRange range = {};

  std::int64_t length() const {
    return body == Body::kText ? static_cast<std::int64_t>(text.size()) : range.size;
  }
  // The value of a header; empty without it. Case matters.
  std::string_view Header(std::string_view name) const;
};

// A line of text.
MirrorAnswer TextAnswer(int status, std::string_view line);
// What an error means to a client: 400, 403, 404, 405, 409 (a file changed), 413, or 500, of which
// nothing but that is told.
MirrorAnswer ErrorAnswer(const absl::Status& status);
// A set that nobody knows: its paths are needed.
MirrorAnswer UnknownSetAnswer();

}  // namespace muster

#endif  // MUSTER_LIB_MIRROR_MIRROR_ANSWER_H_
