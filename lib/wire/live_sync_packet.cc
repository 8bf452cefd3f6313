// SPDX-License-Identifier: Apache-2.0
#include "wire/live_sync_packet.h"

#include "base/bytes.h"

namespace muster {
namespace {

constexpr std::size_t kHeader = 8;
// Flags of a record. 0x10 says that it came from another tracker, as all of these do.
constexpr std::uint8_t kSeeds = 0x80;
constexpr std::uint8_t kCompleted = 0x40;
constexpr std::uint8_t kStopped = 0x20;

// Info hash, address and port, flags, age.
constexpr std::size_t RecordSize(AddressFamily family) {
  return InfoHash::kSize + CompactSize(family) + 2;
}

const std::uint8_t* BytesAt(std::string_view text, std::size_t at) {
  return reinterpret_cast<const std::uint8_t*>(text.data()) + at;
}

}  // namespace

std::optional<LiveSyncPacket> LiveSyncPacket::Parse(std::string_view bytes) {
  if (bytes.size() < kHeader || bytes.size() > kMaxSize) return std::nullopt;
  LiveSyncPacket packet;
  packet.tracker_id_ = LoadBig32(BytesAt(bytes, 0));
  const std::uint32_t kind = LoadBig32(BytesAt(bytes, 4));
  if (kind > 1) return std::nullopt;
  packet.family_ = kind == 0 ? AddressFamily::kIpv4 : AddressFamily::kIpv6;
  packet.records_ = bytes.substr(kHeader);
  if (packet.records_.size() % RecordSize(packet.family_) != 0) return std::nullopt;
  return packet;
}

std::size_t LiveSyncPacket::size() const { return records_.size() / RecordSize(family_); }

LiveSyncRecord LiveSyncPacket::record(std::size_t i) const {
  const std::uint8_t* const bytes = BytesAt(records_, i * RecordSize(family_));
  const std::uint8_t flags = bytes[InfoHash::kSize + CompactSize(family_)];
  const Endpoint peer = Endpoint::FromCompact(family_, bytes + InfoHash::kSize);
  return {.info_hash = InfoHash::FromBytes(bytes),
          // Canonical: an IPv4-mapped address becomes IPv4.
          .peer = Endpoint(peer.address(), peer.port()),
          .seeds = (flags & kSeeds) != 0,
          .completed = (flags & kCompleted) != 0,
          .stopped = (flags & kStopped) != 0};
}

LiveSyncBuilder::LiveSyncBuilder(std::uint32_t tracker_id, AddressFamily family)
    : family_(family), bytes_(kHeader, '\0') {
  auto* const header = reinterpret_cast<std::uint8_t*>(bytes_.data());
  StoreBig32(header, tracker_id);
  StoreBig32(header + 4, family == AddressFamily::kIpv4 ? 0 : 1);
}

bool LiveSyncBuilder::has_room() const {
  return bytes_.size() + RecordSize(family_) <= LiveSyncPacket::kMaxSize;
}

std::size_t LiveSyncBuilder::records() const {
  return (bytes_.size() - kHeader) / RecordSize(family_);
}

void LiveSyncBuilder::Add(const LiveSyncRecord& record) {
  const auto append = [this](absl::Span<const std::uint8_t> bytes) {
    bytes_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  append(record.info_hash.bytes());
  append(record.peer.compact());
  bytes_ += static_cast<char>((record.seeds ? kSeeds : 0) | (record.completed ? kCompleted : 0) |
                              (record.stopped ? kStopped : 0));
  bytes_ += '\0';
}

void LiveSyncBuilder::Clear() { bytes_.resize(kHeader); }

}  // namespace muster
