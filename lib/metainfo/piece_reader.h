// SPDX-License-Identifier: Apache-2.0
//
// PieceReader: the bytes of one piece after the other, from the files that it is made of.
//
//   offset   0         piece         2 pieces
//            | a ......| b ...| zeros | c .......     extents a, b, c; a gap is padding
//
// Thread-compatible; borrows the plan and the open files.
#ifndef MUSTER_LIB_METAINFO_PIECE_READER_H_
#define MUSTER_LIB_METAINFO_PIECE_READER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "hash/message.h"
#include "metainfo/content.h"
#include "metainfo/open_files.h"

namespace muster {

// A file with content, and where it lies in the data.
struct PieceExtent {
  std::int64_t offset = 0;
  std::int64_t length = 0;
  std::size_t file = 0;

  std::int64_t end() const { return offset + length; }
};

// What is hashed: pieces of `piece_length` (> 0), the last of which ends at `total_length`.
struct PiecePlan {
  bool v1 = false;
  // Then each extent begins a piece.
  bool v2 = false;
  std::int64_t piece_length = 0;
  std::int64_t total_length = 0;
  // In order, not empty, apart. Between them are zeros.
  std::vector<PieceExtent> extents;

  std::size_t piece_count() const {
    if (total_length == 0) return 0;
    return static_cast<std::size_t>((total_length - 1) / piece_length) + 1;
  }
};

class PieceReader {
 public:
  PieceReader(const PiecePlan& plan, absl::Span<const ContentFile> files, OpenFiles& open)
      : plan_(&plan), files_(files), open_(&open) {}

  void Begin(std::size_t piece);
  // Leaves the piece where it is.
  void End();

  // Bytes of the piece that are left: with its zeros where there is v1, else those of its file.
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  // Bytes that its first file has in the piece, and whether it has more beyond the piece. v2 only,
  // where there is no other.
  std::int64_t file_bytes() const { return file_bytes_; }
  bool is_whole_file() const { return is_whole_file_; }

  // Which extent is read next, by its index, and in which place it is open.
  std::size_t extent() const { return extent_; }

  struct Taken {
    ByteSpan chunk;
    std::size_t content = 0;      // bytes of files
    std::size_t files_ended = 0;  // whose last byte is in it
  };
  // The next `n` <= left() bytes: in `buffer`, or in `zeros` where they are as many. When it fails,
  // the piece ends. `on_wait(extent, fd)` is called before bytes are waited for.
  template <typename OnWait>
  absl::Status Next(std::size_t n, std::uint8_t* buffer, ByteSpan zeros, Taken& taken,
                    const OnWait& on_wait);

  // The file where reading failed.
  std::size_t failed_file() const { return plan_->extents[extent_].file; }

  // Asks the system to read ahead, when this reads from `extent`, which is open as `fd`.
  void ReadAhead(std::size_t extent, int fd);

 private:
  static constexpr std::size_t kNotOpen = ~std::size_t{0};

  template <typename OnWait>
  absl::Status ReadExtent(absl::Span<std::uint8_t> to, const OnWait& on_wait);
  void LeaveFile() {
    if (place_ != kNotOpen) open_->Release(place_);
    place_ = kNotOpen;
  }

  const PiecePlan* plan_;
  absl::Span<const ContentFile> files_;
  OpenFiles* open_;

  std::int64_t at_ = 0;
  std::int64_t end_ = 0;
  std::size_t extent_ = 0;  // the first that ends behind at_
  std::size_t place_ = kNotOpen;
  std::int64_t ahead_ = 0;  // read ahead up to here
  std::int64_t file_bytes_ = 0;
  bool is_whole_file_ = false;
};

template <typename OnWait>
absl::Status PieceReader::Next(std::size_t n, std::uint8_t* buffer, ByteSpan zeros, Taken& taken,
                               const OnWait& on_wait) {
  taken = {};
  const std::vector<PieceExtent>& extents = plan_->extents;
  std::size_t filled = 0;
  while (filled < n) {
    const std::int64_t begin = extent_ < extents.size() ? extents[extent_].offset : end_;
    if (at_ < begin) {
      const std::size_t padding = std::min(static_cast<std::size_t>(begin - at_), n - filled);
      at_ += static_cast<std::int64_t>(padding);
      if (padding == n && n <= zeros.size()) {
        taken.chunk = zeros.subspan(0, n);
        return absl::OkStatus();
      }
      std::fill_n(buffer + filled, padding, std::uint8_t{0});
      filled += padding;
      continue;
    }
    const std::int64_t rest = extents[extent_].end() - at_;
    const std::size_t part = std::min(static_cast<std::size_t>(rest), n - filled);
    if (absl::Status status = ReadExtent({buffer + filled, part}, on_wait); !status.ok()) {
      at_ = end_;
      LeaveFile();
      return status;
    }
    at_ += static_cast<std::int64_t>(part);
    filled += part;
    taken.content += part;
    if (at_ == extents[extent_].end()) {
      LeaveFile();
      ++extent_;
      ++taken.files_ended;
    }
  }
  taken.chunk = {buffer, n};
  return absl::OkStatus();
}

template <typename OnWait>
absl::Status PieceReader::ReadExtent(absl::Span<std::uint8_t> to, const OnWait& on_wait) {
  const PieceExtent& extent = plan_->extents[extent_];
  const ContentFile& file = files_[extent.file];
  const std::int64_t offset = at_ - extent.offset;
  if (file.read) return file.read(offset, to);
  if (place_ == kNotOpen) {
    absl::StatusOr<std::size_t> place = open_->Use(extent.file);
    if (!place.ok()) return place.status();
    place_ = *place;
  }
  const int fd = open_->fd(place_);
  return ReadFully(file, fd, offset, to, [&] { on_wait(extent_, fd); });
}

}  // namespace muster

#endif  // MUSTER_LIB_METAINFO_PIECE_READER_H_
