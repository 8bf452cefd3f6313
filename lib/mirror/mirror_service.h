// SPDX-License-Identifier: Apache-2.0
//
// MirrorService: what muster/mirror.h promises, over requests and answers as lib/http has them.
//
//   request ─► MirrorRequest ─► known? ─► FindFiles ─► FileHasher ─► MakeTorrent ─► WholeTorrent
//                                 cache    SingleFlight    cache        cache       trackers, seeds
//
// Thread-safe. Requests must not be under way when it goes.
#ifndef MUSTER_LIB_MIRROR_MIRROR_SERVICE_H_
#define MUSTER_LIB_MIRROR_MIRROR_SERVICE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/mutex.h"
#include "http/conditions.h"
#include "http/request.h"
#include "mirror/blob_cache.h"
#include "mirror/file_hasher.h"
#include "mirror/mirror_answer.h"
#include "mirror/mirror_pages.h"
#include "mirror/mirror_request.h"
#include "mirror/mirror_torrent.h"
#include "mirror/root.h"
#include "mirror/single_flight.h"
#include "mirror/tracker_list.h"
#include "muster/mirror.h"

namespace muster {

class MirrorService {
 public:
  // Called once for each request: before Answer() returns, or later by another thread.
  using Done = std::function<void(MirrorAnswer)>;
  // Runs work that may block, each at most once, in any thread, also at once. What is never run is
  // answered 503 when it is destroyed.
  using Run = std::function<void(std::function<void()> work)>;

  // InvalidArgument for options that cannot be, what the system says of a root that cannot be
  // opened. A trackers file that cannot be read is an error here, and not later.
  // `make` is for torrents, which take long; `read` for what takes no longer than the disk.
  static absl::StatusOr<std::unique_ptr<MirrorService>> Create(const MirrorOptions& options,
                                                               Run make, Run read, Instant now);

  // Does not wait for a disk. Borrows the request until it returns. `may_see_pages` as MirrorQuery
  // has it.
  void Answer(const HttpRequest& request, bool may_see_pages, Instant now, Done done);

  // As Mirror::HashAhead().
  absl::Status HashAhead(absl::Span<const std::string> patterns, Instant now);
  // Gives up what is being hashed, for ever.
  void Stop() { hasher_.Stop(); }

  // Brings the cache folder within its limits; takes a while.
  void CleanCaches(Instant now);
  // Why the cache folder is not used; OK when it is, or none is wanted.
  absl::Status cache_status() const;
  // Looks at the trackers file at once; says what is wrong with it.
  absl::Status LookAtTrackers(Instant now) { return trackers_.Look(now); }

  std::size_t tracker_count(Instant now) { return trackers_.Get(now)->size(); }
  MirrorStatistics Statistics();
  const MirrorOptions& options() const { return options_; }
  const Run& reading() const { return read_; }

 private:
  struct Outcome {
    absl::Status status;
    // Of a failure, its set where the files were found.
    MirrorTorrent torrent;
  };
  using Landed = std::shared_ptr<const Outcome>;
  using Flights = SingleFlight<Landed>;

  MirrorService(const MirrorOptions& options, Root root, Run make, Run read);

  // What is kept of a request until its torrent is there.
  struct Asker {
    MirrorRequest::Format format;
    std::string host;
    Instant now;
    Done done;
  };
  using AskerRef = std::shared_ptr<const Asker>;

