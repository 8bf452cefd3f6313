// SPDX-License-Identifier: Apache-2.0
//
// StateKeeper's implementation, over any FileSystem.
//
// Two threads: one commits the journal, one saves snapshots. A snapshot begins with a new journal,
// so that the snapshot and the journals from there on are the state; when it is on the disk under
// its name, the older journals go. Thread-safe.
#ifndef MUSTER_LIB_STATE_STATE_KEEPER_H_
#define MUSTER_LIB_STATE_STATE_KEEPER_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "muster/state_keeper.h"
#include "state/file_system.h"
#include "state/journal.h"
#include "state/trouble.h"

namespace muster {

class StateKeeperImpl final : public StateKeeper {
 public:
  // `threads`: off, nothing happens but by Sync(), Save() and Close(); for tests that count what
  // happens to the disk.
  static absl::StatusOr<std::unique_ptr<StateKeeperImpl>> Open(FileSystem* files,
                                                               const std::string& path,
                                                               SwarmStore* store,
                                                               const StateKeeperOptions& options,
                                                               bool threads = true);
  ~StateKeeperImpl() override;

  const RecoveryReport& recovery() const override { return recovery_; }
  absl::Status Sync() override;
  absl::Status Save() override;
  absl::Status Close() override;

  void OnDelta(const SwarmDelta& delta) override {
    if (options_.journal) journal_.OnDelta(delta);
  }
  void OnRemove(const InfoHash& info_hash) override {
    if (options_.journal) journal_.OnRemove(info_hash);
  }

 private:
  StateKeeperImpl(FileSystem* files, const std::string& path, SwarmStore* store,
                  const StateKeeperOptions& options);
  absl::Status Start(bool threads);
  absl::Status TakeLock();
  Instant Now() const;

  void StopThreads();

  void CommitLoop();
  void SaveLoop();
  absl::Status Commit();
  // A journal that begins now, or the one that is, where it has everything since the last snapshot.
  absl::Status StartJournal() ABSL_EXCLUSIVE_LOCKS_REQUIRED(save_mu_);
  absl::StatusOr<std::unique_ptr<StateWriter>> NewWriter(ByteSink* sink) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(save_mu_);
  absl::Status WriteSnapshot() ABSL_EXCLUSIVE_LOCKS_REQUIRED(save_mu_);
  absl::Status SaveLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(save_mu_);
  void RemoveJournalsBefore(std::uint64_t sequence);
  // Waits on changed_; false when the keeper is to stop.
  bool Wait(std::chrono::milliseconds time);

  FileSystem* const files_;
  const std::string path_;
  SwarmStore* const store_;
  const StateKeeperOptions options_;
  std::unique_ptr<FileLock> lock_;
  RecoveryReport recovery_;
  Journal journal_;

  // Held while a snapshot is written.
  Mutex save_mu_;
  std::uint64_t next_sequence_ ABSL_GUARDED_BY(save_mu_) = 1;
  // What the state said beside its torrents when it was recovered, which goes along.
  std::string side_ ABSL_GUARDED_BY(save_mu_);
  // Of the current journal; 0 when there is none.
  std::uint64_t sequence_ ABSL_GUARDED_BY(save_mu_) = 0;
  // The current journal has everything since the last snapshot that was written.
  bool journal_is_new_ ABSL_GUARDED_BY(save_mu_) = false;
  // A journal was given up: only a snapshot makes the state whole. Written under save_mu_.
  std::atomic<bool> must_save_{false};
  Trouble save_trouble_ ABSL_GUARDED_BY(save_mu_);

  Mutex commit_mu_;
  Trouble commit_trouble_ ABSL_GUARDED_BY(commit_mu_);

  Mutex mu_;
  CondVar changed_;  // what mu_ guards
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  bool save_soon_ ABSL_GUARDED_BY(mu_) = false;
  bool commit_soon_ ABSL_GUARDED_BY(mu_) = false;

  Mutex close_mu_;
  std::optional<absl::Status> closed_ ABSL_GUARDED_BY(close_mu_);
  std::thread commit_thread_;
  std::thread save_thread_;
};

}  // namespace muster

#endif  // MUSTER_LIB_STATE_STATE_KEEPER_H_
