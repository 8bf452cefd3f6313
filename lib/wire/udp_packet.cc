// SPDX-License-Identifier: Apache-2.0
#include "wire/udp_packet.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"

namespace muster {
namespace {

constexpr std::uint64_t kProtocolId = 0x41727101980;  // first field of a connect (BEP 15)

enum Action : std::uint32_t {
  kActionConnect = 0,
  kActionAnnounce = 1,
  kActionScrape = 2,
  kActionError = 3
};

constexpr std::size_t kRequestHeader = 16;
constexpr std::size_t kAnnounceSize = 98;
constexpr std::size_t kAnswerHeader = 8;

// Options of BEP 41.
enum Option : std::uint8_t { kOptionEnd = 0, kOptionNop = 1, kOptionUrlData = 2 };

Event DecodeEvent(std::uint32_t event) {
  switch (event) {
    case 1:
      return Event::kCompleted;
    case 2:
      return Event::kStarted;
    case 3:
      return Event::kStopped;
    case 4:
      return Event::kPaused;  // not in BEP 15; what clients with BEP 21 send
    default:
      return Event::kNone;
  }
}

std::size_t EncodeHeader(Action action, std::uint32_t transaction_id, std::uint8_t* to) {
  StoreBig32(to, action);
  StoreBig32(to + 4, transaction_id);
  return kAnswerHeader;
}

bool DecodeOptions(absl::Span<const std::uint8_t> options, std::string_view& url,
                   std::string& joined) {
  ByteReader in(options);
  bool first = true;
  while (!in.rest().empty()) {
    const std::uint8_t option = in.U8();
    if (option == kOptionEnd) break;
    if (option == kOptionNop) continue;
    // Every other option has a length, also those that are not known yet.
    const std::string_view data = TextOf(in.Bytes(in.U8()));
    if (option != kOptionUrlData) continue;
    if (first) {
      url = data;
    } else {
      if (url.data() != joined.data()) joined.assign(url);
      joined.append(data);
      url = joined;
    }
    first = false;
  }
  return in.ok();
}

}  // namespace

UdpHeader DecodeUdpHeader(absl::Span<const std::uint8_t> packet) {
  UdpHeader header{UdpKind::kNoise, 0, 0};
  if (packet.size() < kRequestHeader) return header;
  header.connection_id = LoadBig64(packet.data());
  header.transaction_id = LoadBig32(packet.data() + 12);
  switch (LoadBig32(packet.data() + 8)) {
    case kActionConnect:
      if (header.connection_id == kProtocolId) header.kind = UdpKind::kConnect;
      break;
    case kActionAnnounce:
      header.kind = packet.size() >= kAnnounceSize ? UdpKind::kAnnounce : UdpKind::kMalformed;
      break;
    case kActionScrape:
      header.kind = packet.size() >= kRequestHeader + InfoHash::kSize ? UdpKind::kScrape
                                                                      : UdpKind::kMalformed;
      break;
    default:
      break;
  }
  return header;
}

Endpoint UdpAnnouncePeer(absl::Span<const std::uint8_t> packet, const Endpoint& from) {
  Endpoint peer = from;
  peer.set_port(LoadBig16(packet.data() + 96));
  return peer;
}

bool DecodeUdpAnnounce(absl::Span<const std::uint8_t> packet, const Endpoint& from,
                       AnnounceRequest& request, std::string& url) {
  const std::uint8_t* p = packet.data();
  request.info_hash = InfoHash::FromBytes(p + 16);
  request.peer_id = PeerId::FromBytes(p + 36);
  request.downloaded = LoadBig64(p + 56);
  request.left = LoadBig64(p + 64);
  request.uploaded = LoadBig64(p + 72);
  request.event = DecodeEvent(LoadBig32(p + 80));
  request.key = LoadBig32(p + 88);
  request.numwant = static_cast<std::int32_t>(LoadBig32(p + 92));
  request.peer = UdpAnnouncePeer(packet, from);
  request.url = {};
  return packet.size() == kAnnounceSize ||
         DecodeOptions(packet.subspan(kAnnounceSize), request.url, url);
}

absl::Span<const std::uint8_t> UdpScrapeHashes(absl::Span<const std::uint8_t> packet) {
  const std::size_t bytes = packet.size() - kRequestHeader;
  return packet.subspan(kRequestHeader, bytes - bytes % InfoHash::kSize);
}

std::size_t EncodeUdpConnect(std::uint32_t transaction_id, std::uint64_t connection_id,
                             std::uint8_t* to) {
  EncodeHeader(kActionConnect, transaction_id, to);
  StoreBig64(to + 8, connection_id);
  return 16;
}

std::size_t EncodeUdpAnnounceHeader(std::uint32_t transaction_id, const AnnounceAnswer& answer,
                                    std::uint8_t* to) {
  EncodeHeader(kActionAnnounce, transaction_id, to);
  StoreBig32(to + 8, static_cast<std::uint32_t>(answer.interval.count()));
  StoreBig32(to + 12, answer.counts.incomplete());
  StoreBig32(to + 16, answer.counts.complete());
  return kUdpAnnounceHeader;
}

std::size_t EncodeUdpScrapeHeader(std::uint32_t transaction_id, std::uint8_t* to) {
  return EncodeHeader(kActionScrape, transaction_id, to);
}

std::size_t EncodeUdpScrapeRow(const std::optional<SwarmCounts>& counts, std::uint8_t* to) {
  const SwarmCounts row =
      counts.value_or(SwarmCounts{});  // BEP 15 has no way to leave a torrent out
  StoreBig32(to, row.complete());
  StoreBig32(to + 4, row.completed);
  StoreBig32(to + 8, row.incomplete());
  return 12;
}

std::size_t EncodeUdpError(std::uint32_t transaction_id, std::string_view text, std::size_t limit,
                           std::uint8_t* to) {
  EncodeHeader(kActionError, transaction_id, to);
  const std::size_t size = std::min(text.size(), std::min(limit, kMaxUdpAnswer) - kAnswerHeader);
  std::memcpy(to + kAnswerHeader, text.data(), size);
  return kAnswerHeader + size;
}

}  // namespace muster
