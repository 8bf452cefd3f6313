// SPDX-License-Identifier: Apache-2.0
//
// The packets by which trackers tell each other of peers; muster/live_sync.h draws them. Pure
// functions, and a builder that is thread-compatible.
#ifndef MUSTER_LIB_WIRE_LIVE_SYNC_PACKET_H_
#define MUSTER_LIB_WIRE_LIVE_SYNC_PACKET_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/types/span.h"
#include "muster/endpoint.h"
#include "muster/ids.h"

namespace muster {

struct LiveSyncRecord {
  InfoHash info_hash;
  Endpoint peer;
  bool seeds = false;
  bool completed = false;  // it has finished a download, now or before
  bool stopped = false;

  bool operator==(const LiveSyncRecord&) const = default;
};

// Whole records of one family, as they came. Borrows the packet.
class LiveSyncPacket {
 public:
  static constexpr std::size_t kMaxSize = 1480;

  // Nothing when it is none: a wrong kind, or a size that no records have.
  static std::optional<LiveSyncPacket> Parse(std::string_view bytes);

  std::uint32_t tracker_id() const { return tracker_id_; }
  std::size_t size() const;
  // `i` below size().
  LiveSyncRecord record(std::size_t i) const;

 private:
  std::uint32_t tracker_id_ = 0;
  AddressFamily family_ = AddressFamily::kIpv4;
  std::string_view records_;
};

// A packet that grows.
class LiveSyncBuilder {
 public:
  LiveSyncBuilder(std::uint32_t tracker_id, AddressFamily family);

  // Whether there is room for one record more.
  bool has_room() const;
  // Of the builder's family; there must be room.
  void Add(const LiveSyncRecord& record);
  std::size_t records() const;
  std::string_view packet() const { return bytes_; }
  void Clear();

 private:
  const AddressFamily family_;
  std::string bytes_;
};

}  // namespace muster

#endif  // MUSTER_LIB_WIRE_LIVE_SYNC_PACKET_H_
