// SPDX-License-Identifier: Apache-2.0
//
// Magnet: a link that names a torrent by its info hashes (BEP 9, 52, 53), with hints where to find
// it.
//
//   absl::StatusOr<muster::Magnet> link = muster::Magnet::Parse("magnet:?xt=urn:btih:aaf4...");
//   if (link.ok() && link->info_hashes.v1) std::puts(link->info_hashes.v1->ToHex().c_str());
//   std::puts(muster::Magnet::Of(torrent).ToString().c_str());
//
// A plain value that owns what it holds: use it from any thread, not from two at once.
#ifndef MUSTER_MAGNET_H_
#define MUSTER_MAGNET_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "muster/export.h"
#include "muster/host_port.h"
#include "muster/info_hashes.h"

namespace muster {

class Metainfo;

// What reading a link may cost. Going over any of these is an error.
struct MagnetLimits {
  // Bytes of the link.
  std::size_t max_size = std::size_t{64} << 10;
  // Parameters, whether they mean something or not, and ranges of files.
  std::size_t max_parameters = 1000;
};

struct MUSTER_EXPORT Magnet {
  // Files by their index in the torrent, both ends within.
  struct FileRange {
    std::uint32_t first = 0;
    std::uint32_t last = 0;

    bool operator==(const FileRange&) const = default;
  };

  // At least one of them (`xt`).
  InfoHashes info_hashes;
  // What to call it until its own name is known (`dn`); empty without.
  std::string name;
  // Bytes of its files together (`xl`).
  std::optional<std::int64_t> length;
  // URLs, in the order of the link (`tr`, `ws`).
  std::vector<std::string> trackers;
  std::vector<std::string> web_seeds;
  // Peers to begin with (`x.pe`).
  std::vector<HostPort> peers;
  // The files to fetch (`so`, BEP 53): in order, and not next to one another. Empty for all.
  std::vector<FileRange> files;

  // Reads a link. What names the torrent must be right: InvalidArgument says what of it is not, and
  // at which byte of the link. Anything else is a hint: one that is malformed, or that nobody knows,
  // is passed over, and a '%' without two digits behind it stands for itself. Names are taken in
  // either case and with a number, as "tr.1".
  static absl::StatusOr<Magnet> Parse(std::string_view link, const MagnetLimits& limits = {});

  // The link to a torrent, with its name, size, trackers and web seeds.
  static Magnet Of(const Metainfo& torrent);

  // The link, as Parse() reads it to the same value. Hexadecimal hashes; everything but letters,
  // digits and "-._~" is percent-encoded.
  std::string ToString() const;

  bool operator==(const Magnet&) const = default;
};

}  // namespace muster

#endif  // MUSTER_MAGNET_H_
