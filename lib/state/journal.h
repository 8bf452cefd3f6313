// SPDX-License-Identifier: Apache-2.0
//
// Journal: every delta, on its way to a file. A file is a header with kJournalMagic and blocks of
// kind kDeltas (see blocks.h), each a group of delta records (see delta_record.h) that was written
// at once.
//
//   OnDelta ─► 16 buffers, by the info hash ─► Commit(): groups ─► file ─► Sync
//
// Deltas of one swarm go through one buffer, so they stay in order; those of different swarms need
// no order. Memory is bounded: where the disk does not keep up, deltas are dropped, and the journal
// says that it needs_snapshot(), which has everything that was dropped.
//
// Thread-safe.
#ifndef MUSTER_LIB_STATE_JOURNAL_H_
#define MUSTER_LIB_STATE_JOURNAL_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/cache_line.h"
#include "base/mutex.h"
#include "muster/swarm_store.h"
#include "state/file_system.h"

namespace muster {

struct JournalOptions {
  // Keep peer ids.
  bool peer_ids = false;
  // Deltas that wait for the disk, in bytes; as much again may be under way.
  std::size_t max_pending_bytes = std::size_t{32} << 20;
  // Called when so much waits that Commit() should come soon. On an announcing thread, inside the
  // transaction; may be empty.
  std::function<void()> wake = nullptr;
};

class Journal final : public SwarmObserver {
 public:
  Journal(FileSystem* files, JournalOptions options)
      : files_(files), options_(std::move(options)) {}

  // Until the first one is started, deltas are gathered as far as there is room. Then whatever has
  // come goes to the file before, as far as that works, and what comes later to the new one, which
  // is on the disk, empty, when this returns. The one before goes on where this fails.
  absl::Status StartFile(const std::string& path, std::uint64_t sequence, Instant written);

  // Writes what has come since the last call; with `sync`, returns when it is on the disk. What
  // cannot be written is tried again by the next call.
  absl::Status Commit(bool sync);

  // Whether deltas were lost since the file was started, or the file is lost: the journal is whole
  // again after StartFile() and a snapshot.
  bool needs_snapshot() const;
  // Of the file.
  std::uint64_t bytes() const;
  bool has_deltas() const;

  void OnDelta(const SwarmDelta& delta) override;
  void OnRemove(const InfoHash& info_hash) override;

 private:
  static constexpr std::size_t kBuffers = 16;
  static constexpr std::size_t kGroupBytes = std::size_t{1} << 20;

  struct alignas(kCacheLine) Buffer {
    Mutex mu;
    std::string bytes ABSL_GUARDED_BY(mu);
  };

  void Add(const InfoHash& info_hash, std::string_view record);
  // Makes groups of what is in the buffers.
  void TakeBuffers() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Gives what was appended to unwritten_ since `begin`, behind room for it, the header of a group.
  void CloseGroup(std::size_t begin) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status CommitLocked(bool sync) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  FileSystem* const files_;
  const JournalOptions options_;
  std::array<Buffer, kBuffers> buffers_;
  std::atomic<bool> dropped_{false};
  std::atomic<bool> woken_{false};  // since the last commit

  mutable Mutex mu_;
  std::unique_ptr<File> file_ ABSL_GUARDED_BY(mu_);
  std::uint64_t end_ ABSL_GUARDED_BY(mu_) = 0;  // of what is surely written
  std::string unwritten_ ABSL_GUARDED_BY(mu_);  // groups for the file, from end_ on
  std::string taken_ ABSL_GUARDED_BY(mu_);      // memory that goes to and fro with a buffer's
  std::uint32_t groups_ ABSL_GUARDED_BY(mu_) = 0;
  bool unsynced_ ABSL_GUARDED_BY(mu_) = false;
  bool file_lost_ ABSL_GUARDED_BY(mu_) = false;
};

struct ReplayReport {
  bool is_journal = false;  // something of it was recognised
  std::uint64_t deltas = 0;
  std::uint64_t bytes = 0;
  // Damage that something whole follows after, and damage at the end, which is what a crash leaves.
  std::vector<absl::Status> damages;
  absl::Status torn_end;
};
// Puts the deltas of a journal into a store. Fails where the source or the store does.
absl::StatusOr<ReplayReport> ReplayJournal(ByteSource* source, SwarmStore& store, Instant now);

}  // namespace muster

#endif  // MUSTER_LIB_STATE_JOURNAL_H_
