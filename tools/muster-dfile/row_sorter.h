// SPDX-License-Identifier: Apache-2.0
//
// RowSorter: rows in an order that is asked for, however many there are. What does not fit its memory
// waits in an unnamed file, in sorted runs that are merged at the end.
//
// Thread-compatible.
#ifndef MUSTER_TOOLS_MUSTER_DFILE_ROW_SORTER_H_
#define MUSTER_TOOLS_MUSTER_DFILE_ROW_SORTER_H_

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace muster_dfile {

// A number, as bytes of the same order.
std::string KeyOf(std::uint64_t number);
// As bytes of the opposite order, among keys of one size, or of which none begins another.
std::string Reversed(std::string key);

class RowSorter {
 public:
  struct Row {
    std::string_view key;
    std::string_view text;
  };

  // Takes about so many bytes of memory. Where `limit` is not 0, no more than the first `limit` rows
  // are wanted.
  explicit RowSorter(std::size_t memory, std::size_t limit = 0) : memory_(memory), limit_(limit) {}

  // Together less than 2^32 bytes.
  absl::Status Add(std::string_view key, std::string_view text);
  // The first one in order, once all have been added: by the bytes of their keys, rows of one key as
  // they came. False when none is left. A row is valid until the next call.
  absl::StatusOr<bool> Next(Row& row);

 private:
  struct FileCloser {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  // Sorted rows, of which a part is in memory.
  struct Run {
    std::uint64_t at;   // in the file: what is not loaded yet
    std::uint64_t end;  // in the file
    std::string loaded;
    std::size_t next = 0;  // in `loaded`: where its first row begins
  };

  void Sort();
  absl::Status MakeRoom();
  absl::Status BeginMerge();
  // Has the run's first row loaded; false when it has none.
  absl::StatusOr<bool> Fill(Run& run);
  // Whether a run's first row comes after another's.
  bool IsAfter(std::size_t a, std::size_t b) const;

  const std::size_t memory_;
  const std::size_t limit_;
  std::string rows_;                  // in memory, one after the other
  std::vector<std::size_t> offsets_;  // where each begins
  std::unique_ptr<std::FILE, FileCloser> file_;
  std::uint64_t in_file_ = 0;
  std::vector<Run> runs_;
  std::vector<std::size_t> waiting_;  // a heap of runs, the one whose row is next in front
  bool merging_ = false;
  bool has_given_ = false;  // the row in front
  std::size_t given_ = 0;
  std::size_t piece_ = 0;  // bytes of a run in memory at a time
};

}  // namespace muster_dfile

#endif  // MUSTER_TOOLS_MUSTER_DFILE_ROW_SORTER_H_
