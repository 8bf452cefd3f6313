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
#include "muster/state_formats.h"
#include "state/blocks.h"
#include "state/delta_sorter.h"
#include "state/journal_scanner.h"
#include "swarm/peer_name.h"

namespace muster {
namespace {

SavedTorrent Unknown(const InfoHash& info_hash) {
  SavedTorrent torrent;
  torrent.info_hash = info_hash;
  return torrent;
}

// A torrent on which changes are made one after the other, as a restart makes them: those of a store
// that keeps details, which have a side record, go by the names of peers, any others by their
// endpoints. The store of a restart knows one or the other, so that where the kind changes, all peers
// are taken over into the new one.
class ChangedTorrent {
 public:
  explicit ChangedTorrent(SavedTorrent* torrent) : torrent_(*torrent) {}

  void Add(const ReadDelta& read) {
    const SwarmDelta& delta = read.delta;
    if (read.removed) {
      torrent_ = Unknown(torrent_.info_hash);
      places_.clear();
      free_.clear();
      last_.reset();
      return;
    }
    torrent_.completed = std::max<std::uint64_t>(torrent_.completed, delta.completed_count);
    last_ = delta.time;
    TakeOver(read.has_side);
    SavedPeer peer{.peer = delta.peer,
                   .state = delta.state,
                   .completed = delta.counted,
                   .last_seen = delta.time,
                   .peer_id = read.has_id ? std::optional(delta.peer_id) : std::nullopt,
                   .side = SideOf(read.side)};
    if (by_name_ && delta.peer_id == MadeUpPeerId(Reached(peer))) peer.peer_id.reset();
    const auto at = Find(peer);
    if (peer.state == PeerState::kStopped) {
      if (at == places_.end() || Reached(torrent_.peers[at->second]) != Reached(peer)) return;
      Free(at->second);
      places_.erase(at);
    } else if (at != places_.end()) {
      torrent_.peers[at->second] = std::move(peer);
    } else {
      Append(std::move(peer));
    }
  }

  // False when nothing is left of the torrent.
  bool Finish() {
    std::erase_if(torrent_.peers,
                  [](const SavedPeer& peer) { return peer.state == PeerState::kStopped; });
    if (last_.has_value()) torrent_.last_active = torrent_.peers.empty() ? last_ : std::nullopt;
    return !torrent_.peers.empty() || torrent_.completed > 0;
  }

 private:
  // Where peers are in torrent_; those that are gone are stopped there.
  using Places = std::map<SavedPeerName, std::size_t>;

  Endpoint Reached(const SavedPeer& peer) const {
    return by_name_ ? ReachedAt(peer.peer, PeerDetailsOf(peer).given_ip) : peer.peer;
  }
  SavedPeerName NameOf(const SavedPeer& peer) const {
    if (!by_name_) return {.endpoint = peer.peer, .id = {}, .family = {}};
    const PeerName name = NameOfPeer(peer.peer_id ? &*peer.peer_id : nullptr, Reached(peer));
    return {.endpoint = std::nullopt, .id = name.id, .family = name.family};
  }

  // Who is known by its id has one, be it empty.
  std::string SideOf(const std::string& side) const {
    return by_name_ && side.empty() ? PeerSideOf({}, PeerState::kSeeder) : side;
  }

  void TakeOver(bool by_name) {
    if (is_taken_over_ && by_name_ == by_name) return;
    is_taken_over_ = true;
    by_name_ = by_name;
    places_.clear();
    for (std::size_t i = 0; i < torrent_.peers.size(); ++i) {
      SavedPeer& peer = torrent_.peers[i];
      if (peer.state == PeerState::kStopped) continue;
      peer.side = SideOf(peer.side);
      const auto [at, is_new] = places_.try_emplace(NameOf(peer), i);
      if (is_new) continue;
      Free(std::exchange(at->second, i));
    }
  }

  // The place of a peer. One that was nameless has got its name by that.
  Places::iterator Find(const SavedPeer& peer) {
    const SavedPeerName name = NameOf(peer);
    const auto found = places_.find(name);
    if (found != places_.end() || !by_name_) return found;
    const PeerName made_up = NameOfPeer(nullptr, Reached(peer));
    const auto nameless = places_.find({std::nullopt, made_up.id, made_up.family});
    if (nameless == places_.end() ||
        torrent_.peers[nameless->second].peer.address() != peer.peer.address())
      return places_.end();
    auto node = places_.extract(nameless);
    node.key() = name;
    return places_.insert(std::move(node)).position;
  }

  void Append(SavedPeer peer) {
    if (free_.empty()) {
      free_.push_back(torrent_.peers.size());
      torrent_.peers.emplace_back();
    }
    places_.emplace(NameOf(peer), free_.back());
    torrent_.peers[free_.back()] = std::move(peer);
    free_.pop_back();
  }

  void Free(std::size_t place) {
    torrent_.peers[place].state = PeerState::kStopped;
    free_.push_back(place);
  }

  SavedTorrent& torrent_;
  bool is_taken_over_ = false;
  bool by_name_ = false;
  Places places_;
  std::vector<std::size_t> free_;  // places of those that are gone
  std::optional<Instant> last_;
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
  ChangedTorrent changed(&torrent);
  do {
    changed.Add(change_);
    const absl::StatusOr<bool> more = sorter_.Next(change_);
    if (!more.ok()) return more.status();
    has_change_ = *more;
    changes_ended_ = !*more;
  } while (has_change_ && change_.delta.info_hash == torrent.info_hash);
  return changed.Finish();
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
