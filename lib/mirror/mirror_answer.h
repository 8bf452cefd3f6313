// SPDX-License-Identifier: Apache-2.0
//
// MirrorAnswer: what a mirror answers, before it is put on a connection. Whoever sends it adds
// Content-Length and Connection.
#ifndef MUSTER_LIB_MIRROR_MIRROR_ANSWER_H_
#define MUSTER_LIB_MIRROR_MIRROR_ANSWER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "base/unique_fd.h"
#include "http/file_body.h"
#include "http/response.h"

namespace muster {

struct MirrorAnswer {
  enum class Body : std::uint8_t {
    kText,   // `text`
    kFile,   // `parts` of `file`, and `text` after them
    kZeros,  // `zeros` of them
  };

  int status = 200;
  std::vector<HttpHeader> headers = {};
  // Without its body, for a HEAD; the length is that of the body that a GET would have.
  bool is_head = false;
  Body body = Body::kText;
  std::string text = {};
  UniqueFd file = {};
  std::vector<FilePart> parts = {};
  std::int64_t zeros = 0;

  // Of the body, in bytes.
  std::int64_t length() const;
  // What is sent behind the head where it is not `text` alone; null for none. Takes it out of here.
  // `run` as FileBody has it.
  std::unique_ptr<HttpBody> TakeBody(FileBody::Run run);
  // The value of a header; empty without it. Case matters.
  std::string_view Header(std::string_view name) const;
};

// A line of text.
MirrorAnswer TextAnswer(int status, std::string_view line);
// What an error means to a client: 400, 403, 404, 409 (a file changed), 413, 503 (the service ends),
// or 500, of which nothing but that is told.
MirrorAnswer ErrorAnswer(const absl::Status& status);
// A set that nobody knows: its paths are needed.
MirrorAnswer UnknownSetAnswer();

}  // namespace muster

#endif  // MUSTER_LIB_MIRROR_MIRROR_ANSWER_H_
