// SPDX-License-Identifier: Apache-2.0
//
// Any datagram: what its header says of it holds; what is decoded lies within the packet; a cut
// packet is never read behind its end; errors keep to their limits.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "fuzz/require.h"
#include "wire/udp_packet.h"
#include "wire/udp_testing.h"

namespace {

using muster::Require;
using muster::UdpKind;
using muster::testing_udp::Exact;
using muster::testing_udp::Get;

void Announce(absl::Span<const std::uint8_t> packet, bool ipv6) {
  const std::uint8_t compact[18] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3};
  const muster::Endpoint from = muster::Endpoint::FromCompact(
      ipv6 ? muster::AddressFamily::kIpv6 : muster::AddressFamily::kIpv4, compact);
  muster::AnnounceRequest request;
  std::string url = "of the packet before";
  const bool ok = muster::DecodeUdpAnnounce(packet, from, request, url);
  Require(request.info_hash == muster::InfoHash::FromBytes(packet.data() + 16));
  Require(request.peer_id == muster::PeerId::FromBytes(packet.data() + 36));
  Require(request.downloaded == Get(packet, 56, 8));
  Require(request.left == Get(packet, 64, 8));
  Require(request.uploaded == Get(packet, 72, 8));
  Require(request.key == Get(packet, 88, 4));
  Require(static_cast<std::uint32_t>(request.numwant) == Get(packet, 92, 4));
  Require(request.peer.port() == Get(packet, 96, 2));
  Require(request.peer.address() == from.address());
  if (!ok) return;

  // The URL once more, in the plainest way.
  std::string expected;
  for (std::size_t at = 98; at < packet.size();) {
    const std::uint8_t option = packet[at++];
    if (option == 0) break;
    if (option == 1) continue;
    Require(at < packet.size());
    const std::size_t size = packet[at++];
    Require(size <= packet.size() - at);
    if (option == 2) expected.append(reinterpret_cast<const char*>(packet.data()) + at, size);
    at += size;
  }
  Require(request.url == expected);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Exact copy({data, size});
  const absl::Span<const std::uint8_t> packet = copy.span();
  const muster::UdpHeader header = muster::DecodeUdpHeader(packet);
  if (packet.size() < 16) {
    Require(header.kind == UdpKind::kNoise);
    return 0;
  }
  Require(header.connection_id == Get(packet, 0, 8));
  Require(header.transaction_id == Get(packet, 12, 4));
  const std::uint64_t action = Get(packet, 8, 4);
  switch (header.kind) {
    case UdpKind::kNoise:
      Require(action > 2 ||
              (action == 0 && header.connection_id != muster::testing_udp::kProtocolId));
      break;
    case UdpKind::kConnect:
      Require(action == 0 && header.connection_id == muster::testing_udp::kProtocolId);
      break;
    case UdpKind::kAnnounce:
      Require(action == 1 && packet.size() >= 98);
      Announce(packet, false);
      Announce(packet, true);
      break;
    case UdpKind::kScrape: {
      Require(action == 2);
      const absl::Span<const std::uint8_t> hashes = muster::UdpScrapeHashes(packet);
      Require(hashes.data() == packet.data() + 16 && hashes.size() % 20 == 0 && !hashes.empty());
      Require(packet.size() - 16 - hashes.size() < 20);
      break;
    }
    case UdpKind::kMalformed:
      Require((action == 1 && packet.size() < 98) || (action == 2 && packet.size() < 36));
      break;
  }

  // The packet as the text of an error.
  std::vector<std::uint8_t> error(muster::kMaxUdpAnswer);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t limit = std::max<std::size_t>(8, data[0] * std::size_t{8});
  const std::size_t written =
      muster::EncodeUdpError(header.transaction_id, text, limit, error.data());
  Require(written == std::min({limit, muster::kMaxUdpAnswer, 8 + size}));
  Require(Get(error, 0, 4) == 3 && Get(error, 4, 4) == header.transaction_id);
  Require(std::equal(error.begin() + 8, error.begin() + static_cast<long>(written), data));
  return 0;
}
