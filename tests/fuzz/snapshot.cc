// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a snapshot: reading ends, what is read may be written and then reads alike, and a
// store takes it. As checksums stop nearly every change, the input's first byte may ask for them to
// be mended first, so that the fuzzer reaches what lies behind.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "state/mend.h"
#include "state/state_testing.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace muster;                 // NOLINT(build/namespaces)
  using namespace muster::testing_state;  // NOLINT(build/namespaces)
  if (size < 1) return 0;
  std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if ((data[0] & 1) != 0) MendChecksums(text);
  const ReadResult read = ReadSnapshot(text);
  Require(read.damages.size() <= text.size() + 1);

  StringSource source(text);
  auto reader = muster::NewSnapshotReader(&source);
  if (reader.ok()) {
    const auto store = muster::NewMemoryStore({.hash_seed = 1});
    const auto report = LoadState(**reader, *store, muster::testing_swarm::kStart);
    Require(report.ok() == read.failure.ok());
    Require(muster::testing_swarm::ImageOf(*store).fault.empty());
  }
  for (std::size_t i = 1; i < read.torrents.size(); ++i) {
    if (!(read.torrents[i - 1].info_hash < read.torrents[i].info_hash)) return 0;
  }
  for (const muster::SavedTorrent& torrent : read.torrents) {
    if (torrent.side.size() > 1 << 20) return 0;
    for (const muster::SavedPeer& peer : torrent.peers) {
      const auto seconds = peer.last_seen.time_since_epoch().count();
      if (peer.side.size() > 1 << 16 || std::abs(seconds) > std::int64_t{1} << 40) return 0;
    }
    if (torrent.last_active.has_value() &&
        std::abs(torrent.last_active->time_since_epoch().count()) > std::int64_t{1} << 40)
      return 0;
  }
  const ReadResult again = ReadSnapshot(Write(read.torrents, {}, read.side));
  Require(again.damages.empty() && again.side == read.side);
  Require(again.torrents.size() == read.torrents.size());
  return 0;
}
