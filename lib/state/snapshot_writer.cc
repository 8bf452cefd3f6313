// SPDX-License-Identifier: Apache-2.0
#include "state/snapshot_writer.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/text.h"
#include "state/varint.h"

namespace muster {
namespace {

std::size_t GroupOf(const SavedPeer& peer) {
  return 3 * static_cast<std::size_t>(peer.peer.family()) + static_cast<std::size_t>(peer.state);
}

std::string_view CharsOf(absl::Span<const std::uint8_t> bytes) { return TextOf(bytes); }

absl::Status Check(const SavedTorrent& torrent) {
  const auto bad = [&](absl::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat(torrent.info_hash.ToHex(), ": ", what));
  };
  if (torrent.last_active.has_value() && !IsTimeOfState(*torrent.last_active))
    return bad("a time beyond all bounds");
  if (torrent.side.size() > kMaxTorrentSide) return bad("its side record is longer than 1 MiB");
  for (const SavedPeer& peer : torrent.peers) {
    if (peer.state > PeerState::kDownloader) return bad("a stopped peer");
    if (!IsTimeOfState(peer.last_seen)) return bad("a time beyond all bounds");
    if (peer.side.size() > kMaxPeerSideBytes)
      return bad("a peer's side record is longer than 64 KiB");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<StateWriter>> NewSnapshotWriter(ByteSink* sink,
                                                               const SnapshotOptions& options) {
  if (options.block_bytes < 1024 || options.block_bytes > std::size_t{1} << 20)
    return absl::InvalidArgumentError("block_bytes must be from 1 KiB to 1 MiB");
  return std::make_unique<SnapshotWriter>(sink, options);
}

absl::Status SnapshotWriter::WriteHeaderOnce() {
  if (std::exchange(header_written_, true)) return absl::OkStatus();
  return sink_->Write(EncodeFileHeader(
      kSnapshotMagic, {.sequence = options_.sequence, .written = options_.written}));
}

absl::Status SnapshotWriter::WriteBlock(BlockKind kind, std::string_view payload) {
  if (absl::Status status = WriteHeaderOnce(); !status.ok()) return status;
  std::optional<std::string> compressed;
  if (options_.compression == StateCompression::kZlib && kind != BlockKind::kEnd)
    compressed = Compress(payload);
  const std::string_view stored = compressed.has_value() ? std::string_view(*compressed) : payload;
  const StateCompression coding =
      compressed.has_value() ? StateCompression::kZlib : StateCompression::kNone;
  if (absl::Status status =
          sink_->Write(EncodeBlockHeader(kind, coding, blocks_++, stored, payload.size()));
      !status.ok())
    return status;
  return sink_->Write(stored);
}

absl::Status SnapshotWriter::Add(const SavedTorrent& torrent) {
  if (absl::Status status = Check(torrent); !status.ok()) return status;
  if (last_.has_value() && torrent.info_hash < *last_) {
    return absl::InvalidArgumentError(absl::StrCat(
        "torrents must ascend: ", torrent.info_hash.ToHex(), " comes after ", last_->ToHex()));
  }
  if (last_ != torrent.info_hash) ++torrents_;
  last_ = torrent.info_hash;
  peers_ += torrent.peers.size();

  // Parts so small that a block does not grow far beyond what it should have.
  const std::size_t most_peers = std::clamp<std::size_t>(options_.block_bytes / 16, 1, 8192);
  absl::Span<const SavedPeer> rest = torrent.peers;
  bool first_part = true;
  do {
    std::size_t take = 0;
    for (std::size_t sides = 0;
         take < std::min(rest.size(), most_peers) && sides < options_.block_bytes; ++take)
      sides += rest[take].side.size();
    AddPart(torrent, rest.subspan(0, take), first_part);
    rest.remove_prefix(take);
    first_part = false;
    if (pending_bytes() >= options_.block_bytes) {
      if (absl::Status status = FlushTorrents(); !status.ok()) return status;
    }
  } while (!rest.empty());
  return absl::OkStatus();
}

void SnapshotWriter::AddPart(const SavedTorrent& torrent, absl::Span<const SavedPeer> peers,
                             bool first_part) {
  std::array<std::size_t, torrent_flag::kGroups> groups{};
  std::uint64_t flags = 0;
  ordered_.clear();
  for (const SavedPeer& peer : peers) {
    ordered_.push_back(&peer);
    ++groups[GroupOf(peer)];
    if (peer.peer_id.has_value()) flags |= torrent_flag::kIds;
    if (!peer.side.empty()) flags |= torrent_flag::kPeerSides;
  }
  const auto before = [](const SavedPeer* a, const SavedPeer* b) {
    return GroupOf(*a) < GroupOf(*b);
  };
  // A store gives them in order.
  if (!std::is_sorted(ordered_.begin(), ordered_.end(), before))
    std::stable_sort(ordered_.begin(), ordered_.end(), before);
  for (std::size_t g = 0; g < groups.size(); ++g) flags |= groups[g] > 0 ? 1u << g : 0u;
  if (torrent.last_active.has_value()) flags |= torrent_flag::kLastActive;
  if (first_part && !torrent.side.empty()) flags |= torrent_flag::kSide;

  hashes_ += torrent.info_hash.text();
  PutVarint(records_, flags);
  PutVarint(records_, torrent.completed);
  for (const std::size_t n : groups) {
    if (n > 0) PutVarint(records_, n);
  }
  if (torrent.last_active.has_value())
    times_.push_back(torrent.last_active->time_since_epoch().count() * 4 + kTorrent);
  if ((flags & torrent_flag::kSide) != 0) {
    PutVarint(sides_, torrent.side.size());
    sides_ += torrent.side;
  }
  const std::size_t id_bits = ids_.size();
  if ((flags & torrent_flag::kIds) != 0) ids_.append((peers.size() + 7) / 8, '\0');
  for (std::size_t i = 0; i < ordered_.size(); ++i) {
    const SavedPeer& peer = *ordered_[i];
    (peer.peer.family() == AddressFamily::kIpv4 ? ipv4_ : ipv6_) += CharsOf(peer.peer.compact());
    times_.push_back(peer.last_seen.time_since_epoch().count() * 4 +
                     (peer.completed ? kCompletedPeer : kPeer));
    if (peer.peer_id.has_value()) {
      char& bits = ids_[id_bits + i / 8];
      bits = static_cast<char>(bits | 1 << i % 8);
      ids_ += peer.peer_id->text();
    }
    if ((flags & torrent_flag::kPeerSides) != 0) {
      PutVarint(sides_, peer.side.size());
      sides_ += peer.side;
    }
  }
}

std::string SnapshotWriter::TakePayload() {
  std::int64_t base = times_.empty() ? 0 : -kMostSeconds;
  for (const std::int64_t time : times_) base = std::max(base, time >> 2);
  std::int64_t unit = 0;
  for (const std::int64_t time : times_) {
    const std::int64_t age = base - (time >> 2);
    if (unit == 0 || age % unit != 0) unit = std::gcd(unit, age);
  }
  if (unit == 0 || unit > std::numeric_limits<std::uint32_t>::max()) unit = 1;
  std::string times;
  times.reserve(2 * times_.size());
  for (const std::int64_t time : times_) {
    const auto age = static_cast<std::uint64_t>((base - (time >> 2)) / unit);
    const auto of = static_cast<TimeOf>(time & 3);
    PutVarint(times, of == kTorrent ? age : age * 2 + (of == kCompletedPeer ? 1 : 0));
  }

  std::array<std::uint8_t, 40> head_bytes;
  ByteWriter head(absl::MakeSpan(head_bytes));
  head.U64(static_cast<std::uint64_t>(base));
  head.U32(static_cast<std::uint32_t>(unit));
  head.U32(static_cast<std::uint32_t>(hashes_.size() / InfoHash::kSize));
  const auto columns = {&records_, &ipv4_, &ipv6_, &times, &ids_, &sides_};
  for (const std::string* column : columns) head.U32(static_cast<std::uint32_t>(column->size()));

  std::string payload;
  payload.reserve(head_bytes.size() + pending_bytes());
  payload += TextOf(head_bytes);
  payload += hashes_;
  hashes_.clear();
  for (std::string* column : columns) {
    payload += *column;
    column->clear();
  }
  times_.clear();
  return payload;
}

absl::Status SnapshotWriter::FlushTorrents() {
  if (hashes_.empty()) return absl::OkStatus();
  return WriteBlock(BlockKind::kTorrents, TakePayload());
}

absl::Status SnapshotWriter::Finish() {
  if (absl::Status status = FlushTorrents(); !status.ok()) return status;
  for (std::string_view rest = side_; !rest.empty();) {
    const std::string_view part = rest.substr(0, options_.block_bytes);
    if (absl::Status status = WriteBlock(BlockKind::kSide, part); !status.ok()) return status;
    rest.remove_prefix(part.size());
  }
  std::uint8_t totals[24];
  ByteWriter out(totals);
  out.U64(blocks_);
  out.U64(torrents_);
  out.U64(peers_);
  return WriteBlock(BlockKind::kEnd, TextOf(totals));
}

}  // namespace muster
