// SPDX-License-Identifier: Apache-2.0
#include "state/delta_sorter.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

namespace muster {
namespace {

// No record is longer; a piece of a run holds one at least.
constexpr std::size_t kMaxRecord = 128 + DeltaRecord::kMaxSide;

// Where the info hash of a record begins.
constexpr std::size_t kHashAt = 1;

}  // namespace

absl::Status DeltaSorter::Add(const ReadDelta& change) {
  const DeltaRecord record = change.removed
                                 ? DeltaRecord(change.delta.info_hash)
                                 : DeltaRecord(change.delta, change.has_id, change.has_side);
  offsets_.push_back(static_cast<std::uint32_t>(records_.size()));
  records_ += record.bytes();
  if (!change.removed && change.has_side) AppendDeltaSide(change.side, records_);
  const std::size_t used = records_.size() + sizeof(std::uint32_t) * offsets_.size();
  // While they are sorted, they are there twice.
  const bool full = 2 * used > memory_ ||
                    records_.size() > std::numeric_limits<std::uint32_t>::max() - kMaxRecord;
  return full ? Spill() : absl::OkStatus();
}

// Leaves the records themselves in their order.
void DeltaSorter::Sort() {
  std::stable_sort(offsets_.begin(), offsets_.end(), [this](std::uint32_t a, std::uint32_t b) {
    return std::memcmp(records_.data() + a + kHashAt, records_.data() + b + kHashAt,
                       InfoHash::kSize) < 0;
  });
  std::string sorted;
  sorted.reserve(records_.size());
  for (const std::uint32_t offset : offsets_) {
    Column rest(std::string_view(records_).substr(offset));
    const std::size_t size = TakeDelta(rest).has_value() ? records_.size() - offset - rest.size()
                                                         : 0;  // cannot be: Add() made it
    sorted.append(records_, offset, size);
  }
  records_ = std::move(sorted);
  offsets_.clear();
}

absl::Status DeltaSorter::Spill() {
  Sort();
  const std::uint64_t begin = spool_.in_file();
  if (absl::Status status = spool_.Append(records_); !status.ok()) return status;
  runs_.push_back({.at = begin, .end = spool_.in_file(), .loaded = {}, .rest = {}, .first = {}});
  records_.clear();
  return absl::OkStatus();
}

absl::StatusOr<bool> DeltaSorter::Advance(Run& run) {
  if (run.rest.size() < kMaxRecord && run.at < run.end) {
    std::string loaded(run.loaded, run.loaded.size() - run.rest.size());
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(piece_, run.end - run.at));
    if (absl::Status status = spool_.ReadFile(run.at, size, loaded); !status.ok()) return status;
    run.loaded = std::move(loaded);
    run.rest = Column(run.loaded);
    run.at += size;
  }
  if (run.rest.empty()) return false;
  const std::optional<ReadDelta> change = TakeDelta(run.rest);
  if (!change.has_value()) return absl::InternalError("a temporary file has changed");
  run.first = *change;
  return true;
}

// Of equals, the run that was made first holds what came first.
bool DeltaSorter::IsAfter(std::size_t a, std::size_t b) const {
  const InfoHash& hash_a = runs_[a].first.delta.info_hash;
  const InfoHash& hash_b = runs_[b].first.delta.info_hash;
  return hash_a != hash_b ? hash_b < hash_a : a > b;
}

absl::Status DeltaSorter::BeginMerge() {
  merging_ = true;
  Sort();
  // The last run stays in memory.
  runs_.push_back({.at = 0, .end = 0, .loaded = {}, .rest = {}, .first = {}});
  runs_.back().loaded = std::move(records_);
  runs_.back().rest = Column(runs_.back().loaded);
  piece_ = std::clamp<std::size_t>(memory_ / 2 / runs_.size(), kMaxRecord, std::size_t{1} << 20);
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    // A run that moved may hold its bytes inside itself.
    runs_[i].rest = Column(runs_[i].loaded);
    absl::StatusOr<bool> more = Advance(runs_[i]);
    if (!more.ok()) return more.status();
    if (*more) waiting_.push_back(i);
  }
  std::make_heap(waiting_.begin(), waiting_.end(),
                 [this](std::size_t a, std::size_t b) { return IsAfter(a, b); });
  return absl::OkStatus();
}

absl::StatusOr<bool> DeltaSorter::Next(ReadDelta& change) {
  if (!merging_) {
    if (absl::Status status = BeginMerge(); !status.ok()) return status;
  }
  if (waiting_.empty()) return false;
  const auto after = [this](std::size_t a, std::size_t b) { return IsAfter(a, b); };
  std::pop_heap(waiting_.begin(), waiting_.end(), after);
  Run& run = runs_[waiting_.back()];
  change = run.first;
  const absl::StatusOr<bool> more = Advance(run);
  if (!more.ok()) return more.status();
  if (*more) {
    std::push_heap(waiting_.begin(), waiting_.end(), after);
  } else {
    run.loaded = {};
    waiting_.pop_back();
  }
  return true;
}

}  // namespace muster
