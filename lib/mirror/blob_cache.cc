// SPDX-License-Identifier: Apache-2.0
#include "mirror/blob_cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/hex.h"
#include "base/text.h"
#include "metainfo/content.h"
#include "metainfo/digest.h"
#include "mirror/file_text.h"

namespace muster {
namespace {

constexpr std::string_view kMagic = "mstblob1";
constexpr std::size_t kHead = 12;
constexpr std::size_t kDigest = 32;

// How stale the time of last use may be: so long, and such a part of the age at which a file goes.
constexpr Seconds kUseStep(86400);
constexpr int kUseStepsOfAge = 8;

// How old a file may be of somebody who died while he wrote it.
constexpr std::int64_t kAbandoned = 3600;

std::string FileNameOf(std::string_view key) {
  const std::string hex = HexEncode(Sha1Of(key));
  return absl::StrCat(hex.substr(0, 2), "/", hex.substr(2));
}

std::string EntryOf(std::string_view key, std::string_view value) {
  std::string entry(kMagic);
  entry.resize(kHead);
  StoreBig32(reinterpret_cast<std::uint8_t*>(entry.data()) + kMagic.size(),
             static_cast<std::uint32_t>(key.size()));
  entry += key;
  entry += value;
  entry += TextOf(Sha256Of(entry));
  return entry;
}

Instant UseOf(const struct stat& status) { return InstantFromUnixSeconds(status.st_mtim.tv_sec); }

// The value of an entry, which must be that of `key` where there is one; null when it is none.
BlobCache::Value ValueOf(std::string_view entry, std::optional<std::string_view> key) {
  if (entry.size() < kHead + kDigest || entry.substr(0, kMagic.size()) != kMagic) return nullptr;
  const std::size_t key_size = LoadBig32(BytesOf(entry).data() + kMagic.size());
  if (key_size > entry.size() - kHead - kDigest) return nullptr;
  if (key && entry.substr(kHead, key_size) != *key) return nullptr;
  const std::string_view told = entry.substr(entry.size() - kDigest);
  entry.remove_suffix(kDigest);
  if (TextOf(Sha256Of(entry)) != told) return nullptr;
  return std::make_shared<const std::string>(entry.substr(kHead + key_size));
}

using Folder = std::unique_ptr<DIR, void (*)(DIR*)>;

Folder OpenFolder(int at, const char* name) {
  UniqueFd fd(::openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  DIR* dir = fd.get() < 0 ? nullptr : ::fdopendir(fd.get());
  if (dir != nullptr) fd.Release();
  return {dir, [](DIR* open) {
            if (open != nullptr) ::closedir(open);
          }};
}

struct CacheFile {
  std::string path;
  std::int64_t used = 0;
  std::uint64_t bytes = 0;
};

// The files of one of the cache's folders.
void AddFiles(int cache, const std::string& name, std::vector<CacheFile>& files) {
  const Folder folder = OpenFolder(cache, name.c_str());
  if (folder == nullptr) return;
  while (const dirent* found = ::readdir(folder.get())) {
    struct stat status;
    if (::fstatat(::dirfd(folder.get()), found->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(status.st_mode)) {
      continue;
    }
    constexpr std::uint64_t kBlockSize = 512;
    files.push_back({absl::StrCat(name, "/", found->d_name), status.st_mtim.tv_sec,
                     static_cast<std::uint64_t>(status.st_blocks) * kBlockSize});
  }
}

}  // namespace

BlobCache::BlobCache(const BlobCacheOptions& options) : options_(options) {
  if (options_.folder.empty()) return;
  if (::mkdir(options_.folder.c_str(), 0755) != 0 && errno != EEXIST) {
    folder_status_ = SystemError(options_.folder, errno);
  }
  folder_ = UniqueFd(::open(options_.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder_.get() >= 0) {
    folder_status_ = absl::OkStatus();
  } else if (folder_status_.ok()) {
    folder_status_ = SystemError(options_.folder, errno);
  }
}

BlobCache::Value BlobCache::Get(std::string_view key, Instant now) {
  const std::string owned(key);
  if (auto [value, used] = Find(owned); value != nullptr) {
    if (IsDue(used, now)) {
      // Where the folder has lost it, it gets it back.
      if (!WriteUse(FileNameOf(key), now)) Store(key, *value, used).IgnoreError();
      NoteUse(owned, now);
    }
    return value;
  }
  Instant used;
  Value value = Load(key, now, used);
  if (value != nullptr) Keep(owned, value, used);
  return value;
}

BlobCache::Value BlobCache::AtHand(std::string_view key, Instant now) {
  auto [value, used] = Find(std::string(key));
  return value == nullptr || IsDue(used, now) ? nullptr : value;
}

bool BlobCache::Use(std::string_view key, Instant now) {
  if (!has_folder()) return Find(std::string(key)).first != nullptr;
  const std::string name = FileNameOf(key);
  struct stat status;
  if (::fstatat(folder_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 ||
      !S_ISREG(status.st_mode)) {
    return false;
  }
  if (IsDue(UseOf(status), now)) WriteUse(name, now);
  return true;
}

Seconds BlobCache::use_step() const {
  return std::min(kUseStep, options_.max_age / kUseStepsOfAge);
}

absl::Status BlobCache::Put(std::string_view key, std::string value) {
  if (key.size() + value.size() > kMaxEntry) {
    return absl::ResourceExhaustedError("larger than an entry of a cache may be");
  }
  const auto kept = std::make_shared<const std::string>(std::move(value));
  Instant used{};
  absl::Status status = Store(key, *kept, used);
  Keep(std::string(key), kept, used);
  return status;
}

absl::Status BlobCache::Store(std::string_view key, std::string_view value, Instant& used) const {
  if (!has_folder()) return folder_status_;
  const std::string name = FileNameOf(key);
  if (::mkdirat(folder_.get(), name.substr(0, 2).c_str(), 0755) != 0 && errno != EEXIST) {
    return SystemError(options_.folder, errno);
  }
  absl::Status status = ReplaceFile(folder_.get(), name, EntryOf(key, value));
  struct stat written;
  if (status.ok() && ::fstatat(folder_.get(), name.c_str(), &written, AT_SYMLINK_NOFOLLOW) == 0) {
    used = UseOf(written);
  }
  return status;
}

void BlobCache::Remove(std::string_view key) {
  Forget(std::string(key));
  if (folder_.get() >= 0) ::unlinkat(folder_.get(), FileNameOf(key).c_str(), 0);
}

BlobCache::Value BlobCache::Load(std::string_view key, Instant now, Instant& used) const {
  if (!has_folder()) return nullptr;
  const std::string name = FileNameOf(key);
  const UniqueFd fd(
      ::openat(folder_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status;
  if (fd.get() < 0 || ::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return nullptr;
  const absl::StatusOr<std::string> entry = ReadText(fd.get(), kMaxEntry + kHead + kDigest, name);
  if (!entry.ok()) return nullptr;
  Value value = ValueOf(*entry, key);
  used = UseOf(status);
  if (value != nullptr && IsDue(used, now)) {
    WriteUse(name, now);
    used = now;
  }
  return value;
}

bool BlobCache::WriteUse(const std::string& name, Instant now) const {
  const timespec times[2] = {{0, UTIME_OMIT}, {now.time_since_epoch().count(), 0}};
  // Where it is not ours to say so, it goes when its time is up.
  return ::utimensat(folder_.get(), name.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0 ||
         errno != ENOENT;
}

void BlobCache::AddNewest(const std::string& file, Cleaned& cleaned) const {
  const UniqueFd fd(
      ::openat(folder_.get(), file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (fd.get() < 0) return;
  const absl::StatusOr<std::string> entry = ReadText(fd.get(), kMaxEntry + kHead + kDigest, file);
  Value value = entry.ok() ? ValueOf(*entry, std::nullopt) : nullptr;
  if (value != nullptr) cleaned.newest.push_back(std::move(value));
}

BlobCache::Cleaned BlobCache::Clean(Instant now, std::size_t newest) {
  Cleaned cleaned;
  if (!has_folder()) return cleaned;
  std::vector<CacheFile> files;
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const char high : kDigits) {
    for (const char low : kDigits) AddFiles(folder_.get(), {high, low}, files);
  }
  std::sort(files.begin(), files.end(),
            [](const CacheFile& a, const CacheFile& b) { return a.used > b.used; });
  const std::int64_t seconds = now.time_since_epoch().count();
  bool is_full = false;
  for (const CacheFile& file : files) {
    constexpr std::string_view kTemporary = ".tmp";
    const bool is_temporary = std::string_view(file.path).ends_with(kTemporary);
    const std::int64_t life = is_temporary ? kAbandoned : options_.max_age.count();
    is_full |= cleaned.bytes + file.bytes > options_.max_disk;
    if (seconds - file.used <= life && !is_full) {
      cleaned.bytes += file.bytes;
      ++cleaned.files;
      if (!is_temporary && cleaned.newest.size() < newest) AddNewest(file.path, cleaned);
    } else if (::unlinkat(folder_.get(), file.path.c_str(), 0) == 0) {
      ++cleaned.removed;
      cleaned.was_full |= seconds - file.used <= life;
    }
  }
  return cleaned;
}

std::pair<BlobCache::Value, Instant> BlobCache::Find(const std::string& key) {
  MutexLock lock(&mu_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return {};
  kept_.splice(kept_.begin(), kept_, found->second);
  return {found->second->value, found->second->used};
}

void BlobCache::Keep(std::string key, Value value, Instant used) {
  MutexLock lock(&mu_);
  if (const auto found = by_key_.find(key); found != by_key_.end()) Drop(found->second);
  kept_.push_front({std::move(key), std::move(value), used});
  by_key_.emplace(kept_.front().key, kept_.begin());
  memory_ += kept_.front().size();
  while (memory_ > options_.max_memory) Drop(std::prev(kept_.end()));
}

void BlobCache::NoteUse(const std::string& key, Instant now) {
  MutexLock lock(&mu_);
  if (const auto found = by_key_.find(key); found != by_key_.end()) found->second->used = now;
}

void BlobCache::Forget(const std::string& key) {
  MutexLock lock(&mu_);
  if (const auto found = by_key_.find(key); found != by_key_.end()) Drop(found->second);
}

void BlobCache::Drop(std::list<Kept>::iterator entry) {
  memory_ -= entry->size();
  by_key_.erase(entry->key);
  kept_.erase(entry);
}

}  // namespace muster
