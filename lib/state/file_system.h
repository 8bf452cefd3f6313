// SPDX-License-Identifier: Apache-2.0
//
// FileSystem: the few things that a saved state asks of a disk, behind an interface, so that tests
// can have each of them fail.
//
// Thread-safe; a File is thread-compatible. Errors carry the path and the system's reason.
#ifndef MUSTER_LIB_STATE_FILE_SYSTEM_H_
#define MUSTER_LIB_STATE_FILE_SYSTEM_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "muster/instant.h"
#include "muster/state.h"

namespace muster {

class File {
 public:
  virtual ~File() = default;  // closes
  // Reads on; 0 at the end.
  virtual absl::StatusOr<std::size_t> Read(absl::Span<char> into) = 0;
  // Writes the beginning of `bytes` and returns how many, as a full disk or a signal may have it.
  virtual absl::StatusOr<std::size_t> WriteSome(std::uint64_t offset, std::string_view bytes) = 0;
  // Returns when everything written is on the disk. After a failure nothing is known of what is.
  virtual absl::Status Sync() = 0;
  // When it was last written to.
  virtual absl::StatusOr<Instant> Written() = 0;
  // Whether it still has a name.
  virtual bool IsLinked() = 0;
};

// Holds a lock until it goes.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // NotFound when there is none.
  virtual absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path) = 0;
  // A new, empty file; AlreadyExists when there is one.
  virtual absl::StatusOr<std::unique_ptr<File>> Create(const std::string& path) = 0;
  // Takes the place of what is at `to`.
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;
  // A second name; AlreadyExists when it is taken.
  virtual absl::Status Link(const std::string& from, const std::string& to) = 0;
  virtual absl::Status Remove(const std::string& path) = 0;
  // Returns when what was created, renamed and removed in a folder is so on the disk.
  virtual absl::Status SyncFolder(const std::string& folder) = 0;
  // The names in a folder, in no order.
  virtual absl::StatusOr<std::vector<std::string>> List(const std::string& folder) = 0;
  // Keeps other processes from the same. Unavailable when another one has it.
  virtual absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) = 0;
};

// The system's own; lives for ever.
FileSystem* PosixFileSystem();

// All of `bytes`, or why not.
absl::Status WriteAll(File& file, std::uint64_t offset, std::string_view bytes);

// A file from its beginning on.
class FileSource final : public ByteSource {
 public:
  explicit FileSource(File* file) : file_(file) {}
  absl::StatusOr<std::size_t> Read(absl::Span<char> into) override { return file_->Read(into); }

 private:
  File* const file_;
};
class FileSink final : public ByteSink {
 public:
  explicit FileSink(File* file) : file_(file) {}
  absl::Status Write(std::string_view bytes) override {
    absl::Status status = WriteAll(*file_, size_, bytes);
    if (status.ok()) size_ += bytes.size();
    return status;
  }

 private:
  File* const file_;
  std::uint64_t size_ = 0;
};

// "." for a plain name.
std::string FolderOf(const std::string& path);
std::string NameOf(const std::string& path);

}  // namespace muster

#endif  // MUSTER_LIB_STATE_FILE_SYSTEM_H_
