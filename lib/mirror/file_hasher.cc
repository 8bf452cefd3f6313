// SPDX-License-Identifier: Apache-2.0
#include "mirror/file_hasher.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "metainfo/merkle.h"
#include "metainfo/piece_hasher.h"
#include "metainfo/piece_reader.h"

namespace muster {
namespace {

// Files that are open for one Hash() at a time.
constexpr std::size_t kBatch = 64;

// The bytes of an open file from `begin` on.
ContentFile ContentOf(const std::string& path, const RootFile& file, std::int64_t begin) {
  ContentFile content;
  content.path = path;
  content.length = file.identity.size - begin;
  content.read = [path, fd = file.fd.get(), begin](std::int64_t offset,
                                                   absl::Span<std::uint8_t> to) {
    ContentFile named;
    named.disk_path = path;
    return ReadWaiting(named, fd, begin + offset, to);
  };
  return content;
}

// OK when the file that is open is as it was, and as it was asked for.
absl::Status CheckSame(const std::string& path, const RootFile& file, const FileIdentity& wanted) {
  struct stat status;
  if (::fstat(file.fd.get(), &status) != 0) return SystemError(path, errno);
  return FileIdentity::Of(status) == wanted ? absl::OkStatus() : ChangedError(path);
}

}  // namespace

struct FileHasher::Job {
  std::string path;
  FileIdentity identity;
  std::shared_ptr<Flights::Leader> leader;
};

std::string FileHasher::KeyOf(const std::string& path) const {
  return absl::StrCat(options_.piece_length, " ", static_cast<int>(options_.kind), " ", path);
}

FileHasher::Hashes FileHasher::Cached(const std::string& path, const FileIdentity& identity,
                                      Instant now) {
  const BlobCache::Value bytes = cache_->Get(KeyOf(path), now);
  if (bytes == nullptr) return nullptr;
  absl::StatusOr<FileHashes> hashes = FileHashes::Decode(*bytes);
  if (!hashes.ok() || !(hashes->identity == identity) ||
      hashes->piece_length != options_.piece_length) {
    return nullptr;
  }
  const bool has_content = hashes->length() > 0;
  if (has_content && (hashes->v1.empty() == has_v1() || hashes->v2.empty() == has_v2())) {
    return nullptr;
  }
  return std::make_shared<const FileHashes>(*std::move(hashes));
}

absl::StatusOr<std::vector<FileHasher::Hashes>> FileHasher::Hash(
    const std::vector<std::string>& paths, const std::vector<FileIdentity>& identities,
    std::size_t needs_tail, Instant now, FlightProgress& progress) {
  std::vector<Hashes> all(paths.size());
  // Once, but where somebody else failed, whose error may be about a file that is none of these.
  while (std::find(all.begin(), all.end(), nullptr) != all.end()) {
    if (stopped_) return absl::CancelledError("it is given up");
    absl::Status status = HashMissing(paths, identities, now, progress, all);
    if (!status.ok()) return status;
  }
  if (has_v1() && needs_tail < all.size()) {
    absl::Status status = AddTail(paths[needs_tail], all[needs_tail]);
    if (!status.ok()) return status;
  }
  return all;
}

absl::Status FileHasher::HashMissing(const std::vector<std::string>& paths,
                                     const std::vector<FileIdentity>& identities, Instant now,
                                     FlightProgress& progress, std::vector<Hashes>& all) {
  std::vector<Job> jobs;
  std::vector<std::pair<std::size_t, std::shared_ptr<Awaited<Hashes>>>> awaited;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (all[i] != nullptr || (all[i] = Cached(paths[i], identities[i], now)) != nullptr) continue;
    // Of another identity it is another flight.
    const std::string key = absl::StrCat(identities[i].inode, " ", identities[i].modified_ns, " ",
                                         identities[i].size, " ", paths[i]);
    auto landing = std::make_shared<Awaited<Hashes>>();
    const auto joined =
        flights_.Join(key, [landing](const Hashes& hashes) { landing->Set(hashes); });
    awaited.emplace_back(i, std::move(landing));
    if (joined.leader == nullptr) continue;
    // Who led before may have landed since this looked into the cache.
    if (Hashes cached = Cached(paths[i], identities[i], now)) {
      joined.leader->Land(cached);
      continue;
    }
    progress.total_bytes += identities[i].size;
    jobs.push_back({paths[i], identities[i], joined.leader});
  }
  // What others wait for comes first, so that nobody waits for one who waits.
  for (std::size_t first = 0; first < jobs.size(); first += kBatch) {
    const std::size_t count = std::min(kBatch, jobs.size() - first);
    absl::Status status = HashBatch(jobs, first, count, progress);
    if (!status.ok()) return status;
  }
  for (auto& [i, landing] : awaited) all[i] = landing->Wait();
  return absl::OkStatus();
}

