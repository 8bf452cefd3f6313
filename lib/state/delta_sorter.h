// SPDX-License-Identifier: Apache-2.0
//
// DeltaSorter: changes in the order of their info hashes, those of one swarm in the order in which
// they came. What does not fit its memory waits in an unnamed file, in runs that are sorted already
// and merged at the end. Thread-compatible.
#ifndef MUSTER_LIB_STATE_DELTA_SORTER_H_
#define MUSTER_LIB_STATE_DELTA_SORTER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "state/delta_record.h"
#include "state/state_spool.h"

namespace muster {

class DeltaSorter {
 public:
  // About so many bytes of memory, for the file a folder.
  DeltaSorter(std::size_t memory, std::string folder)
      : memory_(memory), spool_(/*memory=*/0, std::move(folder)) {}

  absl::Status Add(const ReadDelta& change);
  // The first one in order, once all have been added; false when none is left. Valid until the next call.
  absl::StatusOr<bool> Next(ReadDelta& change);

 private:
  // Records that are sorted, read piece by piece.
  struct Run {
    std::uint64_t at;   // in the file: what is not loaded yet
    std::uint64_t end;  // in the file
    std::string loaded;
    Column rest;  // of `loaded`
    ReadDelta first;
  };

  void Sort();
  absl::Status Spill();
  absl::Status BeginMerge();
  // Loads what there is room for and takes the run's next change; false when it has none.
  absl::StatusOr<bool> Advance(Run& run);
  // Whether a run's first change comes after another's.
  bool IsAfter(std::size_t a, std::size_t b) const;

  const std::size_t memory_;
  StateSpool spool_;
  std::string records_;                 // in memory, in the order in which they came
  std::vector<std::uint32_t> offsets_;  // where each begins
  std::vector<Run> runs_;
  bool merging_ = false;
  std::size_t piece_ = 0;             // of a run, in memory at a time
  std::vector<std::size_t> waiting_;  // a heap of runs, the one whose change is next in front
};

}  // namespace muster

#endif  // MUSTER_LIB_STATE_DELTA_SORTER_H_
