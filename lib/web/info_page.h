// SPDX-License-Identifier: Apache-2.0
//
// The information page: what the tracker serves, for people. HTML without a script, in the light and
// dark colours that the reader prefers; the same figures as the page of bttrack: complete,
// downloading and downloaded for each torrent, and the sums. Made while it is sent, with the torrents
// in ascending order of info hash. Thread-compatible.
#ifndef MUSTER_LIB_WEB_INFO_PAGE_H_
#define MUSTER_LIB_WEB_INFO_PAGE_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "http/body.h"
#include "muster/swarm_store.h"
#include "web/snapshot.h"

namespace muster {

inline constexpr std::string_view kInfoPageType = "text/html; charset=utf-8";

// Lists the first `max_torrents`; the sums are of all of them. The store must outlive the body.
std::unique_ptr<HttpBody> NewInfoPage(const SwarmStore& store, const Snapshot& snapshot,
                                      std::size_t max_torrents);

// What a redirect says to those who do not follow it by themselves.
void AppendRedirectPage(std::string_view url, std::string& out);

}  // namespace muster

#endif  // MUSTER_LIB_WEB_INFO_PAGE_H_
