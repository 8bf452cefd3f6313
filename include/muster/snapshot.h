// SPDX-License-Identifier: Apache-2.0
//
// muster's own format of a saved state, and what passes between a state and a SwarmStore.
//
//   auto writer = muster::NewSnapshotWriter(&sink, {.written = now});
//   absl::Status status = muster::SaveState(tracker->store(), **writer);     // ends with Finish()
//
//   auto reader = muster::NewSnapshotReader(&source);
//   absl::StatusOr<muster::LoadReport> report = muster::LoadState(*reader, tracker->store(), now);
//
// A snapshot is a header and blocks, each with checksums of its own, so that damage costs the block
// that it is in and no other. Torrents ascend by info hash; one that does not fit a block goes on in
// the next. All numbers are in network order; a varint is a number in groups of seven bits, the
// lowest first, all but the last with the eighth bit set.
//
//   header       8  89 6d 75 73 74 65 72 0a ("\x89muster\n")
//                2  version: 1. A reader refuses a higher one
//                2  zero
//                8  sequence: the state was taken when the journal of this number began; 0: none
//                8  time of writing, Unix seconds
//                4  CRC-32C of the 28 bytes before
//   block        4  6d 42 6c 6b ("mBlk"), by which the next block is found after damage
//                1  kind: 1 torrents, 2 end, 3 deltas (in journals), 4 side record
//                1  coding of the payload: 0 as it is, 1 zlib (RFC 1950)
//                2  zero
//                4  number of the block, from 0
//                4  size of the payload as it is stored, at most 8 MiB
//                4  size of the payload once decoded, at most 8 MiB
//                4  CRC-32C of the payload as it is stored
//                4  CRC-32C of the 24 bytes before
//                …  payload
//   torrents     8  base: the latest time in the block, Unix seconds
//                4  unit: what times are counted in, back from the base; seconds, at least 1
//                4  torrents in the block
//               24  six sizes of columns: records, IPv4 peers, IPv6 peers, times, ids, sides
//          20 each  info hashes
//                …  the six columns
//     records       a torrent: varint of flags, varint of the completed count, and a varint for each
//                   group of peers that there is. Flags 0 to 5: there are IPv4 seeders, partial
//                   seeders, downloaders, IPv6 seeders, partial seeders, downloaders; 6: ids; 7: last
//                   active; 8: side of the torrent; 9: sides of peers
//     IPv4, IPv6    6 or 18 bytes a peer, group after group
//     times         a torrent: varint of the units since it was last active, with flag 7; and a
//                   varint for each peer: the units since it was last seen times 2, plus 1 when its
//                   completion has been counted
//     ids           a torrent with flag 6: a bit for each peer, the lowest of a byte first, whether
//                   its id is there; then 20 bytes for each that is
//     sides         a torrent with flag 8: varint of the size and as many bytes; with flag 9: the
//                   same for each peer
//   side record  …  the next bytes of StateReader::side()
//   end          8  blocks before this one
//                8  torrents, each counted once however many parts it has
//                8  peers
//
// Peers of a torrent come back in groups, IPv4 before IPv6, seeders, partial seeders, downloaders,
// and within a group as they were given.
//
// Functions are reentrant, readers and writers thread-compatible; they borrow their source or sink.
#ifndef MUSTER_SNAPSHOT_H_
#define MUSTER_SNAPSHOT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "muster/export.h"
#include "muster/instant.h"
#include "muster/state.h"
#include "muster/swarm_store.h"

namespace muster {

// What a snapshot begins with.
inline constexpr std::string_view kSnapshotMagic{"\x89muster\n", 8};

enum class StateCompression : std::uint8_t {
  kNone,  // the format is compact by itself
  kZlib,  // smaller by what info hashes and addresses leave, for several times the work
};

struct SnapshotOptions {
  StateCompression compression = StateCompression::kNone;
  // A block is closed at about this size: what a single damage may cost. 1 KiB to 1 MiB.
  std::size_t block_bytes = 256 * 1024;
  // For the header.
  Instant written = {};
  std::uint64_t sequence = 0;
};

// A state in muster's format. InvalidArgument for a torrent that does not come after the one before
// (parts of one follow each other), a stopped peer, or sides that are longer than 64 KiB (of a peer)
// or 1 MiB (of a torrent).
MUSTER_EXPORT absl::StatusOr<std::unique_ptr<StateWriter>> NewSnapshotWriter(
    ByteSink* sink, const SnapshotOptions& options);

struct SnapshotInfo {
  // Of the header; 0 when it is damaged.
  std::uint32_t version = 0;
  std::uint64_t sequence = 0;
  Instant written;
  // Read so far.
  std::uint64_t blocks = 0;
  std::uint64_t torrents = 0;
  std::uint64_t peers = 0;
  std::uint64_t bytes = 0;
  // How often Next() told of damage.
  std::uint64_t damages = 0;
};

class MUSTER_EXPORT SnapshotReader : public StateReader {
 public:
  // The header's part is there from the beginning, the rest grows with each call of Next().
  virtual const SnapshotInfo& info() const = 0;
};

// Next() gives DataLoss with the offset for each damage, and goes on with the next block that is
// whole; so do numbers at the end that are not those of what came before. InvalidArgument from the
// first Next() when nothing of the file is a muster snapshot. Holds one block in memory.
MUSTER_EXPORT absl::StatusOr<std::unique_ptr<SnapshotReader>> NewSnapshotReader(ByteSource* source);

// Adds every swarm of a store, streamed: no announce waits for more than a few thousand peers to be
// copied, and none for the sink. Ends with writer.Finish(). What changes meanwhile may be in it or
// not.
MUSTER_EXPORT absl::Status SaveState(const SwarmStore& store, StateWriter& writer);

struct LoadReport {
  // Given by the reader; those too old to be remembered are counted as well.
  std::uint64_t torrents = 0;
  std::uint64_t peers = 0;
  // What the reader told of damage that it went on after; the first thousand.
  std::vector<absl::Status> damages;
};

// Puts everything that the reader gives into the store, ages kept. Damage is reported, and reading
// goes on after it; fails with what else the reader fails with, or a store that cannot be loaded
// into.
MUSTER_EXPORT absl::StatusOr<LoadReport> LoadState(StateReader& reader, SwarmStore& store,
                                                   Instant now);

}  // namespace muster

#endif  // MUSTER_SNAPSHOT_H_
