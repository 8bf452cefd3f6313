// SPDX-License-Identifier: Apache-2.0
//
// A peer of bttrack's dfile: its dictionary from and to a SavedPeer.
//
//   d 8:given ip  9:192.0.2.7     the `ip` parameter, optional
//     2:ip        9:192.0.2.1     the connection's address
//     3:key       4:abcd          optional
//     4:left      i1024e          0: a seeder
//     3:nat       i0e             optional
//     4:port      i6881e
//     13:requirecrypto i0e  13:supportcrypto i1e e
//
// `ip`, `port` and whether `left` is 0 become the peer's endpoint and state. The rest goes into the
// side record, a dictionary of the same keys, without what the writer puts there by itself: `left`
// of a seeder, crypto flags that are 0. Unknown keys go there too. Where nothing is left, it is an
// empty dictionary: it marks a peer that is known by its id.
//
// Reentrant.
#ifndef MUSTER_LIB_STATE_BTTRACK_PEER_H_
#define MUSTER_LIB_STATE_BTTRACK_PEER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "muster/peer_details.h"
#include "muster/state.h"
#include "state/bttrack_tokens.h"

namespace muster {

// The longest side record.
inline constexpr std::size_t kMaxPeerSide = 16384;

// The keys of a torrent's side record, a dictionary of numbers: a count below 0; 1 for a torrent that
// has an empty entry under `peers`; 1 for one that has none under `completed`.
inline constexpr std::string_view kSideCompleted = "completed";
inline constexpr std::string_view kSideEmpty = "empty";
inline constexpr std::string_view kSideUncounted = "uncounted";

// Reads the dictionary, of which nothing was read yet, into all of `peer` but its id and times. On
// false `error` says what is wrong, or is null when it is the bencoding (tokens.status()).
bool ReadBttrackPeer(BencodeTokens& tokens, SavedPeer& peer, const char*& error);

// Appends the dictionary. A peer of which the side record does not say `nat` is said to be reachable,
// or never to be where it has no port, if it is `taken_for_reachable`.
void AppendBttrackPeer(const SavedPeer& peer, bool taken_for_reachable, std::string& to);

// What a side record says of a peer in that state.
PeerDetails DetailsOfSide(std::string_view side, PeerState state);

// Appends "size:text".
void AppendBencodeString(std::string_view text, std::string& to);
void AppendBencodeInt(std::int64_t number, std::string& to);

}  // namespace muster

#endif  // MUSTER_LIB_STATE_BTTRACK_PEER_H_
