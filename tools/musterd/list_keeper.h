// SPDX-License-Identifier: Apache-2.0
//
// ListKeeper: keeps the tracker's access rules as the files of lists and the named pipes say. A
// thread of its own reads them, so that no announce waits for a file.
//
// A list that cannot be read stays as it was, and the log says so. Torrents that come to be refused
// lose their swarms.
#ifndef MUSTER_TOOLS_MUSTERD_LIST_KEEPER_H_
#define MUSTER_TOOLS_MUSTERD_LIST_KEEPER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "muster/access_rules.h"
#include "muster/log_sink.h"
#include "muster/swarm_store.h"
#include "musterd/settings.h"

namespace musterd {

class ListKeeper {
 public:
  // Reads every list, makes the pipes that are missing, and starts to watch. The status names the
  // file that cannot be read, where lists are required. The others are not owned and must outlive
  // the keeper.
  static absl::StatusOr<std::unique_ptr<ListKeeper>> Start(const AccessSettings& settings,
                                                           muster::AccessRules* rules,
                                                           muster::SwarmStore* store,
                                                           muster::LogSink* log);
  // Saves what is not saved yet, and ends the thread.
  ~ListKeeper();
  ListKeeper(const ListKeeper&) = delete;
  ListKeeper& operator=(const ListKeeper&) = delete;

  // Whether there is any list or pipe at all.
  bool keeps_any() const;
  // Has every file read again, changed or not. Returns at once; any thread may call.
  void Reload();

 private:
  class Impl;
  explicit ListKeeper(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace musterd

#endif  // MUSTER_TOOLS_MUSTERD_LIST_KEEPER_H_
