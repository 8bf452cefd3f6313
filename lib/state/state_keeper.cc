// SPDX-License-Identifier: Apache-2.0
#include "state/state_keeper.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "base/thread.h"
#include "state/recovery.h"

namespace muster {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

StateKeeperOptions InForce(StateKeeperOptions options) {
  if (options.format != StateFormat::kMuster) options.journal = false;
  return options;
}

absl::Status Check(const StateKeeperOptions& options) {
  if (options.save_interval < milliseconds(1) || options.sync_interval < milliseconds(1) ||
      options.retry_interval < milliseconds(1))
    return absl::InvalidArgumentError("intervals must be a millisecond at least");
  // A buffer's share must fit a block.
  if (options.max_pending_bytes < 4096 || options.max_pending_bytes > std::size_t{64} << 20)
    return absl::InvalidArgumentError("max_pending_bytes must be from 4 KiB to 64 MiB");
  if (options.format != StateFormat::kMuster && options.format != StateFormat::kBttrack) {
    return absl::InvalidArgumentError(absl::StrCat("a tracker's state is not kept in the format ",
                                                   ToAbsl(StateFormatName(options.format))));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<StateKeeper>> StateKeeper::Open(const std::string& path,
                                                               SwarmStore* store,
                                                               const StateKeeperOptions& options) {
  return StateKeeperImpl::Open(PosixFileSystem(), path, store, options);
}

absl::StatusOr<std::unique_ptr<StateKeeperImpl>> StateKeeperImpl::Open(
    FileSystem* files, const std::string& path, SwarmStore* store,
    const StateKeeperOptions& options, bool threads) {
  if (absl::Status status = Check(options); !status.ok()) return status;
  if (NameOf(path).empty()) return absl::InvalidArgumentError("the path names no file");
  std::unique_ptr<StateKeeperImpl> keeper(new StateKeeperImpl(files, path, store, options));
  if (absl::Status status = keeper->Start(threads); !status.ok()) {
    // Nothing was changed, and nothing is to be.
    keeper->StopThreads();
    MutexLock lock(&keeper->close_mu_);
    keeper->closed_ = status;
    return status;
  }
  return keeper;
}

StateKeeperImpl::StateKeeperImpl(FileSystem* files, const std::string& path, SwarmStore* store,
                                 const StateKeeperOptions& options)
    : files_(files),
      path_(path),
      store_(store),
      options_(InForce(options)),
      journal_(files, {.peer_ids = options.peer_ids,
                       .max_pending_bytes = options.max_pending_bytes,
                       .wake =
                           [this] {
                             MutexLock lock(&mu_);
                             commit_soon_ = true;
                             changed_.NotifyAll();
                           }}),
      save_trouble_(options.log, absl::StrCat("the state cannot be written to ", path),
                    options.remind_interval),
      commit_trouble_(options.log, absl::StrCat("the journal of ", path, " cannot be written"),
                      options.remind_interval) {}

StateKeeperImpl::~StateKeeperImpl() { (void)Close(); }

Instant StateKeeperImpl::Now() const {
  if (options_.clock) return options_.clock();
  return std::chrono::floor<Seconds>(std::chrono::system_clock::now());
}

absl::Status StateKeeperImpl::TakeLock() {
  absl::StatusOr<std::unique_ptr<FileLock>> lock = files_->Lock(path_ + ".lock");
  if (lock.ok()) {
    lock_ = *std::move(lock);
  } else if (absl::IsUnavailable(lock.status()) || absl::IsNotFound(lock.status())) {
    return lock.status();
  } else if (options_.log != nullptr) {
    options_.log->Log(LogLevel::kWarning, absl::StrCat("nothing keeps other processes from ", path_,
                                                       ": ", lock.status().message()));
  }
  return absl::OkStatus();
}

absl::Status StateKeeperImpl::Start(bool threads) {
  if (absl::Status status = TakeLock(); !status.ok()) return status;
  Recovery recovery(files_, path_, options_.format, store_, options_.log);
  if (absl::Status status = recovery.Run(Now()); !status.ok()) return status;
  recovery_ = recovery.report();
  {
    MutexLock lock(&save_mu_);
    next_sequence_ = recovery.next_sequence();
    side_ = recovery.TakeSide();
    // Where this fails, the next snapshot tries again, and so on until the disk allows it.
    if (options_.journal) {
      const absl::Status status = StartJournal();
      save_trouble_.Note(status);
      // What was recovered is in the snapshot and the journals that are there.
      must_save_ = !status.ok() || recovery.takes_no_journal();
      journal_is_new_ = false;
    }
    MutexLock wake(&mu_);
    save_soon_ = recovery.wants_snapshot() || must_save_;
  }
  if (!threads) return absl::OkStatus();
  absl::StatusOr<std::thread> save = StartThread("muster-save", [this] { SaveLoop(); });
  if (!save.ok()) return save.status();
  save_thread_ = *std::move(save);
  if (!options_.journal) return absl::OkStatus();
  absl::StatusOr<std::thread> commit = StartThread("muster-journal", [this] { CommitLoop(); });
  if (!commit.ok()) return commit.status();
  commit_thread_ = *std::move(commit);
  return absl::OkStatus();
}

// --- snapshots ---

absl::Status StateKeeperImpl::StartJournal() {
  if (journal_is_new_ && !journal_.needs_snapshot()) return absl::OkStatus();
  const std::uint64_t sequence = next_sequence_;
  const bool gives_up = journal_.needs_snapshot();
  absl::Status status = journal_.StartFile(JournalPath(path_, sequence), sequence, Now());
  // The name may be taken by what came meanwhile.
  if (absl::IsAlreadyExists(status)) ++next_sequence_;
  if (!status.ok()) return status;
  if (gives_up && sequence_ != 0) must_save_ = true;
  sequence_ = sequence;
  ++next_sequence_;
  journal_is_new_ = true;
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<StateWriter>> StateKeeperImpl::NewWriter(ByteSink* sink) const {
  if (options_.format == StateFormat::kMuster) {
    return NewSnapshotWriter(
        sink, {.compression = options_.compression, .written = Now(), .sequence = sequence_});
  }
  StateWriteOptions options;
  options.spool_folder = FolderOf(path_);
  options.time = Now();
  options.takes_peers_for_reachable = !store_->checks_nat();
  return NewStateWriter(options_.format, sink, options);
}

absl::Status StateKeeperImpl::WriteSnapshot() {
  const std::string temporary = path_ + ".tmp";
  (void)files_->Remove(temporary);  // of an attempt that failed
  absl::StatusOr<std::unique_ptr<File>> file = files_->Create(temporary);
  if (!file.ok()) return file.status();
  FileSink sink(file->get());
  absl::StatusOr<std::unique_ptr<StateWriter>> writer = NewWriter(&sink);
  absl::Status status = writer.ok() ? (*writer)->SetSide(side_) : writer.status();
  if (status.ok()) status = SaveState(*store_, **writer);
  if (status.ok()) status = (*file)->Sync();
  file->reset();
  if (status.ok()) status = files_->Rename(temporary, path_);
  if (!status.ok()) {
    (void)files_->Remove(temporary);  // makes room; the next attempt removes it otherwise
    return status;
  }
  return files_->SyncFolder(FolderOf(path_));
}

void StateKeeperImpl::RemoveJournalsBefore(std::uint64_t sequence) {
  const auto journals = ListJournals(*files_, path_);
  if (!journals.ok()) return;  // they go with the next snapshot
  for (const auto& [number, file] : *journals) {
    if (number < sequence) (void)files_->Remove(file);
  }
}

absl::Status StateKeeperImpl::SaveLocked() {
  if (options_.journal) {
    if (absl::Status status = StartJournal(); !status.ok()) return status;
  } else {
    // Journals of earlier times are in the state now.
    sequence_ = next_sequence_;
  }
  if (absl::Status status = WriteSnapshot(); !status.ok()) return status;
  must_save_ = false;
  journal_is_new_ = false;
  RemoveJournalsBefore(sequence_);
  return absl::OkStatus();
}

absl::Status StateKeeperImpl::Save() {
  MutexLock lock(&save_mu_);
  absl::Status status = SaveLocked();
  save_trouble_.Note(status);
  return status;
}

bool StateKeeperImpl::Wait(milliseconds time) {
  MutexLock lock(&mu_);
  if (!stopping_) changed_.WaitFor(&mu_, time);
  return !stopping_;
}

void StateKeeperImpl::SaveLoop() {
  // Looks a few times a second whether there is a reason to save.
  constexpr milliseconds kLook(200);
  Steady::time_point due = Steady::now() + options_.save_interval;
  Steady::time_point not_before = Steady::now();
  while (Wait(std::min(kLook, options_.save_interval))) {
    const Steady::time_point now = Steady::now();
    bool wanted = now >= due;
    {
      MutexLock lock(&mu_);
      wanted = wanted || save_soon_;
    }
    if (options_.journal) {
      wanted = wanted || journal_.needs_snapshot() ||
               (options_.max_journal_bytes > 0 && journal_.bytes() > options_.max_journal_bytes);
    }
    wanted = wanted || must_save_;
    if (!wanted || now < not_before) continue;
    const bool saved = Save().ok();
    {
      MutexLock lock(&mu_);
      save_soon_ = !saved;
    }
    due = Steady::now() + options_.save_interval;
    not_before = Steady::now() + (saved ? milliseconds(0) : options_.retry_interval);
  }
}

// --- the journal ---

absl::Status StateKeeperImpl::Commit() {
  MutexLock lock(&commit_mu_);
  absl::Status status = journal_.Commit(options_.sync);
  commit_trouble_.Note(status);
  return status;
}

void StateKeeperImpl::CommitLoop() {
  Steady::time_point due = Steady::now() + options_.sync_interval;
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(due - Steady::now());
    if (left > milliseconds(0) && !Wait(left)) return;
    {
      MutexLock lock(&mu_);
      if (stopping_) return;
      const bool soon = std::exchange(commit_soon_, false);
      if (!soon && Steady::now() < due) continue;  // woken for something else
    }
    (void)Commit();  // noted; tried again
    due = Steady::now() + options_.sync_interval;
  }
}

absl::Status StateKeeperImpl::Sync() {
  if (!options_.journal) return absl::FailedPreconditionError("there is no journal");
  MutexLock lock(&commit_mu_);
  if (journal_.needs_snapshot() || must_save_)
    return absl::UnavailableError("the journal waits for a snapshot");
  absl::Status status = journal_.Commit(/*sync=*/true);
  commit_trouble_.Note(status);
  return status;
}

// --- the end ---

void StateKeeperImpl::StopThreads() {
  {
    MutexLock lock(&mu_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  if (commit_thread_.joinable()) commit_thread_.join();
  if (save_thread_.joinable()) save_thread_.join();
}

absl::Status StateKeeperImpl::Close() {
  MutexLock closing(&close_mu_);
  if (closed_.has_value()) return *closed_;
  StopThreads();
  MutexLock lock(&save_mu_);
  absl::Status status = SaveLocked();
  save_trouble_.Note(status);
  if (options_.journal) {
    // What came while the snapshot was written is in the journal; where nothing did, it goes.
    const absl::Status committed = journal_.Commit(/*sync=*/true);
    if (status.ok()) status = committed;
    if (status.ok() && !journal_.has_deltas()) RemoveJournalsBefore(sequence_ + 1);
  }
  lock_.reset();
  closed_ = status;
  return status;
}

}  // namespace muster
