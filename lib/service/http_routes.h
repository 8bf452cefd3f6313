// SPDX-License-Identifier: Apache-2.0
//
// HttpRoutes: which path leads where. One table: what the options name is entered once, when it is
// made. Reentrant once made.
#ifndef MUSTER_LIB_SERVICE_HTTP_ROUTES_H_
#define MUSTER_LIB_SERVICE_HTTP_ROUTES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "muster/server.h"

namespace muster {

enum class HttpRoute : std::uint8_t {
  kNone,
  kAnnounce,
  kScrape,
  kScrapeOfSome,  // one that has to name its torrents
  kStatistics,
  kMetrics,
  kInfoPage,
  kFavicon,
  kFile,
};

class HttpRoutes {
 public:
  explicit HttpRoutes(const HttpOptions& options);

  // `path` as HttpRequest has it: percent-encoded, from its first '/' on.
  HttpRoute Find(std::string_view path) const;

 private:
  struct Entry {
    std::string path;
    HttpRoute route;
  };
  std::vector<Entry> entries_;
  bool loose_;
};

}  // namespace muster

#endif  // MUSTER_LIB_SERVICE_HTTP_ROUTES_H_
