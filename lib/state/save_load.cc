// SPDX-License-Identifier: Apache-2.0
//
// What passes between a state and a store.
#include <sched.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <vector>

#include "muster/snapshot.h"
#include "muster/state_formats.h"

namespace muster {
namespace {

// Copied under a lock at a time: some 50 microseconds of work.
constexpr std::size_t kPeersAVisit = 4096;
// Gathered before the writer is called: less than a millisecond of work for both.
constexpr std::size_t kPeersABatch = kPeersAVisit;
constexpr std::size_t kMostDamages = 1000;

// Torrents whose memory is used again for the next ones.
class Batch {
 public:
  SavedTorrent& Add() {
    if (used_ == torrents_.size()) torrents_.emplace_back();
    return torrents_[used_++];
  }
  void Clear() {
    used_ = 0;
    peers = 0;
    // One that was large would be so for good.
    if (torrents_.size() > 2 * kPeersABatch) torrents_.clear();
  }
  absl::Span<const SavedTorrent> torrents() const { return {torrents_.data(), used_}; }

  std::size_t peers = 0;

 private:
  std::vector<SavedTorrent> torrents_;
  std::size_t used_ = 0;
};

void CopyTo(SavedTorrent& torrent, const SwarmView& view) {
  torrent.info_hash = view.info_hash();
  torrent.completed = view.counts().completed;
  torrent.last_active = view.empty_since();
  std::size_t n = 0;
  view.ForEachPeer([&](const PeerRecord& record) {
    if (n == torrent.peers.size()) torrent.peers.emplace_back();
    SavedPeer& peer = torrent.peers[n++];
    peer.peer = record.peer;
    peer.state = record.state;
    peer.completed = record.completed;
    peer.last_seen = record.last_seen;
    peer.peer_id.reset();
    if (record.peer_id != nullptr) peer.peer_id = *record.peer_id;
    peer.side.clear();
    if (record.details != nullptr) peer.side = PeerSideOf(*record.details, record.state);
  });
  torrent.peers.resize(n);
}

absl::Status RestoreTorrent(const SavedTorrent& torrent, SwarmStore& store, Instant now,
                            std::vector<PeerRecord>& records) {
  std::vector<PeerDetails> details;
  if (store.keeps_details()) details.reserve(std::min(torrent.peers.size(), kPeersAVisit));
  const auto completed = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(torrent.completed, std::numeric_limits<std::uint32_t>::max()));
  absl::Span<const SavedPeer> rest = torrent.peers;
  do {
    const absl::Span<const SavedPeer> part = rest.subspan(0, kPeersAVisit);
    records.clear();
    details.clear();
    for (const SavedPeer& peer : part) {
      records.push_back({.peer = peer.peer,
                         .state = peer.state,
                         .completed = peer.completed,
                         .last_seen = peer.last_seen,
                         .peer_id = peer.peer_id.has_value() ? &*peer.peer_id : nullptr});
      if (!store.keeps_details()) continue;
      details.push_back(PeerDetailsOf(peer));
      records.back().details = &details.back();
    }
    absl::Status status = store.Restore({.info_hash = torrent.info_hash,
                                         .completed = completed,
                                         .peers = records,
                                         .empty_since = torrent.last_active},
                                        now);
    if (!status.ok()) return status;
    rest.remove_prefix(part.size());
  } while (!rest.empty());
  return absl::OkStatus();
}

}  // namespace

absl::Status SaveState(const SwarmStore& store, StateWriter& writer) {
  const std::unique_ptr<SwarmCursor> cursor = store.Walk(kPeersAVisit);
  Batch batch;
  auto step = SwarmCursor::Step::kVisited;
  while (step != SwarmCursor::Step::kEnd) {
    batch.Clear();
    do {
      step = cursor->Next([&](const SwarmView& view) {
        SavedTorrent& torrent = batch.Add();
        CopyTo(torrent, view);
        batch.peers += torrent.peers.size();
      });
    } while (step == SwarmCursor::Step::kVisited &&
             batch.peers + batch.torrents().size() < kPeersABatch);
    for (const SavedTorrent& torrent : batch.torrents()) {
      if (absl::Status status = writer.Add(torrent); !status.ok()) return status;
    }
    // The scheduler would let this thread keep its core for milliseconds, and an announce wait.
    sched_yield();
  }
  return writer.Finish();
}

absl::StatusOr<LoadReport> LoadState(StateReader& reader, SwarmStore& store, Instant now) {
  LoadReport report;
  SavedTorrent torrent;
  std::optional<InfoHash> last;
  std::vector<PeerRecord> records;
  while (true) {
    absl::StatusOr<bool> more = reader.Next(torrent);
    if (!more.ok()) {
      if (!absl::IsDataLoss(more.status())) return more.status();
      if (report.damages.size() < kMostDamages) report.damages.push_back(more.status());
      continue;
    }
    if (!*more) return report;
    if (last != torrent.info_hash) ++report.torrents;
    last = torrent.info_hash;
    report.peers += torrent.peers.size();
    if (absl::Status status = RestoreTorrent(torrent, store, now, records); !status.ok())
      return status;
  }
}

}  // namespace muster
