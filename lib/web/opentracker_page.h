// SPDX-License-Identifier: Apache-2.0
//
// The statistics of opentracker, byte for byte as scripts and exporters read them: the four lines
// that MRTG takes, and the other modes that need no walk over all torrents. Reentrant.
#ifndef MUSTER_LIB_WEB_OPENTRACKER_PAGE_H_
#define MUSTER_LIB_WEB_OPENTRACKER_PAGE_H_

#include <string>
#include <string_view>

#include "web/snapshot.h"

namespace muster {

// Appends the page of a mode: peer, torr, conn, tcp4, udp4, scrp, fscr, completed, syncs, version,
// herr, renew, numwants, everything. False, and nothing appended, for any other.
bool AppendOpentrackerPage(std::string_view mode, const Snapshot& snapshot, std::string& out);

}  // namespace muster

#endif  // MUSTER_LIB_WEB_OPENTRACKER_PAGE_H_
