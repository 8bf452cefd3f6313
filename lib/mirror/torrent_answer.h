// SPDX-License-Identifier: Apache-2.0
//
// Answers that have a torrent, or say how far it is. Reentrant.
#ifndef MUSTER_LIB_MIRROR_TORRENT_ANSWER_H_
#define MUSTER_LIB_MIRROR_TORRENT_ANSWER_H_

#include <string>

#include "mirror/mirror_answer.h"
#include "mirror/mirror_request.h"
#include "mirror/mirror_torrent.h"
#include "mirror/single_flight.h"

namespace muster {

// `bytes` are those of WholeTorrent(). The file's name in Content-Disposition is without quotes, as
// the clients of pkgtorrent-service read it.
MirrorAnswer TorrentAnswer(const MirrorTorrent& torrent, std::string bytes,
                           MirrorRequest::Format format);

// 202: it is being made.
MirrorAnswer ProgressAnswer(const FlightProgress& progress);

}  // namespace muster

#endif  // MUSTER_LIB_MIRROR_TORRENT_ANSWER_H_
