// SPDX-License-Identifier: Apache-2.0
#include "state/snapshot_reader.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/text.h"

namespace muster {
namespace {

constexpr std::size_t kMaxSide = std::size_t{256} << 20;

}  // namespace

absl::StatusOr<std::unique_ptr<SnapshotReader>> NewSnapshotReader(ByteSource* source) {
  auto reader = std::make_unique<SnapshotReaderImpl>(source);
  if (absl::Status status = reader->ReadHeader(); !status.ok()) return status;
  return reader;
}

absl::Status SnapshotReaderImpl::ReadHeader() {
  absl::StatusOr<std::string_view> bytes = scanner_.Peek(FileHeader::kSize);
  if (!bytes.ok()) return bytes.status();
  // A file that was cut off within the magic is still one of ours.
  is_snapshot_ = !bytes->empty() &&
                 bytes->substr(0, kSnapshotMagic.size()) == kSnapshotMagic.substr(0, bytes->size());
  const std::optional<FileHeader> header = DecodeFileHeader(kSnapshotMagic, *bytes);
  if (!header.has_value()) return absl::OkStatus();  // told by Next(), as bytes that are no block
  if (header->version > kStateVersion) {
    return absl::InvalidArgumentError(absl::StrCat("written by a newer muster: version ",
                                                   header->version, " of the snapshot's format"));
  }
  scanner_.Skip(FileHeader::kSize);
  info_.version = header->version;
  info_.sequence = header->sequence;
  info_.written = header->written;
  return absl::OkStatus();
}

absl::Status SnapshotReaderImpl::Damage(std::string_view what) {
  ++info_.damages;
  return absl::DataLossError(ToAbsl(what));
}

absl::StatusOr<bool> SnapshotReaderImpl::NextInBlock(SavedTorrent& torrent) {
  const auto place = [&] {
    return absl::StrCat("block ", block_.number, " at offset ", block_.offset);
  };
  const InfoHash info_hash = columns_->next_hash();
  if (last_.has_value() && info_hash < *last_ && !std::exchange(order_told_, true)) {
    return Damage(absl::StrCat(place(), ": torrents do not ascend"));
  }
  if (!columns_->Take(torrent)) {
    columns_.reset();
    return Damage(absl::StrCat(place(), " contradicts itself"));
  }
  if (last_ != info_hash) ++info_.torrents;
  last_ = info_hash;
  info_.peers += torrent.peers.size();
  return true;
}

absl::Status SnapshotReaderImpl::CheckEnd(std::string_view payload) {
  ended_ = true;
  ByteReader in(BytesOf(payload));
  const std::uint64_t blocks = in.U64();
  const std::uint64_t torrents = in.U64();
  const std::uint64_t peers = in.U64();
  if (!in.ok() || !in.rest().empty()) return Damage("the end block contradicts itself");
  // Where something was lost, the numbers tell nothing new.
  if (info_.damages > 0) return absl::OkStatus();
  if (blocks != info_.blocks - 1 || torrents != info_.torrents || peers != info_.peers) {
    return Damage(absl::StrCat("the end block counts ", torrents, " torrents and ", peers,
                               " peers in ", blocks, " blocks, but there are ", info_.torrents,
                               " and ", info_.peers, " in ", info_.blocks - 1));
  }
  return absl::OkStatus();
}

absl::Status SnapshotReaderImpl::TakeBlock(const BlockScanner::Block& block) {
  ++info_.blocks;
  is_snapshot_ = true;
  const bool gap_told = std::exchange(gap_told_, false);
  const std::uint32_t expected = std::exchange(next_number_, block.number + 1);
  block_ = block;
  order_told_ = false;
  absl::Status status;
  if (block.number != expected && !gap_told) {
    status = Damage(absl::StrCat("offset ", block.offset, ": block ", block.number,
                                 " stands where block ", expected, " should"));
  }
  if (ended_) return Damage(absl::StrCat("offset ", block.offset, ": a block after the end"));
  switch (block.kind) {
    case BlockKind::kTorrents:
      columns_.emplace();
      if (columns_->Open(block.payload)) break;
      columns_.reset();
      return Damage(
          absl::StrCat("block ", block.number, " at offset ", block.offset, " contradicts itself"));
    case BlockKind::kSide:
      if (block.payload.size() > kMaxSide - side_.size())
        return Damage(absl::StrCat("offset ", block.offset, ": a side record beyond 256 MiB"));
      side_ += block.payload;
      break;
    case BlockKind::kEnd:
      if (absl::Status end = CheckEnd(block.payload); !end.ok()) return end;
      break;
    case BlockKind::kDeltas:
      return Damage(
          absl::StrCat("offset ", block.offset, ": a journal's block, which a snapshot has not"));
  }
  return status;
}

absl::Status SnapshotReaderImpl::AtEnd() {
  if (!is_snapshot_) {
    ended_ = is_snapshot_ = true;
    return absl::InvalidArgumentError("not a snapshot of muster's");
  }
  if (std::exchange(ended_, true)) return absl::OkStatus();
  return Damage(absl::StrCat("cut off: no end block before the end at offset ", info_.bytes));
}

absl::StatusOr<bool> SnapshotReaderImpl::Next(SavedTorrent& torrent) {
  while (true) {
    if (columns_.has_value()) {
      if (!columns_->done()) return NextInBlock(torrent);
      const bool used_up = columns_->used_up();
      columns_.reset();
      if (!used_up) {
        return Damage(absl::StrCat("block ", block_.number, " at offset ", block_.offset,
                                   " has more than its torrents"));
      }
    }
    BlockScanner::Block block{};
    absl::StatusOr<bool> more = scanner_.Next(block);
    info_.bytes = scanner_.offset();
    if (!more.ok()) {
      if (!absl::IsDataLoss(more.status())) return more.status();
      // Of a file that is none of ours nothing is damaged.
      if (!is_snapshot_ && scanner_.Peek(1).ok() && scanner_.Peek(1)->empty()) continue;
      gap_told_ = true;
      ++info_.damages;
      return more.status();
    }
    const absl::Status status = *more ? TakeBlock(block) : AtEnd();
    if (!status.ok()) return status;
    if (!*more) return false;
  }
}

}  // namespace muster
