// SPDX-License-Identifier: Apache-2.0
//
// What a torrent tells around its info dictionary, and what may stand in either: where to find
// peers, seeds and related torrents, and words about itself. Nothing of it can spoil the torrent:
// in the lenient mode what is malformed is passed over. Reentrant.
#ifndef MUSTER_LIB_METAINFO_OUTSIDE_H_
#define MUSTER_LIB_METAINFO_OUTSIDE_H_

#include "metainfo/data.h"
#include "metainfo/faults.h"
#include "muster/bencode.h"

namespace muster {

// False when something is an error.
bool ReadOutside(BencodeView torrent, BencodeView info, MetainfoData& data, Faults& faults);

}  // namespace muster

#endif  // MUSTER_LIB_METAINFO_OUTSIDE_H_
