// SPDX-License-Identifier: Apache-2.0
//
// EditTorrent: changes what stands around the info dictionary of a torrent, which remains as it is,
// byte by byte: so it is still the same torrent.
//
//   absl::StatusOr<std::string> edited =
//       muster::EditTorrent(bytes, {.trackers = {{{"udp://tracker.example:6969"}}}});
#ifndef MUSTER_TORRENT_EDITOR_H_
#define MUSTER_TORRENT_EDITOR_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "muster/export.h"
#include "muster/host_port.h"
#include "muster/metainfo.h"

namespace muster {

// What becomes of each: nothing leaves it as it is, an empty value takes it away.
struct TorrentEdit {
  std::optional<std::vector<std::vector<std::string>>> trackers = {};
  std::optional<std::vector<std::string>> web_seeds = {};
  std::optional<std::vector<std::string>> http_seeds = {};
  std::optional<std::vector<HostPort>> nodes = {};
  std::optional<std::string> comment = {};
  std::optional<std::string> created_by = {};
  std::optional<std::int64_t> creation_date = {};
  bool removes_creation_date = false;
};

// The edited torrent. Keys that are not edited keep their bytes, known or not; keys come in order,
// and of double ones the first is kept. InvalidArgument where `bytes` are no torrent by `options`,
// or the edit has what no torrent should say. Reentrant.
MUSTER_EXPORT absl::StatusOr<std::string> EditTorrent(std::string_view bytes,
                                                      const TorrentEdit& edit,
                                                      const MetainfoOptions& options = {});

}  // namespace muster

#endif  // MUSTER_TORRENT_EDITOR_H_
