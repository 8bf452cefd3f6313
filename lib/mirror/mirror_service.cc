// SPDX-License-Identifier: Apache-2.0
#include "mirror/mirror_service.h"

#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "metainfo/names.h"
#include "metainfo/torrent_writer.h"
#include "mirror/served_file.h"
#include "mirror/torrent_answer.h"

namespace muster {
namespace {

using Kind = MirrorRequest::Kind;

// How many outcomes wait to be asked for.
constexpr std::size_t kMaxUnclaimed = 1000;

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

MirrorAnswer FullAnswer() {
  MirrorAnswer answer = TextAnswer(503, "too many torrents are being made");
  answer.headers.emplace_back("Retry-After", "5");
  return answer;
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

MirrorService::MirrorService(const MirrorOptions& options, Root root, Run run)
    : options_(options),
      root_(std::move(root)),
      run_(std::move(run)),
      trackers_(options.trackers_file, options.trackers_every),
      pieces_(CacheOptions(options, "pieces")),
      torrents_(CacheOptions(options, "info")),
      hasher_(&root_, &pieces_,
              {.kind = options.kind,
               .piece_length = options.piece_length,
               .threads = options.threads}) {}

absl::StatusOr<std::unique_ptr<MirrorService>> MirrorService::Create(const MirrorOptions& options,
                                                                     Run run, Instant now) {
  if (absl::Status status = Check(options); !status.ok()) return status;
  absl::StatusOr<Root> root = Root::Open(options.root);
  if (!root.ok()) return root.status();
  // What is wrong with it, the caches say.
  if (!options.cache_folder.empty()) {
    static_cast<void>(::mkdir(options.cache_folder.c_str(), 0755));
  }
  std::unique_ptr<MirrorService> service(
      new MirrorService(options, *std::move(root), std::move(run)));
  if (absl::Status status = service->LookAtTrackers(now); !status.ok()) return status;
  return service;
}

void MirrorService::Answer(const HttpRequest& http, std::string_view body, Instant now, Done done) {
  absl::StatusOr<MirrorRequest> request =
      ReadMirrorRequest(http, body, options_.service, options_.request);
  if (!request.ok()) return done(ErrorAnswer(request.status()));
  // The head is that of a GET, whatever the outcome.
  Done finish = [done = std::move(done), is_head = request->is_head](MirrorAnswer answer) {
    answer.is_head = is_head;
    done(std::move(answer));
  };
  switch (request->kind) {
    case Kind::kFile:
      return finish(options_.serve_files ? ServeFile(root_, request->path, http)
                                         : TextAnswer(404, "nothing is here"));
    case Kind::kNullFile:
      return finish(ServeZeros(request->size, options_.piece_length, http, now));
    case Kind::kDigest:
    case Kind::kSingle:
      break;
  }
  const std::string host(http.Header("Host"));
  if (options_.url_bases.empty() && !IsHostHeader(host)) {
    return finish(TextAnswer(400, "no Host that a web seed could have"));
  }
  if (request->specs.empty()) return AnswerKnown(*request, host, now, finish);
  if (request->kind == Kind::kDigest && DigestOfPaths(request->specs) != request->digest) {
    return finish(TextAnswer(400, "the digest is not that of the paths"));
  }
  if (request->wants_no_wait) return AnswerWithoutWaiting(*request, host, now, finish);
  AnswerMade(*request, host, now, std::move(finish));
}

// Without its paths, a set is known, or is being made, or is not known.
void MirrorService::AnswerKnown(const MirrorRequest& request, const std::string& host, Instant now,
                                const Done& done) {
  Flights::Callback landed;
  if (!request.wants_no_wait) {
    landed = [this, request, host, now, done](const Landed& made) {
      done(Finish(made, request, host, now));
    };
  }
  const auto flight = flights_.JoinExisting(FlightKey(request), std::move(landed));
  if (flight != nullptr) {
    if (request.wants_no_wait) done(ProgressAnswer(flight->progress()));
    return;
  }
  const Landed known = Known(request.digest, now);
  done(known == nullptr ? UnknownSetAnswer() : Finish(known, request, host, now));
}

void MirrorService::AnswerMade(const MirrorRequest& request, const std::string& host, Instant now,
                               Done done) {
  if (IsFull(FlightKey(request))) return done(FullAnswer());
  auto joined = flights_.Join(
      FlightKey(request), [this, request, host, now, done = std::move(done)](const Landed& landed) {
        done(Finish(landed, request, host, now));
      });
  if (joined.leader != nullptr) Begin(std::move(joined.leader), request, now);
}

void MirrorService::AnswerWithoutWaiting(const MirrorRequest& request, const std::string& host,
                                         Instant now, const Done& done) {
  const std::string key = FlightKey(request);
  const auto claim = [&]() -> Landed {
    MutexLock lock(&mu_);
    const auto found = unclaimed_.find(key);
    if (found == unclaimed_.end()) return nullptr;
    Landed landed = std::move(found->second);
    unclaimed_.erase(found);
    return landed;
  };
  if (const Landed landed = claim()) return done(Finish(landed, request, host, now));
  auto joined = flights_.JoinExisting(key, {});
  if (joined == nullptr) {
    if (IsFull(key)) return done(FullAnswer());
    auto begun = flights_.Join(key, [this, key](const Landed& landed) {
      MutexLock lock(&mu_);
      if (unclaimed_.size() >= kMaxUnclaimed) unclaimed_.erase(unclaimed_.begin());
      unclaimed_[key] = landed;
    });
    joined = begun.flight;
    if (begun.leader != nullptr) Begin(std::move(begun.leader), request, now);
    // It may have been quick.
    if (const Landed landed = claim()) return done(Finish(landed, request, host, now));
  }
  done(ProgressAnswer(joined->progress()));
}

bool MirrorService::IsFull(const std::string& key) {
  return flights_.size() >= options_.max_flights && flights_.JoinExisting(key, {}) == nullptr;
}

void MirrorService::Begin(std::shared_ptr<Flights::Leader> leader, const MirrorRequest& request,
                          Instant now) {
  run_([this, leader = std::move(leader), request, now] {
    leader->Land(std::make_shared<const Outcome>(Make(request, now, leader->progress())));
  });
}

MirrorService::Outcome MirrorService::Make(const MirrorRequest& request, Instant now,
                                           FlightProgress& progress) {
  absl::StatusOr<FileSet> set = FindFiles(root_, request.specs,
                                          {.limits = options_.expansion,
                                           .max_bytes = options_.max_bytes,
                                           .service = options_.service,
                                           .may_be_single = request.kind == Kind::kSingle});
  if (!set.ok()) return {set.status(), {}};
  const std::string key = set->is_single ? request.digest + "_s" : request.digest;
  if (const Landed known = Known(key, now); known != nullptr && known->torrent.set == *set) {
    return *known;
  }
  absl::StatusOr<std::vector<FileHasher::Hashes>> hashes =
      hasher_.Hash(set->paths, set->identities, NeedsTail(*set, options_.kind), now, progress);
  if (!hashes.ok()) return {hashes.status(), {}};
  absl::StatusOr<MirrorTorrent> torrent = MakeTorrent(
      *std::move(set), *hashes,
      {.kind = options_.kind, .piece_length = options_.piece_length, .service = options_.service},
      now);
  if (!torrent.ok()) return {torrent.status(), {}};
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

MirrorAnswer MirrorService::Finish(const Landed& landed, const MirrorRequest& request,
                                   const std::string& host, Instant now) {
  if (landed == nullptr) return TextAnswer(500, "internal error");
  if (!landed->status.ok()) return ErrorAnswer(landed->status);
  absl::StatusOr<std::string> bytes =
      WholeTorrent(landed->torrent, *trackers_.Get(now), UrlBases(host));
  if (!bytes.ok()) return ErrorAnswer(absl::InternalError(bytes.status().message()));
  return TorrentAnswer(landed->torrent, *std::move(bytes), request.format);
}

std::vector<std::string> MirrorService::UrlBases(const std::string& host) const {
  if (!options_.url_bases.empty()) return options_.url_bases;
  return {absl::StrCat("http://", host, "/")};
}

void MirrorService::CleanCaches(Instant now) {
  pieces_.Clean(now);
  torrents_.Clean(now);
}

absl::Status MirrorService::cache_status() const {
  return pieces_.folder_status().ok() ? torrents_.folder_status() : pieces_.folder_status();
}

MirrorService::Figures MirrorService::figures() {
  return {flights_.size(), hasher_.hashed_bytes(), torrents_made_.load()};
}

}  // namespace muster
