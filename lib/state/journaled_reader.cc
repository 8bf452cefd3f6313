// SPDX-License-Identifier: Apache-2.0
//
//   journals ─► DeltaSorter ─┐
//                            ├─► torrent by torrent, in ascending order
//   base ────────────────────┘
#include <algorithm>
#include <deque>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "muster/journaled_state.h"
#include "state/blocks.h"
#include "state/delta_sorter.h"
#include "state/journal_scanner.h"

namespace muster {
namespace {

SavedTorrent Unknown(const InfoHash& info_hash) {
  SavedTorrent torrent;
  torrent.info_hash = info_hash;
  return torrent;
}

// What the changes of one torrent come to.
class TorrentChanges {
 public:
  void Add(const ReadDelta& read) {
    const SwarmDelta& delta = read.delta;
    if (read.removed) {
      *this = TorrentChanges();
      removed_ = true;
      return;
    }
    peers_[delta.peer] = {.state = delta.state,
                          .counted = delta.counted,
                          .time = delta.time,
                          .id = read.has_id ? std::optional(delta.peer_id) : std::nullopt,
                          .side = std::string(read.side)};
    completed_ = std::max<std::uint64_t>(completed_, delta.completed_count);
    last_ = delta.time;
  }

  // False when nothing is left of the torrent.
  bool ApplyTo(SavedTorrent& torrent) {
    if (removed_) torrent = Unknown(torrent.info_hash);
    torrent.completed = std::max(torrent.completed, completed_);
    std::erase_if(torrent.peers,
                  [this](const SavedPeer& peer) { return peers_.contains(peer.peer); });
    for (const auto& [endpoint, peer] : peers_) {
      if (peer.state == PeerState::kStopped) continue;
      torrent.peers.push_back({.peer = endpoint,
                               .state = peer.state,
                               .completed = peer.counted,
                               .last_seen = peer.time,
                               .peer_id = peer.id,
                               .side = peer.side});
    }
    if (last_.has_value()) torrent.last_active = torrent.peers.empty() ? last_ : std::nullopt;
    return !torrent.peers.empty() || torrent.completed > 0;
  }

 private:
  struct Peer {
    PeerState state;
    bool counted;
    Instant time;
    std::optional<PeerId> id;
    std::string side;
  };
  bool removed_ = false;  // before the others
  std::uint64_t completed_ = 0;
  std::optional<Instant> last_;
  std::map<Endpoint, Peer> peers_;  // the last change of each
};

class JournaledReaderImpl final : public JournaledReader {
 public:
  JournaledReaderImpl(StateReader* base, std::vector<JournalSource> journals,
                      const JournaledOptions& options)
      : base_(base),
        sources_(std::move(journals)),
        sorter_(options.sort_memory, options.spool_folder) {}

  absl::StatusOr<bool> Next(SavedTorrent& torrent) override;
  std::string_view side() const override {
    return base_ != nullptr ? base_->side() : std::string_view();
  }
  absl::Span<const JournalInfo> journals() const override { return infos_; }

 private:
  absl::Status ReadJournals();
  absl::Status ReadJournal(const JournalSource& source);
  // Has part_ and change_ hold what comes next, where they do not.
  absl::Status Fill();
  // The torrent of change_, with what the base has of it; false when nothing is left of it.
  absl::StatusOr<bool> TakeChanged(SavedTorrent& torrent);

