// SPDX-License-Identifier: Apache-2.0
//
// ListKeeper: keeps the tracker's access rules as the files of lists and the named pipes say. A
// thread of its own reads them, so that no announce waits for a file.
//
// A list that cannot be read stays as it was, and the log says so. Torrents that come to be refused
// lose their swarms, unless the settings let them keep them.
#ifndef MUSTER_TOOLS_MUSTERD_LIST_KEEPER_H_
#define MUSTER_TOOLS_MUSTERD_LIST_KEEPER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "muster/access_rules.h"
#include "muster/log_sink.h"
#include "muster/swarm_store.h"
#include "muster/torrent_catalog.h"
#include "musterd/settings.h"

namespace musterd {

class ListKeeper {
 public:
  // Reads every list, and makes the pipes that are missing. The status names the file that cannot be
  // read, where lists are required. Where `catalog` is not null, it is given the torrents of the
  // whitelist's file, by their hashes alone. The others are not owned and must outlive the keeper.
  static absl::StatusOr<std::unique_ptr<ListKeeper>> Open(
      const AccessSettings& settings, muster::AccessRules* rules, muster::SwarmStore* store,
      muster::LogSink* log, muster::TorrentCatalog* catalog = nullptr);
  // Once, when a saved state is in the store: takes out what the lists refuse of it, and starts to
  // watch.
  absl::Status Start();
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
