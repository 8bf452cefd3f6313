// SPDX-License-Identifier: Apache-2.0
#include "state/journal.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "muster/state_formats.h"
#include "state/blocks.h"
#include "state/bttrack_peer.h"
#include "state/delta_record.h"
#include "state/journal_scanner.h"

namespace muster {

// --- deltas come ---

void Journal::Add(const InfoHash& info_hash, std::string_view record) {
  Buffer& buffer = buffers_[info_hash.data()[0] / (256 / kBuffers)];
  MutexLock lock(&buffer.mu);
  if (buffer.bytes.size() + record.size() > options_.max_pending_bytes / kBuffers) {
    dropped_.store(true, std::memory_order_relaxed);
    return;
  }
  buffer.bytes.append(record);
  if (buffer.bytes.size() > options_.max_pending_bytes / kBuffers / 2 &&
      !woken_.load(std::memory_order_relaxed) && !woken_.exchange(true) && options_.wake) {
    options_.wake();
  }
}

void Journal::OnDelta(const SwarmDelta& delta) {
  if (delta.details == nullptr)
    return Add(delta.info_hash, DeltaRecord(delta, options_.peer_ids).bytes());
  // A peer with a side record is known by its id.
  const std::string side = PeerSideOf(*delta.details, delta.state);
  const bool fits = side.size() <= DeltaRecord::kMaxSide;
  std::string record(DeltaRecord(delta, /*with_id=*/true, /*with_side=*/true).bytes());
  AppendDeltaSide(fits ? std::string_view(side) : std::string_view(), record);
  Add(delta.info_hash, record);
}

void Journal::OnRemove(const InfoHash& info_hash) {
  Add(info_hash, DeltaRecord(info_hash).bytes());
}

// --- and go to a file ---

void Journal::CloseGroup(std::size_t begin) {
  const std::string_view payload = std::string_view(unwritten_).substr(begin + kBlockHeaderSize);
  if (payload.empty()) {
    unwritten_.resize(begin);
    return;
  }
  const std::string header = EncodeBlockHeader(BlockKind::kDeltas, StateCompression::kNone,
                                               groups_++, payload, payload.size());
  unwritten_.replace(begin, header.size(), header);
}

void Journal::TakeBuffers() {
  // What waits for the disk already has its bound; the buffers have theirs.
  if (unwritten_.size() >= options_.max_pending_bytes) return;
  woken_ = false;
  std::size_t begin = unwritten_.size();
  unwritten_.append(kBlockHeaderSize, '\0');
  for (Buffer& buffer : buffers_) {
    taken_.clear();
    {
      MutexLock lock(&buffer.mu);
      buffer.bytes.swap(taken_);
    }
    unwritten_ += taken_;
    if (unwritten_.size() - begin < kGroupBytes) continue;
    CloseGroup(begin);
    begin = unwritten_.size();
    unwritten_.append(kBlockHeaderSize, '\0');
  }
  CloseGroup(begin);
}

absl::Status Journal::CommitLocked(bool sync) {
  TakeBuffers();
  if (file_ == nullptr) return absl::UnavailableError("there is no journal");
  if (!file_->IsLinked()) {
    file_lost_ = true;
    return absl::NotFoundError("the journal was removed");
  }
  if (file_lost_) return absl::DataLossError("the journal could not be synced");
  if (!unwritten_.empty()) {
    if (absl::Status status = WriteAll(*file_, end_, unwritten_); !status.ok()) return status;
    end_ += unwritten_.size();
    unwritten_.clear();
    if (unwritten_.capacity() > 4 * kGroupBytes) unwritten_.shrink_to_fit();
    unsynced_ = true;
  }
  if (!sync || !unsynced_) return absl::OkStatus();
  if (absl::Status status = file_->Sync(); !status.ok()) {
    // Whether what was written is there, no later sync will tell.
    file_lost_ = true;
    return status;
  }
  unsynced_ = false;
  return absl::OkStatus();
}

absl::Status Journal::Commit(bool sync) {
  MutexLock lock(&mu_);
  return CommitLocked(sync);
}

absl::Status Journal::StartFile(const std::string& path, std::uint64_t sequence, Instant written) {
  absl::StatusOr<std::unique_ptr<File>> file = files_->Create(path);
  if (!file.ok()) return file.status();
  absl::Status status = WriteAll(
      **file, 0, EncodeFileHeader(kJournalMagic, {.sequence = sequence, .written = written}));
  if (status.ok()) status = (*file)->Sync();
  if (status.ok()) status = files_->SyncFolder(FolderOf(path));
  if (!status.ok()) {
    (void)files_->Remove(path);  // where that fails too, a journal without deltas harms nobody
    return status;
  }
  MutexLock lock(&mu_);
  // Where the old file does not take them, the deltas wait for the new one.
  if (file_ != nullptr) (void)CommitLocked(/*sync=*/true);
  file_ = *std::move(file);
  end_ = FileHeader::kSize;
  unsynced_ = file_lost_ = false;
  dropped_.store(false, std::memory_order_relaxed);
  return absl::OkStatus();
}

bool Journal::needs_snapshot() const {
  MutexLock lock(&mu_);
  return file_ == nullptr || file_lost_ || dropped_.load(std::memory_order_relaxed);
}

std::uint64_t Journal::bytes() const {
  MutexLock lock(&mu_);
  return end_;
}

bool Journal::has_deltas() const {
  MutexLock lock(&mu_);
  return end_ > FileHeader::kSize || !unwritten_.empty();
}

// --- and come back ---

namespace {

absl::Status Apply(const ReadDelta& read, SwarmStore& store, Instant now) {
  if (read.removed) {
    store.Remove(read.delta.info_hash);
    return absl::OkStatus();
  }
  PeerRecord peer{.peer = read.delta.peer,
                  .state = read.delta.state,
                  .completed = read.delta.counted,
                  .last_seen = read.delta.time,
                  .peer_id = read.has_id ? &read.delta.peer_id : nullptr};
  PeerDetails details;
  if (read.has_side && store.keeps_details()) {
    details = DetailsOfSide(read.side, read.delta.state);
    peer.details = &details;
  }
  return store.Restore({.info_hash = read.delta.info_hash,
                        .completed = read.delta.completed_count,
                        .peers = {&peer, 1},
                        .empty_since = read.delta.time},
                       now);
}

}  // namespace

absl::StatusOr<ReplayReport> ReplayJournal(ByteSource* source, SwarmStore& store, Instant now) {
  JournalScanner scanner(source);
  ReplayReport report;
  ReadDelta change;
  while (true) {
    const absl::StatusOr<bool> more = scanner.Next(change);
    if (absl::IsDataLoss(more.status())) {
      report.damages.push_back(more.status());
      continue;
    }
    if (!more.ok()) return more.status();
    if (!*more) break;
    if (absl::Status status = Apply(change, store, now); !status.ok()) return status;
  }
  report.is_journal = scanner.is_journal();
  report.deltas = scanner.changes();
  report.bytes = scanner.bytes();
  report.torn_end = scanner.torn_end();
  return report;
}

}  // namespace muster
