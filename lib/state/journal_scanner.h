// SPDX-License-Identifier: Apache-2.0
//
// JournalScanner: the changes that a journal's file holds, one by one. Holds one block in memory.
// Thread-compatible; borrows the source.
#ifndef MUSTER_LIB_STATE_JOURNAL_SCANNER_H_
#define MUSTER_LIB_STATE_JOURNAL_SCANNER_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "muster/state.h"
#include "state/blocks.h"
#include "state/delta_record.h"
#include "state/varint.h"

namespace muster {

class JournalScanner {
 public:
  explicit JournalScanner(ByteSource* source) : scanner_(source) {}

  // The next change; false at the end. DataLoss with the offset for damage that something whole
  // follows after: the next call goes on with that. FailedPrecondition for a newer version.
  absl::StatusOr<bool> Next(ReadDelta& change);

  // Damage that nothing whole follows after, which is what a crash leaves; OK without any. To be
  // asked at the end.
  const absl::Status& torn_end() const { return torn_end_; }
  // Something of a journal was recognised.
  bool is_journal() const { return is_journal_; }
  // Nothing when it is damaged, or before the first Next().
  const std::optional<FileHeader>& header() const { return header_; }
  // Read so far.
  std::uint64_t bytes() const { return scanner_.offset(); }
  std::uint64_t changes() const { return changes_; }

 private:
  absl::Status ReadHeader();
  // The next block, into records_.
  absl::StatusOr<bool> NextBlock();

  BlockScanner scanner_;
  bool begun_ = false;
  bool is_journal_ = false;
  std::optional<FileHeader> header_;
  absl::Status torn_end_;
  BlockScanner::Block block_{};
  Column records_;  // what is left of block_
  std::uint64_t changes_ = 0;
};

}  // namespace muster

#endif  // MUSTER_LIB_STATE_JOURNAL_SCANNER_H_
