// SPDX-License-Identifier: Apache-2.0
//
// Pipelined requests in any pieces: each has the same outcome as when all bytes are there at once.
// The first byte of the input chooses limits, the second seeds the piece sizes; the rest is what a
// client sends.
#include "http/request.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/require.h"

namespace {

using muster::Require;
using Result = muster::HttpRequestParser::Result;

bool IsWithin(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

// One line for each request, saying all that the parser says of it.
void Describe(Result result, const muster::HttpRequestParser& parser, std::string_view bytes,
              std::string& log) {
  if (result == Result::kBad) {
    log += "bad " + std::to_string(parser.error_status()) + "\n";
    return;
  }
  const muster::HttpRequest& r = parser.request();
  Require(parser.consumed() > 0 && parser.consumed() <= bytes.size());
  Require(IsWithin(r.target, bytes) && IsWithin(r.query, r.target) && IsWithin(r.url, r.target));
  Require(r.path == "/" || IsWithin(r.path, r.target));
  Require(r.path.substr(0, 1) == "/" && r.path.find('?') == std::string_view::npos);
  log += std::to_string(static_cast<int>(r.method)) + ' ' + std::string(r.target) + ' ' +
         std::string(r.path) + ' ' + std::string(r.query) + ' ' + std::string(r.url) + ' ' +
         std::to_string(r.minor_version) + (r.keep_alive ? " keep " : " close ") +
         std::to_string(parser.consumed()) + '\n';
  for (const muster::HttpRequest::Field& f : r.fields) {
    const std::string_view name = r.bytes.substr(f.name, f.name_size);
    const std::string_view value = r.bytes.substr(f.value, f.value_size);
    Require(IsWithin(name, bytes.substr(0, parser.consumed())));
    Require(IsWithin(value, bytes.substr(0, parser.consumed())));
    Require(!name.empty() && name.find_first_of(" \t\r\n:") == std::string_view::npos);
    Require(value.find_first_of("\r\n") == std::string_view::npos);
    log += std::string(name) + ": " + std::string(value) + '\n';
    r.Header(name);
  }
}

// What a connection does; `step` says how many bytes come next.
template <typename Step>
std::string Run(std::string_view all, const muster::HttpLimits& limits, Step step) {
  std::string log;
  muster::HttpRequestParser parser(limits);
  std::size_t begin = 0;
  std::size_t end = 0;
  while (true) {
    // A buffer of its own each time, exactly as long as what came.
    const std::vector<char> buffer(all.begin() + static_cast<std::ptrdiff_t>(begin),
                                   all.begin() + static_cast<std::ptrdiff_t>(end));
    const std::string_view received(buffer.data(), buffer.size());
    const Result result = parser.Parse(received);
    if (result == Result::kNeedMore) {
      Require(received.size() < limits.max_request_bytes);
      if (end == all.size()) return log;
      end = std::min(all.size(), end + step());
      continue;
    }
    Describe(result, parser, received, log);
    if (result == Result::kBad) return log;
    Require(parser.consumed() <= limits.max_request_bytes);
    begin += parser.consumed();
    parser.Reset();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const muster::HttpLimits limits{
      .max_request_bytes = data[0] % 16 == 0 ? std::size_t{8192} : data[0] * 2u,
      .max_headers = data[0] % 8u + 1,
      .loose_request_line = data[0] % 3 == 0};
  const std::string_view all(reinterpret_cast<const char*>(data) + 2,
                             std::min<std::size_t>(size - 2, 4096));
  const std::string whole = Run(all, limits, [&] { return all.size(); });
  Require(Run(all, limits, [] { return 1; }) == whole);
  std::uint32_t chance = data[1];
  Require(Run(all, limits, [&] {
            chance = chance * 1664525 + 1013904223;
            return 1 + (chance >> 16) % (chance % 3 == 0 ? 64 : 7);
          }) == whole);
  return 0;
}
