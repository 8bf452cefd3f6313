// SPDX-License-Identifier: Apache-2.0
//
// TorrentKeeper: keeps the catalog, and the white list of the access rules, as a directory of
// .torrent files says. A thread of its own reads them, so that no announce waits for a file.
//
// A directory that cannot be read any more leaves everything as it was, and the log says so.
// Torrents that come to be refused lose their swarms, unless the settings let them keep them.
#ifndef MUSTER_TOOLS_MUSTERD_TORRENT_KEEPER_H_
#define MUSTER_TOOLS_MUSTERD_TORRENT_KEEPER_H_

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "muster/access_rules.h"
#include "muster/log_sink.h"
#include "muster/swarm_store.h"
#include "muster/torrent_catalog.h"
#include "musterd/settings.h"

namespace musterd {

class TorrentKeeper {
 public:
  // Reads the directory. The status says why it cannot be read, where lists are required.
  // `on_change` is called each time that the catalog is another one, at first by Open() and then by
  // the keeper's thread. The others are not owned and must outlive the keeper.
  static absl::StatusOr<std::unique_ptr<TorrentKeeper>> Open(
      const AccessSettings& settings, muster::AccessRules* rules, muster::TorrentCatalog* catalog,
      muster::SwarmStore* store, muster::LogSink* log, std::function<void()> on_change);
  // Once, when a saved state is in the store: takes out what is refused of it, and starts to watch
  // the directory.
  absl::Status Start();
  // Ends the thread.
  ~TorrentKeeper();
  TorrentKeeper(const TorrentKeeper&) = delete;
  TorrentKeeper& operator=(const TorrentKeeper&) = delete;

  // Has it looked at again. Returns at once; any thread may call.
  void Reload();

 private:
  class Impl;
  explicit TorrentKeeper(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace musterd

#endif  // MUSTER_TOOLS_MUSTERD_TORRENT_KEEPER_H_
