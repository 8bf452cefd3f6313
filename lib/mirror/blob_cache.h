// SPDX-License-Identifier: Apache-2.0
//
// BlobCache: bytes by keys, in memory and in a folder, for what can be made again at a cost.
//
// Each entry is a file that is written beside its place and put there, and that ends with a digest
// of all of it: whatever a crash or a full disk leaves behind, an entry is whole or it is none. A
// folder that cannot be written costs speed only; without one, memory is all there is. Several
// processes may share a folder.
//
//   folder/3f/786850e387550fdab836ed7e6dc881de23001b     named by the SHA-1 of the key
//
//   magic (8) | size of the key (4, big-endian) | key | value | SHA-256 of what is before it (32)
//
// Thread-safe.
#ifndef MUSTER_LIB_MIRROR_BLOB_CACHE_H_
#define MUSTER_LIB_MIRROR_BLOB_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "base/mutex.h"
#include "base/unique_fd.h"
#include "muster/instant.h"

namespace muster {

struct BlobCacheOptions {
  // Made when it is not there; its parent is not. Empty for none.
  std::string folder = {};
  // Bytes of values and keys in memory.
  std::size_t max_memory = std::size_t{64} << 20;
  // What Clean() leaves in the folder: so many bytes, of files that were used since so long. A use
  // counts once in use_step().
  std::uint64_t max_disk = std::uint64_t{1} << 30;
  Seconds max_age = Seconds(30 * 86400);
};

class BlobCache {
 public:
  using Value = std::shared_ptr<const std::string>;

  // Bytes of a key and a value together.
  static constexpr std::size_t kMaxEntry = std::size_t{256} << 20;

  explicit BlobCache(const BlobCacheOptions& options);

  // What was put there last; null when nothing is, or not any more. `now` is Unix time, by which the
  // folder's files tell when they were used.
  Value Get(std::string_view key, Instant now);
  // The same of what is in memory, without a word to the disk: null also where the use of it is to be
  // written down.
  Value AtHand(std::string_view key, Instant now);
  // Whether there is an entry, without reading it: it counts as used.
  bool Use(std::string_view key, Instant now);
  // Errors of the folder; the value is in memory nevertheless.
  absl::Status Put(std::string_view key, std::string value);
  void Remove(std::string_view key);

  struct Cleaned {
    std::uint64_t files = 0;  // that are left
    std::uint64_t bytes = 0;
    std::uint64_t removed = 0;
    // Whether some of them would have been young enough.
    bool was_full = false;
    // Of those that are left, the values of as many as were asked for: the last used first.
    std::vector<Value> newest = {};
  };
  // Brings the folder within its limits: what was not used for longest goes first. Takes a while;
  // others may use the cache meanwhile.
  Cleaned Clean(Instant now, std::size_t newest = 0);

  // Why the folder is not used; OK when it is, or none is wanted.
  const absl::Status& folder_status() const { return folder_status_; }
  bool has_folder() const { return folder_.get() >= 0; }

  // How stale the time at which a file was last used may be: a day, or less of a shorter age.
  Seconds use_step() const;

 private:
  struct Kept {
    std::string key;
    Value value;
    // When the file says that it was used last.
    Instant used;
    std::size_t size() const { return key.size() + value->size(); }
  };

  // With when its file was used last.
  std::pair<Value, Instant> Find(const std::string& key);
  void Keep(std::string key, Value value, Instant used);
  void NoteUse(const std::string& key, Instant now);
  bool IsDue(Instant used, Instant now) const { return has_folder() && now - used > use_step(); }
  // False when there is no such file in the folder.
  bool WriteUse(const std::string& name, Instant now) const;
  void Forget(const std::string& key);
  void Drop(std::list<Kept>::iterator entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Says when the file was used.
  absl::Status Store(std::string_view key, std::string_view value, Instant& used) const;
  Value Load(std::string_view key, Instant now, Instant& used) const;
  void AddNewest(const std::string& file, Cleaned& cleaned) const;

  const BlobCacheOptions options_;
  absl::Status folder_status_;
  UniqueFd folder_;

  Mutex mu_;
  std::list<Kept> kept_ ABSL_GUARDED_BY(mu_);  // the last used first
  std::unordered_map<std::string, std::list<Kept>::iterator> by_key_ ABSL_GUARDED_BY(mu_);
  std::size_t memory_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace muster

#endif  // MUSTER_LIB_MIRROR_BLOB_CACHE_H_
