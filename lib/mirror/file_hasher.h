// SPDX-License-Identifier: Apache-2.0
//
// FileHasher: the hashes of a mirror's files, each file hashed once: kept in a cache, known by what
// the system says of the file, and shared by all who ask for it at the same time.
//
// Thread-safe. Hash() blocks, and hashes with threads of its own.
#ifndef MUSTER_LIB_MIRROR_FILE_HASHER_H_
#define MUSTER_LIB_MIRROR_FILE_HASHER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "mirror/blob_cache.h"
#include "mirror/file_hashes.h"
#include "mirror/root.h"
#include "mirror/single_flight.h"
#include "muster/torrent_builder.h"

namespace muster {

struct FileHasherOptions {
  TorrentKind kind = TorrentKind::kV1;
  // A power of two, as TorrentBuilder takes it.
  std::int64_t piece_length = std::int64_t{1} << 20;
  // Of each Hash(); 0 for all cores.
  unsigned threads = 0;
};

class FileHasher {
 public:
  using Hashes = std::shared_ptr<const FileHashes>;

  // Borrows both.
  FileHasher(const Root* root, BlobCache* cache, const FileHasherOptions& options)
      : root_(root), cache_(cache), options_(options) {}

  // The hashes of the files, in their order. `identities` are what Root says of them: a file that is
  // another one by now, or changes while it is hashed, is FailedPrecondition. `needs_tail` is the
  // index of a file of which the last piece without zeros is needed as well. Adds to `progress` as
  // it goes on.
  absl::StatusOr<std::vector<Hashes>> Hash(const std::vector<std::string>& paths,
                                           const std::vector<FileIdentity>& identities,
                                           std::size_t needs_tail, Instant now,
                                           FlightProgress& progress);

  // Whether the cache has something of the file, which counts as used: by its path alone.
  bool IsKept(const std::string& path, Instant now) { return cache_->Use(KeyOf(path), now); }

  // What is being hashed, and what comes later, is Cancelled from now on.
  void Stop() { stopped_ = true; }

  const FileHasherOptions& options() const { return options_; }
  // Read from files so far, to be hashed.
  std::int64_t hashed_bytes() const { return hashed_bytes_.load(std::memory_order_relaxed); }

 private:
  // Null when whoever led could not: then it is somebody else's turn.
  using Flights = SingleFlight<Hashes>;
  struct Job;

  bool has_v1() const { return options_.kind != TorrentKind::kV2; }
  bool has_v2() const { return options_.kind != TorrentKind::kV1; }
  std::string KeyOf(const std::string& path) const;
  Hashes Cached(const std::string& path, const FileIdentity& identity, Instant now);
  // Fills what is null in `all` of what others have not under way, and waits for the rest. What the
  // others failed with is still null then.
  absl::Status HashMissing(const std::vector<std::string>& paths,
                           const std::vector<FileIdentity>& identities, Instant now,
                           FlightProgress& progress, std::vector<Hashes>& all);
  absl::Status HashBatch(std::vector<Job>& jobs, std::size_t first, std::size_t count,
                         FlightProgress& progress);
  absl::Status AddTail(const std::string& path, Hashes& hashes);

  const Root* const root_;
  BlobCache* const cache_;
  const FileHasherOptions options_;
  Flights flights_;
  std::atomic<std::int64_t> hashed_bytes_{0};
  std::atomic<bool> stopped_{false};
};

}  // namespace muster

#endif  // MUSTER_LIB_MIRROR_FILE_HASHER_H_
