// SPDX-License-Identifier: Apache-2.0
//
// In the order of the file rows are printed as they come; otherwise they are sorted first.
#include <algorithm>
#include <utility>

#include "muster-dfile/commands.h"
#include "muster-dfile/row_sorter.h"
#include "muster-dfile/summary.h"
#include "muster-dfile/text.h"

namespace muster_dfile {
namespace {

bool IsIn(const Filter& filter, const muster::InfoHash& info_hash) {
  return filter.hash_prefix.empty() ||
         info_hash.ToHex().compare(0, filter.hash_prefix.size(), filter.hash_prefix) == 0;
}

bool IsOfClient(const Filter& filter, const muster::SavedPeer& peer) {
  if (filter.client.empty()) return true;
  return peer.peer_id.has_value() &&
         peer.peer_id->text().substr(0, filter.client.size()) == filter.client;
}

// Who was seen after the state's time, by a clock that was put back, is as young as can be.
bool IsOfAge(const Filter& filter, const StateInput& state, muster::Instant last_seen) {
  const muster::Seconds age = std::max(state.written() - last_seen, muster::Seconds(0));
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

  std::string Row(const TorrentSummary& torrent) const {
    const std::string hash = torrent.info_hash.ToHex();
    const std::uint64_t numbers[] = {torrent.peers(), torrent.seeders, torrent.partial_seeders,
                                     torrent.downloaders, torrent.completed};
    if (style_ == Style::kTable) {
      const std::string age = torrent.last_seen ? AgeText(written_ - *torrent.last_seen) : "-";
      return Concat({hash, Padded(std::to_string(torrent.peers()), 11),
                     Padded(std::to_string(torrent.seeders), 9),
                     Padded(std::to_string(torrent.partial_seeders + torrent.downloaders), 9),
                     Padded(std::to_string(torrent.completed), 11), Padded(age, 8), "\n"});
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
    return Concat({row, json ? ", \"last_seen\": " : ",", seen, json ? "}\n" : "\r\n"});
  }

  std::string Row(const muster::InfoHash& info_hash, const muster::SavedPeer& peer) const {
    const std::string hash = info_hash.ToHex();
    const std::string client = peer.peer_id ? ClientText(*peer.peer_id) : "";
    if (style_ == Style::kTable) {
      std::string state(StateText(peer.state));
      state.resize(14, ' ');
      return Concat(
          {hash, "  ", state, Padded(AgeText(written_ - peer.last_seen), 9), "  ",
           client.empty() ? "-" : client,
           std::string(10 - std::min<std::size_t>(client.empty() ? 1 : client.size(), 9), ' '),
           peer.peer.ToString(), "\n"});
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
    return text + (json ? "}\n" : "\r\n");
  }

 private:
  static std::string UnixText(muster::Instant time) {
    return std::to_string(time.time_since_epoch().count());
  }
  const Style style_;
  const muster::Instant written_;
};

// Rows in the order that was asked for.
class Rows {
 public:
  // `sorted`: the rows have keys; otherwise they stay in the order of the file.
  Rows(const ListOptions& options, bool sorted)
      : limit_(options.limit),
        sorted_(sorted),
        reverse_(options.reverse),
        sorter_(kMemory, options.limit) {}

  absl::Status Add(std::string key, std::string_view text) {
    if (!sorted_ && !reverse_) {
      if (limit_ == 0 || number_ < limit_) Print(text);
      ++number_;
      return absl::OkStatus();
    }
    if (!sorted_) key = KeyOf(number_++);
    return sorter_.Add(reverse_ ? Reversed(std::move(key)) : key, text);
  }

  // Prints what waits.
  absl::Status Finish() {
    RowSorter::Row row;
    while (true) {
      const absl::StatusOr<bool> more = sorter_.Next(row);
      if (!more.ok() || !*more) return more.status();
      Print(row.text);
    }
  }

 private:
  static constexpr std::size_t kMemory = std::size_t{32} << 20;

  const std::size_t limit_;
  const bool sorted_;
  const bool reverse_;
  std::uint64_t number_ = 0;
  RowSorter sorter_;
};

// The greatest first.
std::string Descending(std::uint64_t number) { return KeyOf(~number); }
// The latest first; times before 1970 are there as well.
std::string Descending(muster::Instant time) {
  constexpr std::uint64_t kSign = std::uint64_t{1} << 63;
  return Descending(static_cast<std::uint64_t>(time.time_since_epoch().count()) ^ kSign);
}

std::string KeyOf(const TorrentSummary& torrent, SortKey key) {
  switch (key) {
    case SortKey::kPeers:
      return Descending(torrent.peers());
    case SortKey::kSeeders:
      return Descending(torrent.seeders);
    case SortKey::kCompleted:
      return Descending(torrent.completed);
    case SortKey::kAge:  // those that never had a peer last
      return torrent.last_seen ? Concat({"0", Descending(*torrent.last_seen)}) : "1";
    case SortKey::kClient:  // of peers only
    case SortKey::kHash:
      break;
  }
  return "";
}

std::string KeyOf(const muster::SavedPeer& peer, SortKey key) {
  if (key == SortKey::kAge) return Descending(peer.last_seen);
  if (key != SortKey::kClient) return "";
  return peer.peer_id ? Concat({"0", peer.peer_id->text()}) : "1";
}

absl::StatusOr<int> ListTorrents(StateInput& state, const ListOptions& options) {
  const Filter& filter = options.filter;
  const Printer printer(options.style, state.written());
  printer.Header(false);
  Rows rows(options, options.sort != SortKey::kHash);
  absl::Status status;
  bool has_client = filter.client.empty();
  absl::StatusOr<int> result = ForEachTorrent(
      state,
      [&](const TorrentSummary& torrent) {
        if (!status.ok()) return;
        const bool of_client = std::exchange(has_client, filter.client.empty());
        if (!of_client || !IsIn(filter, torrent.info_hash)) return;
        if (torrent.peers() < filter.min_peers || torrent.peers() > filter.max_peers) return;
        const bool any_age =
            filter.min_age <= muster::Seconds(0) && filter.max_age == muster::Seconds::max();
        if (!any_age && (!torrent.last_seen || !IsOfAge(filter, state, *torrent.last_seen))) return;
        status.Update(rows.Add(KeyOf(torrent, options.sort), printer.Row(torrent)));
      },
      [&](const muster::InfoHash&, const muster::SavedPeer& peer) {
        has_client = has_client || IsOfClient(filter, peer);
      });
  if (result.ok()) status.Update(rows.Finish());
  return status.ok() ? result : status;
}

absl::StatusOr<int> ListPeers(StateInput& state, const ListOptions& options) {
  const Filter& filter = options.filter;
  const Printer printer(options.style, state.written());
  printer.Header(true);
  Rows rows(options, options.sort != SortKey::kHash);
  absl::Status status;
  absl::StatusOr<int> result = ForEachTorrent(
      state, [](const TorrentSummary&) {},
      [&](const muster::InfoHash& info_hash, const muster::SavedPeer& peer) {
        if (status.ok() && IsIn(filter, info_hash) && IsOfClient(filter, peer) &&
            IsOfAge(filter, state, peer.last_seen)) {
          status.Update(rows.Add(KeyOf(peer, options.sort), printer.Row(info_hash, peer)));
        }
      });
  if (result.ok()) status.Update(rows.Finish());
  return status.ok() ? result : status;
}

}  // namespace

absl::StatusOr<int> List(const Input& input, const ListOptions& options) {
  absl::StatusOr<std::unique_ptr<StateInput>> state =
      StateInput::Open(input.files[0], input.format);
  if (!state.ok()) return state.status();
  return options.peers ? ListPeers(**state, options) : ListTorrents(**state, options);
}

}  // namespace muster_dfile
