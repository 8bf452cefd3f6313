// SPDX-License-Identifier: Apache-2.0
#include "http/file_parts.h"

#include <algorithm>

namespace muster {

HttpBody::Progress FileBody::Produce(std::size_t /*budget*/, std::string& out) {
  if (next_ == parts_.size()) {
    out += after_;
    return Progress::kEnd;
  }
  const FilePart& part = parts_[next_++];
  out += part.before;
  stretch_ = {file_.get(), part.offset, part.size};
  return Progress::kMore;
}

HttpBody::Progress ZeroBody::Produce(std::size_t budget, std::string& out) {
  const std::size_t size = std::min(budget, left_);
  out.append(size, '\0');
  left_ -= size;
  return left_ > 0 ? Progress::kMore : Progress::kEnd;
}

}  // namespace muster
