// SPDX-License-Identifier: Apache-2.0
#include "mirror/mirror_service.h"

#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "metainfo/names.h"
#include "metainfo/torrent_writer.h"
#include "mirror/path_spec.h"
#include "mirror/served_file.h"
#include "mirror/torrent_answer.h"

namespace muster {
namespace {

using Kind = MirrorRequest::Kind;

// How many outcomes wait to be asked for, and for how long.
constexpr std::size_t kMaxUnclaimed = 64;
constexpr Seconds kUnclaimedLife(600);

// Torrents that the index page shows.
constexpr std::size_t kMaxGiven = 100;

// Files that are hashed ahead, and entries of folders that are looked at for them.
constexpr std::size_t kMaxAhead = 10'000'000;

// A cache of its own for each; options that have no folder have none.
BlobCacheOptions CacheOptions(const MirrorOptions& options, const char* name) {
  BlobCacheOptions cache{.max_memory = options.cache_memory / 2,
                         .max_disk = options.cache_disk / 2,
                         .max_age = options.cache_age};
  if (!options.cache_folder.empty()) cache.folder = absl::StrCat(options.cache_folder, "/", name);
  return cache;
}

absl::Status Check(const MirrorOptions& options) {
  const std::int64_t length = options.piece_length;
  if (length < TorrentBuilder::kMinPieceLength || length > TorrentBuilder::kMaxPieceLength ||
      !std::has_single_bit(static_cast<std::uint64_t>(length))) {
    return absl::InvalidArgumentError(
        "the piece length is not a power of two from 16 KiB to 64 MiB");
  }
  if (const char* fault = NameFault(options.service, TorrentBuilder::kMaxNameSize)) {
    return absl::InvalidArgumentError(absl::StrCat("the service's name: ", fault));
  }
  for (const std::string& base : options.url_bases) {
    if (absl::Status status = CheckUrl("web seeds", base); !status.ok()) return status;
    if (base.back() != '/') {
      return absl::InvalidArgumentError(absl::StrCat(base, ": no slash at its end"));
    }
  }
  return absl::OkStatus();
}

// A name or an address, perhaps with a port, and nothing that ends it in a URL.
bool IsHostHeader(std::string_view host) {
  constexpr std::size_t kMaxHost = 300;
  return !host.empty() && host.size() <= kMaxHost &&
         std::all_of(host.begin(), host.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  std::string_view("-._~:[]").find(c) != std::string_view::npos;
         });
}

// Whoever does not give it in the end says that the service ends.
class OwedAnswer {
 public:
  explicit OwedAnswer(MirrorService::Done done) : done_(std::move(done)) {}
  ~OwedAnswer() {
    if (done_) done_(ErrorAnswer(absl::CancelledError("")));
  }
  OwedAnswer(const OwedAnswer&) = delete;
  OwedAnswer& operator=(const OwedAnswer&) = delete;

  void Give(MirrorAnswer answer) { std::exchange(done_, nullptr)(std::move(answer)); }

 private:
  MirrorService::Done done_;
};

MirrorAnswer RefusalAnswer(const MirrorRequest& request) {
  MirrorAnswer answer = TextAnswer(request.refusal, request.reason);
  if (request.refusal == 405) answer.headers.emplace_back("Allow", "GET, HEAD, POST");
  return answer;
}

MirrorAnswer FullAnswer() {
  MirrorAnswer answer = TextAnswer(503, "too many torrents are being made");
  answer.headers.emplace_back("Retry-After", "5");
  return answer;
}

GivenTorrent ViewOf(const MirrorTorrent& torrent, Instant last) {
  return {.info_hash_hex = torrent.info_hash_hex,
          .name = std::string(torrent.set.name()),
          .files = torrent.set.paths.size(),
          .length = torrent.set.length(),
          .last = last};
}

std::string FlightKey(const MirrorRequest& request) {
  return absl::StrCat(request.kind == Kind::kSingle ? "single/" : "digest/", request.digest);
}

// What a torrent depends on beside its files.
std::string CacheKey(const std::string& key, const MirrorOptions& options) {
  return absl::StrCat(key, " ", options.piece_length, " ", static_cast<int>(options.kind), " ",
                      options.service);
}

}  // namespace

MirrorService::MirrorService(const MirrorOptions& options, Root root, Run make, Run read)
    : options_(options),
      root_(std::move(root)),
      make_(std::move(make)),
      read_(std::move(read)),
      trackers_(options.trackers_file, options.trackers_every),
      pieces_(CacheOptions(options, "pieces")),
      torrents_(CacheOptions(options, "info")),
      hasher_(&root_, &pieces_,
              {.kind = options.kind,
               .piece_length = options.piece_length,
               .threads = options.threads}) {}

