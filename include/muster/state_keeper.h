// SPDX-License-Identifier: Apache-2.0
//
// StateKeeper: keeps a store's state on disk while it serves: a snapshot now and then, and between
// snapshots a journal of every change. After a crash, a kill or a loss of power, Open() has
// everything up to the journal's last sync: peers with their ages, and counts, which never go back.
//
//   muster::StateKeeperOptions options;
//   auto keeper = muster::StateKeeper::Open("/var/lib/muster/state", &tracker->store(), options);
//   if (!keeper.ok()) return keeper.status();
//   tracker->AddObserver(keeper->get());       // after Open(): recovery is no news
//   ...                                        // serve; then stop serving, and
//   absl::Status status = (*keeper)->Close();  // writes all of it
//
// Files, for the path PATH:
//   PATH              the snapshot (muster/snapshot.h); only ever replaced as a whole
//   PATH.tmp          the next one while it is written
//   PATH.journal.N    the changes since the snapshot whose header says sequence N, and later ones
//   PATH.lock         empty; locked by the process that keeps its state here
//   PATH.bttrack.N    what another tracker had left there: a state of bttrack or opentracker is taken
//                     over (PATH.opentracker.N), and stays beside muster's
//   PATH.damaged.N    a file that was damaged, or none of muster's, and has been replaced by a good
//                     one; nothing ever overwrites it
//
// A disk that is full, a folder that is gone or may not be written to does not disturb the tracker:
// the log is told at once, now and then while it lasts, and when it is over. The last good snapshot
// and its journal stay.
//
// Thread-safe. Owns two threads; borrows the store and the log, which must outlive it, and is
// borrowed by the tracker as an observer.
#ifndef MUSTER_STATE_KEEPER_H_
#define MUSTER_STATE_KEEPER_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "muster/export.h"
#include "muster/instant.h"
#include "muster/log_sink.h"
#include "muster/snapshot.h"
#include "muster/swarm_store.h"

namespace muster {

struct StateKeeperOptions {
  // From one snapshot to the next. Longer means less writing, a longer journal, and a longer
  // recovery.
  std::chrono::milliseconds save_interval{5 * 60 * 1000};
  // A snapshot is begun early when the journal is larger than this, in bytes. 0: never.
  std::uint64_t max_journal_bytes = std::uint64_t{4} << 30;
  // Without a journal a crash loses what has changed since the last snapshot.
  bool journal = true;
  // How often the journal is written and synced to the disk: what a crash may lose. At least a
  // millisecond.
  std::chrono::milliseconds sync_interval{1000};
  // Off: the journal is written at every sync_interval, but left to the system to bring to the disk.
  // That survives the end of the process, and loses some 30 seconds when the machine goes down.
  bool sync = true;
  // Keep the peer ids of a store that has them.
  bool peer_ids = false;
  StateCompression compression = StateCompression::kNone;
  // Changes that wait for a slow disk, in bytes; beyond it they wait for the next snapshot.
  std::size_t max_pending_bytes = std::size_t{32} << 20;
  // After a failure, the time to the next attempt of a snapshot, and to the next line in the log.
  std::chrono::milliseconds retry_interval{10 * 1000};
  std::chrono::milliseconds remind_interval{10 * 60 * 1000};
  // May be null.
  LogSink* log = nullptr;
  // What time it is, as the tracker's announces have it; called from any thread. Empty: the system's
  // clock.
  std::function<Instant()> clock = nullptr;
};

// What Open() found.
struct RecoveryReport {
  // Of the snapshot; 0 when there was none.
  std::uint64_t torrents = 0;
  std::uint64_t peers = 0;
  Instant written;
  // Of the journals.
  std::uint64_t deltas = 0;
  // In words, with file and place.
  std::vector<std::string> damages;
  // Files that were or will be set aside: where to.
  std::vector<std::string> set_aside;
};

class MUSTER_EXPORT StateKeeper : public SwarmObserver {
 public:
  // Puts what is at `path` into the store, and keeps it there from then on. Says to the log what it
  // found. Fails where there is a state that cannot be read (so that it is not lost), or that a
  // newer muster wrote; where the folder is not there (NotFound); where another process keeps its
  // state (Unavailable). A disk that can only be read is no failure.
  static absl::StatusOr<std::unique_ptr<StateKeeper>> Open(const std::string& path,
                                                           SwarmStore* store,
                                                           const StateKeeperOptions& options);
  // As Close().
  ~StateKeeper() override = default;

  virtual const RecoveryReport& recovery() const = 0;

  // Returns when everything that was announced before is on the disk, in the journal.
  // FailedPrecondition without one.
  virtual absl::Status Sync() = 0;
  // Writes a snapshot now.
  virtual absl::Status Save() = 0;
  // Writes the last snapshot and stops. What is announced while it does so is kept as well, what
  // comes later is not. A second call returns what the first one did.
  virtual absl::Status Close() = 0;
};

}  // namespace muster

#endif  // MUSTER_STATE_KEEPER_H_
