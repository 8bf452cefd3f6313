// SPDX-License-Identifier: Apache-2.0
//
// The writer of bttrack's dfile. The peers of each torrent go to a spool as they will stand in the
// file, a torrent's record tells where; Finish() sorts the records and copies.
#include <algorithm>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "model/made_up_id.h"
#include "muster/bencode.h"
#include "muster/state_formats.h"
#include "state/bttrack_peer.h"
#include "state/state_spool.h"

namespace muster {
namespace {

// Small writes, made large ones.
class Buffered final : public ByteSink {
 public:
  explicit Buffered(ByteSink* sink) : sink_(sink) {}
  absl::Status Write(std::string_view bytes) override {
    buffer_.append(bytes);
    return buffer_.size() < kEnough ? absl::OkStatus() : Flush();
  }
  absl::Status Flush() {
    absl::Status status = sink_->Write(buffer_);
    buffer_.clear();
    return status;
  }

 private:
  static constexpr std::size_t kEnough = std::size_t{256} << 10;
  ByteSink* const sink_;
  std::string buffer_;
};

class BttrackWriter final : public StateWriter {
 public:
  BttrackWriter(ByteSink* sink, const StateWriteOptions& options)
      : sink_(sink),
        spool_(options.spool_memory, options.spool_folder),
        takes_peers_for_reachable_(options.takes_peers_for_reachable) {}

  absl::Status Add(const SavedTorrent& torrent) override;
  absl::Status SetSide(std::string_view side) override;
  absl::Status Finish() override;

 private:
  struct Record {
    InfoHash info_hash;
    bool has_count = true;
    bool is_empty = false;  // has an empty entry under `peers`
    std::int64_t completed = 0;
    std::uint64_t begin = 0, size = 0;  // of its peers in the spool
  };
  // A peer of the torrent that is being added; its dictionary is in peers_.
  struct Peer {
    PeerId id;
    Endpoint endpoint;
    Instant last_seen;
    std::size_t begin, size;
  };

  void BeginTorrent(const SavedTorrent& torrent);
  absl::Status EndTorrent();
  void MakeIdsUnique();
  absl::Status SortRecords();
  absl::Status WriteRoot();
  absl::Status WriteKey(std::string_view key);
  absl::Status WriteCounts();
  absl::Status WritePeers();

  Buffered sink_;
  StateSpool spool_;
  const bool takes_peers_for_reachable_;
  std::string side_;
  std::vector<Record> records_;  // the last one is being added to while is_open_
  bool is_open_ = false;
  std::vector<Peer> index_;
  std::string peers_;
  std::string scratch_;
};

absl::Status BttrackWriter::Add(const SavedTorrent& torrent) {
  if (!is_open_ || records_.back().info_hash != torrent.info_hash) {
    if (absl::Status status = EndTorrent(); !status.ok()) return status;
    BeginTorrent(torrent);
  }
  for (const SavedPeer& peer : torrent.peers) {
    const std::size_t begin = peers_.size();
    AppendBttrackPeer(peer, takes_peers_for_reachable_, peers_);
    index_.push_back({peer.peer_id.value_or(MadeUpPeerId(peer.peer)), peer.peer, peer.last_seen,
                      begin, peers_.size() - begin});
  }
  return absl::OkStatus();
}

void BttrackWriter::BeginTorrent(const SavedTorrent& torrent) {
  is_open_ = true;
  Record& record = records_.emplace_back();
  record.info_hash = torrent.info_hash;
  constexpr std::uint64_t kGreatest = INT64_MAX;
  record.completed = static_cast<std::int64_t>(std::min(torrent.completed, kGreatest));
  BencodeDocument side;
  if (torrent.side.empty() || !side.Decode(torrent.side).ok()) return;
  record.is_empty = side.root().Find(kSideEmpty).IntOr(0) != 0;
  if (torrent.completed != 0) return;
  record.completed = std::min<std::int64_t>(side.root().Find(kSideCompleted).IntOr(0), 0);
  record.has_count = side.root().Find(kSideUncounted).IntOr(0) == 0;
}

absl::Status BttrackWriter::EndTorrent() {
  if (!is_open_) return absl::OkStatus();
  is_open_ = false;
  MakeIdsUnique();
  Record& record = records_.back();
  record.begin = spool_.size();
  for (const Peer& peer : index_) {
    scratch_.clear();
    AppendBencodeString(peer.id.text(), scratch_);
    scratch_.append(peers_, peer.begin, peer.size);
    if (absl::Status status = spool_.Append(scratch_); !status.ok()) return status;
  }
  record.size = spool_.size() - record.begin;
  // A huge swarm's memory is not kept for the small ones after it.
  constexpr std::size_t kKept = std::size_t{16} << 20;
  if (peers_.size() > kKept) peers_ = std::string();
  if (index_.size() > kKept / sizeof(Peer)) index_ = std::vector<Peer>();
  peers_.clear();
  index_.clear();
  return absl::OkStatus();
}

// Sorts the peers by id. Of those with one id the one that was seen last keeps it, the first of them
// if they were seen together; of those with one endpoint and one id only that one stays.
void BttrackWriter::MakeIdsUnique() {
  const auto by_id = [](const Peer& a, const Peer& b) {
    return a.id != b.id ? a.id < b.id : a.last_seen > b.last_seen;
  };
  std::stable_sort(index_.begin(), index_.end(), by_id);
  const auto same_id = [](const Peer& a, const Peer& b) { return a.id == b.id; };
  if (std::adjacent_find(index_.begin(), index_.end(), same_id) == index_.end()) return;
  for (std::size_t i = 0, first = 0; i < index_.size(); ++i) {
    if (index_[i].id != index_[first].id) first = i;
    if (i != first && index_[i].endpoint != index_[first].endpoint) {
      index_[i].id = MadeUpPeerId(index_[i].endpoint);
    } else if (i != first) {
      index_[i].size = 0;
    }
  }
  std::erase_if(index_, [](const Peer& peer) { return peer.size == 0; });
  std::stable_sort(index_.begin(), index_.end(), by_id);
  index_.erase(std::unique(index_.begin(), index_.end(), same_id), index_.end());
}

absl::Status BttrackWriter::SetSide(std::string_view side) {
  BencodeDocument document;
  const BencodeLimits limits{.max_size = ~std::size_t{0}, .max_tokens = ~std::size_t{0}};
  if (absl::Status status = document.Decode(side, BencodeMode::kStrict, limits);
      !side.empty() && (!status.ok() || document.root().type() != BencodeType::kDict)) {
    return absl::InvalidArgumentError("what a state says beside its torrents is no dictionary");
  }
  side_ = std::string(side);
  return absl::OkStatus();
}

absl::Status BttrackWriter::Finish() {
  if (absl::Status status = EndTorrent(); !status.ok()) return status;
  if (absl::Status status = SortRecords(); !status.ok()) return status;
  if (absl::Status status = WriteRoot(); !status.ok()) return status;
  return sink_.Flush();
}

// By info hash, the one with peers first; the others of a torrent go, the greatest count stays.
absl::Status BttrackWriter::SortRecords() {
  std::sort(records_.begin(), records_.end(), [](const Record& a, const Record& b) {
    return a.info_hash != b.info_hash ? a.info_hash < b.info_hash : a.size > b.size;
  });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < records_.size(); ++i) {
    if (kept == 0 || records_[kept - 1].info_hash != records_[i].info_hash) {
      records_[kept++] = records_[i];
      continue;
    }
    Record& first = records_[kept - 1];
    if (records_[i].size > 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("torrent ", first.info_hash.ToHex(), " came twice with peers"));
    }
    first.completed = std::max(first.completed, records_[i].completed);
    first.has_count = first.has_count || records_[i].has_count;
    first.is_empty = first.is_empty || records_[i].is_empty;
  }
  records_.resize(kept);
  return absl::OkStatus();
}

