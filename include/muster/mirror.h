// SPDX-License-Identifier: Apache-2.0
//
// Mirror: torrents for any set of a mirror's files, made when somebody asks for them, and the files
// themselves. Compatible with the clients of pkgtorrent-service. No sockets, and no clock: it stands
// behind a web server of the application's, or behind a MirrorServer.
//
//   GET  /yum/torrent_service/digest/<sha1>     200 and the torrent, or 412: send me the paths
//   POST /yum/torrent_service/digest/<sha1>     200 and the torrent; as many as ask wait for one
//   GET  /yum/torrent_service/single/<path>     200 and the torrent of a file or a pattern
//   GET  /yum/torrent_service/nullfile/<n>_<i>  n zeros, for who knows nothing of padding
//   GET  /yum/os/a.rpm                          the file, of which the torrents are web seeds
//
// The same files give the same info hash, whoever asks, and on every mirror with the same options.
// `?format=magnet` and `?format=json` give something else about the same torrent. With `Prefer:
// respond-async` nobody waits: while it is made the answer is 202 and how far it is.
//
//   auto mirror = muster::Mirror::Create({.root = "/srv/mirror"}, muster::InstantFromUnixSeconds(t));
//   if (!mirror.ok()) return mirror.status();
//   (*mirror)->Answer({.target = "/yum/torrent_service/single/yum/a.rpm", .host = "m.example"}, now,
//                     [](muster::MirrorReply reply) { ...reply.status, reply.headers, reply.body... });
#ifndef MUSTER_MIRROR_H_
#define MUSTER_MIRROR_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "muster/export.h"
#include "muster/info_hashes.h"
#include "muster/instant.h"
#include "muster/log_sink.h"
#include "muster/torrent_builder.h"

namespace muster {

struct MirrorOptions {
  // The folder that is served.
  std::string root;
  // One announce URL a line; empty for torrents without trackers. Looked at this often.
  std::string trackers_file = {};
  Seconds trackers_every = Seconds(60);
  // Made, with two folders in it; empty to keep what is known in memory only.
  std::string cache_folder = {};
  std::size_t cache_memory = std::size_t{64} << 20;
  // What CleanCaches() leaves: bytes of files, used since so long.
  std::uint64_t cache_disk = std::uint64_t{4} << 30;
  Seconds cache_age = Seconds(30 * 86400);
  // How long a torrent is given out without looking at its files.
  Seconds torrent_life = Seconds(3600);

  // The kind of torrents, their pieces and the service's name are part of the info hash: equal on
  // all mirrors of the same files. A power of two, 16 KiB to 64 MiB.
  TorrentKind kind = TorrentKind::kV1;
  std::int64_t piece_length = std::int64_t{1} << 20;
  std::string service = "torrent_service";

  // Web seeds: URLs of the root, each with a slash at its end. Empty: "http://", what the client
  // calls this host, "/".
  std::vector<std::string> url_bases = {};
  // Whether files themselves are served.
  bool serve_files = true;
  // The path of metrics for Prometheus; empty: there are none.
  std::string metrics_path = "/metrics";

  // Torrents that are made at a time; others wait, up to so many together, and more are answered 503.
  std::size_t workers = 2;
  std::size_t max_flights = 64;
  // Requests that wait for torrents; more are answered 503.
  std::size_t max_waiting = 20'000;
  // Threads that hash for one torrent; 0 for all cores.
  unsigned threads = 0;
  // Threads that open files, and read what of them, and of the cache, is not in memory: so many wait
  // for a slow disk at a time, and nobody else does.
  std::size_t readers = 4;

  // Of a torrent: files, bytes of them, and entries of folders that are looked at for its patterns.
  std::size_t max_files = 100'000;
  std::int64_t max_bytes = std::int64_t{1} << 42;
  std::size_t max_entries = 1'000'000;
  // Of a request: paths, bytes of its form, and of its target.
  std::size_t max_paths = 10'000;
  std::size_t max_form = std::size_t{4} << 20;
  std::size_t max_target = 8192;

