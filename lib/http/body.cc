// SPDX-License-Identifier: Apache-2.0
#include "http/body.h"

namespace muster {

HttpBody::Progress ChunkedBody::Produce(std::size_t budget, std::string& out) {
  // The size stands in front of a chunk and is known after it: leading zeros are allowed there.
  static constexpr char kHead[] = "00000000\r\n";
  constexpr std::size_t kHeadSize = sizeof kHead - 1;
  constexpr std::size_t kDigits = 8;
  const std::size_t begin = out.size();
  out += kHead;
  const Progress progress = body_->Produce(budget, out);
  std::size_t size = out.size() - begin - kHeadSize;
  if (size == 0) {
    out.resize(begin);
  } else {
    for (std::size_t i = kDigits; i-- > 0; size >>= 4)
      out[begin + i] = "0123456789abcdef"[size & 15];
    out += "\r\n";
  }
  if (progress == Progress::kEnd) out += "0\r\n\r\n";
  return progress;
}

}  // namespace muster
