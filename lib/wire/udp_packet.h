// SPDX-License-Identifier: Apache-2.0
//
// Packets of the UDP tracker protocol (BEP 15, and BEP 41 for the options behind an announce):
// bytes to values and back. Reentrant functions; nothing here allocates, except for the URL of a
// client that cut it into several options.
#ifndef MUSTER_LIB_WIRE_UDP_PACKET_H_
#define MUSTER_LIB_WIRE_UDP_PACKET_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/types/span.h"
#include "muster/announce.h"
#include "muster/endpoint.h"

namespace muster {

// IPv6's least MTU of 1280 less the IPv6 and UDP headers: an answer of this size is never cut into
// fragments. It holds 67 IPv6 peers, 202 IPv4 peers, or 102 scrape rows.
inline constexpr std::size_t kMaxUdpAnswer = 1232;
inline constexpr std::size_t kUdpAnnounceHeader = 20;
inline constexpr std::size_t kMaxUdpScrapeRows = 102;

// What a datagram's first bytes say it is; its type says whether it may be answered.
enum class UdpKind : std::uint8_t {
  kNoise,      // never answered: nothing that a client of this protocol sends
  kConnect,    // answered with 16 bytes for its 16
  kAnnounce,   // whole; answered once its connection id proved good
  kScrape,     // the same
  kMalformed,  // an announce or scrape cut short; an error packet once its connection id proved
               // good
};

struct UdpHeader {
  UdpKind kind;
  std::uint64_t connection_id;
  std::uint32_t transaction_id;
};

UdpHeader DecodeUdpHeader(absl::Span<const std::uint8_t> packet);

// Who announces, by an announce whose header said kAnnounce: the address is the sender's; the
// packet's own address field is ignored, as it may lie.
Endpoint UdpAnnouncePeer(absl::Span<const std::uint8_t> packet, const Endpoint& from);
// An announce whose header said kAnnounce. False when the options behind it run over the end. `url`
// is where a URL in several options is put together; `request.url` borrows from it or from the
// packet.
bool DecodeUdpAnnounce(absl::Span<const std::uint8_t> packet, const Endpoint& from,
                       AnnounceRequest& request, std::string& url);

// The info hashes of a scrape whose header said kScrape, 20 bytes each; an incomplete last one is
// left out.
absl::Span<const std::uint8_t> UdpScrapeHashes(absl::Span<const std::uint8_t> packet);

// Each writes an answer and returns its size; `to` holds kMaxUdpAnswer bytes.
std::size_t EncodeUdpConnect(std::uint32_t transaction_id, std::uint64_t connection_id,
                             std::uint8_t* to);
// Only the 20 bytes before the peers: those were put behind them already.
std::size_t EncodeUdpAnnounceHeader(std::uint32_t transaction_id, const AnnounceAnswer& answer,
                                    std::uint8_t* to);
std::size_t EncodeUdpScrapeHeader(std::uint32_t transaction_id, std::uint8_t* to);
std::size_t EncodeUdpScrapeRow(const std::optional<SwarmCounts>& counts, std::uint8_t* to);
// Cut to `limit` bytes in all, which must hold the 8 bytes of a header.
std::size_t EncodeUdpError(std::uint32_t transaction_id, std::string_view text, std::size_t limit,
                           std::uint8_t* to);

}  // namespace muster

#endif  // MUSTER_LIB_WIRE_UDP_PACKET_H_
