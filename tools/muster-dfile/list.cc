// SPDX-License-Identifier: Apache-2.0
//
// In the order of the file rows are printed as they come; otherwise they wait in memory, no more of
// them than --limit.
#include <algorithm>
#include <utility>

#include "muster-dfile/commands.h"
#include "muster-dfile/summary.h"
#include "muster-dfile/text.h"

namespace muster_dfile {
namespace {

struct PeerRow {
  muster::InfoHash info_hash;
  muster::SavedPeer peer;
};

bool IsIn(const Filter& filter, const muster::InfoHash& info_hash) {
  return filter.hash_prefix.empty() ||
         info_hash.ToHex().compare(0, filter.hash_prefix.size(), filter.hash_prefix) == 0;
}

bool IsOfClient(const Filter& filter, const muster::SavedPeer& peer) {
  if (filter.client.empty()) return true;
  return peer.peer_id.has_value() &&
         peer.peer_id->text().substr(0, filter.client.size()) == filter.client;
}

bool IsOfAge(const Filter& filter, muster::Seconds age) {
  return age >= filter.min_age && age <= filter.max_age;
}

std::string Padded(const std::string& text, std::size_t width) {
  return std::string(width - std::min(width, text.size()), ' ') + text;
}

class Printer {
 public:
  Printer(Style style, muster::Instant written) : style_(style), written_(written) {}

  void Header(bool peers) const {
    if (style_ == Style::kJson) return;
    if (style_ == Style::kCsv) {
      Print(peers ? "info_hash,address,port,state,last_seen,peer_id,client,left,nat,"
                    "supports_crypto,requires_crypto,key,given_ip\r\n"
                  : "info_hash,peers,seeders,partial_seeders,downloaders,completed,last_seen\r\n");
    } else {
      Print(peers ? "info hash                                 state               age  client"
                    "    address\n"
                  : "info hash                                     peers  seeders     down"
                    "  completed     age\n");
    }
  }

  void Row(const TorrentSummary& torrent) const {
    const std::string hash = torrent.info_hash.ToHex();
    const std::uint64_t numbers[] = {torrent.peers(), torrent.seeders, torrent.partial_seeders,
                                     torrent.downloaders, torrent.completed};
    if (style_ == Style::kTable) {
      const std::string age = torrent.last_seen ? AgeText(written_ - *torrent.last_seen) : "-";
      Print(Concat({hash, Padded(std::to_string(torrent.peers()), 11),
                    Padded(std::to_string(torrent.seeders), 9),
                    Padded(std::to_string(torrent.partial_seeders + torrent.downloaders), 9),
                    Padded(std::to_string(torrent.completed), 11), Padded(age, 8), "\n"}));
      return;
    }
    const bool json = style_ == Style::kJson;
    constexpr const char* kNames[] = {"peers", "seeders", "partial_seeders", "downloaders",
                                      "completed"};
    std::string row = json ? Concat({"{\"info_hash\": \"", hash, "\""}) : hash;
    for (std::size_t i = 0; i < std::size(numbers); ++i) {
      row += json ? Concat({", \"", kNames[i], "\": "}) : ",";
      row += std::to_string(numbers[i]);
    }
    const std::string seen = torrent.last_seen ? UnixText(*torrent.last_seen) : json ? "null" : "";
    Print(Concat({row, json ? ", \"last_seen\": " : ",", seen, json ? "}\n" : "\r\n"}));
  }

  void Row(const PeerRow& row) const {
    const muster::SavedPeer& peer = row.peer;
    const std::string hash = row.info_hash.ToHex();
    const std::string client = peer.peer_id ? ClientText(*peer.peer_id) : "";
    if (style_ == Style::kTable) {
      std::string state(StateText(peer.state));
      state.resize(14, ' ');
      Print(Concat(
          {hash, "  ", state, Padded(AgeText(written_ - peer.last_seen), 9), "  ",
           client.empty() ? "-" : client,
           std::string(10 - std::min<std::size_t>(client.empty() ? 1 : client.size(), 9), ' '),
           peer.peer.ToString(), "\n"}));
      return;
    }
    const muster::PeerDetails details = muster::PeerDetailsOf(peer);
    const bool json = style_ == Style::kJson;
    std::string text = json ? Concat({"{\"info_hash\": \"", hash, "\""}) : hash;
    const auto bare = [&](std::string_view name, std::string_view value, bool is_there = true) {
      if (json && !is_there) return;
      text += json ? Concat({", \"", name, "\": ", value})
                   : Concat({",", is_there ? value : std::string_view()});
    };
    const auto quoted = [&](std::string_view name, std::string_view value, bool is_there = true) {
      bare(name, json ? JsonText(value) : CsvText(PlainText(value)), is_there);
    };
    const auto flag = [&](bool value) {
      return json ? (value ? "true" : "false") : value ? "1" : "0";
    };
    quoted("address", peer.peer.address().ToString());
    bare("port", std::to_string(peer.peer.port()));
    quoted("state", StateText(peer.state));
    bare("last_seen", UnixText(peer.last_seen));
    quoted("peer_id", peer.peer_id ? peer.peer_id->ToHex() : "", peer.peer_id.has_value());
    bare("client", json ? JsonText(client) : CsvText(client), peer.peer_id.has_value());
    bare("left", std::to_string(details.left.value_or(0)), details.left.has_value());
    bare("nat", std::to_string(details.nat.value_or(0)), details.nat.has_value());
    bare("supports_crypto", flag(details.supports_crypto), !peer.side.empty());
    bare("requires_crypto", flag(details.requires_crypto), !peer.side.empty());
    quoted("key", details.key, !details.key.empty());
    quoted("given_ip", details.given_ip, !details.given_ip.empty());
    Print(text + (json ? "}\n" : "\r\n"));
  }

