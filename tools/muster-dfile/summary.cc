// SPDX-License-Identifier: Apache-2.0
#include "muster-dfile/summary.h"

#include <algorithm>

#include "muster-dfile/text.h"

namespace muster_dfile {

void TorrentSummary::Add(const muster::SavedTorrent& part) {
  info_hash = part.info_hash;
  completed = std::max(completed, part.completed);
  if (part.last_active) last_seen = std::max(last_seen, part.last_active);
  for (const muster::SavedPeer& peer : part.peers) {
    seeders += peer.state == muster::PeerState::kSeeder;
    partial_seeders += peer.state == muster::PeerState::kPartialSeeder;
    downloaders += peer.state == muster::PeerState::kDownloader;
    ipv6 += peer.peer.family() == muster::AddressFamily::kIpv6;
    last_seen = std::max(last_seen, std::optional(peer.last_seen));
  }
}

absl::StatusOr<int> ForEachTorrent(
    StateInput& input, absl::FunctionRef<void(const TorrentSummary&)> torrent,
    absl::FunctionRef<void(const muster::InfoHash&, const muster::SavedPeer&)> peer) {
  std::uint64_t damages = 0;
  input.OnDamage([&](const absl::Status& damage) {
    if (damages++ == 0) Complain(std::string(damage.message()));
  });
  TorrentSummary summary;
  bool has_torrent = false;
  muster::SavedTorrent part;
  while (true) {
    const absl::StatusOr<bool> more = input.NextPart(part);
    if (!more.ok()) return more.status();
    if (has_torrent && (!*more || part.info_hash != summary.info_hash)) {
      torrent(summary);
      summary = TorrentSummary();
    }
    if (!*more) break;
    has_torrent = true;
    for (const muster::SavedPeer& of_part : part.peers) peer(part.info_hash, of_part);
    summary.Add(part);
  }
  if (damages > 1) Complain(Concat({"damaged in ", CountText(damages), " places"}));
  return damages > 0 ? kFailed : kGood;
}

void AgeCounts::Add(muster::Seconds age) {
  const auto minute =
      std::clamp<std::int64_t>(age.count() / 60, 0, static_cast<std::int64_t>(minutes_.size()) - 1);
  ++minutes_[static_cast<std::size_t>(minute)];
  ++count_;
}

muster::Seconds AgeCounts::Quantile(double fraction) const {
  std::uint64_t due = static_cast<std::uint64_t>(fraction * static_cast<double>(count_));
  for (std::size_t minute = 0; minute < minutes_.size(); ++minute) {
    if (minutes_[minute] > due || (minutes_[minute] > 0 && minutes_[minute] == due)) {
      return muster::Seconds(60 * static_cast<std::int64_t>(minute));
    }
    due -= minutes_[minute];
  }
  return muster::Seconds(0);
}

}  // namespace muster_dfile
