// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "muster-dfile/commands.h"
#include "muster-dfile/side.h"
#include "muster-dfile/summary.h"
#include "muster-dfile/text.h"

namespace muster_dfile {
namespace {

struct Totals {
  std::uint64_t torrents = 0, with_peers = 0;
  std::uint64_t peers = 0, ipv6 = 0, with_ids = 0;
  std::uint64_t seeders = 0, partial_seeders = 0, downloaders = 0;
  std::uint64_t completed = 0;
  AgeCounts ages;
  std::vector<TorrentSummary> largest;  // descending

  void Add(const TorrentSummary& torrent, std::size_t top) {
    ++torrents;
    with_peers += torrent.peers() > 0;
    peers += torrent.peers();
    ipv6 += torrent.ipv6;
    seeders += torrent.seeders;
    partial_seeders += torrent.partial_seeders;
    downloaders += torrent.downloaders;
    completed += torrent.completed;
    if (torrent.peers() == 0 || top == 0) return;
    if (largest.size() == top && torrent.peers() <= largest.back().peers()) return;
    const auto place =
        std::upper_bound(largest.begin(), largest.end(), torrent,
                         [](const auto& a, const auto& b) { return a.peers() > b.peers(); });
    largest.insert(place, torrent);
    if (largest.size() > top) largest.pop_back();
  }
};

void PrintText(const StateInput& state, const Totals& totals) {
  const auto line = [](std::string_view name, const std::string& value) {
    std::string padded(name);
    padded.resize(18, ' ');
    Print(Concat({padded, value, "\n"}));
  };
  line("file", state.name());
  line("format", std::string(muster::StateFormatName(state.format())));
  line("size", ByteText(state.bytes()));
  line("written",
       Concat({TimeText(state.written()), " (", AgeText(Now() - state.written()), " ago)"}));
  for (const muster::JournalInfo& journal : state.journals()) {
    line("journal", Concat({journal.name.empty() ? state.name() : journal.name, ", ",
                            ByteText(journal.bytes), ", ", CountText(journal.changes), " changes",
                            journal.torn_end.empty() ? "" : ", its end is incomplete"}));
  }
  line("torrents",
       Concat({CountText(totals.torrents), " (", CountText(totals.with_peers), " with peers)"}));
  line("peers", Concat({CountText(totals.peers), " (", CountText(totals.peers - totals.ipv6),
                        " IPv4, ", CountText(totals.ipv6), " IPv6)"}));
  line("seeders", CountText(totals.seeders));
  line("partial seeders", CountText(totals.partial_seeders));
  line("downloaders", CountText(totals.downloaders));
  line("completed", CountText(totals.completed));
  line("with peer ids", CountText(totals.with_ids));
  if (totals.peers > 0) {
    line("ages when written", Concat({AgeText(totals.ages.Quantile(0)), " youngest, ",
                                      AgeText(totals.ages.Quantile(0.5)), " median, ",
                                      AgeText(totals.ages.Quantile(1)), " oldest"}));
  }
  if (const std::string keys = SideKeys(state.side()); !keys.empty()) line("also says", keys);
  if (totals.largest.empty()) return;
  Print("\nlargest swarms\n       peers     seeders   completed  info hash\n");
  for (const TorrentSummary& torrent : totals.largest) {
    std::string row;
    for (std::uint64_t number : {torrent.peers(), torrent.seeders, torrent.completed}) {
      const std::string text = CountText(number);
      row += std::string(12 - std::min<std::size_t>(text.size(), 12), ' ') + text;
    }
    Print(Concat({row, "  ", torrent.info_hash.ToHex(), "\n"}));
  }
}

void PrintJson(const StateInput& state, const Totals& totals) {
  std::string json = "{";
  const auto text = [&](std::string_view name, std::string_view value) {
    json += Concat({json.size() > 1 ? ", " : "", JsonText(name), ": ", value});
  };
  const auto number = [&](std::string_view name, auto value) { text(name, std::to_string(value)); };
  text("file", JsonText(state.name()));
  text("format", JsonText(muster::StateFormatName(state.format())));
  number("bytes", state.bytes());
  number("written", state.written().time_since_epoch().count());
  std::string journals;
  for (const muster::JournalInfo& journal : state.journals()) {
    journals += Concat({journals.empty() ? "" : ", ",
                        "{\"file\": ", JsonText(journal.name.empty() ? state.name() : journal.name),
                        ", \"bytes\": ", std::to_string(journal.bytes),
                        ", \"changes\": ", std::to_string(journal.changes), "}"});
  }
  text("journals", Concat({"[", journals, "]"}));
  number("torrents", totals.torrents);
  number("torrents_with_peers", totals.with_peers);
  number("peers", totals.peers);
  number("ipv6_peers", totals.ipv6);
  number("seeders", totals.seeders);
  number("partial_seeders", totals.partial_seeders);
  number("downloaders", totals.downloaders);
  number("completed", totals.completed);
  number("with_peer_ids", totals.with_ids);
  number("youngest", totals.ages.Quantile(0).count());
  number("median_age", totals.ages.Quantile(0.5).count());
  number("oldest", totals.ages.Quantile(1).count());
  std::string largest;
  for (const TorrentSummary& torrent : totals.largest) {
    largest += Concat({largest.empty() ? "" : ", ", "{\"info_hash\": \"", torrent.info_hash.ToHex(),
                       "\", \"peers\": ", std::to_string(torrent.peers()), "}"});
  }
  text("largest", Concat({"[", largest, "]"}));
  Print(json + "}\n");
}

}  // namespace

absl::StatusOr<int> Show(const Input& input, const ShowOptions& options) {
  absl::StatusOr<std::unique_ptr<StateInput>> state =
      StateInput::Open(input.files[0], input.format);
  if (!state.ok()) return state.status();
  Totals totals;
  const muster::Instant written = (*state)->written();
  absl::StatusOr<int> result = ForEachTorrent(
      **state, [&](const TorrentSummary& torrent) { totals.Add(torrent, options.top); },
      [&](const muster::InfoHash&, const muster::SavedPeer& peer) {
        totals.ages.Add(written - peer.last_seen);
        totals.with_ids += peer.peer_id.has_value();
      });
  if (!result.ok()) return result;
  if (options.json) {
    PrintJson(**state, totals);
  } else {
    PrintText(**state, totals);
  }
  return result;
}

}  // namespace muster_dfile
