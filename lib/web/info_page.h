// SPDX-License-Identifier: Apache-2.0
//
// The information page: what the tracker serves, for people. HTML without a script, in the light and
// dark colours that the reader prefers; the same figures as the page of bttrack: complete,
// downloading and downloaded for each torrent, its size and what was transferred where that is
// known, and the sums. Made while it is sent, with the torrents in ascending order of name, or of
// info hash where there are no names. Thread-compatible.
#ifndef MUSTER_LIB_WEB_INFO_PAGE_H_
#define MUSTER_LIB_WEB_INFO_PAGE_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "http/body.h"
#include "muster/swarm_store.h"
#include "muster/torrent_catalog.h"
#include "muster/tracker.h"
#include "web/snapshot.h"

namespace muster {

inline constexpr std::string_view kInfoPageType = "text/html; charset=utf-8";

struct InfoPageOptions {
  // Torrents in the list at most; the figures above it are of all of them.
  std::size_t max_torrents = 1000;
  // Of the catalog; may be null.
  std::shared_ptr<const TorrentList> torrents = nullptr;
  // Says which torrents are listed; null for all. Must outlive the body.
  const Policy* policy = nullptr;
  // List torrents that have no peers and are not in the catalog.
  bool show_dead = true;
  // Tell their names and sizes.
  bool show_names = true;
  // A name leads to the torrent's file.
  bool link_files = false;
};

// The store must outlive the body.
std::unique_ptr<HttpBody> NewInfoPage(const SwarmStore& store, const Snapshot& snapshot,
                                      const InfoPageOptions& options);

// What a redirect says to those who do not follow it by themselves.
void AppendRedirectPage(std::string_view url, std::string& out);

}  // namespace muster

#endif  // MUSTER_LIB_WEB_INFO_PAGE_H_
