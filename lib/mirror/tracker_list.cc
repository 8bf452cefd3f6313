// SPDX-License-Identifier: Apache-2.0
#include "mirror/tracker_list.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "base/unique_fd.h"
#include "metainfo/digest.h"
#include "metainfo/faults.h"
#include "metainfo/torrent_writer.h"
#include "mirror/file_text.h"

namespace muster {
namespace {

constexpr std::string_view kBlanks = " \t\r\n\v\f";

std::string_view Trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) + 1 - first);
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ParseTrackers(std::string_view text) {
  std::vector<std::string> trackers;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const std::string_view url = Trimmed(line);
    if (url.empty() || url.front() == '#') continue;
    const std::size_t scheme = url.find("://");
    if (scheme == 0 || scheme == url.npos || !CheckUrl("trackers", url).ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("line ", number, ": not a URL: ", Quoted(url)));
    }
    if (std::find(trackers.begin(), trackers.end(), url) != trackers.end()) continue;
    if (trackers.size() == kMaxTrackers) {
      return absl::InvalidArgumentError(
          absl::StrCat("line ", number, ": more than ", kMaxTrackers, " trackers"));
    }
    trackers.emplace_back(url);
  }
  return trackers;
}

std::vector<std::string> SaltedOrder(const std::vector<std::string>& trackers,
                                     std::string_view info_hash_hex) {
  std::vector<std::pair<Sha1Digest, const std::string*>> by_digest;
  by_digest.reserve(trackers.size());
  for (const std::string& url : trackers) {
    by_digest.emplace_back(Sha1Of(absl::StrCat(url, ToAbsl(info_hash_hex))), &url);
  }
  std::sort(by_digest.begin(), by_digest.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> ordered;
  ordered.reserve(trackers.size());
  for (const auto& [digest, url] : by_digest) ordered.push_back(*url);
  return ordered;
}

TrackersFile::Trackers TrackersFile::Get(Instant now) {
  MutexLock lock(&mu_);
  // What cannot be read is as it was.
  if (IsDue(now)) {
    looked_ = now;
    Read().IgnoreError();
  }
  return trackers_;
}

absl::Status TrackersFile::Look(Instant now) {
  MutexLock lock(&mu_);
  looked_ = now;
  identity_ = {};
  return Read();
}

absl::Status TrackersFile::Read() {
  if (path_.empty()) return absl::OkStatus();
  const UniqueFd fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status;
  if (fd.get() < 0 || ::fstat(fd.get(), &status) != 0) return SystemError(path_, errno);
  const FileIdentity identity = FileIdentity::Of(status);
  if (identity == identity_) return absl::OkStatus();
  absl::StatusOr<std::string> text = ReadText(fd.get(), kMaxTrackersSize, path_);
  if (!text.ok()) return text.status();
  absl::StatusOr<std::vector<std::string>> trackers = ParseTrackers(*text);
  if (!trackers.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(path_, ": ", trackers.status().message()));
  }
  identity_ = identity;
  trackers_ = std::make_shared<const std::vector<std::string>>(*std::move(trackers));
  return absl::OkStatus();
}

}  // namespace muster
