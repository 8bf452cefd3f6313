// SPDX-License-Identifier: Apache-2.0
//
// Keeper: what a mirror needs done beside answering: its trackers file is read as soon as it changes,
// its caches are cleaned, and files are hashed before anybody asks for them. One thread is told by the
// system (inotify) what has changed, and looks for itself now and then; another one hashes.
//
// To be used from one thread.
#ifndef MUSTER_TOOLS_MUSTER_TORRENTD_KEEPER_H_
#define MUSTER_TOOLS_MUSTER_TORRENTD_KEEPER_H_

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "muster/log_sink.h"
#include "muster/mirror.h"

namespace torrentd {

struct KeeperOptions {
  std::string trackers_file = {};
  // Of the mirror; with what is to be hashed in it.
  std::string root = {};
  std::vector<std::string> hash_ahead = {};
  std::chrono::milliseconds hash_interval{15 * 60'000};
  std::chrono::milliseconds clean_interval{60 * 60'000};
};

class Keeper {
 public:
  // `mirror` and `log` are not owned.
  static absl::StatusOr<std::unique_ptr<Keeper>> Start(const KeeperOptions& options,
                                                       muster::Mirror* mirror,
                                                       muster::LogSink* log);
  // Waits for what is under way; a mirror that was stopped is quick.
  ~Keeper();
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  // Reads the trackers file and looks for files at once, whatever the system has told.
  void LookNow();

 private:
  class Impl;
  explicit Keeper(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace torrentd

#endif  // MUSTER_TOOLS_MUSTER_TORRENTD_KEEPER_H_
