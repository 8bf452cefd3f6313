// SPDX-License-Identifier: Apache-2.0
//
// SnapshotWriter: a state in muster's own format; muster/snapshot.h draws it. Gathers a block in
// memory, column by column, and passes it on when it is full. Thread-compatible.
#ifndef MUSTER_LIB_STATE_SNAPSHOT_WRITER_H_
#define MUSTER_LIB_STATE_SNAPSHOT_WRITER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "muster/ids.h"
#include "muster/snapshot.h"
#include "muster/state.h"
#include "state/blocks.h"
#include "state/bounds.h"

namespace muster {

// The bits of a torrent's flags.
namespace torrent_flag {
inline constexpr std::size_t kGroups = 6;  // the lowest bits: there are peers of this group
inline constexpr std::uint64_t kIds = 1 << 6;
inline constexpr std::uint64_t kLastActive = 1 << 7;
inline constexpr std::uint64_t kSide = 1 << 8;
inline constexpr std::uint64_t kPeerSides = 1 << 9;
inline constexpr std::uint64_t kAll = (1 << 10) - 1;
}  // namespace torrent_flag

inline constexpr std::size_t kMaxPeerSideBytes = std::size_t{64} << 10;
inline constexpr std::size_t kMaxTorrentSide = std::size_t{1} << 20;

class SnapshotWriter final : public StateWriter {
 public:
  SnapshotWriter(ByteSink* sink, const SnapshotOptions& options) : sink_(sink), options_(options) {}

  absl::Status Add(const SavedTorrent& torrent) override;
  absl::Status SetSide(std::string_view side) override {
    side_ = side;
    return absl::OkStatus();
  }
  absl::Status Finish() override;

 private:
  // A torrent with some of its peers.
  void AddPart(const SavedTorrent& torrent, absl::Span<const SavedPeer> peers, bool first_part);
  std::size_t pending_bytes() const {
    return hashes_.size() + records_.size() + ipv4_.size() + ipv6_.size() + 2 * times_.size() +
           ids_.size() + sides_.size();
  }
  std::string TakePayload();
  absl::Status FlushTorrents();
  absl::Status WriteHeaderOnce();
  absl::Status WriteBlock(BlockKind kind, std::string_view payload);

  ByteSink* const sink_;
  const SnapshotOptions options_;
  bool header_written_ = false;
  std::uint32_t blocks_ = 0;
  std::uint64_t torrents_ = 0;
  std::uint64_t peers_ = 0;
  std::optional<InfoHash> last_;
  std::string side_;

  // The block that is gathered.
  std::string hashes_, records_, ipv4_, ipv6_, ids_, sides_;
  // A time, times four, plus what it is of.
  enum TimeOf : std::uint8_t { kTorrent, kPeer, kCompletedPeer };
  std::vector<std::int64_t> times_;
  // The peers of a part in the order of their groups.
  std::vector<const SavedPeer*> ordered_;
};

}  // namespace muster

#endif  // MUSTER_LIB_STATE_SNAPSHOT_WRITER_H_
