// SPDX-License-Identifier: Apache-2.0
#include "metainfo/piece_reader.h"

#include <fcntl.h>

namespace muster {

void PieceReader::Begin(std::size_t piece) {
  LeaveFile();
  const std::vector<PieceExtent>& extents = plan_->extents;
  at_ = static_cast<std::int64_t>(piece) * plan_->piece_length;
  end_ = at_ + std::min(plan_->piece_length, plan_->total_length - at_);
  ahead_ = at_;
  extent_ = static_cast<std::size_t>(
      std::partition_point(extents.begin(), extents.end(),
                           [this](const PieceExtent& extent) { return extent.end() <= at_; }) -
      extents.begin());
  if (!plan_->v2) return;
  file_bytes_ = 0;
  is_whole_file_ = false;
  // A torrent that is read may have more padding than it needs: pieces without a file.
  if (extent_ == extents.size() || extents[extent_].offset > at_) return;
  const PieceExtent& extent = extents[extent_];
  file_bytes_ = std::min(extent.end(), end_) - at_;
  is_whole_file_ = extent.offset == at_ && extent.end() <= end_;
  if (!plan_->v1) end_ = at_ + file_bytes_;
}

void PieceReader::End() {
  LeaveFile();
  at_ = end_;
}

void PieceReader::ReadAhead(std::size_t extent, int fd) {
  // So much of each piece at a time; and in one call as much as the system takes.
  constexpr std::int64_t kWindow = 1 << 20;
  constexpr std::int64_t kStep = 128 << 10;
  if (extent != extent_ || at_ >= end_ || at_ + kWindow / 2 < ahead_) return;
  const PieceExtent& read = plan_->extents[extent];
  const std::int64_t until = std::min({at_ + kWindow, end_, read.end()});
  for (std::int64_t at = std::max(at_, ahead_); at < until; at += kStep) {
    ::posix_fadvise(fd, at - read.offset, std::min(kStep, until - at), POSIX_FADV_WILLNEED);
  }
  ahead_ = until;
}

}  // namespace muster
