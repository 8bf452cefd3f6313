// SPDX-License-Identifier: Apache-2.0
#include "muster-dfile/line_sorter.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>

#include "muster-dfile/files.h"
#include "muster-dfile/text.h"

namespace muster_dfile {
namespace {

static_assert(std::is_trivially_copyable_v<LineSorter::Line>);

absl::Status FileTrouble() {
  return absl::UnavailableError(
      Concat({"a temporary file in ", TemporaryFolder(), ": ", std::strerror(errno)}));
}

// A file without a name, which goes with its descriptor.
int OpenUnnamed() {
  std::string path = TemporaryFolder() + "/muster-dfile.XXXXXX";
  const int file = mkostemp(path.data(), O_CLOEXEC);
  if (file >= 0) unlink(path.c_str());
  return file;
}

}  // namespace

absl::Status LineSorter::Add(const Line& line) {
  lines_.push_back(line);
  return lines_.size() < most_ ? absl::OkStatus() : Spill();
}

void LineSorter::SortLines() {
  std::sort(lines_.begin(), lines_.end(),
            [](const Line& a, const Line& b) { return a.info_hash < b.info_hash; });
}

absl::Status LineSorter::Spill() {
  if (file_ == nullptr) {
    const int file = OpenUnnamed();
    if (file < 0) return FileTrouble();
    file_.reset(fdopen(file, "w+b"));
    if (file_ == nullptr) {
      absl::Status status = FileTrouble();
      close(file);
      return status;
    }
  }
  SortLines();
  if (std::fwrite(lines_.data(), sizeof(Line), lines_.size(), file_.get()) != lines_.size())
    return FileTrouble();
  runs_.push_back({.at = in_file_, .end = in_file_ + lines_.size(), .loaded = {}});
  in_file_ += lines_.size();
  lines_.clear();
  return absl::OkStatus();
}

absl::StatusOr<bool> LineSorter::Fill(Run& run) {
  if (run.next < run.loaded.size()) return true;
  if (run.at == run.end) return false;
  run.loaded.resize(static_cast<std::size_t>(std::min<std::uint64_t>(piece_, run.end - run.at)));
  const auto offset = static_cast<off_t>(run.at * sizeof(Line));
  if (fseeko(file_.get(), offset, SEEK_SET) != 0 ||
      std::fread(run.loaded.data(), sizeof(Line), run.loaded.size(), file_.get()) !=
          run.loaded.size()) {
    return FileTrouble();
  }
  run.at += run.loaded.size();
  run.next = 0;
  return true;
}

bool LineSorter::IsAfter(std::size_t a, std::size_t b) const {
  return runs_[b].loaded[runs_[b].next].info_hash < runs_[a].loaded[runs_[a].next].info_hash;
}

absl::Status LineSorter::BeginMerge() {
  merging_ = true;
  SortLines();
  // The last run stays in memory.
  runs_.push_back({.at = 0, .end = 0, .loaded = std::move(lines_)});
  piece_ = std::max<std::size_t>(most_ / runs_.size(), 1);
  if (file_ != nullptr && std::fflush(file_.get()) != 0) return FileTrouble();
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    const absl::StatusOr<bool> more = Fill(runs_[i]);
    if (!more.ok()) return more.status();
    if (*more) waiting_.push_back(i);
  }
  std::make_heap(waiting_.begin(), waiting_.end(),
                 [this](std::size_t a, std::size_t b) { return IsAfter(a, b); });
  return absl::OkStatus();
}

absl::StatusOr<bool> LineSorter::TakeFirst(Line& line) {
  if (waiting_.empty()) return false;
  const auto after = [this](std::size_t a, std::size_t b) { return IsAfter(a, b); };
  std::pop_heap(waiting_.begin(), waiting_.end(), after);
  Run& run = runs_[waiting_.back()];
  line = run.loaded[run.next++];
  const absl::StatusOr<bool> more = Fill(run);
  if (!more.ok()) return more.status();
  if (*more) {
    std::push_heap(waiting_.begin(), waiting_.end(), after);
  } else {
    run.loaded = {};
    waiting_.pop_back();
  }
  return true;
}

absl::StatusOr<bool> LineSorter::Next(Line& line) {
  absl::StatusOr<bool> more = true;
  if (!merging_) {
    if (absl::Status status = BeginMerge(); !status.ok()) return status;
    more = TakeFirst(ahead_);
    has_ahead_ = more.ok() && *more;
  }
  if (!more.ok() || !has_ahead_) return more.ok() ? false : more;
  line = ahead_;
  while (true) {
    more = TakeFirst(ahead_);
    if (!more.ok()) return more;
    has_ahead_ = *more;
    if (!has_ahead_ || ahead_.info_hash != line.info_hash) return true;
    line.completed = std::max(line.completed, ahead_.completed);
    line.last_active = std::max(line.last_active, ahead_.last_active);
  }
}

}  // namespace muster_dfile
