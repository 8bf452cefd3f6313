// SPDX-License-Identifier: Apache-2.0
#include "mirror/mirror_answer.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace muster {

std::string_view MirrorAnswer::Header(std::string_view name) const {
  for (const auto& [known, value] : headers) {
    if (known == name) return value;
  }
  return {};
}

std::int64_t MirrorAnswer::length() const {
  std::int64_t length = static_cast<std::int64_t>(text.size());
  if (body == Body::kZeros) length += zeros;
  if (body == Body::kFile) {
    for (const FilePart& part : parts) {
      length += static_cast<std::int64_t>(part.before.size()) + part.size;
    }
  }
  return length;
}

std::unique_ptr<HttpBody> MirrorAnswer::TakeBody(FileBody::Run run) {
  if (is_head || length() == 0 || body == Body::kText) return nullptr;
  if (body == Body::kZeros) return std::make_unique<ZeroBody>(zeros);
  return std::make_unique<FileBody>(std::move(file), std::move(parts), std::move(text),
                                    std::move(run));
}

MirrorAnswer TextAnswer(int status, std::string_view line) {
  MirrorAnswer answer{.status = status};
  answer.headers.emplace_back("Content-Type", "text/plain; charset=utf-8");
  answer.text = absl::StrCat(ToAbsl(line), "\n");
  return answer;
}

MirrorAnswer ErrorAnswer(const absl::Status& status) {
  const std::string_view line = FromAbsl(status.message());
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
      return TextAnswer(400, line);
    case absl::StatusCode::kPermissionDenied:
      return TextAnswer(403, line);
    case absl::StatusCode::kNotFound:
      return TextAnswer(404, line);
    case absl::StatusCode::kFailedPrecondition:
      return TextAnswer(409, line);
    case absl::StatusCode::kResourceExhausted:
      return TextAnswer(413, line);
    case absl::StatusCode::kCancelled:
      return TextAnswer(503, "the service ends");
    default:
      return TextAnswer(500, "internal error");
  }
}

// Not a 404, which proxies keep.
MirrorAnswer UnknownSetAnswer() {
  MirrorAnswer answer{.status = 412};
  answer.headers.emplace_back("Cache-Control", "no-cache, no-store, must-revalidate");
  answer.headers.emplace_back("Pragma", "no-cache");
  answer.headers.emplace_back("Expires", "0");
  return answer;
}

}  // namespace muster
