// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a packet of live sync: its records are whole, canonical, and make the same packet
// again, as far as it says anything.
#include <cstdint>
#include <string_view>

#include "fuzz/require.h"
#include "wire/live_sync_packet.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using muster::LiveSyncPacket;
  using muster::Require;
  const auto packet = LiveSyncPacket::Parse({reinterpret_cast<const char*>(data), size});
  if (!packet.has_value()) return 0;
  Require(size <= LiveSyncPacket::kMaxSize && packet->size() <= 52);
  muster::LiveSyncBuilder ipv4(packet->tracker_id(), muster::AddressFamily::kIpv4);
  muster::LiveSyncBuilder ipv6(packet->tracker_id(), muster::AddressFamily::kIpv6);
  for (std::size_t i = 0; i < packet->size(); ++i) {
    const muster::LiveSyncRecord record = packet->record(i);
    muster::LiveSyncBuilder& builder =
        record.peer.family() == muster::AddressFamily::kIpv4 ? ipv4 : ipv6;
    Require(builder.has_room());
    builder.Add(record);
    const auto again = LiveSyncPacket::Parse(builder.packet());
    Require(again.has_value() && again->tracker_id() == packet->tracker_id());
    Require(again->record(again->size() - 1) == record);
  }
  return 0;
}
