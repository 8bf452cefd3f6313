// SPDX-License-Identifier: Apache-2.0
//
// A request as it comes, its body behind an empty line: whatever is made of it is within the
// limits, the digest of a set names no path, and what a spec leads to stays below the root.
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/require.h"
#include "http/conditions.h"
#include "mirror/mirror_request.h"
#include "mirror/path_spec.h"
#include "mirror/tracker_list.h"

namespace {

using muster::Require;

void CheckSpec(std::string_view text) {
  const absl::StatusOr<muster::PathSpec> spec = muster::PathSpec::Parse(text);
  if (!spec.ok()) return;
  const std::string path = "/" + spec->text() + "/";
  for (const char* part : {"/../", "/./", "//", "/."}) Require(path.find(part) == path.npos);
  Require(path.find('\0') == path.npos);
}

void CheckRequest(const muster::HttpRequest& http) {
  const muster::MirrorRequestLimits limits{.max_form = 1000, .max_target = 500, .max_paths = 10};
  const muster::MirrorRequest request = muster::ReadMirrorRequest(http, "ts", "/metrics", limits);
  using Kind = muster::MirrorRequest::Kind;
  Require((request.kind == Kind::kRefused) == (request.refusal >= 400));
  if (request.kind != Kind::kRefused) {
    Require(request.specs.size() <= limits.max_paths && request.size >= 0);
    if (request.kind == Kind::kDigest || request.kind == Kind::kSingle) {
      Require(request.digest.size() == 40);
      Require(request.digest.find_first_not_of("0123456789abcdef") == std::string::npos);
    }
    for (const std::string& spec : request.specs) CheckSpec(spec);
    if (request.kind == Kind::kFile) CheckSpec(request.path);
  }
  constexpr std::int64_t kSize = 1000;
  const muster::Selection selection =
      muster::Select(muster::FileConditions::Of(http), "\"tag\"",
                     muster::InstantFromUnixSeconds(784111777), kSize);
  Require(!selection.ranges.empty() && selection.ranges.size() <= muster::kMaxRanges);
  std::int64_t bytes = 0;
  for (const muster::ByteRange& range : selection.ranges) {
    Require(range.first >= 0 && range.size > 0 && range.first + range.size <= kSize);
    bytes += range.size;
  }
  Require(bytes <= kSize);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(text.find("\r\n\r\n"), text.size());
  const std::string head(text.substr(0, std::min(end + 4, text.size())));
  const std::string_view body = text.substr(head.size());
  muster::HttpRequestParser parser({.max_body_bytes = 1 << 20});
  if (parser.Parse(head) == muster::HttpRequestParser::Result::kDone) {
    parser.SetBody(body);
    CheckRequest(parser.request());
  }
  if (const auto trackers = muster::ParseTrackers(text); trackers.ok()) {
    for (const std::string& url : *trackers) Require(url.find("://") != url.npos);
    Require(muster::SaltedOrder(*trackers, "00").size() == trackers->size());
  }
  if (const auto date = muster::ParseHttpDate(text)) {
    Require(muster::ParseHttpDate(muster::HttpDate(*date)) == date);
  }
  CheckSpec(text);
  return 0;
}
