// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/bytes.h"
#include "state/bounds.h"
#include "state/snapshot_reader.h"

namespace muster {
namespace {

constexpr std::size_t kHeadSize = 40;

}  // namespace

bool TorrentColumns::Open(std::string_view payload) {
  if (payload.size() < kHeadSize) return false;
  ByteReader head(BytesOf(payload.substr(0, kHeadSize)));
  payload.remove_prefix(kHeadSize);
  base_ = static_cast<std::int64_t>(head.U64());
  unit_ = head.U32();
  if (!IsTimeOfState(InstantFromUnixSeconds(base_)) || unit_ == 0) return false;
  const std::size_t torrents = head.U32();
  if (torrents > payload.size() / InfoHash::kSize) return false;
  hashes_ = payload.substr(0, torrents * InfoHash::kSize);
  payload.remove_prefix(hashes_.size());
  for (Column* column : {&records_, &ipv4_, &ipv6_, &times_, &ids_, &sides_}) {
    const std::size_t size = head.U32();
    if (size > payload.size()) return false;
    *column = Column(payload.substr(0, size));
    payload.remove_prefix(size);
  }
  return payload.empty();
}

bool TorrentColumns::used_up() const {
  return hashes_.empty() && records_.empty() && ipv4_.empty() && ipv6_.empty() && times_.empty() &&
         ids_.empty() && sides_.empty();
}

InfoHash TorrentColumns::next_hash() const {
  return InfoHash::FromBytes(reinterpret_cast<const std::uint8_t*>(hashes_.data()));
}

std::optional<Instant> TorrentColumns::TimeBack(std::uint64_t units) const {
  if (units > 2 * static_cast<std::uint64_t>(kMostSeconds) / unit_) return std::nullopt;
  return InstantFromUnixSeconds(base_ - static_cast<std::int64_t>(units * unit_));
}

bool TorrentColumns::TakeAddresses(const Groups& groups, SavedTorrent& torrent) {
  auto peer = torrent.peers.begin();
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const AddressFamily family = g < 3 ? AddressFamily::kIpv4 : AddressFamily::kIpv6;
    const std::size_t width = CompactSize(family);
    Column& column = family == AddressFamily::kIpv4 ? ipv4_ : ipv6_;
    const std::string_view addresses = column.Bytes(groups[g] * width);
    if (!column.ok()) return false;
    const auto* at = reinterpret_cast<const std::uint8_t*>(addresses.data());
    for (std::size_t i = 0; i < groups[g]; ++i, ++peer, at += width) {
      if (family == AddressFamily::kIpv6 && IsIpv4Mapped(at)) return false;
      peer->peer = Endpoint::FromCompact(family, at);
      peer->state = static_cast<PeerState>(g % 3);
    }
  }
  return true;
}

bool TorrentColumns::TakeTimes(std::uint64_t flags, SavedTorrent& torrent) {
  torrent.last_active.reset();
  if ((flags & torrent_flag::kLastActive) != 0) {
    torrent.last_active = TimeBack(times_.Varint());
    if (!torrent.last_active.has_value()) return false;
  }
  for (SavedPeer& peer : torrent.peers) {
    const std::uint64_t value = times_.Varint();
    const std::optional<Instant> seen = TimeBack(value / 2);
    if (!seen.has_value()) return false;
    peer.last_seen = *seen;
    peer.completed = value % 2 != 0;
  }
  return times_.ok();
}

bool TorrentColumns::TakeIds(std::uint64_t flags, SavedTorrent& torrent) {
  const bool has_ids = (flags & torrent_flag::kIds) != 0;
  const std::string_view bits = has_ids ? ids_.Bytes((torrent.peers.size() + 7) / 8) : "";
  if (!ids_.ok()) return false;
  for (std::size_t i = 0; i < torrent.peers.size(); ++i) {
    torrent.peers[i].peer_id.reset();
    if (!has_ids || (bits[i / 8] >> i % 8 & 1) == 0) continue;
    const std::string_view id = ids_.Bytes(PeerId::kSize);
    if (!ids_.ok()) return false;
    torrent.peers[i].peer_id = PeerId::FromBytes(reinterpret_cast<const std::uint8_t*>(id.data()));
  }
  return true;
}

bool TorrentColumns::TakeSides(std::uint64_t flags, SavedTorrent& torrent) {
  torrent.side.clear();
  if ((flags & torrent_flag::kSide) != 0) torrent.side = sides_.Bytes(sides_.Varint());
  for (SavedPeer& peer : torrent.peers) {
    peer.side.clear();
    if ((flags & torrent_flag::kPeerSides) != 0) peer.side = sides_.Bytes(sides_.Varint());
  }
  return sides_.ok();
}

bool TorrentColumns::Take(SavedTorrent& torrent) {
  torrent.info_hash = next_hash();
  hashes_.remove_prefix(InfoHash::kSize);
  const std::uint64_t flags = records_.Varint();
  if (flags > torrent_flag::kAll) return false;
  torrent.completed = records_.Varint();
  Groups groups{};
  std::size_t peers = 0;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if ((flags >> g & 1) == 0) continue;
    const std::uint64_t n = records_.Varint();
    // Each peer takes six bytes and more of the payload.
    if (n == 0 || n > kMaxBlockPayload / 6) return false;
    groups[g] = n;
    peers += n;
  }
  if (!records_.ok() || peers > kMaxBlockPayload / 6) return false;
  torrent.peers.resize(peers);
  return TakeAddresses(groups, torrent) && TakeTimes(flags, torrent) && TakeIds(flags, torrent) &&
         TakeSides(flags, torrent);
}

}  // namespace muster