absl::StatusOr<std::unique_ptr<MirrorService>> MirrorService::Create(const MirrorOptions& options,
                                                                     Run make, Run read,
                                                                     Instant now) {
  if (absl::Status status = Check(options); !status.ok()) return status;
  absl::StatusOr<Root> root = Root::Open(options.root);
  if (!root.ok()) return root.status();
  // What is wrong with it, the caches say.
  if (!options.cache_folder.empty()) {
    static_cast<void>(::mkdir(options.cache_folder.c_str(), 0755));
  }
  std::unique_ptr<MirrorService> service(
      new MirrorService(options, *std::move(root), std::move(make), std::move(read)));
  if (absl::Status status = service->LookAtTrackers(now); !status.ok()) return status;
  return service;
}

void MirrorService::Answer(const HttpRequest& http, bool may_see_pages, Instant now, Done done) {
  const MirrorRequest request =
      ReadMirrorRequest(http, options_.service, options_.metrics_path,
                        {options_.max_form, options_.max_target, options_.max_paths});
  // The head is that of a GET, whatever the outcome.
  Done finish = [this, done = std::move(done), is_head = request.is_head](MirrorAnswer answer) {
    answer.is_head = is_head;
    Count(answer);
    done(std::move(answer));
  };
  switch (request.kind) {
    case Kind::kRefused:
      return finish(RefusalAnswer(request));
    case Kind::kFile:
      if (!options_.serve_files) return finish(TextAnswer(404, "nothing is here"));
      return AnswerFile(request.path, FileConditions::Of(http), std::move(finish));
    case Kind::kNullFile:
      return finish(ServeZeros(request.size, options_.piece_length, FileConditions::Of(http), now));
    case Kind::kIndex:
    case Kind::kMetrics:
      return finish(may_see_pages ? Page(request, now) : TextAnswer(403, "not for everybody"));
    case Kind::kDigest:
    case Kind::kSingle:
      return AnswerTorrent(request, http, now, std::move(finish));
  }
}

void MirrorService::Read(Done done, std::function<MirrorAnswer()> work) {
  read_([owed = std::make_shared<OwedAnswer>(std::move(done)), work = std::move(work)] {
    owed->Give(work());
  });
}

void MirrorService::AnswerFile(const std::string& path, const FileConditions& conditions,
                               Done done) {
  std::optional<MirrorAnswer> answer = ServeFileAtHand(root_, path, conditions);
  if (answer) return done(*std::move(answer));
  Read(std::move(done), [this, path, conditions] { return ServeFile(root_, path, conditions); });
}

void MirrorService::AnswerTorrent(const MirrorRequest& request, const HttpRequest& http,
                                  Instant now, Done done) {
  std::string host(http.Header("Host"));
  if (options_.url_bases.empty() && !IsHostHeader(host)) {
    return done(TextAnswer(400, "no Host that a web seed could have"));
  }
  const AskerRef asker =
      std::make_shared<const Asker>(Asker{request.format, std::move(host), now, std::move(done)});
  if (request.specs.empty()) return AnswerKnown(request, asker);
  if (request.kind == Kind::kDigest && DigestOfPaths(request.specs) != request.digest) {
    return asker->done(TextAnswer(400, "the digest is not that of the paths"));
  }
  if (request.wants_no_wait) return AnswerWithoutWaiting(request, asker);
  AnswerMade(request, asker);
}

// Without its paths, a set is known, or is being made, or is not known.
void MirrorService::AnswerKnown(const MirrorRequest& request, const AskerRef& asker) {
  const std::string key = FlightKey(request);
  if (IsFull(key)) return asker->done(FullAnswer());
  Flights::Callback landed;
  if (!request.wants_no_wait) landed = [this, asker](const Landed& made) { Finish(made, *asker); };
  const auto flight = flights_.JoinExisting(key, std::move(landed));
  if (flight != nullptr) {
    if (request.wants_no_wait) asker->done(ProgressAnswer(flight->progress()));
    return;
  }
  if (const Landed known = KnownAtHand(request.digest, asker->now)) return Finish(known, *asker);
  Read(asker->done, [this, digest = request.digest, asker] {
    const Landed known = Known(digest, asker->now);
    return known == nullptr ? UnknownSetAnswer() : AnswerOf(known, *asker);
  });
}

void MirrorService::AnswerMade(const MirrorRequest& request, const AskerRef& asker) {
  const std::string key = FlightKey(request);
  if (IsFull(key)) return asker->done(FullAnswer());
  auto joined = flights_.Join(key, [this, asker](const Landed& made) { Finish(made, *asker); });
  if (joined.leader != nullptr) Begin(std::move(joined.leader), request, asker->now);
}

