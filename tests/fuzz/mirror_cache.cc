// SPDX-License-Identifier: Apache-2.0
//
// What a cache of a mirror might hold: whatever is read from it is written alike, and a torrent is
// made of it or not.
#include <cstdint>
#include <string_view>

#include "fuzz/require.h"
#include "mirror/file_hashes.h"
#include "mirror/mirror_torrent.h"

using muster::Require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto hashes = muster::FileHashes::Decode(bytes); hashes.ok()) {
    const auto again = muster::FileHashes::Decode(hashes->Encode());
    Require(again.ok() && again->Encode() == hashes->Encode());
    Require(hashes->tail_length() < hashes->piece_length);
  }
  if (const auto torrent = muster::MirrorTorrent::Decode(bytes); torrent.ok()) {
    const auto again = muster::MirrorTorrent::Decode(torrent->Encode());
    Require(again.ok() && again->Encode() == torrent->Encode() && again->set == torrent->set);
    muster::WholeTorrent(*torrent, {"http://a/announce"}, {"http://m/"}).status().IgnoreError();
  }
  return 0;
}