  // Has `work` give the answer where it may wait.
  void Read(Done done, std::function<MirrorAnswer()> work);
  void AnswerFile(const std::string& path, const FileConditions& conditions, Done done);
  void AnswerTorrent(const MirrorRequest& request, const HttpRequest& http, Instant now, Done done);
  void AnswerKnown(const MirrorRequest& request, const AskerRef& asker);
  void AnswerMade(const MirrorRequest& request, const AskerRef& asker);
  void AnswerWithoutWaiting(const MirrorRequest& request, const AskerRef& asker);
  MirrorAnswer Page(const MirrorRequest& request, Instant now);
  // Whether a flight of that key, or who waits for it, would be one too many.
  bool IsFull(const std::string& key);
  void Begin(std::shared_ptr<Flights::Leader> leader, const MirrorRequest& request, Instant now);
  // An answer of the moment.
  MirrorAnswer BeginWithoutWaiting(const MirrorRequest& request, const Asker& asker);
  void KeepUnclaimed(const std::string& key, const Landed& landed);
  // The outcome that nobody has waited for; null when there is none. Its files may be others by now.
  Landed Claim(const std::string& key, Instant now);
  void DropUnclaimed(Instant now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  absl::StatusOr<FileSet> FindSet(const MirrorRequest& request) const;
  Outcome Make(const MirrorRequest& request, Instant now, FlightProgress& progress);
  Landed Known(const std::string& key, Instant now);
  // The same of what can be answered without waiting for a disk.
  Landed KnownAtHand(const std::string& key, Instant now);
  void Finish(const Landed& landed, const Asker& asker);
  MirrorAnswer AnswerOf(const Landed& landed, const Asker& asker);
  void Remember(const MirrorTorrent& torrent, Instant now);
  std::list<GivenTorrent>::iterator FindGiven(std::string_view info_hash_hex)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::vector<std::string> UrlBases(const std::string& host) const;
  void Count(const MirrorAnswer& answer);
  // When the cache was last asked for what was hashed ahead, or is now, which counts as a use of it;
  // nothing when it is to be hashed.
  std::optional<Instant> AskedAhead(const std::string& path, const FileIdentity& identity,
                                    Instant now);
  absl::Status HashOneAhead(const std::string& path, const FileIdentity& identity, Instant now);

  const MirrorOptions options_;
  const Root root_;
  const Run make_;
  const Run read_;
  TrackersFile trackers_;
  BlobCache pieces_;
  BlobCache torrents_;
  FileHasher hasher_;
  Flights flights_;
  std::atomic<std::uint64_t> torrents_made_{0};
  std::atomic<std::uint64_t> torrents_given_{0};
  std::atomic<std::uint64_t> unknown_sets_{0};
  std::atomic<std::uint64_t> files_{0};
  std::atomic<std::uint64_t> file_bytes_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> failed_{0};
  std::atomic<std::uint64_t> cached_entries_{0};
  std::atomic<std::uint64_t> cached_bytes_{0};
  // What came of flights that somebody did not wait for, until he asks again.
  struct Unclaimed {
    Landed landed;
    // The last time that was known when it landed.
    Instant since;
  };
  Mutex mu_;
  std::unordered_map<std::string, Unclaimed> unclaimed_ ABSL_GUARDED_BY(mu_);
  // When somebody last asked without waiting.
  Instant last_poll_ ABSL_GUARDED_BY(mu_){};
  // The last first.
  std::list<GivenTorrent> given_ ABSL_GUARDED_BY(mu_);
  std::vector<GivenTorrent> cached_ ABSL_GUARDED_BY(mu_);
  // The file that is being hashed ahead, and how far it is; null for none.
  std::string ahead_path_ ABSL_GUARDED_BY(mu_);
  std::shared_ptr<const FlightProgress> ahead_progress_ ABSL_GUARDED_BY(mu_);
  // What was hashed ahead, as it was then, and when the cache was last asked for it.
  struct Ahead {
    FileIdentity identity;
    Instant asked;
  };
  Mutex ahead_mu_;
  std::unordered_map<std::string, Ahead> ahead_ ABSL_GUARDED_BY(ahead_mu_);
  // Until when what is not in the cache any more is not hashed ahead again: it did not fit.
  Instant too_small_until_ ABSL_GUARDED_BY(ahead_mu_){};
};

}  // namespace muster

#endif  // MUSTER_LIB_MIRROR_MIRROR_SERVICE_H_
