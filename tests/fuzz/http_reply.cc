// SPDX-License-Identifier: Apache-2.0
//
// A server that says anything: the outcome does not depend on the pieces in which it comes, and the
// body is within its limit. The first byte chooses limits and whether the connection ends.
#include "http/reply.h"

#include <cstdint>
#include <cstdlib>

namespace {

using muster::HttpReplyParser;
using Result = HttpReplyParser::Result;

std::string Run(std::string_view bytes, std::size_t piece, bool ends,
                const muster::HttpReplyLimits& limits) {
  HttpReplyParser parser(limits);
  Result result = Result::kNeedMore;
  for (std::size_t i = 0; i < bytes.size(); i += piece)
    result = parser.Feed(bytes.substr(i, piece));
  if (ends) result = parser.End();
  if (parser.body().size() > limits.max_body_bytes) std::abort();
  switch (result) {
    case Result::kNeedMore:
      if (ends) std::abort();
      return "more";
    case Result::kBad:
      return "bad " + std::string(parser.error());
    case Result::kDone:
      return std::to_string(parser.status()) + ' ' + parser.body();
  }
  return {};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const muster::HttpReplyLimits limits{.max_head_bytes = data[0] & 1u ? 64u : 4096u,
                                       .max_body_bytes = data[0] & 2u ? 8u : 4096u};
  const bool ends = (data[0] & 4) != 0;
  const std::string whole = Run(bytes, size, ends, limits);
  if (Run(bytes, 1, ends, limits) != whole) std::abort();
  if (Run(bytes, 5, ends, limits) != whole) std::abort();
  return 0;
}
