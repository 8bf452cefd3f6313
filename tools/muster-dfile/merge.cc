// SPDX-License-Identifier: Apache-2.0
//
// Several states side by side, all of which ascend: the least torrent of those that are next is
// joined from all that have it. One torrent of each is in memory.
#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "muster-dfile/commands.h"
#include "muster-dfile/side.h"
#include "muster-dfile/state_file.h"
#include "muster-dfile/text.h"

namespace muster_dfile {
namespace {

using muster::SavedTorrent;

struct Lane {
  std::unique_ptr<StateInput> state;
  SavedTorrent next;
  bool has_next = false;

  absl::Status Advance() {
    next = SavedTorrent();
    const absl::StatusOr<bool> more = state->NextWhole(next);
    has_next = more.ok() && *more;
    return more.status();
  }
};

// Puts `other` into `torrent`.
void Join(SavedTorrent& torrent, SavedTorrent other, Counts counts) {
  if (counts == Counts::kSum) {
    const std::uint64_t room = ~std::uint64_t{0} - torrent.completed;
    torrent.completed += std::min(other.completed, room);
  } else {
    torrent.completed = std::max(torrent.completed, other.completed);
  }
  torrent.last_active = std::max(torrent.last_active, other.last_active);
  // What one of them did not count is counted now.
  torrent.side.clear();
  torrent.peers.insert(torrent.peers.end(), std::make_move_iterator(other.peers.begin()),
                       std::make_move_iterator(other.peers.end()));
}

}  // namespace

absl::StatusOr<int> Merge(const Input& input, const Output& output, Counts counts) {
  std::vector<Lane> lanes;
  muster::Instant written;
  for (const std::string& file : input.files) {
    absl::StatusOr<std::unique_ptr<StateInput>> state = StateInput::Open(file, input.format);
    if (!state.ok()) return state.status();
    written = std::max(written, (*state)->written());
    lanes.emplace_back().state = *std::move(state);
  }
  const muster::StateFormat format = output.format == muster::StateFormat::kUnknown
                                         ? lanes[0].state->format_to_write()
                                         : output.format;
  absl::StatusOr<std::unique_ptr<StateOutput>> to =
      StateOutput::Create(output.file, output.force, format, written, input.files);
  if (!to.ok()) return to.status();
  for (Lane& lane : lanes) {
    if (absl::Status status = lane.Advance(); !status.ok()) return status;
  }
  while (true) {
    std::optional<muster::InfoHash> least;
    for (const Lane& lane : lanes) {
      if (lane.has_next && (!least || lane.next.info_hash < *least)) least = lane.next.info_hash;
    }
    if (!least) break;
    std::optional<SavedTorrent> torrent;
    for (Lane& lane : lanes) {
      if (!lane.has_next || lane.next.info_hash != *least) continue;
      if (torrent) {
        Join(*torrent, std::move(lane.next), counts);
      } else {
        torrent = std::move(lane.next);
      }
      if (absl::Status status = lane.Advance(); !status.ok()) return status;
    }
    KeepNewestPeers(torrent->peers);
    if (absl::Status status = (*to)->Add(*torrent); !status.ok()) return status;
  }
  std::string side;
  for (const Lane& lane : lanes) side = JoinedSides(side, lane.state->side());
  if (absl::Status status = (*to)->Finish(side); !status.ok()) return status;
  return kGood;
}

}  // namespace muster_dfile
