// SPDX-License-Identifier: Apache-2.0
#include "state/journal_scanner.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace muster {

absl::Status JournalScanner::ReadHeader() {
  absl::StatusOr<std::string_view> begin = scanner_.Peek(FileHeader::kSize);
  if (!begin.ok()) return begin.status();
  begun_ = true;
  header_ = DecodeFileHeader(kJournalMagic, *begin);
  if (!header_.has_value()) return absl::OkStatus();
  if (header_->version > kStateVersion) {
    return absl::FailedPreconditionError(absl::StrCat(
        "written by a newer muster: version ", header_->version, " of the journal's format"));
  }
  is_journal_ = true;
  scanner_.Skip(FileHeader::kSize);
  return absl::OkStatus();
}

absl::StatusOr<bool> JournalScanner::NextBlock() {
  absl::StatusOr<bool> more = scanner_.Next(block_);
  if (!more.ok() && !absl::IsDataLoss(more.status())) return more.status();
  const bool damaged = !more.ok();
  if (!damaged && !*more) return false;
  // Damage that something follows after is no torn end.
  absl::Status before = std::exchange(torn_end_, damaged ? more.status() : absl::OkStatus());
  if (!damaged && block_.kind != BlockKind::kDeltas) {
    const std::string wrong = absl::StrCat("offset ", block_.offset, ": not a journal's block");
    before = absl::DataLossError(before.ok() ? wrong : absl::StrCat(before.message(), "; ", wrong));
  } else if (!damaged) {
    is_journal_ = true;
    records_ = Column(block_.payload);
  }
  if (!before.ok()) return before;
  return true;
}

absl::StatusOr<bool> JournalScanner::Next(ReadDelta& change) {
  if (!begun_) {
    if (absl::Status status = ReadHeader(); !status.ok()) return status;
  }
  while (records_.empty()) {
    absl::StatusOr<bool> more = NextBlock();
    if (!more.ok() || !*more) return more;
  }
  const std::optional<ReadDelta> read = TakeDelta(records_);
  if (!read.has_value()) {
    records_ = Column();
    return absl::DataLossError(
        absl::StrCat("block ", block_.number, " at offset ", block_.offset, " contradicts itself"));
  }
  change = *read;
  ++changes_;
  return true;
}

}  // namespace muster
