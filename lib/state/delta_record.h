// SPDX-License-Identifier: Apache-2.0
//
// A delta as a journal has it:
//
//    1  flags: state (two bits), 4 counted, 8 IPv6, 16 with peer id, 32 the swarm was removed, and
//       nothing but the info hash follows; 64 with a side record
//   20  info hash
//    6  the peer, compact; 18 for IPv6
//    4  the swarm's completed count
//    8  time, Unix seconds
//   20  peer id, where there is one
//    2  with flag 64: size of the peer's side record, and as many bytes
//
// All in network order. Reentrant.
#ifndef MUSTER_LIB_STATE_DELTA_RECORD_H_
#define MUSTER_LIB_STATE_DELTA_RECORD_H_

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "muster/swarm_store.h"
#include "state/bounds.h"
#include "state/varint.h"

namespace muster {

// A delta on its way to a journal, without an allocation. The side record is not part of it: see
// AppendDeltaSide().
class DeltaRecord {
 public:
  explicit DeltaRecord(const InfoHash& removed) { Begin(kRemoved, removed); }
  DeltaRecord(const SwarmDelta& delta, bool with_id, bool with_side = false) {
    const bool ipv6 = delta.peer.family() == AddressFamily::kIpv6;
    Begin(static_cast<unsigned>(delta.state) | (delta.counted ? kCounted : 0u) |
              (ipv6 ? kIpv6 : 0u) | (with_id ? kWithId : 0u) | (with_side ? kWithSide : 0u),
          delta.info_hash);
    Put(delta.peer.compact());
    StoreBig32(bytes_ + size_, delta.completed_count);
    StoreBig64(bytes_ + size_ + 4,
               static_cast<std::uint64_t>(delta.time.time_since_epoch().count()));
    size_ += 12;
    if (with_id) Put(delta.peer_id.bytes());
  }

  std::string_view bytes() const { return {reinterpret_cast<const char*>(bytes_), size_}; }

  static constexpr unsigned kStates = 3;
  static constexpr unsigned kCounted = 4;
  static constexpr unsigned kIpv6 = 8;
  static constexpr unsigned kWithId = 16;
  static constexpr unsigned kRemoved = 32;
  static constexpr unsigned kWithSide = 64;
  static constexpr std::size_t kMaxSide = 0xffff;

 private:
  void Begin(unsigned flags, const InfoHash& info_hash) {
    bytes_[0] = static_cast<std::uint8_t>(flags);
    std::memcpy(bytes_ + 1, info_hash.data(), InfoHash::kSize);
    size_ = 1 + InfoHash::kSize;
  }
  void Put(absl::Span<const std::uint8_t> bytes) {
    std::memcpy(bytes_ + size_, bytes.data(), bytes.size());
    size_ += bytes.size();
  }

  std::uint8_t bytes_[1 + 20 + 18 + 4 + 8 + 20];
  std::size_t size_;
};

// Behind a DeltaRecord with a side; of at most kMaxSide bytes.
inline void AppendDeltaSide(std::string_view side, std::string& to) {
  to += static_cast<char>(side.size() >> 8);
  to += static_cast<char>(side.size());
  to += side;
}

struct ReadDelta {
  bool removed = false;  // then only the info hash counts
  bool has_id = false;
  bool has_side = false;
  SwarmDelta delta{};
  std::string side;
};
// The next one; nothing when the bytes are none.
inline std::optional<ReadDelta> TakeDelta(Column& from) {
  const auto bytes = [&](std::size_t n) {
    return reinterpret_cast<const std::uint8_t*>(from.Bytes(n).data());
  };
  const std::uint8_t* const begin = bytes(1 + InfoHash::kSize);
  if (!from.ok()) return std::nullopt;
  const unsigned flags = begin[0];
  ReadDelta read;
  read.delta.info_hash = InfoHash::FromBytes(begin + 1);
  read.removed = flags == DeltaRecord::kRemoved;
  if (read.removed) return read;
  if ((flags & DeltaRecord::kRemoved) != 0 || flags >= 2 * DeltaRecord::kWithSide)
    return std::nullopt;
  const AddressFamily family =
      (flags & DeltaRecord::kIpv6) != 0 ? AddressFamily::kIpv6 : AddressFamily::kIpv4;
  const std::uint8_t* const peer = bytes(CompactSize(family) + 12);
  if (!from.ok()) return std::nullopt;
  SwarmDelta& delta = read.delta;
  const Instant time =
      InstantFromUnixSeconds(static_cast<std::int64_t>(LoadBig64(peer + CompactSize(family) + 4)));
  if (!IsTimeOfState(time) || (family == AddressFamily::kIpv6 && IsIpv4Mapped(peer)))
    return std::nullopt;
  delta.peer = Endpoint::FromCompact(family, peer);
  delta.state = static_cast<PeerState>(flags & DeltaRecord::kStates);
  delta.counted = (flags & DeltaRecord::kCounted) != 0;
  delta.completed_count = LoadBig32(peer + CompactSize(family));
  delta.time = time;
  read.has_id = (flags & DeltaRecord::kWithId) != 0;
  if (read.has_id) {
    const std::uint8_t* const id = bytes(PeerId::kSize);
    if (!from.ok()) return std::nullopt;
    delta.peer_id = PeerId::FromBytes(id);
  }
  read.has_side = (flags & DeltaRecord::kWithSide) != 0;
  if (read.has_side) {
    const std::uint8_t* const size = bytes(2);
    if (!from.ok()) return std::nullopt;
    read.side = std::string(from.Bytes(LoadBig16(size)));
    if (!from.ok()) return std::nullopt;
  }
  return read;
}

}  // namespace muster

#endif  // MUSTER_LIB_STATE_DELTA_RECORD_H_