void MirrorService::KeepUnclaimed(const std::string& key, const Landed& landed) {
  MutexLock lock(&mu_);
  if (unclaimed_.size() >= kMaxUnclaimed) {
    unclaimed_.erase(std::min_element(
        unclaimed_.begin(), unclaimed_.end(),
        [](const auto& a, const auto& b) { return a.second.since < b.second.since; }));
  }
  unclaimed_[key] = {landed, last_poll_};
}

MirrorService::Landed MirrorService::Claim(const std::string& key, Instant now) {
  MutexLock lock(&mu_);
  last_poll_ = std::max(last_poll_, now);
  DropUnclaimed(now);
  const auto found = unclaimed_.find(key);
  if (found == unclaimed_.end()) return nullptr;
  Landed landed = std::move(found->second.landed);
  unclaimed_.erase(found);
  return landed;
}

void MirrorService::DropUnclaimed(Instant now) {
  for (auto it = unclaimed_.begin(); it != unclaimed_.end();) {
    it = now - it->second.since > kUnclaimedLife ? unclaimed_.erase(it) : std::next(it);
  }
}

void MirrorService::AnswerWithoutWaiting(const MirrorRequest& request, const AskerRef& asker) {
  const Landed landed = Claim(FlightKey(request), asker->now);
  if (landed == nullptr) return asker->done(BeginWithoutWaiting(request, *asker));
  // It may have landed long ago: it counts of the files as they are now, as for who waits.
  Read(asker->done, [this, request, asker, landed] {
    absl::StatusOr<FileSet> set = FindSet(request);
    if (!set.ok()) {
      return AnswerOf(std::make_shared<const Outcome>(Outcome{set.status(), {}}), *asker);
    }
    return *set == landed->torrent.set ? AnswerOf(landed, *asker)
                                       : BeginWithoutWaiting(request, *asker);
  });
}

MirrorAnswer MirrorService::BeginWithoutWaiting(const MirrorRequest& request, const Asker& asker) {
  const std::string key = FlightKey(request);
  auto joined = flights_.JoinExisting(key, {});
  if (joined == nullptr) {
    if (IsFull(key)) return FullAnswer();
    auto begun =
        flights_.Join(key, [this, key](const Landed& landed) { KeepUnclaimed(key, landed); });
    joined = begun.flight;
    if (begun.leader != nullptr) Begin(std::move(begun.leader), request, asker.now);
    // It may have been quick.
    if (const Landed landed = Claim(key, asker.now)) return AnswerOf(landed, asker);
  }
  return ProgressAnswer(joined->progress());
}

bool MirrorService::IsFull(const std::string& key) {
  return flights_.waiting() >= options_.max_waiting ||
         (flights_.size() >= options_.max_flights && flights_.JoinExisting(key, {}) == nullptr);
}

void MirrorService::Begin(std::shared_ptr<Flights::Leader> leader, const MirrorRequest& request,
                          Instant now) {
  std::string about = request.specs.front();
  if (request.specs.size() > 1) {
    absl::StrAppend(&about, " and ", request.specs.size() - 1, " more");
  }
  leader->Describe(about);
  make_([this, leader = std::move(leader), request, now] {
    leader->Land(std::make_shared<const Outcome>(Make(request, now, leader->progress())));
  });
}

absl::StatusOr<FileSet> MirrorService::FindSet(const MirrorRequest& request) const {
  return FindFiles(root_, request.specs,
                   {.limits = {options_.max_files, options_.max_entries},
                    .max_bytes = options_.max_bytes,
                    .service = options_.service,
                    .may_be_single = request.kind == Kind::kSingle});
}

MirrorService::Outcome MirrorService::Make(const MirrorRequest& request, Instant now,
                                           FlightProgress& progress) {
  absl::StatusOr<FileSet> set = FindSet(request);
  if (!set.ok()) return {set.status(), {}};
  const std::string key = set->is_single ? request.digest + "_s" : request.digest;
  if (const Landed known = Known(key, now); known != nullptr && known->torrent.set == *set) {
    return *known;
  }
  absl::StatusOr<std::vector<FileHasher::Hashes>> hashes = hasher_.Hash(
      set->paths, set->identities, NeedsTail(set->paths.size(), options_.kind), now, progress);
  const auto failed = [&set](absl::Status status) {
    Outcome outcome{std::move(status), {}};
    outcome.torrent.set = *std::move(set);
    return outcome;
  };
  if (!hashes.ok()) return failed(hashes.status());
  absl::StatusOr<MirrorTorrent> torrent = MakeTorrent(
      *set, *hashes,
      {.kind = options_.kind, .piece_length = options_.piece_length, .service = options_.service},
      now);
  if (!torrent.ok()) return failed(torrent.status());
  ++torrents_made_;
  // A cache that cannot be written costs the next one the same work, and nothing else.
  torrents_.Put(CacheKey(key, options_), torrent->Encode()).IgnoreError();
  return {absl::OkStatus(), *std::move(torrent)};
}

