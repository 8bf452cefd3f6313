// SPDX-License-Identifier: Apache-2.0
//
// HTTP announces: a query string becomes an AnnounceRequest (BEP 3, 7, 21, 23), an answer becomes a
// bencoded dictionary (BEP 3, 7, 21, 23, 24), and so does a refusal (BEP 31). Pure functions,
// reentrant; they allocate only for errors, where `out` has no room left, and for the dictionary
// form of IPv6 peers.
#ifndef MUSTER_LIB_WIRE_HTTP_ANNOUNCE_H_
#define MUSTER_LIB_WIRE_HTTP_ANNOUNCE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "muster/announce.h"
#include "muster/endpoint.h"
#include "muster/peer_batch.h"

namespace muster {

struct HttpAnnounce {
  AnnounceRequest request;
  // Peers as one string (BEP 23) or, after `compact=0`, as a list of dictionaries (BEP 3).
  bool compact = true;
  // It said `compact=1`.
  bool asks_for_compact = false;
  // It said `compact=0`, or `compact6=0`, which changes nothing else.
  bool refuses_compact = false;
  // The client would rather have no peer ids in the dictionary form.
  bool no_peer_id = false;
};

// Whether an announce may come without one; what is no peer id is an error either way.
enum class PeerIdIs : std::uint8_t { kRequired, kOptional };

// What only some trackers ask of an announce.
struct HttpAnnounceMore {
  // As it was sent, or as much of it as kMaxParameterValue: bttrack takes keys of any length.
  std::string key;
  // ip: an address that the client gives for its own; nothing when it is none, such as a name.
  std::optional<IpAddress> ip;
  // Message stream encryption. Of the peer, requirecrypto says something only with supportcrypto; by
  // itself it says which others it wants.
  bool supports_crypto = false;
  bool requires_crypto = false;
  bool wants_crypto = false;
  // tracker: a tracker asks, for its own clients.
  bool is_tracker = false;
  // Of an aggregator.
  std::string password;
  // The secret by which an operator's own seed is known, and whether the client asks for whether it
  // has been there.
  std::string seed_id;
  bool check_seeded = false;
  // scrape: it wants the counts of a scrape as well.
  bool wants_scrape = false;

  bool operator==(const HttpAnnounceMore&) const = default;
};

// What an answer says beside counts, times and peers.
struct HttpAnswerMore {
  // For each IPv4 peer, whether it requires encryption; empty: not said.
  absl::Span<const std::uint8_t> crypto_flags = {};
  bool seeded = false;
  // For `warning message`; empty for none.
  std::string_view warning = {};
  // The keys that bttrack has, and no others; no peers are an empty list there, in either form.
  bool as_bttrack = false;
  // Where there are no peers, there is no `peers` either: so bttrack answers a tracker that wants
  // none.
  bool leaves_out_no_peers = false;
  // `scrape` is there: the counts, as a scrape has them, but for the name.
  bool has_scrape = false;
};

// Parameters of one announce, beyond which it is refused.
inline constexpr std::size_t kMaxAnnounceParameters = 100;
// Bytes of a decoded value, of those that are not 20 bytes long by definition.
inline constexpr std::size_t kMaxParameterValue = 64;

// Reads an announce that came from `from`, whose query is `query` (without the '?'):
//
//   info_hash   required, 20 bytes; a second one is an error
//   peer_id     required, 20 bytes
//   port        required, 0 to 65535; whether 0 is acceptable is the tracker's decision
//   left        a number; none, a negative one or one beyond 64 bits is kUnknownLeft; any other
//               text is an error
//   uploaded    a number; anything else counts as 0
//   downloaded  likewise
//   event       started, completed, stopped or paused; anything else is kNone
//   numwant     a number; none or a negative one is kDefaultNumwant; any other text is an error
//   compact     0 asks for the dictionary form
//   compact6    0 is known to be sent, and has no meaning of its own
//   no_peer_id  anything but 0 leaves peer ids out of the dictionary form
//   key         one to eight hexadecimal digits are a number, the same that a client sends by UDP;
//               other text is hashed
//
// Parameters with an empty value count as absent, unknown ones are skipped; of repeated ones the
// last counts. Addresses that the client gives (ip, ipv4, ipv6) are unknown parameters: a peer is
// where its announce came from. InvalidArgument, with a text for the client, for everything else.
// The caller sets request.url.
absl::StatusOr<HttpAnnounce> DecodeHttpAnnounce(std::string_view query, const IpAddress& from,
                                                PeerIdIs peer_id = PeerIdIs::kRequired);
// Reads more of the parameters: those named in HttpAnnounceMore (flags: anything but 0), and
// cryptoport, which takes the place of port. What is malformed or longer than kMaxParameterValue
// counts as absent, but of a longer key the beginning counts. Of repeated parameters the first
// counts, info_hash too and also an empty one, as bttrack has it.
absl::StatusOr<HttpAnnounce> DecodeHttpAnnounce(std::string_view query, const IpAddress& from,
                                                HttpAnnounceMore& more);

// Appends the answer to `announce`. `peers` is always there, but for leaves_out_no_peers; `peers6`
// too (compact form), when there are IPv6 peers or the client came by IPv6. The dictionary form
// lists both families together.
void EncodeHttpAnnounce(const AnnounceAnswer& answer, const PeerBatch& peers,
                        const HttpAnnounce& announce, std::string& out,
                        const HttpAnswerMore& more = {});

// Appends `failure reason`, in words that ClientText() allows, and `retry in`.
void EncodeHttpFailure(const absl::Status& status, std::string& out);

}  // namespace muster

#endif  // MUSTER_LIB_WIRE_HTTP_ANNOUNCE_H_
