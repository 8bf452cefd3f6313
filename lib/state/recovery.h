// SPDX-License-Identifier: Apache-2.0
//
// Recovery: finds the files of a kept state and puts what they say into a store. Changes no file,
// but gives damaged ones a second name. Thread-compatible.
#ifndef MUSTER_LIB_STATE_RECOVERY_H_
#define MUSTER_LIB_STATE_RECOVERY_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "muster/state_formats.h"
#include "muster/state_keeper.h"
#include "state/file_system.h"

namespace muster {

// The names of the files that belong to a path.
std::string JournalPath(const std::string& path, std::uint64_t sequence);
// The journals in the folder of `path`, by their sequence; the files' paths.
absl::StatusOr<std::map<std::uint64_t, std::string>> ListJournals(FileSystem& files,
                                                                  const std::string& path);

class Recovery {
 public:
  Recovery(FileSystem* files, std::string path, SwarmStore* store, LogSink* log)
      : files_(*files), path_(std::move(path)), store_(*store), log_(log) {}

  // Once.
  absl::Status Run(Instant now);

  const RecoveryReport& report() const { return report_; }
  // A sequence that no file has.
  std::uint64_t next_sequence() const { return next_sequence_; }
  // Whether a snapshot should be written soon: there was more, or less, than one that is whole.
  bool wants_snapshot() const { return wants_snapshot_; }

 private:
  absl::Status ReadSnapshotFile(Instant now);
  absl::Status ReadJournal(const std::string& file, Instant now);
  absl::Status TidyTemporary();
  void NoteDamage(const std::string& file, const absl::Status& damage);
  // The format of what is at the path; kUnknown for nothing and for what is none.
  absl::StatusOr<StateFormat> DetectFormat();
  // Takes over what another tracker has left there, which stays beside the snapshot that follows.
  absl::Status TakeOver(StateFormat format, Instant now);
  // Keeps a file under a second name, or moves it there where the disk knows no second names; `why`
  // becomes a part of the name.
  absl::Status SetAside(const std::string& file, bool keep, std::string_view why = "damaged");
  void Log(LogLevel level, std::string_view text) const {
    if (log_ != nullptr) log_->Log(level, text);
  }

  FileSystem& files_;
  const std::string path_;
  SwarmStore& store_;
  LogSink* const log_;
  RecoveryReport report_;
  std::uint64_t next_sequence_ = 1;
  std::uint64_t snapshot_sequence_ = 0;
  bool wants_snapshot_ = false;
};

}  // namespace muster

#endif  // MUSTER_LIB_STATE_RECOVERY_H_
