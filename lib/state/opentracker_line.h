// SPDX-License-Identifier: Apache-2.0
//
// A line of opentracker's state dump. Reentrant.
#ifndef MUSTER_LIB_STATE_OPENTRACKER_LINE_H_
#define MUSTER_LIB_STATE_OPENTRACKER_LINE_H_

#include <string_view>

#include "muster/state.h"

namespace muster {

// `line` without its newline. On false `torrent` is as it was.
bool ParseOpentrackerLine(std::string_view line, SavedTorrent& torrent);

}  // namespace muster

#endif  // MUSTER_LIB_STATE_OPENTRACKER_LINE_H_
