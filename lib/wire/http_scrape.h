// SPDX-License-Identifier: Apache-2.0
//
// HTTP scrapes (BEP 48, 21): a query string becomes a list of info hashes, counts become a bencoded
// dictionary. Pure functions, reentrant.
#ifndef MUSTER_LIB_WIRE_HTTP_SCRAPE_H_
#define MUSTER_LIB_WIRE_HTTP_SCRAPE_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "muster/ids.h"
#include "muster/instant.h"
#include "muster/swarm_store.h"

namespace muster {

// Reads the info hashes of a scrape, sorted and each once, into `info_hashes`, which is emptied
// first; without any, a scrape is one of all torrents. InvalidArgument, with a text for the client,
// when one is malformed, or more than `max_torrents` are asked for (counted as sent). Other
// parameters are skipped.
absl::Status DecodeHttpScrape(std::string_view query, std::size_t max_torrents,
                              std::vector<InfoHash>& info_hashes);

// Appends `files`, without the torrents that are not known (rows without counts), and `flags`.
// `info_hashes` as DecodeHttpScrape() leaves them, with one row for each.
void EncodeHttpScrape(absl::Span<const InfoHash> info_hashes,
                      absl::Span<const std::optional<SwarmCounts>> rows,
                      Seconds min_request_interval, std::string& out);

}  // namespace muster

#endif  // MUSTER_LIB_WIRE_HTTP_SCRAPE_H_
