// SPDX-License-Identifier: Apache-2.0
//
// MirrorService: torrents for any set of a mirror's files, made when somebody asks for them, and the
// files themselves. Compatible with the clients of pkgtorrent-service. No sockets, and no clock.
//
//   GET  /yum/torrent_service/digest/<sha1>    200 and the torrent, or 412: send me the paths
//   POST /yum/torrent_service/digest/<sha1>    200 and the torrent; as many as ask wait for one
//
// The same files give the same info hash, whoever asks. With `Prefer: respond-async` nobody waits:
// while it is made the answer is 202 and how far it is.
//
// Thread-safe. Requests must not be under way when it goes.
#ifndef MUSTER_LIB_MIRROR_MIRROR_SERVICE_H_
#define MUSTER_LIB_MIRROR_MIRROR_SERVICE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "http/request.h"
#include "mirror/blob_cache.h"
#include "mirror/file_hasher.h"
#include "mirror/mirror_answer.h"
#include "mirror/mirror_request.h"
#include "mirror/mirror_torrent.h"
#include "mirror/root.h"
#include "mirror/single_flight.h"
#include "mirror/tracker_list.h"

namespace muster {

struct MirrorOptions {
  // The folder that is served.
  std::string root;
  // One announce URL a line; empty for torrents without trackers.
  std::string trackers_file = {};
  Seconds trackers_every = Seconds(60);
  // Made, with two folders in it; empty to keep what is known in memory only.
  std::string cache_folder = {};
  std::size_t cache_memory = std::size_t{64} << 20;
  std::uint64_t cache_disk = std::uint64_t{4} << 30;
  Seconds cache_age = Seconds(30 * 86400);
  // How long a torrent is given out without looking at its files.
  Seconds torrent_life = Seconds(3600);

  // The kind of torrents, their pieces and the service's name are part of the info hash: equal on
  // all mirrors of the same files.
  TorrentKind kind = TorrentKind::kV1;
  std::int64_t piece_length = std::int64_t{1} << 20;
  std::string service = "torrent_service";

  // Web seeds: URLs of the root, each with a slash at its end. Empty: "http://", what the client
  // calls this host, "/".
  std::vector<std::string> url_bases = {};
  // Whether files themselves are served.
  bool serve_files = true;
  // Threads that hash for one torrent; 0 for all cores.
  unsigned threads = 0;
  // Torrents that are made, or wait to be, at a time; more are answered 503.
  std::size_t max_flights = 64;
  ExpansionLimits expansion = {};
  std::int64_t max_bytes = std::int64_t{1} << 42;
  MirrorRequestLimits request = {};
};

class MirrorService {
 public:
  // Called once for each request: before Answer() returns, or later by another thread.
  using Done = std::function<void(MirrorAnswer)>;
  // Runs work that takes long and may block, each at most once, in any thread, also at once. What
  // is never run is answered 500 when it is destroyed.
  using Run = std::function<void(std::function<void()> work)>;

  // InvalidArgument for options that cannot be, what the system says of a root that cannot be
  // opened. A trackers file that cannot be read is an error here, and not later.
  static absl::StatusOr<std::unique_ptr<MirrorService>> Create(const MirrorOptions& options,
                                                               Run run, Instant now);

  // Borrows the request and the body until it returns.
  void Answer(const HttpRequest& request, std::string_view body, Instant now, Done done);

  // Brings the cache folder within its limits; takes a while.
  void CleanCaches(Instant now);
  // Why the cache folder is not used; OK when it is, or none is wanted.
  absl::Status cache_status() const;
  // Looks at the trackers file at once; says what is wrong with it.
  absl::Status LookAtTrackers(Instant now) { return trackers_.Look(now); }

  struct Figures {
    std::size_t flights = 0;          // torrents that are made at the moment
    std::int64_t hashed_bytes = 0;    // so far
    std::uint64_t torrents_made = 0;  // so far
  };
  Figures figures();

 private:
  struct Outcome {
    absl::Status status;
    MirrorTorrent torrent;
  };
  using Landed = std::shared_ptr<const Outcome>;
  using Flights = SingleFlight<Landed>;

  MirrorService(const MirrorOptions& options, Root root, Run run);

  void AnswerKnown(const MirrorRequest& request, const std::string& host, Instant now,
                   const Done& done);
  void AnswerMade(const MirrorRequest& request, const std::string& host, Instant now, Done done);
  void AnswerWithoutWaiting(const MirrorRequest& request, const std::string& host, Instant now,
                            const Done& done);
  // Whether a flight of that key would be one too many.
  bool IsFull(const std::string& key);
  void Begin(std::shared_ptr<Flights::Leader> leader, const MirrorRequest& request, Instant now);

  Outcome Make(const MirrorRequest& request, Instant now, FlightProgress& progress);
  Landed Known(const std::string& key, Instant now);
  MirrorAnswer Finish(const Landed& landed, const MirrorRequest& request, const std::string& host,
                      Instant now);
  std::vector<std::string> UrlBases(const std::string& host) const;

  const MirrorOptions options_;
  const Root root_;
  const Run run_;
  TrackersFile trackers_;
  BlobCache pieces_;
  BlobCache torrents_;
  FileHasher hasher_;
  Flights flights_;
  std::atomic<std::uint64_t> torrents_made_{0};
  // What came of flights that somebody did not wait for, until he asks again.
  Mutex mu_;
  std::unordered_map<std::string, Landed> unclaimed_ ABSL_GUARDED_BY(mu_);
};

}  // namespace muster

#endif  // MUSTER_LIB_MIRROR_MIRROR_SERVICE_H_
