// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a journal: replaying ends, and leaves a store that is in order. The input's first
// byte may ask for the checksums to be mended first.
#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "muster/journaled_state.h"
#include "muster/state_formats.h"
#include "state/journal.h"
#include "state/mend.h"
#include "state/state_testing.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace muster;                 // NOLINT(build/namespaces)
  using namespace muster::testing_state;  // NOLINT(build/namespaces)
  if (size < 1) return 0;
  std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if ((data[0] & 1) != 0) MendChecksums(text);
  StringSource source(text);
  const auto store = muster::NewMemoryStore({.keep_peer_ids = (data[0] & 2) != 0, .hash_seed = 1});
  const auto report = muster::ReplayJournal(&source, *store, muster::testing_swarm::kStart);
  if (report.ok()) Require(report->deltas <= size / 21 && report->damages.size() <= size);
  Require(muster::testing_swarm::ImageOf(*store).fault.empty());

  // Read as a state, torrents ascend, nobody is there twice, and there are no more of anything than
  // bytes for it.
  StringSource again(text);
  const auto reader = muster::NewJournaledReader(nullptr, {{"", &again}}, {.sort_memory = 16384});
  muster::SavedTorrent torrent;
  std::optional<muster::InfoHash> last;
  for (std::size_t turns = 0;; ++turns) {
    Require(turns <= 2 * size + 2);
    const auto more = reader->Next(torrent);
    if (absl::IsDataLoss(more.status())) continue;
    if (!more.ok() || !*more) break;
    Require(!last.has_value() || *last < torrent.info_hash);
    Require(!torrent.peers.empty() || torrent.completed > 0);
    std::set<muster::SavedPeerName> names;
    for (const muster::SavedPeer& peer : torrent.peers)
      Require(names.insert(muster::NameOfSavedPeer(peer)).second);
    last = torrent.info_hash;
  }
  return 0;
}
