// SPDX-License-Identifier: Apache-2.0
//
// Files of the tool: one that is read, with progress; one that is written and appears as a whole.
//
// Thread-compatible.
#ifndef MUSTER_TOOLS_MUSTER_DFILE_FILES_H_
#define MUSTER_TOOLS_MUSTER_DFILE_FILES_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "muster/instant.h"
#include "muster/state.h"

namespace muster_dfile {

// A file, or standard input as "-". While it is read, a line on standard error tells how far that
// is, from the first second on and when a person is looking.
class InputFile final : public muster::ByteSource {
 public:
  static absl::StatusOr<std::unique_ptr<InputFile>> Open(const std::string& path);
  ~InputFile() override;

  absl::StatusOr<std::size_t> Read(absl::Span<char> into) override;

  const std::string& name() const { return name_; }
  // Of the last change; now for what is no regular file.
  muster::Instant written() const { return written_; }
  // Bytes read so far.
  std::uint64_t read() const { return read_; }
  // Whether it is still what stands at `path`.
  bool IsAt(const std::string& path) const;

 private:
  InputFile(std::string name, int file);
  void ShowProgress();

  const std::string name_;
  const int file_;
  muster::Instant written_;
  std::uint64_t size_ = 0;  // 0: not known
  std::uint64_t read_ = 0;
  const bool has_progress_;
  bool showed_progress_ = false;
  const std::chrono::steady_clock::time_point started_;
  std::chrono::steady_clock::time_point shown_;
};

// A new file, written beside its place, and put there by Commit(), synced, in one step: whoever
// looks sees the old one, none, or the whole. Without Commit() nothing is left,
// unless the process is killed: then PATH.XXXXXX is.
class OutputFile final : public muster::ByteSink {
 public:
  // "-" is standard output. FailedPrecondition when there is something at `path`, unless `force`, and
  // whether or not when it is one of `inputs`.
  static absl::StatusOr<std::unique_ptr<OutputFile>> Create(const std::string& path, bool force,
                                                            absl::Span<const std::string> inputs);
  ~OutputFile() override;

  absl::Status Write(std::string_view bytes) override;
  absl::Status Commit();
  // The folder that it is in.
  std::string folder() const;

 private:
  OutputFile(std::string path, bool force) : path_(std::move(path)), force_(force) {}
  absl::Status MoveIntoPlace();
  absl::Status Failed(std::string_view what) const;

  const std::string path_;
  const bool force_;
  std::string temporary_;  // its name until Commit()
  int file_ = -1;
  std::uint64_t size_ = 0;
};

muster::Instant Now();
// Where files that nobody needs to see are made.
std::string TemporaryFolder();

}  // namespace muster_dfile

#endif  // MUSTER_TOOLS_MUSTER_DFILE_FILES_H_
