// SPDX-License-Identifier: Apache-2.0
#include "muster-dfile/state_file.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "muster-dfile/text.h"

namespace muster_dfile {

using muster::SavedPeer;
using muster::SavedTorrent;

absl::Status AboutFile(const std::string& name, const absl::Status& status) {
  const std::string message(status.message());
  if (message.find(name) != message.npos) return status;
  return absl::Status(status.code(), Concat({name, ": ", message}));
}

absl::StatusOr<std::unique_ptr<StateInput>> StateInput::Open(const std::string& path,
                                                             muster::StateFormat format) {
  absl::StatusOr<std::unique_ptr<InputFile>> file = InputFile::Open(path);
  if (!file.ok()) return file.status();
  muster::StateReadOptions options;
  options.time = (*file)->written();
  absl::StatusOr<muster::OpenedState> state = muster::OpenState(file->get(), options, format);
  if (!state.ok()) return AboutFile((*file)->name(), state.status());
  return std::unique_ptr<StateInput>(new StateInput(*std::move(file), *std::move(state)));
}

absl::StatusOr<bool> StateInput::NextPart(SavedTorrent& torrent) {
  if (format() != muster::StateFormat::kOpentracker) return Read(torrent);
  if (!std::exchange(sorted_, true)) {
    if (absl::Status status = SortLines(); !status.ok()) return status;
  }
  if (lines_.empty()) return false;
  torrent = std::move(lines_.back());
  lines_.pop_back();
  return true;
}

// Descending; of a torrent that has several lines the greatest count and the latest time.
absl::Status StateInput::SortLines() {
  SavedTorrent line;
  while (true) {
    const absl::StatusOr<bool> more = Read(line);
    if (!more.ok()) return more.status();
    if (!*more) break;
    lines_.push_back(std::move(line));
  }
  std::sort(lines_.begin(), lines_.end(),
            [](const SavedTorrent& a, const SavedTorrent& b) { return a.info_hash > b.info_hash; });
  std::size_t kept = 0;
  for (SavedTorrent& next : lines_) {
    if (kept > 0 && lines_[kept - 1].info_hash == next.info_hash) {
      SavedTorrent& same = lines_[kept - 1];
      same.completed = std::max(same.completed, next.completed);
      same.last_active = std::max(same.last_active, next.last_active);
    } else {
      std::swap(lines_[kept++], next);
    }
  }
  lines_.resize(kept);
  return absl::OkStatus();
}

absl::StatusOr<bool> StateInput::Read(SavedTorrent& torrent) {
  while (true) {
    absl::StatusOr<bool> more = state_.reader->Next(torrent);
    if (more.ok()) return more;
    if (on_damage_ == nullptr || !absl::IsDataLoss(more.status())) {
      return AboutFile(name(), more.status());
    }
    on_damage_(AboutFile(name(), more.status()));
  }
}

absl::StatusOr<bool> StateInput::NextWhole(SavedTorrent& torrent) {
  if (ahead_) {
    torrent = std::move(*ahead_);
    ahead_.reset();
  } else {
    absl::StatusOr<bool> more = NextPart(torrent);
    if (!more.ok() || !*more) return more;
  }
  if (last_ && torrent.info_hash <= *last_) {
    return absl::FailedPreconditionError(Concat(
        {name(), ": torrents do not ascend; convert it to bttrack first, which sorts them"}));
  }
  last_ = torrent.info_hash;
  SavedTorrent next;
  while (true) {
    absl::StatusOr<bool> more = NextPart(next);
    if (!more.ok()) return more;
    if (!*more) break;
    if (next.info_hash != torrent.info_hash) {
      ahead_ = std::move(next);
      break;
    }
    torrent.peers.insert(torrent.peers.end(), std::make_move_iterator(next.peers.begin()),
                         std::make_move_iterator(next.peers.end()));
  }
  KeepNewestPeers(torrent.peers);
  return true;
}

void KeepNewestPeers(std::vector<SavedPeer>& peers) {
  std::stable_sort(peers.begin(), peers.end(), [](const SavedPeer& a, const SavedPeer& b) {
    return a.peer != b.peer ? a.peer < b.peer : a.last_seen < b.last_seen;
  });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < peers.size(); ++i) {
    if (kept > 0 && peers[kept - 1].peer == peers[i].peer) --kept;
    if (kept != i) peers[kept] = std::move(peers[i]);
    ++kept;
  }
  peers.resize(kept);
}

absl::StatusOr<std::unique_ptr<StateOutput>> StateOutput::Create(
    const std::string& path, bool force, muster::StateFormat format, muster::Instant written,
    absl::Span<const std::string> inputs) {
  absl::StatusOr<std::unique_ptr<OutputFile>> file = OutputFile::Create(path, force, inputs);
  if (!file.ok()) return file.status();
  muster::StateWriteOptions options;
  options.spool_folder = (*file)->folder();
  options.time = written;
  auto writer = muster::NewStateWriter(format, file->get(), options);
  if (!writer.ok()) return writer.status();
  auto output = std::make_unique<StateOutput>();
  output->file_ = *std::move(file);
  output->writer_ = *std::move(writer);
  return output;
}

absl::Status StateOutput::Finish(std::string_view side) {
  if (absl::Status status = writer_->SetSide(side); !status.ok()) return status;
  if (absl::Status status = writer_->Finish(); !status.ok()) return status;
  return file_->Commit();
}

}  // namespace muster_dfile
