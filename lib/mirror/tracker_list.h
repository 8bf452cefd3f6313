// SPDX-License-Identifier: Apache-2.0
//
// The trackers of a mirror's torrents: a file with one announce URL a line, and for each torrent an
// order of its own, so that the load spreads over all of them without any agreement.
#ifndef MUSTER_LIB_MIRROR_TRACKER_LIST_H_
#define MUSTER_LIB_MIRROR_TRACKER_LIST_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "metainfo/content.h"
#include "muster/instant.h"

namespace muster {

// Bytes of a trackers file, and URLs in it.
inline constexpr std::size_t kMaxTrackersSize = std::size_t{1} << 20;
inline constexpr std::size_t kMaxTrackers = 1000;

// One URL a line; blanks around it, empty lines and lines that begin with '#' are passed over, as
// are URLs that were there before. InvalidArgument, with the line's number, for what is no URL with
// a scheme. Reentrant.
absl::StatusOr<std::vector<std::string>> ParseTrackers(std::string_view text);

// In the order for a torrent: by the SHA-1 of the URL followed by `info_hash_hex`. Reentrant.
std::vector<std::string> SaltedOrder(const std::vector<std::string>& trackers,
                                     std::string_view info_hash_hex);

// A trackers file, read again when it changed. Thread-safe.
class TrackersFile {
 public:
  using Trackers = std::shared_ptr<const std::vector<std::string>>;

  // An empty path: there are no trackers. `every` is how often the file is looked at.
  TrackersFile(std::string path, Seconds every) : path_(std::move(path)), every_(every) {}

  // Those of the file as it was when it was last looked at, and could be read.
  Trackers Get(Instant now);
  // Whether Get() would not look at the file.
  bool is_at_hand(Instant now) {
    MutexLock lock(&mu_);
    return !IsDue(now);
  }
  // How many there are, without a look.
  std::size_t size() {
    MutexLock lock(&mu_);
    return trackers_->size();
  }
  // Looks at once; says what is wrong with the file, if anything is. Get() goes on with what it had.
  absl::Status Look(Instant now);

 private:
  bool IsDue(Instant now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return looked_ == Instant::min() || now < looked_ || now - looked_ >= every_;
  }
  absl::Status Read() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::string path_;
  const Seconds every_;
  Mutex mu_;
  Instant looked_ ABSL_GUARDED_BY(mu_) = Instant::min();
  FileIdentity identity_ ABSL_GUARDED_BY(mu_);
  Trackers trackers_ ABSL_GUARDED_BY(mu_) = std::make_shared<std::vector<std::string>>();
};

}  // namespace muster

#endif  // MUSTER_LIB_MIRROR_TRACKER_LIST_H_
