// SPDX-License-Identifier: Apache-2.0
//
// The body of a request in any pieces: the same outcome as when all bytes are there at once, never
// more than was allowed, and nothing taken that is behind it. The first byte of the input chooses the
// framing, the second seeds the sizes of the pieces; the rest is what a client sends.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/require.h"
#include "http/request_body.h"

namespace {

using muster::HttpBodyReader;
using muster::Require;
using Result = HttpBodyReader::Result;

constexpr std::size_t kMaxBody = 200;

template <typename Step>
std::string Run(std::string_view all, const muster::HttpBodyFraming& framing, Step step) {
  HttpBodyReader reader(framing, kMaxBody);
  std::size_t at = 0;
  while (true) {
    // A buffer of its own each time, exactly as long as what came.
    const std::string_view piece = all.substr(at, step());
    const std::vector<char> buffer(piece.begin(), piece.end());
    std::string_view rest(buffer.data(), buffer.size());
    const Result result = reader.Read(rest);
    Require(rest.empty() || result != Result::kNeedMore);
    Require(reader.body().size() <= kMaxBody);
    at += piece.size() - rest.size();
    switch (result) {
      case Result::kDone:
        return "done " + std::to_string(at) + " " + reader.body();
      case Result::kBad:
        return "bad " + std::to_string(reader.error_status());
      case Result::kNeedMore:
        if (at == all.size()) return "more " + reader.body();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  using Kind = muster::HttpBodyFraming::Kind;
  const bool is_chunked = data[0] % 4 != 0;
  const muster::HttpBodyFraming framing =
      is_chunked ? muster::HttpBodyFraming{Kind::kChunked, 0}
                 : muster::HttpBodyFraming{Kind::kLength, std::size_t{data[0]} / 4 + 1};
  const std::string_view all(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::string whole = Run(all, framing, [&] { return all.size() + 1; });
  Require(Run(all, framing, [] { return 1; }) == whole);
  std::uint32_t chance = data[1];
  Require(Run(all, framing, [&chance] {
            chance = chance * 1664525 + 1013904223;
            return 1 + (chance >> 16) % 9;
          }) == whole);
  return 0;
}
