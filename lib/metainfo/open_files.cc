// SPDX-License-Identifier: Apache-2.0
#include "metainfo/open_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace muster {

OpenFiles::~OpenFiles() {
  for (const Place& place : places_) {
    if (place.fd >= 0) ::close(place.fd);
  }
}

absl::StatusOr<std::size_t> OpenFiles::Use(std::size_t file) {
  for (std::size_t i = 0; i < places_.size(); ++i) {
    if (places_[i].file != file) continue;
    ++places_[i].users;
    return i;
  }
  while (places_[next_].users > 0) next_ = (next_ + 1) % places_.size();
  Place& place = places_[next_];
  if (place.fd >= 0) ::close(place.fd);
  place = {};
  // A pipe that has taken the file's place must not be waited for.
  const std::string& path = files_[file].disk_path;
  place.fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (place.fd < 0) return SystemError(path, errno);
  place.file = file;
  place.users = 1;
  const std::size_t found = next_;
  next_ = (next_ + 1) % places_.size();
  return found;
}

}  // namespace muster
