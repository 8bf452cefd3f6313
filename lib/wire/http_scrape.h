// SPDX-License-Identifier: Apache-2.0
//
// HTTP scrapes (BEP 48, 21): a query string becomes a list of info hashes, counts become a bencoded
// dictionary. Pure functions, reentrant.
#ifndef MUSTER_LIB_WIRE_HTTP_SCRAPE_H_
#define MUSTER_LIB_WIRE_HTTP_SCRAPE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "muster/ids.h"
#include "muster/instant.h"
#include "muster/swarm_store.h"

namespace muster {

// What becomes of a scrape that asks for more torrents than it may.
enum class TooManyTorrents : std::uint8_t {
  kRefused,
  kLeftOut,  // all but the first ones
};

// Reads the info hashes of a scrape, sorted and each once, into `info_hashes`, which is emptied
// first; without any, a scrape is one of all torrents. InvalidArgument, with a text for the client,
// when one is malformed, or more than `max_torrents` are asked for (counted as sent) and that is
// refused. Other parameters are skipped.
absl::Status DecodeHttpScrape(std::string_view query, std::size_t max_torrents,
                              TooManyTorrents too_many, std::vector<InfoHash>& info_hashes);

// What a torrent is called; empty for no name.
using NameOfTorrent = absl::FunctionRef<std::string_view(const InfoHash&)>;

struct HttpScrapeForm {
  // For `flags`; nothing leaves them and `downloaders` out, as bttrack does.
  std::optional<Seconds> min_request_interval;
};

// Appends `files`, without the torrents that are not known (rows without counts), and `flags`.
// `info_hashes` as DecodeHttpScrape() leaves them, with one row for each.
void EncodeHttpScrape(absl::Span<const InfoHash> info_hashes,
                      absl::Span<const std::optional<SwarmCounts>> rows, const HttpScrapeForm& form,
                      NameOfTorrent name_of, std::string& out);

}  // namespace muster

#endif  // MUSTER_LIB_WIRE_HTTP_SCRAPE_H_