absl::Status BttrackWriter::WriteRoot() {
  if (absl::Status status = sink_.Write("d"); !status.ok()) return status;
  BencodeDocument document;
  const BencodeLimits limits{.max_size = ~std::size_t{0}, .max_tokens = ~std::size_t{0}};
  if (!side_.empty()) {
    if (absl::Status status = document.Decode(side_, BencodeMode::kStrict, limits); !status.ok()) {
      return status;
    }
  }
  bool counts_due = true, peers_due = true;
  const auto write_before = [&](std::string_view key) {
    absl::Status status;
    if (counts_due && key > "completed") {
      counts_due = false;
      status = WriteCounts();
    }
    if (status.ok() && peers_due && key > "peers") {
      peers_due = false;
      status = WritePeers();
    }
    return status;
  };
  for (const BencodeEntry& entry : document.root().entries()) {
    if (entry.key == "completed" || entry.key == "peers") continue;
    if (absl::Status status = write_before(entry.key); !status.ok()) return status;
    if (absl::Status status = WriteKey(entry.key); !status.ok()) return status;
    if (absl::Status status = sink_.Write(entry.value.source()); !status.ok()) return status;
  }
  if (absl::Status status = write_before("q"); !status.ok()) return status;
  return sink_.Write("e");
}

absl::Status BttrackWriter::WriteKey(std::string_view key) {
  scratch_.clear();
  AppendBencodeString(key, scratch_);
  return sink_.Write(scratch_);
}

absl::Status BttrackWriter::WriteCounts() {
  if (absl::Status status = sink_.Write("9:completedd"); !status.ok()) return status;
  for (const Record& record : records_) {
    if (!record.has_count) continue;
    scratch_.clear();
    AppendBencodeString(record.info_hash.text(), scratch_);
    AppendBencodeInt(record.completed, scratch_);
    if (absl::Status status = sink_.Write(scratch_); !status.ok()) return status;
  }
  return sink_.Write("e");
}

absl::Status BttrackWriter::WritePeers() {
  if (absl::Status status = sink_.Write("5:peersd"); !status.ok()) return status;
  for (const Record& record : records_) {
    // One without a count has to be somewhere.
    if (record.size == 0 && !record.is_empty && record.has_count) continue;
    if (absl::Status status = WriteKey(record.info_hash.text()); !status.ok()) return status;
    if (absl::Status status = sink_.Write("d"); !status.ok()) return status;
    if (absl::Status status = spool_.CopyTo(record.begin, record.size, sink_); !status.ok()) {
      return status;
    }
    if (absl::Status status = sink_.Write("e"); !status.ok()) return status;
  }
  return sink_.Write("e");
}

}  // namespace

std::unique_ptr<StateWriter> NewBttrackWriter(ByteSink* sink, const StateWriteOptions& options) {
  return std::make_unique<BttrackWriter>(sink, options);
}

}  // namespace muster
