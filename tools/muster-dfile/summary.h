// SPDX-License-Identifier: Apache-2.0
//
// What is counted of torrents and of states, part by part, so that no swarm is in memory.
#ifndef MUSTER_TOOLS_MUSTER_DFILE_SUMMARY_H_
#define MUSTER_TOOLS_MUSTER_DFILE_SUMMARY_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "muster-dfile/state_file.h"

namespace muster_dfile {

struct TorrentSummary {
  muster::InfoHash info_hash;
  std::uint64_t completed = 0;
  std::uint64_t seeders = 0, partial_seeders = 0, downloaders = 0;
  std::uint64_t ipv6 = 0;
  // Of the peers, or of the torrent where the format says that.
  std::optional<muster::Instant> last_seen;

  std::uint64_t peers() const { return seeders + partial_seeders + downloaders; }
  void Add(const muster::SavedTorrent& part);
};

// Calls `torrent` with each torrent, and before that `peer`, if given, with each of its peers. What
// is damaged is passed over; the first damage and their number are told on standard error, and the
// status is 1 then.
absl::StatusOr<int> ForEachTorrent(
    StateInput& input, absl::FunctionRef<void(const TorrentSummary&)> torrent,
    absl::FunctionRef<void(const muster::InfoHash&, const muster::SavedPeer&)> peer);

// Ages of peers when the state was written, to the minute; older than 60 days counts as 60 days.
class AgeCounts {
 public:
  AgeCounts() : minutes_(60 * 24 * 60 + 1) {}
  void Add(muster::Seconds age);
  std::uint64_t count() const { return count_; }
  // The age that `fraction` of the peers do not exceed.
  muster::Seconds Quantile(double fraction) const;
  // Peers by minutes of age.
  absl::Span<const std::uint64_t> minutes() const { return minutes_; }

 private:
  std::vector<std::uint64_t> minutes_;
  std::uint64_t count_ = 0;
};

}  // namespace muster_dfile

#endif  // MUSTER_TOOLS_MUSTER_DFILE_SUMMARY_H_
