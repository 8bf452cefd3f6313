// SPDX-License-Identifier: Apache-2.0
#include "musterd/torrent_folder.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <limits>
#include <set>
#include <unordered_map>
#include <utility>

#include "muster/bencode.h"
#include "muster/metainfo.h"
#include "musterd/text.h"

namespace musterd {
namespace {

constexpr std::string_view kSuffix = ".torrent";
// What a torrent may say to clients, in bytes.
constexpr std::size_t kMaxMessage = 1000;

bool IsTorrent(std::string_view name) {
  return name.size() >= kSuffix.size() && name.substr(name.size() - kSuffix.size()) == kSuffix;
}

// An entry of a directory, with what it is once links are followed.
struct Entry {
  std::string name;
  struct stat status;
};

// The entries that can be looked at. A torrent that cannot be is listed with a status of zeros, so
// that reading it says why.
absl::StatusOr<std::vector<Entry>> EntriesOf(const std::string& folder) {
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(opendir(folder.c_str()), closedir);
  if (stream == nullptr) {
    return FileError("read", folder, errno);
  }
  std::vector<Entry> entries;
  errno = 0;
  while (const dirent* const entry = readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    Entry found{std::string(name), {}};
    if (fstatat(dirfd(stream.get()), entry->d_name, &found.status, 0) != 0 && !IsTorrent(name)) {
      continue;
    }
    entries.push_back(std::move(found));
    errno = 0;
  }
  if (errno != 0) return FileError("read", folder, errno);
  return entries;
}

std::string MessageIn(muster::BencodeView root, std::string_view key) {
  const std::string_view text = root.Find(key).StringOr("");
  return std::string(text.substr(0, kMaxMessage));
}

std::vector<muster::InfoHash> HashesOf(const muster::CatalogTorrent& torrent) {
  std::vector<muster::InfoHash> hashes;
  if (torrent.info_hashes.v1) hashes.push_back(*torrent.info_hashes.v1);
  if (torrent.info_hashes.v2) hashes.push_back(torrent.info_hashes.v2->Truncated());
  return hashes;
}

struct HashOfHash {
  std::size_t operator()(const muster::InfoHash& hash) const {
    return std::hash<std::string_view>()(hash.text());
  }
};

}  // namespace

absl::StatusOr<muster::CatalogTorrent> ReadTorrent(std::string bytes, const std::string& path,
                                                   bool messages) {
  const absl::StatusOr<muster::Metainfo> metainfo = muster::Metainfo::Parse(std::move(bytes));
  if (!metainfo.ok()) return metainfo.status();
  muster::CatalogTorrent torrent;
  torrent.info_hashes = metainfo->info_hashes();
  torrent.name = metainfo->name();
  torrent.length = static_cast<std::uint64_t>(metainfo->content_length());
  const auto files = metainfo->files();
  torrent.files = static_cast<std::uint32_t>(
      std::count_if(files.begin(), files.end(), [](const auto& file) { return !file.is_pad; }));
  torrent.path = path;
  if (metainfo->has_announce_list()) {
    for (const auto& tier : metainfo->trackers())
      torrent.trackers.insert(torrent.trackers.end(), tier.begin(), tier.end());
  }
  if (messages) {
    muster::BencodeDocument document;
    const muster::MetainfoLimits limits;
    const absl::Status status =
        document.Decode(metainfo->bytes(), muster::BencodeMode::kLenient, limits.bencode);
    if (!status.ok()) return status;
    torrent.refusal = MessageIn(document.root(), "failure reason");
    torrent.warning = MessageIn(document.root(), "warning message");
  }
  return torrent;
}

// Directory by directory; a link back into what was seen is seen once.
absl::Status TorrentFolder::List(std::map<std::string, FileStamp>& found) {
  struct Folder {
    std::string path;
    std::size_t depth;
  };
  std::vector<Folder> waiting{{path_, 0}};
  std::set<std::pair<dev_t, ino_t>> seen;
  std::vector<std::string> folders;
  std::set<std::string> complaints;
  bool limited = false;
  while (!waiting.empty()) {
    const Folder folder = std::move(waiting.back());
    waiting.pop_back();
    folders.push_back(folder.path);
    absl::StatusOr<std::vector<Entry>> entries = EntriesOf(folder.path);
    if (!entries.ok()) {
      if (folder.depth == 0 || absl::IsUnavailable(entries.status())) return entries.status();
      complaints.insert(Concat({"allowed-torrents: ", MessageOf(entries.status())}));
      continue;
    }
    const std::string prefix = folder.path.back() == '/' ? folder.path : folder.path + "/";
    const bool has_torrents = std::any_of(entries->begin(), entries->end(), [](const Entry& entry) {
      return IsTorrent(entry.name) && !S_ISDIR(entry.status.st_mode);
    });
    for (const Entry& entry : *entries) {
      const bool is_folder = S_ISDIR(entry.status.st_mode);
      if (has_torrents) {
        if (!IsTorrent(entry.name) || is_folder) continue;
        if (found.size() < kMaxTorrentFiles) {
          found.emplace(prefix + entry.name, FileStamp::Of(entry.status));
        } else {
          limited = true;
        }
      } else if (is_folder && seen.emplace(entry.status.st_dev, entry.status.st_ino).second) {
        if (folder.depth + 1 < kMaxFolderDepth && seen.size() < kMaxFolders) {
          waiting.push_back({prefix + entry.name, folder.depth + 1});
        } else {
          limited = true;
        }
      }
    }
  }
  if (limited && !std::exchange(named_limit_, true)) {
    Warn(Concat({"allowed-torrents: ", Quoted(path_),
                 " has more files or directories than are looked at; the rest is left out"}));
  }
  for (const std::string& complaint : complaints) {
    if (complaints_.count(complaint) == 0) Warn(complaint);
  }
  complaints_ = std::move(complaints);
  folders_ = std::move(folders);
  return absl::OkStatus();
}

bool TorrentFolder::Load(const std::string& path, const FileStamp& stamp, File& file) {
  std::string bytes;
  const absl::StatusOr<FileStamp> read = ReadFile(
      path, kMaxTorrentBytes, [&](std::size_t expected) { bytes.reserve(expected); },
      [&](std::string_view piece) { bytes += piece; });
  absl::Status status = read.status();
  if (absl::IsUnavailable(status)) {
    file.stamp = FileStamp();  // which is no file's, so that it is read at the next look
    if (file.trouble.Begins(MessageOf(status)))
      Warn(Concat({"allowed-torrents: ", MessageOf(status), "; it is tried again"}));
    return false;
  }
  file = File();
  file.stamp = stamp;
  if (status.ok()) {
    absl::StatusOr<muster::CatalogTorrent> torrent = ReadTorrent(std::move(bytes), path, messages_);
    if (torrent.ok()) {
      file.torrent = std::make_shared<const muster::CatalogTorrent>(*std::move(torrent));
      return true;
    }
    status = Invalid({Quoted(path), ": ", MessageOf(torrent.status())});
  }
  Warn(Concat({"allowed-torrents: ", MessageOf(status), "; it is left out"}));
  return true;
}

void TorrentFolder::Settle() {
  std::unordered_map<muster::InfoHash, const std::string*, HashOfHash> owners;
  owners.reserve(files_.size());
  const auto claim = [&](const std::string& path, File& file) {
    const auto hashes = HashesOf(*file.torrent);
    for (const muster::InfoHash& hash : hashes) {
      const auto owner = owners.find(hash);
      if (owner == owners.end()) continue;
      file.in_force = false;
      if (std::exchange(file.named_as_double, true)) return;
      Warn(Concat({"allowed-torrents: ", Quoted(path), " is the same torrent as ",
                   Quoted(*owner->second), "; it is left out"}));
      return;
    }
    for (const muster::InfoHash& hash : hashes) owners.emplace(hash, &path);
    file.in_force = true;
    file.named_as_double = false;
  };
  // Those that were first stay first.
  std::vector<std::pair<const std::string*, File*>> others;
  for (auto& [path, file] : files_) {
    if (file.torrent == nullptr) continue;
    if (file.in_force) {
      claim(path, file);
    } else {
      others.emplace_back(&path, &file);
    }
  }
  for (const auto& [path, file] : others) claim(*path, *file);
}

absl::StatusOr<bool> TorrentFolder::Read() {
  std::map<std::string, FileStamp> found;
  if (absl::Status status = List(found); !status.ok()) return status;
  bool changed = false;
  for (auto file = files_.begin(); file != files_.end();) {
    const bool gone = found.count(file->first) == 0;
    changed = changed || gone;
    file = gone ? files_.erase(file) : std::next(file);
  }
  for (const auto& [path, stamp] : found) {
    const auto [file, is_new] = files_.try_emplace(path);
    if (!is_new && file->second.stamp == stamp) continue;
    changed = Load(path, stamp, file->second) || changed;
  }
  if (changed) Settle();
  return changed;
}

std::vector<std::shared_ptr<const muster::CatalogTorrent>> TorrentFolder::torrents() const {
  std::vector<std::shared_ptr<const muster::CatalogTorrent>> torrents;
  torrents.reserve(files_.size());
  for (const auto& [path, file] : files_) {
    if (file.torrent != nullptr && file.in_force) torrents.push_back(file.torrent);
  }
  return torrents;
}

}  // namespace musterd
