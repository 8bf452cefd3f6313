// SPDX-License-Identifier: Apache-2.0
//
// SnapshotReader's implementation: blocks found by a BlockScanner, torrents taken from their
// columns. Thread-compatible.
#ifndef MUSTER_LIB_STATE_SNAPSHOT_READER_H_
#define MUSTER_LIB_STATE_SNAPSHOT_READER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "muster/ids.h"
#include "muster/snapshot.h"
#include "state/blocks.h"
#include "state/snapshot_writer.h"
#include "state/varint.h"

namespace muster {

// The torrents of one block. Borrows the payload.
class TorrentColumns {
 public:
  TorrentColumns() = default;
  // False when the sizes do not add up.
  bool Open(std::string_view payload);

  // Whether all torrents have been taken.
  bool done() const { return hashes_.empty(); }
  // Whether nothing is left over then.
  bool used_up() const;
  // Of the next torrent, without taking it.
  InfoHash next_hash() const;
  // False when the block contradicts itself.
  bool Take(SavedTorrent& torrent);

 private:
  using Groups = std::array<std::size_t, torrent_flag::kGroups>;

  bool TakeAddresses(const Groups& groups, SavedTorrent& torrent);
  bool TakeTimes(std::uint64_t flags, SavedTorrent& torrent);
  bool TakeIds(std::uint64_t flags, SavedTorrent& torrent);
  bool TakeSides(std::uint64_t flags, SavedTorrent& torrent);
  std::optional<Instant> TimeBack(std::uint64_t units) const;

  std::int64_t base_ = 0;
  std::uint64_t unit_ = 1;
  std::string_view hashes_;
  Column records_, ipv4_, ipv6_, times_, ids_, sides_;
};

class SnapshotReaderImpl final : public SnapshotReader {
 public:
  explicit SnapshotReaderImpl(ByteSource* source) : scanner_(source) {}
  absl::Status ReadHeader();

  absl::StatusOr<bool> Next(SavedTorrent& torrent) override;
  std::string_view side() const override { return side_; }
  const SnapshotInfo& info() const override { return info_; }

 private:
  absl::Status Damage(std::string_view what);
  // The next torrent of the current block.
  absl::StatusOr<bool> NextInBlock(SavedTorrent& torrent);
  // Takes what a block holds; DataLoss when it is not what belongs there.
  absl::Status TakeBlock(const BlockScanner::Block& block);
  absl::Status CheckEnd(std::string_view payload);
  // What to say when the file is at its end; OK when all is well.
  absl::Status AtEnd();

  BlockScanner scanner_;
  SnapshotInfo info_;
  bool is_snapshot_ = false;  // something of it was recognised
  bool ended_ = false;        // the end block was seen, or its lack told of
  std::uint32_t next_number_ = 0;
  bool gap_told_ = false;  // damage since the last whole block
  std::optional<TorrentColumns> columns_;
  BlockScanner::Block block_{};
  std::optional<InfoHash> last_;
  bool order_told_ = false;  // of this block
  std::string side_;
};

}  // namespace muster

#endif  // MUSTER_LIB_STATE_SNAPSHOT_READER_H_
