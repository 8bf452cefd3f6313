// SPDX-License-Identifier: Apache-2.0
//
// Lists of all torrents, made while they are sent: the full scrape, and the dumps of opentracker.
// In ascending order of info hash, each entry as its swarm is when it is visited. They take as
// little memory as one step of a walk. Thread-compatible.
#ifndef MUSTER_LIB_WEB_TORRENT_LIST_H_
#define MUSTER_LIB_WEB_TORRENT_LIST_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "http/body.h"
#include "muster/swarm_store.h"
#include "muster/tracker.h"

namespace muster {

enum class TorrentListFormat : std::uint8_t {
  kBencode,        // as a scrape: {files: {hash: {complete, downloaded, incomplete}}}
  kText,           // HEX:seeds:leechers
  kTextCompleted,  // HEX:seeds:leechers:completed
  kUrl,            // percent-encoded hash:seeds:leechers
  kBinary,         // 20 bytes, then seeds and leechers in 4 bytes each, big endian
};

// By opentracker's name: ben, txt, txtp, url, bin.
std::optional<TorrentListFormat> TorrentListFormatOf(std::string_view name);

// The store and the policy, which may be null, must outlive the body; what the policy does not show
// is left out.
std::unique_ptr<HttpBody> NewTorrentList(const SwarmStore& store, const Policy* policy,
                                         TorrentListFormat format);

}  // namespace muster

#endif  // MUSTER_LIB_WEB_TORRENT_LIST_H_
