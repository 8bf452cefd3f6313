// SPDX-License-Identifier: Apache-2.0
#include "muster/tracker_url.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace muster {
namespace {

constexpr std::string_view kHttp = "http://";
constexpr std::string_view kUdp = "udp://";

bool StartsWith(std::string_view text, std::string_view prefix) {
  return absl::StartsWithIgnoreCase(ToAbsl(text), ToAbsl(prefix));
}

absl::Status Bad(std::string_view text, std::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", ToAbsl(text.substr(0, TrackerUrl::kMaxSize)), "\" ", ToAbsl(why)));
}

}  // namespace

absl::StatusOr<TrackerUrl> TrackerUrl::Parse(std::string_view text) {
  if (text.size() > kMaxSize) return Bad(text.substr(0, 60), "... is too long for a tracker's URL");
  const bool plain = std::all_of(text.begin(), text.end(),
                                 [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
  if (!plain) return Bad(text, "has characters that a tracker's URL cannot have");
  TrackerUrl url;
  if (StartsWith(text, kUdp)) {
    url.scheme = Scheme::kUdp;
  } else if (!StartsWith(text, kHttp)) {
    return Bad(text, "is not a URL of http:// or udp://");
  }
  const std::string_view rest =
      text.substr(url.scheme == Scheme::kUdp ? kUdp.size() : kHttp.size());
  const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
  std::string authority(rest.substr(0, end));
  // A colon behind the brackets of an IPv6 address, if there are any, begins the port.
  const std::size_t bracket = authority.rfind(']');
  const bool has_port =
      authority.find(':', bracket == std::string::npos ? 0 : bracket) != std::string::npos;
  if (!has_port && url.scheme == Scheme::kHttp) authority += ":80";
  absl::StatusOr<HostPort> server = HostPort::Parse(authority);
  if (!server.ok()) return Bad(text, "names no host and port");
  url.server = *std::move(server);
  url.target = rest.substr(end);
  if (url.target.empty() ? url.scheme == Scheme::kHttp : url.target[0] == '?') {
    url.target.insert(0, "/");
  }
  return url;
}

std::string TrackerUrl::ToString() const {
  return absl::StrCat(ToAbsl(scheme == Scheme::kUdp ? kUdp : kHttp), server.ToString(), target);
}

}  // namespace muster
