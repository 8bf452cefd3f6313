// SPDX-License-Identifier: Apache-2.0
#include "muster-dfile/row_sorter.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "muster-dfile/files.h"
#include "muster-dfile/text.h"

namespace muster_dfile {
namespace {

// Before each row: the sizes of its key and of its text.
struct Sizes {
  std::uint32_t key;
  std::uint32_t text;
};

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

Sizes SizesAt(std::string_view rows) {
  Sizes sizes;
  std::memcpy(&sizes, rows.data(), sizeof sizes);
  return sizes;
}

// How many bytes the row takes that begins here; what is needed to know that, where it is not there.
std::size_t SizeOfRow(std::string_view rows) {
  if (rows.size() < sizeof(Sizes)) return sizeof(Sizes);
  const Sizes sizes = SizesAt(rows);
  return sizeof sizes + sizes.key + sizes.text;
}

RowSorter::Row RowAt(std::string_view rows) {
  const Sizes sizes = SizesAt(rows);
  return {rows.substr(sizeof sizes, sizes.key), rows.substr(sizeof sizes + sizes.key, sizes.text)};
}

}  // namespace

std::string KeyOf(std::uint64_t number) {
  std::string key;
  for (int shift = 56; shift >= 0; shift -= 8) key += static_cast<char>(number >> shift & 0xff);
  return key;
}

std::string Reversed(std::string key) {
  for (char& byte : key) byte = static_cast<char>(~byte);
  return key;
}

absl::Status RowSorter::Add(std::string_view key, std::string_view text) {
  const Sizes sizes{static_cast<std::uint32_t>(key.size()),
                    static_cast<std::uint32_t>(text.size())};
  if (rows_.empty()) rows_.reserve(memory_ / 2);  // growing would take twice as much for a while
  offsets_.push_back(rows_.size());
  rows_.append(reinterpret_cast<const char*>(&sizes), sizeof sizes);
  rows_ += key;
  rows_ += text;
  // While they are sorted, they are there twice.
  const bool is_full = 2 * rows_.size() + sizeof(std::size_t) * offsets_.size() > memory_;
  return is_full ? MakeRoom() : absl::OkStatus();
}

// And leaves no more of them than are wanted.
void RowSorter::Sort() {
  const std::string_view rows = rows_;
  std::sort(offsets_.begin(), offsets_.end(), [rows](std::size_t a, std::size_t b) {
    const int order = RowAt(rows.substr(a)).key.compare(RowAt(rows.substr(b)).key);
    return order != 0 ? order < 0 : a < b;
  });
  if (limit_ != 0 && offsets_.size() > limit_) offsets_.resize(limit_);
  std::string sorted;
  sorted.reserve(rows_.capacity());
  for (std::size_t& offset : offsets_) {
    const std::string_view row = rows.substr(offset, SizeOfRow(rows.substr(offset)));
    offset = sorted.size();
    sorted += row;
  }
  rows_ = std::move(sorted);
}

// Into the file, unless so few of them are wanted that there is room for as many again.
absl::Status RowSorter::MakeRoom() {
  Sort();
  if (rows_.size() < memory_ / 8) return absl::OkStatus();
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
  if (std::fwrite(rows_.data(), 1, rows_.size(), file_.get()) != rows_.size()) return FileTrouble();
  runs_.push_back({.at = in_file_, .end = in_file_ + rows_.size(), .loaded = {}});
  in_file_ += rows_.size();
  rows_.clear();
  offsets_.clear();
  return absl::OkStatus();
}

absl::StatusOr<bool> RowSorter::Fill(Run& run) {
  for (;;) {
    const std::size_t has = run.loaded.size() - run.next;
    const std::size_t needs = SizeOfRow(std::string_view(run.loaded).substr(run.next));
    if (has >= needs) return true;
    if (run.at == run.end) return false;
    run.loaded.erase(0, std::exchange(run.next, 0));
    const auto size = static_cast<std::size_t>(
        std::min<std::uint64_t>(std::max(piece_, needs) - has, run.end - run.at));
    run.loaded.resize(has + size);
    if (fseeko(file_.get(), static_cast<off_t>(run.at), SEEK_SET) != 0 ||
        std::fread(run.loaded.data() + has, 1, size, file_.get()) != size) {
      return FileTrouble();
    }
    run.at += size;
  }
}

// Of equals, the run that was made first holds what came first.
bool RowSorter::IsAfter(std::size_t a, std::size_t b) const {
  const auto key = [this](std::size_t run) {
    return RowAt(std::string_view(runs_[run].loaded).substr(runs_[run].next)).key;
  };
  const int order = key(a).compare(key(b));
  return order != 0 ? order > 0 : a > b;
}

absl::Status RowSorter::BeginMerge() {
  merging_ = true;
  Sort();
  // The last run stays in memory.
  runs_.push_back({.at = 0, .end = 0, .loaded = std::move(rows_)});
  piece_ = std::max<std::size_t>(memory_ / 2 / runs_.size(), 4096);
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

absl::StatusOr<bool> RowSorter::Next(Row& row) {
  const auto after = [this](std::size_t a, std::size_t b) { return IsAfter(a, b); };
  if (!merging_) {
    if (absl::Status status = BeginMerge(); !status.ok()) return status;
  }
  if (std::exchange(has_given_, false)) {
    std::pop_heap(waiting_.begin(), waiting_.end(), after);
    Run& run = runs_[waiting_.back()];
    run.next += SizeOfRow(std::string_view(run.loaded).substr(run.next));
    const absl::StatusOr<bool> more = Fill(run);
    if (!more.ok()) return more.status();
    if (*more) {
      std::push_heap(waiting_.begin(), waiting_.end(), after);
    } else {
      run.loaded = {};
      waiting_.pop_back();
    }
  }
  if (waiting_.empty() || (limit_ != 0 && given_ == limit_)) return false;
  const Run& run = runs_[waiting_.front()];
  row = RowAt(std::string_view(run.loaded).substr(run.next));
  has_given_ = true;
  ++given_;
  return true;
}

}  // namespace muster_dfile