MirrorService::Landed MirrorService::Known(const std::string& key, Instant now) {
  const std::string whole = CacheKey(key, options_);
  const BlobCache::Value bytes = torrents_.Get(whole, now);
  if (bytes == nullptr) return nullptr;
  absl::StatusOr<MirrorTorrent> torrent = MirrorTorrent::Decode(*bytes);
  if (torrent.ok() && now - torrent->made < options_.torrent_life) {
    return std::make_shared<const Outcome>(Outcome{absl::OkStatus(), *std::move(torrent)});
  }
  torrents_.Remove(whole);
  return nullptr;
}

MirrorService::Landed MirrorService::KnownAtHand(const std::string& key, Instant now) {
  const BlobCache::Value bytes = torrents_.AtHand(CacheKey(key, options_), now);
  if (bytes == nullptr || !trackers_.is_at_hand(now)) return nullptr;
  absl::StatusOr<MirrorTorrent> torrent = MirrorTorrent::Decode(*bytes);
  if (!torrent.ok() || now - torrent->made >= options_.torrent_life) return nullptr;
  return std::make_shared<const Outcome>(Outcome{absl::OkStatus(), *std::move(torrent)});
}

void MirrorService::Finish(const Landed& landed, const Asker& asker) {
  asker.done(AnswerOf(landed, asker));
}

MirrorAnswer MirrorService::AnswerOf(const Landed& landed, const Asker& asker) {
  if (landed == nullptr) return ErrorAnswer(absl::CancelledError(""));
  absl::Status status = landed->status;
  if (status.ok()) {
    absl::StatusOr<std::string> bytes =
        WholeTorrent(landed->torrent, *trackers_.Get(asker.now), UrlBases(asker.host));
    if (bytes.ok()) {
      Remember(landed->torrent, asker.now);
      return TorrentAnswer(landed->torrent, *std::move(bytes), asker.format);
    }
    status = absl::InternalError(bytes.status().message());
  }
  MirrorAnswer answer = ErrorAnswer(status);
  if (answer.status == 500 && options_.log != nullptr) {
    options_.log->Log(LogLevel::kWarning, absl::StrCat("a torrent cannot be made: ",
                                                       absl::string_view(status.message())));
  }
  return answer;
}

std::list<GivenTorrent>::iterator MirrorService::FindGiven(std::string_view info_hash_hex) {
  return std::find_if(given_.begin(), given_.end(), [info_hash_hex](const GivenTorrent& given) {
    return given.info_hash_hex == info_hash_hex;
  });
}

void MirrorService::Remember(const MirrorTorrent& torrent, Instant now) {
  ++torrents_given_;
  if (options_.on_torrent) options_.on_torrent(torrent.info_hashes(), torrent.set.name());
  MutexLock lock(&mu_);
  const auto found = FindGiven(torrent.info_hash_hex);
  if (found != given_.end()) {
    given_.splice(given_.begin(), given_, found);
  } else {
    if (given_.size() == kMaxGiven) given_.pop_back();
    given_.push_front(ViewOf(torrent, now));
  }
  ++given_.front().times;
  given_.front().last = now;
}

MirrorAnswer MirrorService::Page(const MirrorRequest& request, Instant now) {
  MirrorView view{.statistics = Statistics(), .trackers = trackers_.size(), .now = now};
  flights_.ForEach([&view](const std::string& about, const FlightProgress& progress) {
    view.flights.push_back({about, progress.bytes.load(), progress.total_bytes.load()});
  });
  {
    MutexLock lock(&mu_);
    if (ahead_progress_ != nullptr) {
      view.flights.push_back({absl::StrCat("/", ahead_path_, " (ahead)"),
                              ahead_progress_->bytes.load(), ahead_progress_->total_bytes.load()});
    }
    view.given.assign(given_.begin(), given_.end());
    for (const GivenTorrent& cached : cached_) {
      if (FindGiven(cached.info_hash_hex) == given_.end()) view.cached.push_back(cached);
    }
  }
  return PageAnswer(request, view);
}

