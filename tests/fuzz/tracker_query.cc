// SPDX-License-Identifier: Apache-2.0
//
// What another tracker answers, by HTTP and by UDP: any bytes. No more peers than asked for, none
// with port 0, texts and intervals within their limits. The first byte says how many peers were
// asked for.
#include "wire/tracker_query.h"

#include <cstdint>
#include <cstdlib>

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

void RequireSane(const muster::TrackerReply& reply, std::size_t max_peers) {
  Require(reply.peers.size() <= max_peers);
  Require(reply.failure.size() <= muster::kMaxReplyText);
  Require(reply.failure.empty() || reply.peers.empty());
  Require(reply.interval >= muster::Seconds(0) && reply.interval <= muster::kMaxReplyInterval);
  for (const muster::Endpoint& peer : reply.peers) {
    Require(peer.port() != 0);
    Require(muster::Endpoint::Parse(peer.ToString()).value() == peer);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::size_t max_peers = data[0] % 60;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto http = muster::DecodeTrackerReply(bytes, max_peers);
  if (http.ok()) RequireSane(*http, max_peers);
  for (const auto family : {muster::AddressFamily::kIpv4, muster::AddressFamily::kIpv6}) {
    RequireSane(muster::DecodeUdpTrackerReply(bytes, family, max_peers).reply, max_peers);
  }
  return 0;
}