  StateReader* const base_;
  const std::vector<JournalSource> sources_;
  std::vector<JournalInfo> infos_;
  DeltaSorter sorter_;
  bool begun_ = false;
  std::deque<absl::Status> damages_;  // to be told
  // What comes next.
  SavedTorrent part_;
  bool has_part_ = false;
  bool base_ended_ = false;
  ReadDelta change_;
  bool has_change_ = false;
  bool changes_ended_ = false;
};

absl::Status JournaledReaderImpl::ReadJournal(const JournalSource& source) {
  JournalScanner scanner(source.source);
  const std::string prefix = source.name.empty() ? "" : absl::StrCat(source.name, ": ");
  ReadDelta change;
  while (true) {
    const absl::StatusOr<bool> more = scanner.Next(change);
    const auto told = [&] {
      return absl::Status(more.status().code(), absl::StrCat(prefix, more.status().message()));
    };
    if (absl::IsDataLoss(more.status())) {
      damages_.push_back(told());
    } else if (!more.ok()) {
      return told();
    } else if (!*more) {
      break;
    } else if (absl::Status status = sorter_.Add(change); !status.ok()) {
      return status;
    }
  }
  if (!scanner.is_journal() && scanner.bytes() >= FileHeader::kSize)
    damages_.push_back(absl::DataLossError(absl::StrCat(prefix, "not a journal")));
  JournalInfo info{.name = source.name, .bytes = scanner.bytes(), .changes = scanner.changes()};
  if (scanner.header().has_value()) {
    info.sequence = scanner.header()->sequence;
    info.written = scanner.header()->written;
  }
  info.torn_end = std::string(scanner.torn_end().message());
  infos_.push_back(std::move(info));
  return absl::OkStatus();
}

absl::Status JournaledReaderImpl::ReadJournals() {
  begun_ = true;
  base_ended_ = base_ == nullptr;
  for (const JournalSource& source : sources_) {
    if (absl::Status status = ReadJournal(source); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status JournaledReaderImpl::Fill() {
  if (!has_part_ && !base_ended_) {
    const absl::StatusOr<bool> more = base_->Next(part_);
    if (!more.ok()) return more.status();
    has_part_ = *more;
    base_ended_ = !*more;
  }
  if (!has_change_ && !changes_ended_) {
    const absl::StatusOr<bool> more = sorter_.Next(change_);
    if (!more.ok()) return more.status();
    has_change_ = *more;
    changes_ended_ = !*more;
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> JournaledReaderImpl::TakeChanged(SavedTorrent& torrent) {
  torrent = Unknown(change_.delta.info_hash);
  bool is_first = true;
  while (has_part_ && part_.info_hash == torrent.info_hash) {
    if (std::exchange(is_first, false)) {
      std::swap(torrent, part_);
    } else {
      torrent.completed = std::max(torrent.completed, part_.completed);
      torrent.peers.insert(torrent.peers.end(), std::make_move_iterator(part_.peers.begin()),
                           std::make_move_iterator(part_.peers.end()));
    }
    has_part_ = false;
    absl::Status status = Fill();
    // Told when this torrent has been given.
    for (; absl::IsDataLoss(status); status = Fill()) damages_.push_back(std::move(status));
    if (!status.ok()) return status;
  }
  TorrentChanges changes;
  do {
    changes.Add(change_);
    const absl::StatusOr<bool> more = sorter_.Next(change_);
    if (!more.ok()) return more.status();
    has_change_ = *more;
    changes_ended_ = !*more;
  } while (has_change_ && change_.delta.info_hash == torrent.info_hash);
  return changes.ApplyTo(torrent);
}

absl::StatusOr<bool> JournaledReaderImpl::Next(SavedTorrent& torrent) {
  if (!begun_) {
    if (absl::Status status = ReadJournals(); !status.ok()) return status;
  }
  while (true) {
    if (!damages_.empty()) {
      absl::Status damage = std::move(damages_.front());
      damages_.pop_front();
      return damage;
    }
    if (absl::Status status = Fill(); !status.ok()) return status;
    if (!has_part_ && !has_change_) return false;
    if (has_part_ && (!has_change_ || part_.info_hash < change_.delta.info_hash)) {
      std::swap(torrent, part_);
      has_part_ = false;
      return true;
    }
    absl::StatusOr<bool> left = TakeChanged(torrent);
    if (!left.ok() || *left) return left;
  }
}

}  // namespace

std::unique_ptr<JournaledReader> NewJournaledReader(StateReader* base,
                                                    std::vector<JournalSource> journals,
                                                    const JournaledOptions& options) {
  return std::make_unique<JournaledReaderImpl>(base, std::move(journals), options);
}

}  // namespace muster
