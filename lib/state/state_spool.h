// SPDX-License-Identifier: Apache-2.0
//
// StateSpool: bytes that wait until they may be written: in memory, and beyond a limit in an unnamed
// file, which goes with the spool, however the process ends.
//
// Thread-compatible.
#ifndef MUSTER_LIB_STATE_STATE_SPOOL_H_
#define MUSTER_LIB_STATE_STATE_SPOOL_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "muster/state.h"

namespace muster {

class StateSpool {
 public:
  StateSpool(std::size_t memory, std::string folder)
      : memory_(memory), folder_(std::move(folder)) {}
  ~StateSpool();
  StateSpool(const StateSpool&) = delete;
  StateSpool& operator=(const StateSpool&) = delete;

  std::uint64_t size() const { return in_file_ + buffer_.size(); }
  absl::Status Append(std::string_view bytes);
  // Writes `size` bytes from `begin` on to `sink`. Quickest when they follow the ones before.
  absl::Status CopyTo(std::uint64_t begin, std::uint64_t size, ByteSink& sink);
  // Appends `size` bytes from `begin` on, which are all in the file, to `bytes`.
  absl::Status ReadFile(std::uint64_t begin, std::size_t size, std::string& bytes);
  // What is in the file; the rest is in memory.
  std::uint64_t in_file() const { return in_file_; }

 private:
  absl::Status Flush();
  absl::Status Load(std::uint64_t begin);
  absl::Status Failed(const char* what) const;

  const std::size_t memory_;
  const std::string folder_;
  std::string buffer_;         // behind what is in the file
  std::uint64_t in_file_ = 0;  // bytes
  int file_ = -1;
  std::string loaded_;  // a copy of what the file has from loaded_at_ on
  std::uint64_t loaded_at_ = 0;
};

}  // namespace muster

#endif  // MUSTER_LIB_STATE_STATE_SPOOL_H_