  // Called with each torrent before it is given out, by any thread, also more than once; quick.
  std::function<void(const InfoHashes& info_hashes, std::string_view name)> on_torrent = {};
  // Not owned; may be null.
  LogSink* log = nullptr;
};

// A request as a web server has it; borrowed until Answer() returns.
struct MirrorQuery {
  std::string_view method = "GET";
  // Path and query, percent-encoded.
  std::string_view target;
  std::string_view host = {};
  // Those of the request, by any case: Accept, Content-Type, If-*, Prefer, Range.
  absl::Span<const std::pair<std::string, std::string>> headers = {};
  std::string_view body = {};
  // Whether whoever asks may see the metrics and the index page: what is being made, and was.
  bool may_see_pages = false;
};

// What is sent behind a head. Thread-compatible.
class MUSTER_EXPORT MirrorBody {
 public:
  virtual ~MirrorBody() = default;
  // Fills `to` with what comes next; fewer bytes, or none, at the end. An error when a file has
  // become shorter.
  virtual absl::StatusOr<std::size_t> Read(absl::Span<char> to) = 0;
};

struct MirrorReply {
  int status = 200;
  // All but Content-Length, Date and Connection.
  std::vector<std::pair<std::string, std::string>> headers;
  // Of the body that a GET would have.
  std::int64_t length = 0;
  // Null for none: of a HEAD too.
  std::unique_ptr<MirrorBody> body;
};

struct MirrorStatistics {
  std::size_t flights = 0;          // torrents that are made at the moment, or wait to be
  std::size_t waiting = 0;          // requests that wait for them
  std::int64_t hashed_bytes = 0;    // so far, as are all of these
  std::uint64_t torrents_made = 0;  // not those of a cache
  std::uint64_t torrents_given = 0;
  std::uint64_t unknown_sets = 0;  // 412
  std::uint64_t files = 0;         // answers with a file or a part of it
  std::uint64_t file_bytes = 0;    // of them
  std::uint64_t refused = 0;       // 4xx but 412
  std::uint64_t failed = 0;        // 5xx
  // Of the cache folder, as CleanCaches() left it.
  std::uint64_t cached_entries = 0;
  std::uint64_t cached_bytes = 0;
};

// Thread-safe.
class MUSTER_EXPORT Mirror {
 public:
  // InvalidArgument for options that cannot be, what the system says of a root that cannot be
  // opened. A trackers file that cannot be read is an error here, and not later.
  static absl::StatusOr<std::unique_ptr<Mirror>> Create(const MirrorOptions& options, Instant now);
  // As Stop(); whoever waits is answered before this returns.
  ~Mirror();
  Mirror(const Mirror&) = delete;
  Mirror& operator=(const Mirror&) = delete;

  // `done` is called once: before this returns, or later by another thread. `now` is Unix time.
  void Answer(const MirrorQuery& query, Instant now, std::function<void(MirrorReply)> done);

  // Hashes what the patterns mean ("/yum/**", as in /single/) and is not known, before anybody asks
  // for it. Takes a while; one at a time. The first error, after all of it was tried. It counts as a
  // use of what is known, an eighth of `cache_age` or a day after the last one, and what the cache has
  // lost by then is hashed again; but what did not fit into `cache_disk` not before `cache_age` has
  // passed, nor without a cache folder.
  absl::Status HashAhead(absl::Span<const std::string> patterns, Instant now);
  // Gives up what is being hashed, here and ahead, for ever: whoever waits for it is answered 503.
  void Stop();
  // Brings the cache folder within its limits, and looks what is in it, for the index page. Takes a
  // while.
  void CleanCaches(Instant now);
  // Why the cache folder is not used; OK when it is, or none is wanted.
  absl::Status cache_status() const;
  // Looks at the trackers file at once; says what is wrong with it. What was known stays then.
  absl::Status LookAtTrackers(Instant now);
  // How many trackers there are.
  std::size_t tracker_count(Instant now);

  MirrorStatistics Statistics();

 private:
  friend class MirrorServer;
  class Impl;
  explicit Mirror(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace muster

#endif  // MUSTER_MIRROR_H_
