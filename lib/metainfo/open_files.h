// SPDX-License-Identifier: Apache-2.0
//
// OpenFiles: the files that a thread reads from, each opened once, however many of its pieces are
// read at the same time. A file that nobody uses any more stays open until its place is needed:
// the next pieces are often of it. Thread-compatible; borrows the files.
#ifndef MUSTER_LIB_METAINFO_OPEN_FILES_H_
#define MUSTER_LIB_METAINFO_OPEN_FILES_H_

#include <cstddef>
#include <limits>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "metainfo/content.h"

namespace muster {

class OpenFiles {
 public:
  // As many files at the same time as there are places.
  OpenFiles(absl::Span<const ContentFile> files, std::size_t places)
      : files_(files), places_(places) {}
  ~OpenFiles();
  OpenFiles(const OpenFiles&) = delete;
  OpenFiles& operator=(const OpenFiles&) = delete;

  // The place of an open file; it is the caller's until Release(). No more may be used than there
  // are places.
  absl::StatusOr<std::size_t> Use(std::size_t file);
  void Release(std::size_t place) { --places_[place].users; }
  int fd(std::size_t place) const { return places_[place].fd; }

 private:
  static constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
  struct Place {
    std::size_t file = kNone;
    int fd = -1;
    std::size_t users = 0;
  };

  const absl::Span<const ContentFile> files_;
  std::vector<Place> places_;
  std::size_t next_ = 0;  // where a place is looked for first
};

}  // namespace muster

#endif  // MUSTER_LIB_METAINFO_OPEN_FILES_H_
