// SPDX-License-Identifier: Apache-2.0
#include "musterd/load_state.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "muster/state_formats.h"
#include "musterd/text.h"

namespace musterd {
namespace {

class File final : public muster::ByteSource {
 public:
  explicit File(const std::string& path)
      : path_(path), fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~File() override {
    if (fd_ >= 0) close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  absl::Status status() const {
    return fd_ >= 0 ? absl::OkStatus()
                    : Invalid({"cannot read ", Quoted(path_), ": ", std::strerror(errno)});
  }
  absl::StatusOr<std::size_t> Read(absl::Span<char> into) override {
    ssize_t n;
    do n = read(fd_, into.data(), into.size());
    while (n < 0 && errno == EINTR);
    if (n < 0) return Invalid({"cannot read ", Quoted(path_), ": ", std::strerror(errno)});
    return static_cast<std::size_t>(n);
  }
  muster::Instant written() const {
    struct stat info;
    return muster::InstantFromUnixSeconds(fstat(fd_, &info) == 0 ? info.st_mtime
                                                                 : std::time(nullptr));
  }

 private:
  const std::string path_;
  const int fd_;
};

}  // namespace

absl::StatusOr<muster::LoadReport> LoadStateFile(const std::string& path,
                                                 muster::SwarmStore& store) {
  File file(path);
  if (absl::Status status = file.status(); !status.ok()) return status;
  const auto about = [&path](const absl::Status& status) {
    return absl::Status(status.code(), Concat({Quoted(path), ": ", MessageOf(status)}));
  };
  muster::StateReadOptions options;
  options.time = file.written();
  absl::StatusOr<muster::OpenedState> state = muster::OpenState(&file, options);
  if (!state.ok()) return about(state.status());
  absl::StatusOr<muster::LoadReport> loaded =
      muster::LoadState(*state->reader, store, muster::InstantFromUnixSeconds(std::time(nullptr)));
  if (!loaded.ok()) return about(loaded.status());
  return loaded;
}

}  // namespace musterd
