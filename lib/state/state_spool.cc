// SPDX-License-Identifier: Apache-2.0
#include "state/state_spool.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "absl/strings/str_cat.h"

namespace muster {
namespace {

constexpr std::size_t kLoad = std::size_t{1} << 20;

}  // namespace

StateSpool::~StateSpool() {
  if (file_ >= 0) close(file_);
}

absl::Status StateSpool::Append(std::string_view bytes) {
  buffer_.append(bytes);
  return buffer_.size() > memory_ ? Flush() : absl::OkStatus();
}

absl::Status StateSpool::Flush() {
  if (file_ < 0) {
    std::string name = folder_ + "/.muster-spool-XXXXXX";
    file_ = mkostemp(name.data(), O_CLOEXEC);
    if (file_ < 0) return Failed("make a temporary file in ");
    unlink(name.c_str());
  }
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    const ssize_t wrote = pwrite(file_, rest.data(), rest.size(),
                                 static_cast<off_t>(in_file_ + buffer_.size() - rest.size()));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return Failed("write to a temporary file in ");
    rest.remove_prefix(static_cast<std::size_t>(wrote));
  }
  in_file_ += buffer_.size();
  buffer_.clear();
  return absl::OkStatus();
}

absl::Status StateSpool::CopyTo(std::uint64_t begin, std::uint64_t size, ByteSink& sink) {
  while (size > 0) {
    std::string_view bytes;
    if (begin >= in_file_) {
      bytes = std::string_view(buffer_).substr(static_cast<std::size_t>(begin - in_file_));
    } else {
      if (begin < loaded_at_ || begin >= loaded_at_ + loaded_.size()) {
        if (absl::Status status = Load(begin); !status.ok()) return status;
      }
      bytes = std::string_view(loaded_).substr(static_cast<std::size_t>(begin - loaded_at_));
    }
    bytes = bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(size, bytes.size())));
    if (absl::Status status = sink.Write(bytes); !status.ok()) return status;
    begin += bytes.size();
    size -= bytes.size();
  }
  return absl::OkStatus();
}

absl::Status StateSpool::Load(std::uint64_t begin) {
  loaded_.clear();
  loaded_at_ = begin;
  return ReadFile(begin, static_cast<std::size_t>(std::min<std::uint64_t>(kLoad, in_file_ - begin)),
                  loaded_);
}

absl::Status StateSpool::ReadFile(std::uint64_t begin, std::size_t size, std::string& bytes) {
  const std::size_t had = bytes.size();
  bytes.resize(had + size);
  for (std::size_t read = 0; read < size;) {
    const ssize_t got =
        pread(file_, bytes.data() + had + read, size - read, static_cast<off_t>(begin + read));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      bytes.resize(had);
      return got < 0 ? Failed("read a temporary file in ")
                     : absl::DataLossError(
                           absl::StrCat("a temporary file in ", folder_, " ends early"));
    }
    read += static_cast<std::size_t>(got);
  }
  return absl::OkStatus();
}

absl::Status StateSpool::Failed(const char* what) const {
  return absl::ErrnoToStatus(errno, absl::StrCat("cannot ", what, folder_));
}

}  // namespace muster
