// SPDX-License-Identifier: Apache-2.0
//
// HttpService: an HTTP request in, the bytes of its response out, with the tracker in between and
// no socket in sight.
//
// What the tracker refuses, and announces and scrapes that make no sense, are answered 200 with a
// `failure reason`, which clients show. Requests for anything but announce and scrape get a 4xx.
#ifndef MUSTER_LIB_SERVICE_HTTP_SERVICE_H_
#define MUSTER_LIB_SERVICE_HTTP_SERVICE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/request.h"
#include "muster/endpoint.h"
#include "muster/ids.h"
#include "muster/instant.h"
#include "muster/random.h"
#include "muster/server.h"
#include "muster/tracker.h"

namespace muster {

// Thread-compatible: one for each worker. The tracker is not owned.
class HttpService {
 public:
  HttpService(Tracker* tracker, const HttpOptions& options, Random random);

  // Appends the whole response to `out`. `from` is the connection's address, `keep_alive` whether
  // the connection stays open after this response, which the connection decides.
  void Answer(const HttpRequest& request, const IpAddress& from, Instant now, bool keep_alive,
              std::string& out);

  // Appends the response to something that is no request: a parser's error, a timeout, too many
  // connections. It says that the connection is closed.
  static void AnswerError(int status, std::string& out);

 private:
  void Announce(const HttpRequest& request, const IpAddress& from, Instant now);
  void Scrape(const HttpRequest& request, const IpAddress& from, Instant now);

  Tracker* const tracker_;
  const std::size_t max_scrape_torrents_;
  Random random_;
  // Scratch that outlives a request, so that answering one does not allocate.
  std::string body_;
  std::vector<std::uint8_t> ipv4_;
  std::vector<std::uint8_t> ipv6_;
  std::vector<PeerId> ipv4_ids_;
  std::vector<PeerId> ipv6_ids_;
  std::vector<InfoHash> scrape_hashes_;
  std::vector<std::optional<SwarmCounts>> scrape_rows_;
};

}  // namespace muster

#endif  // MUSTER_LIB_SERVICE_HTTP_SERVICE_H_