// All of them in one pass: the pieces of many small files fill the hasher's lanes.
absl::Status FileHasher::HashBatch(std::vector<Job>& jobs, std::size_t first, std::size_t count,
                                   FlightProgress& progress) {
  std::vector<RootFile> open;
  std::vector<ContentFile> contents;
  PiecePlan plan{has_v1(), has_v2(), options_.piece_length, 0, {}};
  for (std::size_t i = 0; i < count; ++i) {
    const Job& job = jobs[first + i];
    absl::StatusOr<RootFile> file = root_->OpenFile(job.path);
    if (!file.ok()) return file.status();
    if (!(file->identity == job.identity)) return ChangedError(job.path);
    ::posix_fadvise(file->fd.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
    contents.push_back(ContentOf(job.path, *file, 0));
    open.push_back(*std::move(file));
    const std::int64_t length = job.identity.size;
    if (length == 0) continue;
    plan.extents.push_back({plan.total_length, length, i});
    plan.total_length += ((length - 1) / options_.piece_length + 1) * options_.piece_length;
  }
  if (has_v2() && !has_v1() && !plan.extents.empty()) plan.total_length = plan.extents.back().end();

  std::int64_t reported = 0;
  HashingOptions hashing{.threads = options_.threads};
  hashing.progress = [&](const HashingProgress& now) {
    progress.bytes += now.bytes - reported;
    hashed_bytes_ += now.bytes - reported;
    reported = now.bytes;
    return !stopped_;
  };
  PieceHashes hashes;
  absl::Status status = HashPieces(plan, contents, hashing, OnFailure::kStop, hashes);
  if (!status.ok()) return status;
  for (std::size_t i = 0; i < count; ++i) {
    status = CheckSame(jobs[first + i].path, open[i], jobs[first + i].identity);
    if (!status.ok()) return status;
  }

  MerkleTree tree;
  std::size_t piece = 0;
  for (std::size_t i = 0; i < count; ++i) {
    Job& job = jobs[first + i];
    FileHashes made{.identity = job.identity, .piece_length = options_.piece_length};
    const auto pieces = static_cast<std::size_t>(made.piece_count());
    if (pieces > 0 && has_v1()) {
      made.v1 = TextOf(hashes.v1).substr(piece * kSha1Size, pieces * kSha1Size);
    }
    if (pieces > 0 && has_v2()) {
      const auto nodes =
          absl::MakeConstSpan(hashes.v2).subspan(piece * kSha256Size, pieces * kSha256Size);
      made.v2 = TextOf(nodes);
      made.root = TextOf(tree.Root(nodes, PieceLevel(options_.piece_length)));
    }
    piece += pieces;
    // A cache that cannot be written costs the next one the same work, and nothing else.
    cache_->Put(KeyOf(job.path), made.Encode()).IgnoreError();
    job.leader->Land(std::make_shared<const FileHashes>(std::move(made)));
  }
  return absl::OkStatus();
}

absl::Status FileHasher::AddTail(const std::string& path, Hashes& hashes) {
  const std::int64_t length = hashes->tail_length();
  if (length == 0 || !hashes->v1_tail.empty()) return absl::OkStatus();
  absl::StatusOr<RootFile> file = root_->OpenFile(path);
  if (!file.ok()) return file.status();
  if (!(file->identity == hashes->identity)) return ChangedError(path);
  const std::vector<ContentFile> contents = {ContentOf(path, *file, hashes->length() - length)};
  const PiecePlan plan{true, false, options_.piece_length, length, {{0, length, 0}}};
  PieceHashes tail;
  absl::Status status = HashPieces(plan, contents, {.threads = 1}, OnFailure::kStop, tail);
  if (!status.ok()) return status;
  if (status = CheckSame(path, *file, hashes->identity); !status.ok()) return status;
  FileHashes with_tail = *hashes;
  with_tail.v1_tail = TextOf(tail.v1);
  cache_->Put(KeyOf(path), with_tail.Encode()).IgnoreError();
  hashes = std::make_shared<const FileHashes>(std::move(with_tail));
  return absl::OkStatus();
}

}  // namespace muster
