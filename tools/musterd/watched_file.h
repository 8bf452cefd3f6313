// SPDX-License-Identifier: Apache-2.0
//
// WatchedFile: a file that others change, and whether it is to be read now. One that is being written
// is neither read nor replaced before it has stayed the same for a while. Thread-compatible.
#ifndef MUSTER_TOOLS_MUSTERD_WATCHED_FILE_H_
#define MUSTER_TOOLS_MUSTERD_WATCHED_FILE_H_

#include <chrono>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "musterd/list_file.h"

namespace musterd {

class WatchedFile {
 public:
  // `settles`: how long it has to stay the same.
  WatchedFile(std::string path, std::chrono::milliseconds settles);

  const std::string& path() const { return path_; }
  // As it was when it was read last.
  const FileStamp& loaded() const { return loaded_; }

  // Whether it is to be read now. Who does so then calls one of these, with the stamp of what was
  // read or tried:
  bool Look();
  // It was read. Whether that ends a trouble.
  bool Loaded(const FileStamp& stamp);
  // It could not be: no use trying before it changes again, unless the reason may pass
  // (Unavailable). Whether the log is to be told.
  bool Failed(const FileStamp& stamp, const absl::Status& status);

  // The state that it may be replaced in: the one that was read, or another that has settled.
  std::optional<FileStamp> StateToReplace();

 private:
  using Clock = std::chrono::steady_clock;

  // Whether it has been so for long enough.
  bool See(const FileStamp& stamp);

  const std::string path_;
  const std::chrono::milliseconds settles_;
  FileStamp loaded_;
  FileStamp seen_;
  Clock::time_point since_ = Clock::now();  // seen so
  // A file that is gone, or cannot be reached, too.
  std::optional<FileStamp> failed_;
  bool again_ = false;
  Trouble trouble_;
};

}  // namespace musterd

#endif  // MUSTER_TOOLS_MUSTERD_WATCHED_FILE_H_