 private:
  static std::string UnixText(muster::Instant time) {
    return std::to_string(time.time_since_epoch().count());
  }
  const Style style_;
  const muster::Instant written_;
};

// Rows in the order that was asked for.
template <typename Row>
class Rows {
 public:
  // `before` says whether a row comes before another; without it rows are printed as they come.
  Rows(const Printer& printer, std::size_t limit, bool (*before)(const Row&, const Row&),
       bool reverse)
      : printer_(printer), limit_(limit), before_(before), reverse_(reverse) {}

  void Add(const Row& row) {
    if (before_ == nullptr && !reverse_) {
      if (limit_ == 0 || printed_ < limit_) printer_.Row(row);
      ++printed_;
      return;
    }
    rows_.push_back(row);
    // Twice as many as are wanted, and then the worse half goes.
    if (limit_ != 0 && rows_.size() >= 2 * limit_ + 1000) Shrink();
  }

  // Prints what waits.
  void Finish() {
    Shrink();
    if (before_ == nullptr) std::reverse(rows_.begin(), rows_.end());
    for (const Row& row : rows_) printer_.Row(row);
  }

 private:
  void Shrink() {
    const std::size_t keep = limit_ == 0 ? rows_.size() : std::min(limit_, rows_.size());
    if (before_ == nullptr) {  // the order of the file, from its end
      rows_.erase(rows_.begin(), rows_.end() - static_cast<std::ptrdiff_t>(keep));
      return;
    }
    std::stable_sort(rows_.begin(), rows_.end(), [this](const Row& a, const Row& b) {
      return reverse_ ? before_(b, a) : before_(a, b);
    });
    rows_.resize(keep);
  }

  const Printer& printer_;
  const std::size_t limit_;
  bool (*const before_)(const Row&, const Row&);
  const bool reverse_;
  std::size_t printed_ = 0;
  std::vector<Row> rows_;
};

using TorrentOrder = bool (*)(const TorrentSummary&, const TorrentSummary&);
TorrentOrder OrderOfTorrents(SortKey key) {
  using Row = TorrentSummary;
  switch (key) {
    case SortKey::kPeers:
      return [](const Row& a, const Row& b) { return a.peers() > b.peers(); };
    case SortKey::kSeeders:
      return [](const Row& a, const Row& b) { return a.seeders > b.seeders; };
    case SortKey::kCompleted:
      return [](const Row& a, const Row& b) { return a.completed > b.completed; };
    case SortKey::kAge:
      return [](const Row& a, const Row& b) { return a.last_seen > b.last_seen; };
    case SortKey::kClient:  // of peers only
    case SortKey::kHash:
      break;
  }
  return nullptr;
}

using PeerOrder = bool (*)(const PeerRow&, const PeerRow&);
PeerOrder OrderOfPeers(SortKey key) {
  if (key == SortKey::kAge) {
    return [](const PeerRow& a, const PeerRow& b) { return a.peer.last_seen > b.peer.last_seen; };
  }
  if (key != SortKey::kClient) return nullptr;
  return [](const PeerRow& a, const PeerRow& b) {
    if (!a.peer.peer_id || !b.peer.peer_id) return a.peer.peer_id && !b.peer.peer_id;
    return *a.peer.peer_id < *b.peer.peer_id;
  };
}

absl::StatusOr<int> ListTorrents(StateInput& state, const ListOptions& options) {
  const Filter& filter = options.filter;
  const Printer printer(options.style, state.written());
  printer.Header(false);
  Rows<TorrentSummary> rows(printer, options.limit, OrderOfTorrents(options.sort), options.reverse);
  bool has_client = filter.client.empty();
  absl::StatusOr<int> result = ForEachTorrent(
      state,
      [&](const TorrentSummary& torrent) {
        const bool of_client = std::exchange(has_client, filter.client.empty());
        if (!of_client || !IsIn(filter, torrent.info_hash)) return;
        if (torrent.peers() < filter.min_peers || torrent.peers() > filter.max_peers) return;
        const bool any_age =
            filter.min_age <= muster::Seconds(0) && filter.max_age == muster::Seconds::max();
        if (!any_age &&
            (!torrent.last_seen || !IsOfAge(filter, state.written() - *torrent.last_seen))) {
          return;
        }
        rows.Add(torrent);
      },
      [&](const muster::InfoHash&, const muster::SavedPeer& peer) {
        has_client = has_client || IsOfClient(filter, peer);
      });
  if (result.ok()) rows.Finish();
  return result;
}

absl::StatusOr<int> ListPeers(StateInput& state, const ListOptions& options) {
  const Filter& filter = options.filter;
  const Printer printer(options.style, state.written());
  printer.Header(true);
  Rows<PeerRow> rows(printer, options.limit, OrderOfPeers(options.sort), options.reverse);
  absl::StatusOr<int> result = ForEachTorrent(
      state, [](const TorrentSummary&) {},
      [&](const muster::InfoHash& info_hash, const muster::SavedPeer& peer) {
        if (IsIn(filter, info_hash) && IsOfClient(filter, peer) &&
            IsOfAge(filter, std::max(state.written() - peer.last_seen, muster::Seconds(0)))) {
          rows.Add({info_hash, peer});
        }
      });
  if (result.ok()) rows.Finish();
  return result;
}

}  // namespace

absl::StatusOr<int> List(const Input& input, const ListOptions& options) {
  absl::StatusOr<std::unique_ptr<StateInput>> state =
      StateInput::Open(input.files[0], input.format);
  if (!state.ok()) return state.status();
  return options.peers ? ListPeers(**state, options) : ListTorrents(**state, options);
}

}  // namespace muster_dfile
