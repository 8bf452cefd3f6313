// SPDX-License-Identifier: Apache-2.0
#include "musterd/watched_file.h"

#include <utility>

#include "musterd/text.h"

namespace musterd {

WatchedFile::WatchedFile(std::string path, std::chrono::milliseconds settles)
    : path_(std::move(path)), settles_(settles) {}

bool WatchedFile::Look() {
  const FileStamp now = FileStamp::Of(path_);
  return See(now) && (now != loaded_ || again_ || failed_) && now != failed_;
}

bool WatchedFile::Loaded(const FileStamp& stamp) {
  loaded_ = stamp;
  See(stamp);
  again_ = false;
  failed_.reset();
  return trouble_.Ends();
}

bool WatchedFile::Failed(const FileStamp& stamp, const absl::Status& status) {
  again_ = absl::IsUnavailable(status);
  failed_ = again_ ? std::nullopt : std::optional(stamp);
  return trouble_.Begins(MessageOf(status)) || !again_;
}

std::optional<FileStamp> WatchedFile::StateToReplace() {
  const FileStamp now = FileStamp::Of(path_);
  return See(now) || now == loaded_ ? std::optional(now) : std::nullopt;
}

bool WatchedFile::See(const FileStamp& stamp) {
  const Clock::time_point now = Clock::now();
  if (stamp != seen_) {
    seen_ = stamp;
    since_ = now;
  }
  return now - since_ >= settles_;
}

}  // namespace musterd
