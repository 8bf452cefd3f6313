// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "muster-dfile/commands.h"
#include "muster-dfile/state_file.h"
#include "muster-dfile/text.h"

namespace muster_dfile {
namespace {

using muster::SavedPeer;
using muster::SavedTorrent;

// The changes, and how often each was made.
class Changes {
 public:
  explicit Changes(const EditOptions& options)
      : options_(options),
        torrents_(options.remove_torrents.size()),
        peers_(options.remove_peers.size()),
        counts_(options.set_completed.size()) {}

  // Changes `part`; false when it goes. `is_first` of its torrent.
  bool Apply(SavedTorrent& part, bool is_first) {
    const std::string hash = part.info_hash.ToHex();
    for (std::size_t i = 0; i < torrents_.size(); ++i) {
      const std::string& prefix = options_.remove_torrents[i];
      if (hash.compare(0, prefix.size(), prefix) != 0) continue;
      torrents_[i] += is_first;
      return false;
    }
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      const auto& [info_hash, completed] = options_.set_completed[i];
      if (info_hash != part.info_hash) continue;
      counts_[i] += is_first;
      part.completed = completed;
      part.side.clear();  // which may say that the count is below 0, or not there
    }
    if (!peers_.empty()) {
      part.peers.erase(std::remove_if(part.peers.begin(), part.peers.end(),
                                      [&](const SavedPeer& peer) { return Goes(peer); }),
                       part.peers.end());
    }
    return true;
  }

  // A change that was never made, as it was told; nothing when there is none.
  std::optional<std::string> Unused() const {
    for (std::size_t i = 0; i < torrents_.size(); ++i) {
      if (torrents_[i] == 0) return Concat({"torrent ", options_.remove_torrents[i]});
    }
    for (std::size_t i = 0; i < peers_.size(); ++i) {
      if (peers_[i] == 0) return Concat({"peer ", options_.remove_peers[i]});
    }
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      if (counts_[i] == 0) return Concat({"torrent ", options_.set_completed[i].first.ToHex()});
    }
    return std::nullopt;
  }

  std::string Told() const {
    std::uint64_t torrents = 0, peers = 0, counts = 0;
    for (std::uint64_t count : torrents_) torrents += count;
    for (std::uint64_t count : peers_) peers += count;
    for (std::uint64_t count : counts_) counts += count;
    return Concat({"removed ", CountText(torrents), " torrents and ", CountText(peers),
                   " other peers, set ", CountText(counts), " counts"});
  }

 private:
  bool Goes(const SavedPeer& peer) {
    const std::string address = peer.peer.address().ToString();
    const std::string endpoint = peer.peer.ToString();
    for (std::size_t i = 0; i < peers_.size(); ++i) {
      if (options_.remove_peers[i] != address && options_.remove_peers[i] != endpoint) continue;
      ++peers_[i];
      return true;
    }
    return false;
  }

  const EditOptions& options_;
  std::vector<std::uint64_t> torrents_, peers_, counts_;  // beside the options
};

}  // namespace

absl::StatusOr<int> Edit(const Input& input, const Output& output, const EditOptions& options) {
  absl::StatusOr<std::unique_ptr<StateInput>> state =
      StateInput::Open(input.files[0], input.format);
  if (!state.ok()) return state.status();
  const muster::StateFormat format =
      output.format == muster::StateFormat::kUnknown ? (*state)->format_to_write() : output.format;
  absl::StatusOr<std::unique_ptr<StateOutput>> to =
      StateOutput::Create(output.file, output.force, format, (*state)->written(), input.files);
  if (!to.ok()) return to.status();
  Changes changes(options);
  std::optional<muster::InfoHash> last;
  SavedTorrent part;
  while (true) {
    const absl::StatusOr<bool> more = (*state)->NextPart(part);
    if (!more.ok()) return more.status();
    if (!*more) break;
    const bool is_first = part.info_hash != last;
    last = part.info_hash;
    if (!changes.Apply(part, is_first)) continue;
    if (absl::Status status = (*to)->Add(part); !status.ok()) return status;
  }
  if (const std::optional<std::string> unused = changes.Unused()) {
    return absl::NotFoundError(Concat({(*state)->name(), ": there is no ", *unused}));
  }
  if (absl::Status status = (*to)->Finish((*state)->side()); !status.ok()) return status;
  Complain(changes.Told());
  return kGood;
}

}  // namespace muster_dfile
