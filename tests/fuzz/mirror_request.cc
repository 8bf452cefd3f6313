// SPDX-License-Identifier: Apache-2.0
//
// A request as it comes, its body behind an empty line: whatever is made of it is within the
// limits, the digest of a set names no path, and what a spec leads to stays below the root.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "mirror/conditions.h"
#include "mirror/mirror_request.h"
#include "mirror/path_spec.h"
#include "mirror/tracker_list.h"

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

void CheckSpec(std::string_view text) {
  const absl::StatusOr<muster::PathSpec> spec = muster::PathSpec::Parse(text);
  if (!spec.ok()) return;
  const std::string path = "/" + spec->text() + "/";
  for (const char* part : {"/../", "/./", "//", "/."}) Require(path.find(part) == path.npos);
  Require(path.find('\0') == path.npos);
}

void CheckRequest(const muster::HttpRequest& http, std::string_view body) {
  const muster::MirrorRequestLimits limits{.max_form = 1000, .max_target = 500, .max_paths = 10};
  const auto request = muster::ReadMirrorRequest(http, body, "ts", limits);
  if (request.ok()) {
    Require(request->specs.size() <= limits.max_paths && request->size >= 0);
    using Kind = muster::MirrorRequest::Kind;
    if (request->kind == Kind::kDigest || request->kind == Kind::kSingle) {
      Require(request->digest.size() == 40);
      Require(request->digest.find_first_not_of("0123456789abcdef") == std::string::npos);
    }
    for (const std::string& spec : request->specs) CheckSpec(spec);
    if (request->kind == Kind::kFile) CheckSpec(request->path);
  }
  constexpr std::int64_t kSize = 1000;
  const muster::Selection selection =
      muster::Select(http, "\"tag\"", muster::InstantFromUnixSeconds(784111777), kSize);
  Require(selection.range.first >= 0 && selection.range.size > 0 &&
          selection.range.first + selection.range.size <= kSize);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(text.find("\r\n\r\n"), text.size());
  const std::string head(text.substr(0, std::min(end + 4, text.size())));
  const std::string_view body = text.substr(head.size());
  muster::HttpRequestParser parser({});
  // What has a body in its head is not done before it is there.
  if (parser.Parse(head) == muster::HttpRequestParser::Result::kDone) {
    CheckRequest(parser.request(), body);
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
