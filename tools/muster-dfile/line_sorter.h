// SPDX-License-Identifier: Apache-2.0
//
// LineSorter: the lines of an opentracker dump, which may come in any order, by their info hashes.
// What does not fit its memory waits in an unnamed file, in sorted runs that are merged at the end.
//
// Thread-compatible.
#ifndef MUSTER_TOOLS_MUSTER_DFILE_LINE_SORTER_H_
#define MUSTER_TOOLS_MUSTER_DFILE_LINE_SORTER_H_

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "muster/ids.h"

namespace muster_dfile {

class LineSorter {
 public:
  // A torrent without peers: its count, and when it was last active in Unix seconds.
  struct Line {
    muster::InfoHash info_hash;
    std::uint64_t completed = 0;
    std::int64_t last_active = 0;
  };

  // Holds so many lines in memory.
  explicit LineSorter(std::size_t most) : most_(most) {}

  absl::Status Add(const Line& line);
  // The first one in order, once all have been added; false when none is left. Lines of one torrent
  // become one, with the greatest count and the latest time.
  absl::StatusOr<bool> Next(Line& line);

 private:
  struct FileCloser {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  // Sorted lines, of which a part is in memory.
  struct Run {
    std::uint64_t at;   // in the file, in lines: what is not loaded yet
    std::uint64_t end;  // in the file, in lines
    std::vector<Line> loaded;
    std::size_t next = 0;  // in `loaded`
  };

  void SortLines();
  absl::Status Spill();
  absl::Status BeginMerge();
  // Has the run's next line loaded; false when it has none.
  absl::StatusOr<bool> Fill(Run& run);
  // The next line, as it came.
  absl::StatusOr<bool> TakeFirst(Line& line);
  bool IsAfter(std::size_t a, std::size_t b) const;

  const std::size_t most_;
  std::vector<Line> lines_;
  std::unique_ptr<std::FILE, FileCloser> file_;
  std::uint64_t in_file_ = 0;  // lines
  std::vector<Run> runs_;
  std::vector<std::size_t> waiting_;  // a heap of runs, the one whose line is next in front
  bool merging_ = false;
  std::size_t piece_ = 0;  // lines of a run in memory at a time
  Line ahead_;
  bool has_ahead_ = false;
};

}  // namespace muster_dfile

#endif  // MUSTER_TOOLS_MUSTER_DFILE_LINE_SORTER_H_
