// SPDX-License-Identifier: Apache-2.0
//
// MirrorRequest: what a client asks a mirror for, read from an HTTP request's target, body and
// headers. The service lives below any folder, by its own name:
//
//   /yum/torrent_service/digest/<40 hex digits>   a set of files; POST gives their paths, as `p`
//   /yum/torrent_service/single/yum/os/a.rpm      one path
//   /yum/torrent_service/nullfile/<size>_<n>      so many zeros
//   /yum/torrent_service/                         what is going on, for people and programs
//   /yum/os/a.rpm                                 the file itself
//
// Reentrant.
#ifndef MUSTER_LIB_MIRROR_MIRROR_REQUEST_H_
#define MUSTER_LIB_MIRROR_MIRROR_REQUEST_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "http/request.h"

namespace muster {

struct MirrorRequestLimits {
  // Bytes of a form, and of a target.
  std::size_t max_form = std::size_t{4} << 20;
  std::size_t max_target = 8192;
  // `p` fields of a request.
  std::size_t max_paths = 10'000;
};

struct MirrorRequest {
  enum class Kind : std::uint8_t { kRefused, kDigest, kSingle, kNullFile, kIndex, kMetrics, kFile };
  enum class Format : std::uint8_t { kTorrent, kMagnet, kJson };

  Kind kind = Kind::kRefused;
  bool is_head = false;

  // kRefused: the status to answer with, and a line for whoever asked.
  int refusal = 0;
  std::string_view reason = {};

  // kDigest: 40 lower-case hex digits; kSingle: the digest of the path.
  std::string digest = {};
  // kDigest: the fields, decoded, in their order; none: what is known is asked for. kSingle: the
  // path. Not checked any further.
  std::vector<std::string> specs = {};
  Format format = Format::kTorrent;
  // kIndex and progress: as JSON.
  bool wants_json = false;
  // Prefer: respond-async (RFC 7240).
  bool wants_no_wait = false;

  // kNullFile: bytes.
  std::int64_t size = 0;
  // kFile: decoded, with its first slash.
  std::string path = {};
};

// `service` is the name of the service, `metrics` the path of metrics, empty for none. Refused is, in
// this order: a target that is too long (414), a method that is not there (405), what is malformed
// (400), where nothing can be (404), a form without a length (411), too long (413), in another coding
// than "application/x-www-form-urlencoded" (415), or with too many paths (413).
MirrorRequest ReadMirrorRequest(const HttpRequest& request, std::string_view service,
                                std::string_view metrics, const MirrorRequestLimits& limits = {});

// The hex SHA-1 of the paths with line feeds between them: what a set of files is known by.
std::string DigestOfPaths(const std::vector<std::string>& paths);

}  // namespace muster

#endif  // MUSTER_LIB_MIRROR_MIRROR_REQUEST_H_
