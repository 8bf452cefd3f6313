// SPDX-License-Identifier: Apache-2.0
//
// The formats of a saved state: which one a file has, by its content, and a reader or a writer for
// each.
//
//   absl::StatusOr<muster::OpenedState> state = muster::OpenState(&source, {.time = written});
//   if (!state.ok()) return state.status();
//   auto writer = muster::NewStateWriter(muster::StateFormat::kBttrack, &sink, {});
//   muster::SavedTorrent torrent;
//   while (true) {
//     absl::StatusOr<bool> more = state->reader->Next(torrent);
//     if (!more.ok()) return more.status();
//     if (!*more) break;
//     if (absl::Status status = (*writer)->Add(torrent); !status.ok()) return status;
//   }
//
//   format      knows                                             does not know
//   bttrack     peers with ids, keys, NAT state, crypto flags,    times, IPv6 beside IPv4 under one
//               bytes left; counts; allowed torrents              peer id, partial seeders
//   muster      all of it                                         -
//   opentracker counts, the minute of a torrent's last activity   peers
//   journal     changes between two snapshots of muster's; it can be read only
//
// Functions are reentrant, readers and writers thread-compatible; they borrow their source or sink.
// Errors: DataLoss with the place for damage, ResourceExhausted for what goes over a limit, and
// whatever the source or the sink failed with.
#ifndef MUSTER_STATE_FORMATS_H_
#define MUSTER_STATE_FORMATS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "muster/export.h"
#include "muster/instant.h"
#include "muster/journaled_state.h"
#include "muster/peer_details.h"
#include "muster/state.h"

namespace muster {

enum class StateFormat : std::uint8_t {
  kUnknown,
  kMuster,       // muster's own snapshot
  kBttrack,      // BitTornado's dfile, one bencoded dictionary
  kOpentracker,  // a line for each torrent, as /stats?mode=statedump gives it
  kJournal,      // muster's changes since a snapshot, read as what they make of nothing
};

// "muster", "bttrack", "opentracker", "journal"; "unknown".
MUSTER_EXPORT std::string_view StateFormatName(StateFormat format);
// Nothing for another text.
MUSTER_EXPORT std::optional<StateFormat> StateFormatOf(std::string_view name);

// So many bytes of a state are enough to tell its format; fewer if it has fewer. An opentracker dump
// may begin with lines of another form: one of its own among these bytes is enough, if all are text.
inline constexpr std::size_t kStateLookahead = 4096;
MUSTER_EXPORT StateFormat DetectStateFormat(std::string_view beginning);

struct StateReadOptions {
  // When the state was written, such as the file's modification time: what formats without times
  // say of a peer's last announce.
  Instant time{};
  // Torrents whose counts a bttrack reader keeps in memory until their peers come, 32 bytes each.
  std::uint64_t max_torrents = 50'000'000;
  // Bytes of what a bttrack document says beside its torrents: allowed torrents, unknown keys.
  std::size_t max_side = std::size_t{256} << 20;
  // For a journal.
  JournaledOptions journaled = {};
};

struct StateWriteOptions {
  // bttrack's dictionary has all counts before the first peer, so peers wait: in this much memory,
  // and beyond it in an unnamed file of this folder.
  std::size_t spool_memory = std::size_t{32} << 20;
  std::string spool_folder = "/tmp";
  // Now: what muster's format says of when it was written, and opentracker's of a torrent whose last
  // activity is not known.
  Instant time{};
  // Nobody checks whether peers can be reached: bttrack's format says that they can, as bttrack does
  // then. Otherwise it says nothing of a peer that was not checked, and bttrack hands none of those
  // out.
  bool takes_peers_for_reachable = false;
};

// A state in bttrack's format, a swarm of more than 1024 peers in parts. Older files, whose whole
// dictionary is what is now under "peers", are read too. Keys must ascend, as bencoding wants it.
// After damage it goes on with the next peer or torrent whose beginning it recognises; from then on
// torrents may not ascend, and one whose count was given alone may come again with its peers.
MUSTER_EXPORT std::unique_ptr<StateReader> NewBttrackReader(ByteSource* source,
                                                            const StateReadOptions& options);
// Takes torrents in any order, and of those that come several times but the parts of one after the
// other the greatest count; only one of them may have peers. Holds the peers of one torrent and 56
// bytes of every torrent in memory. Of two peers with one id (a client with an IPv4 and an IPv6
// address) the one that was seen last keeps it; the other one, like a peer without an id, gets one
// that is made of its address, which the reader recognises.
MUSTER_EXPORT std::unique_ptr<StateWriter> NewBttrackWriter(ByteSink* sink,
                                                            const StateWriteOptions& options);

// Torrents in the order of the lines; a line that is none is DataLoss, and is passed over.
MUSTER_EXPORT std::unique_ptr<StateReader> NewOpentrackerReader(ByteSource* source,
                                                                const StateReadOptions& options);
MUSTER_EXPORT std::unique_ptr<StateWriter> NewOpentrackerWriter(ByteSink* sink,
                                                                const StateWriteOptions& options);

struct OpenedState {
  StateFormat format = StateFormat::kUnknown;
  // Where the state itself says when it was written.
  std::optional<Instant> written;
  // Of muster's snapshot: the journals of this number and higher ones belong to it. 0: none does.
  std::uint64_t sequence = 0;
  std::unique_ptr<StateReader> reader;
  // The same reader, of a journal; null for another format.
  const JournaledReader* journaled = nullptr;
};

// Reads the beginning of `source` and makes the reader for it, which sees the whole. InvalidArgument
// when the format is none of these; `format`, unless kUnknown, is taken for granted.
MUSTER_EXPORT absl::StatusOr<OpenedState> OpenState(ByteSource* source,
                                                    const StateReadOptions& options,
                                                    StateFormat format = StateFormat::kUnknown);

// InvalidArgument for kUnknown and kJournal.
MUSTER_EXPORT absl::StatusOr<std::unique_ptr<StateWriter>> NewStateWriter(
    StateFormat format, ByteSink* sink, const StateWriteOptions& options);

// What bttrack knows of a peer beside its address and id, and other formats keep in its side
// record.
MUSTER_EXPORT PeerDetails PeerDetailsOf(const SavedPeer& peer);
// The side record that says this of a peer in that state: what PeerDetailsOf() reads. A dictionary,
// be it empty.
MUSTER_EXPORT std::string PeerSideOf(const PeerDetails& details, PeerState state);

// What tells a peer of a torrent from the others. bttrack, and a store that keeps details, know peers
// by their ids, one for each address family at which they are reached, so that several may have one
// endpoint: peers with a side record. Any other peer is known by its endpoint, and its id, where it is
// saved, may be that of others as well.
struct SavedPeerName {
  std::optional<Endpoint> endpoint;  // nothing for one that is known by its id
  PeerId id;
  AddressFamily family = AddressFamily::kIpv4;

  auto operator<=>(const SavedPeerName&) const = default;
};
MUSTER_EXPORT SavedPeerName NameOfSavedPeer(const SavedPeer& peer);

}  // namespace muster

#endif  // MUSTER_STATE_FORMATS_H_