absl::Status MirrorService::HashOneAhead(const std::string& path, const FileIdentity& identity,
                                         Instant now) {
  const auto progress = std::make_shared<FlightProgress>();
  const auto show = [this](const std::string& what, std::shared_ptr<const FlightProgress> far) {
    MutexLock lock(&mu_);
    ahead_path_ = what;
    ahead_progress_ = std::move(far);
  };
  show(path, progress);
  absl::Status status =
      hasher_.Hash({path}, {identity}, NeedsTail(1, options_.kind), now, *progress).status();
  show("", nullptr);
  return status;
}

std::optional<Instant> MirrorService::AskedAhead(const std::string& path,
                                                 const FileIdentity& identity, Instant now) {
  bool may_hash_again;
  {
    MutexLock lock(&ahead_mu_);
    const auto known = ahead_.find(path);
    if (known == ahead_.end() || !(known->second.identity == identity)) return std::nullopt;
    if (now - known->second.asked <= pieces_.use_step()) return known->second.asked;
    // Without a folder it goes for want of memory only.
    may_hash_again = pieces_.has_folder() && now >= too_small_until_;
  }
  if (!hasher_.IsKept(path, now) && may_hash_again) return std::nullopt;
  return now;
}

absl::Status MirrorService::HashAhead(absl::Span<const std::string> patterns, Instant now) {
  absl::Status first;
  const auto keep = [&first](absl::Status status) {
    if (first.ok()) first = std::move(status);
  };
  std::unordered_map<std::string, Ahead> seen;
  for (const std::string& pattern : patterns) {
    FoundFiles files({kMaxAhead, kMaxAhead});
    const absl::StatusOr<PathSpec> spec = PathSpec::Parse(pattern);
    keep(spec.ok() ? spec->Expand(root_, files) : spec.status());
    for (const std::string& path : files.paths()) {
      const absl::StatusOr<FileIdentity> identity = root_.Identify(path);
      if (!identity.ok()) continue;  // it has gone meanwhile
      const std::optional<Instant> asked = AskedAhead(path, *identity, now);
      seen[path] = {*identity, asked.value_or(now)};
      if (asked) continue;
      absl::Status status = HashOneAhead(path, *identity, now);
      if (absl::IsCancelled(status)) return status;
      if (!status.ok()) seen.erase(path);
      keep(std::move(status));
    }
  }
  MutexLock lock(&ahead_mu_);
  ahead_.swap(seen);
  return first;
}

std::vector<std::string> MirrorService::UrlBases(const std::string& host) const {
  if (!options_.url_bases.empty()) return options_.url_bases;
  return {absl::StrCat("http://", host, "/")};
}

void MirrorService::CleanCaches(Instant now) {
  const BlobCache::Cleaned pieces = pieces_.Clean(now);
  if (pieces.was_full) {
    MutexLock lock(&ahead_mu_);
    too_small_until_ = now + options_.cache_age;
  }
  const BlobCache::Cleaned torrents = torrents_.Clean(now, kMaxGiven);
  std::vector<GivenTorrent> cached;
  for (const BlobCache::Value& bytes : torrents.newest) {
    const absl::StatusOr<MirrorTorrent> torrent = MirrorTorrent::Decode(*bytes);
    if (torrent.ok()) cached.push_back(ViewOf(*torrent, torrent->made));
  }
  {
    MutexLock lock(&mu_);
    cached_.swap(cached);
    DropUnclaimed(now);
  }
  cached_entries_ = pieces.files + torrents.files;
  cached_bytes_ = pieces.bytes + torrents.bytes;
}

absl::Status MirrorService::cache_status() const {
  return pieces_.folder_status().ok() ? torrents_.folder_status() : pieces_.folder_status();
}

MirrorStatistics MirrorService::Statistics() {
  return {.flights = flights_.size(),
          .waiting = flights_.waiting(),
          .hashed_bytes = hasher_.hashed_bytes(),
          .torrents_made = torrents_made_,
          .torrents_given = torrents_given_,
          .unknown_sets = unknown_sets_,
          .files = files_,
          .file_bytes = file_bytes_,
          .refused = refused_,
          .failed = failed_,
          .cached_entries = cached_entries_,
          .cached_bytes = cached_bytes_};
}

void MirrorService::Count(const MirrorAnswer& answer) {
  if (answer.body == MirrorAnswer::Body::kFile && !answer.is_head) {
    ++files_;
    file_bytes_ += static_cast<std::uint64_t>(answer.length());
  }
  if (answer.status == 412) {
    ++unknown_sets_;
  } else if (answer.status >= 500) {
    ++failed_;
  } else if (answer.status >= 400) {
    ++refused_;
  }
}

}  // namespace muster
