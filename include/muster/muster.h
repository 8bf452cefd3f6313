// SPDX-License-Identifier: Apache-2.0
//
// Everything that muster offers; each header stands alone as well.
#ifndef MUSTER_MUSTER_H_
#define MUSTER_MUSTER_H_

#include "muster/access_rules.h"
#include "muster/aggregate_forward.h"
#include "muster/announce.h"
#include "muster/bencode.h"
#include "muster/cidr.h"
#include "muster/endpoint.h"
#include "muster/hash_list.h"
#include "muster/hashing.h"
#include "muster/host_port.h"
#include "muster/ids.h"
#include "muster/info_hashes.h"
#include "muster/instant.h"
#include "muster/ip_set.h"
#include "muster/log_sink.h"
#include "muster/magnet.h"
#include "muster/metainfo.h"
#include "muster/multitracker.h"
#include "muster/nat_check.h"
#include "muster/peer_batch.h"
#include "muster/protocol.h"
#include "muster/random.h"
#include "muster/refusal.h"
#include "muster/server.h"
#include "muster/snapshot.h"
#include "muster/state.h"
#include "muster/state_formats.h"
#include "muster/state_keeper.h"
#include "muster/statistics.h"
#include "muster/swarm_store.h"
#include "muster/torrent_builder.h"
#include "muster/torrent_editor.h"
#include "muster/torrent_verifier.h"
#include "muster/tracker.h"
#include "muster/tracker_url.h"
#include "muster/version.h"

#endif  // MUSTER_MUSTER_H_
