// SPDX-License-Identifier: Apache-2.0
#include "wire/tracker_query.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/hex.h"
#include "base/text.h"
#include "muster/bencode.h"

namespace muster {
namespace {

constexpr std::uint64_t kUdpProtocol = 0x41727101980;
constexpr std::uint32_t kConnect = 0, kAnnounce = 1, kError = 3;
constexpr std::uint32_t kStoppedEvent = 3;
constexpr std::size_t kUrlPiece = 255;  // of BEP 41's option 2

std::string FailureText(std::string_view text) {
  return text.empty() ? "no reason given" : HarmlessText(text, kMaxReplyText);
}

Seconds IntervalOf(std::int64_t seconds) {
  return Seconds(std::clamp<std::int64_t>(seconds, 0, kMaxReplyInterval.count()));
}

void Add(const Endpoint& peer, std::size_t max_peers, std::vector<Endpoint>& peers) {
  if (peer.port() != 0 && peers.size() < max_peers) peers.push_back(peer);
}

// An incomplete last one is left out.
void AddCompact(AddressFamily family, std::string_view bytes, std::size_t max_peers,
                std::vector<Endpoint>& peers) {
  const std::size_t size = CompactSize(family);
  for (; bytes.size() >= size && peers.size() < max_peers; bytes.remove_prefix(size)) {
    const std::uint8_t* at = BytesOf(bytes).data();
    // Through the address, so that a mapped one becomes IPv4.
    const Endpoint peer = family == AddressFamily::kIpv4
                              ? Endpoint::FromCompact(family, at)
                              : Endpoint(IpAddress::FromIpv6(at), LoadBig16(at + 16));
    Add(peer, max_peers, peers);
  }
}

void AddDictionaries(const BencodeView& list, std::size_t max_peers, std::vector<Endpoint>& peers) {
  for (const BencodeView peer : list.items()) {
    const auto address = IpAddress::Parse(peer.Find("ip").StringOr(""));
    const std::int64_t port = peer.Find("port").IntOr(0);
    if (!address.ok() || port < 1 || port > 65535) continue;
    Add(Endpoint(*address, static_cast<std::uint16_t>(port)), max_peers, peers);
  }
}

}  // namespace

std::string TrackerQueryTarget(std::string_view target, const TrackerQuery& query) {
  std::string result(target);
  result += target.find('?') == std::string_view::npos ? "?info_hash=" : "&info_hash=";
  AppendPercentEncoded(query.info_hash.text(), result);
  result += "&peer_id=";
  AppendPercentEncoded(query.tracker_id.text(), result);
  absl::StrAppend(&result,
                  "&port=0&uploaded=0&downloaded=0&left=1&compact=1&event=stopped&tracker=1",
                  "&numwant=", query.numwant, "&key=", query.key);
  return result;
}

absl::StatusOr<TrackerReply> DecodeTrackerReply(std::string_view body, std::size_t max_peers) {
  BencodeDocument document;
  // A list of dictionaries takes about eight tokens a peer; trackers that give more peers than asked
  // for get four times the room.
  const BencodeLimits limits{
      .max_size = body.size(), .max_tokens = 256 + 32 * max_peers, .max_depth = 8};
  const absl::Status status = document.Decode(body, BencodeMode::kLenient, limits);
  if (!status.ok()) return status;
  const BencodeView root = document.root();
  if (root.type() != BencodeType::kDict) {
    return absl::InvalidArgumentError("the answer is no dictionary");
  }
  TrackerReply reply;
  if (const auto failure = root.Find("failure reason").AsString()) {
    reply.failure = FailureText(*failure);
    return reply;
  }
  reply.interval = IntervalOf(root.Find("interval").IntOr(0));
  AddCompact(AddressFamily::kIpv4, root.Find("peers").StringOr(""), max_peers, reply.peers);
  AddDictionaries(root.Find("peers"), max_peers, reply.peers);
  AddCompact(AddressFamily::kIpv6, root.Find("peers6").StringOr(""), max_peers, reply.peers);
  return reply;
}

std::string EncodeUdpConnectQuery(std::uint32_t transaction_id) {
  std::uint8_t bytes[16];
  ByteWriter out(bytes);
  out.U64(kUdpProtocol);
  out.U32(kConnect);
  out.U32(transaction_id);
  return std::string(TextOf(bytes));
}

std::string EncodeUdpTrackerQuery(std::uint64_t connection_id, std::uint32_t transaction_id,
                                  const TrackerQuery& query, std::string_view target) {
  std::uint8_t bytes[98];
  ByteWriter out(bytes);
  out.U64(connection_id);
  out.U32(kAnnounce);
  out.U32(transaction_id);
  out.Bytes(query.info_hash.bytes());
  out.Bytes(query.tracker_id.bytes());
  out.U64(0);  // downloaded
  out.U64(1);  // left
  out.U64(0);  // uploaded
  out.U32(kStoppedEvent);
  out.U32(0);  // address: the sender's
  out.U32(query.key);
  out.U32(query.numwant);
  out.U16(0);  // port
  std::string datagram(TextOf(bytes));
  std::string url(target);
  url += target.find('?') == std::string_view::npos ? "?tracker=1" : "&tracker=1";
  for (std::size_t i = 0; i < url.size(); i += kUrlPiece) {
    const std::string_view piece = std::string_view(url).substr(i, kUrlPiece);
    datagram += '\2';
    datagram += static_cast<char>(piece.size());
    datagram.append(piece);
  }
  datagram += '\0';
  return datagram;
}

UdpTrackerReply DecodeUdpTrackerReply(std::string_view datagram, AddressFamily family,
                                      std::size_t max_peers) {
  ByteReader in(BytesOf(datagram));
  UdpTrackerReply result;
  const std::uint32_t action = in.U32();
  result.transaction_id = in.U32();
  if (!in.ok()) return result;
  switch (action) {
    case kConnect:
      result.connection_id = in.U64();
      if (in.ok()) result.kind = UdpTrackerReply::Kind::kConnect;
      break;
    case kAnnounce:
      result.reply.interval = IntervalOf(in.U32());
      in.U64();  // leechers and seeders
      if (!in.ok()) break;
      result.kind = UdpTrackerReply::Kind::kAnnounce;
      AddCompact(family, TextOf(in.rest()), max_peers, result.reply.peers);
      break;
    case kError:
      result.kind = UdpTrackerReply::Kind::kError;
      result.reply.failure = FailureText(TextOf(in.rest()));
      break;
    default:
      break;
  }
  return result;
}

}  // namespace muster
