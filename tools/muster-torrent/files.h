// SPDX-License-Identifier: Apache-2.0
//
// Torrent files: read whole, written whole or not at all.
#ifndef MUSTER_TOOLS_MUSTER_TORRENT_FILES_H_
#define MUSTER_TOOLS_MUSTER_TORRENT_FILES_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "muster/metainfo.h"

namespace muster_torrent {

// The bytes of a file, or of standard input for "-": as many as a torrent may have, and one more.
absl::StatusOr<std::string> ReadFile(const std::string& path);
// The torrent in it; an error names the file.
absl::StatusOr<muster::Metainfo> ReadTorrent(const std::string& path, bool strict);

// AlreadyExists when there is something and it may not be replaced. "-" is standard output.
absl::Status MayWrite(const std::string& path, bool replace);
// The file appears under its name when all of it is on the disk; what was there before remains until
// then.
absl::Status WriteFile(const std::string& path, std::string_view bytes, bool replace);

}  // namespace muster_torrent

#endif  // MUSTER_TOOLS_MUSTER_TORRENT_FILES_H_
