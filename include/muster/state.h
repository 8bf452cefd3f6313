// SPDX-License-Identifier: Apache-2.0
//
// A saved state, whatever its format: torrents with their counts and peers, as a stream that is
// never in memory as a whole. What reads a format is a StateReader, what writes one a StateWriter;
// to convert is to pass one's torrents to the other.
//
// Thread-compatible. Readers and writers borrow the source or sink that they are made with.
#ifndef MUSTER_STATE_H_
#define MUSTER_STATE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "muster/endpoint.h"
#include "muster/export.h"
#include "muster/ids.h"
#include "muster/instant.h"
#include "muster/swarm_store.h"

namespace muster {

// Where bytes come from: a file, standard input, memory.
class MUSTER_EXPORT ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Fills the beginning of `into` and returns how many bytes that was; 0 at the end, and only there.
  virtual absl::StatusOr<std::size_t> Read(absl::Span<char> into) = 0;
};

// Where bytes go.
class MUSTER_EXPORT ByteSink {
 public:
  virtual ~ByteSink() = default;
  // Takes all of it, or fails.
  virtual absl::Status Write(std::string_view bytes) = 0;
};

// A peer of a saved state. Formats that know less leave out what they do not know.
struct SavedPeer {
  Endpoint peer;
  PeerState state = PeerState::kDownloader;  // never kStopped
  bool completed = false;                    // its completion has been counted
  Instant last_seen;
  std::optional<PeerId> peer_id;
  // What else the format that it comes from said of it: a bencoded dictionary, or nothing. Formats
  // that can keep it do so byte for byte; see PeerDetailsOf() in state_formats.h. A peer that has
  // one, be it empty, is known by its id, any other by its endpoint: see NameOfSavedPeer() there.
  std::string side;

  bool operator==(const SavedPeer&) const = default;
};

// A torrent of a saved state, or a part of one: a huge swarm comes in several parts, one after the
// other, each with the same info hash and counts.
struct SavedTorrent {
  InfoHash info_hash;
  // Downloads finished since the torrent is known.
  std::uint64_t completed = 0;
  std::vector<SavedPeer> peers;
  // When anybody was last seen, where the format says so of the torrent itself.
  std::optional<Instant> last_active;
  // As SavedPeer::side.
  std::string side;

  bool operator==(const SavedTorrent&) const = default;
};

class MUSTER_EXPORT StateReader {
 public:
  virtual ~StateReader() = default;
  // The next torrent, or part of one, into `torrent`, whose memory is used again; false at the end.
  // Readers give torrents in the order of the file, which in muster's own format ascends.
  // DataLoss with the place where the file is damaged: a reader that can go on after the damage
  // does so with the next call.
  virtual absl::StatusOr<bool> Next(SavedTorrent& torrent) = 0;
  // What the state says beside its torrents: a bencoded dictionary, or nothing. Whole once Next()
  // has returned false; valid until the next call.
  virtual std::string_view side() const { return {}; }
};

class MUSTER_EXPORT StateWriter {
 public:
  virtual ~StateWriter() = default;
  virtual absl::Status Add(const SavedTorrent& torrent) = 0;
  // What a reader's side() gave; at any time before Finish(). Formats without a place for it leave
  // it out.
  virtual absl::Status SetSide(std::string_view side) {
    (void)side;
    return absl::OkStatus();
  }
  // To be called last; without it the state is not whole.
  virtual absl::Status Finish() = 0;
};

}  // namespace muster

#endif  // MUSTER_STATE_H_
