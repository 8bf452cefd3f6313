// SPDX-License-Identifier: Apache-2.0
//
// A saved state with the journals of the changes since, read as one: the state that a restart of the
// tracker would find. Of a journal alone, what its changes make of nothing.
//
//   auto reader = muster::NewJournaledReader(snapshot.get(), {{"state.journal.7", &journal}}, {});
//   muster::SavedTorrent torrent;
//   absl::StatusOr<bool> more = reader->Next(torrent);      // and so on
//
// Which journals belong to a snapshot, OpenedState::sequence says. A peer is who it was for the store
// that wrote of it: see NameOfSavedPeer() in state_formats.h. A restart also forgets peers that are too
// old by then; here they are all there.
//
// Functions are reentrant, readers thread-compatible; they borrow what they are made with.
#ifndef MUSTER_JOURNALED_STATE_H_
#define MUSTER_JOURNALED_STATE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "muster/export.h"
#include "muster/instant.h"
#include "muster/state.h"

namespace muster {

// What a journal begins with.
inline constexpr std::string_view kJournalMagic{"\x89mustjl\n", 8};

struct JournalSource {
  // For messages, which begin with it; empty: with nothing.
  std::string name;
  ByteSource* source;
};

struct JournalInfo {
  std::string name = {};
  // Of the header; 0 when it is damaged.
  std::uint64_t sequence = 0;
  Instant written = {};
  std::uint64_t bytes = 0;
  std::uint64_t changes = 0;
  // What is left out at the end, where the tracker was just writing, or a crash stopped it: in
  // words; empty when it ends well.
  std::string torn_end = {};
};

struct JournaledOptions {
  // Changes are sorted by their torrents: in about twice this much memory, and beyond it in an
  // unnamed file of this folder.
  std::size_t sort_memory = std::size_t{32} << 20;
  std::string spool_folder = "/tmp";
};

class MUSTER_EXPORT JournaledReader : public StateReader {
 public:
  // Of each journal, once the first torrent has been read.
  virtual absl::Span<const JournalInfo> journals() const = 0;
};

// `base` gives its torrents in ascending order; null: none. `journals` in the order in which they
// were written. The first Next() reads all of them; torrents that they change are in memory as a
// whole, one at a time. Next() gives DataLoss, which begins with the journal's name, for each damage
// that something whole follows after, and for a file that is no journal, and goes on with the next
// call. FailedPrecondition for a journal of a newer muster.
MUSTER_EXPORT std::unique_ptr<JournaledReader> NewJournaledReader(
    StateReader* base, std::vector<JournalSource> journals, const JournaledOptions& options);

}  // namespace muster

#endif  // MUSTER_JOURNALED_STATE_H_
