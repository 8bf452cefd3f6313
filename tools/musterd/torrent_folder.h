// SPDX-License-Identifier: Apache-2.0
//
// TorrentFolder: a directory of .torrent files, and what is in them. Read again, it looks only into
// what has changed.
//
// The files are those of the directory whose names end in ".torrent"; where it has none, those of
// its subdirectories, each in the same way. Of two files with one info hash the first stays; the
// other is named in the log, and comes into its own when the first goes. A file that makes no sense
// is named once for each of its changes, and left out.
//
// Thread-compatible.
#ifndef MUSTER_TOOLS_MUSTERD_TORRENT_FOLDER_H_
#define MUSTER_TOOLS_MUSTERD_TORRENT_FOLDER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "muster/log_sink.h"
#include "muster/torrent_catalog.h"
#include "musterd/list_file.h"

namespace musterd {

// A .torrent file is no larger.
inline constexpr std::int64_t kMaxTorrentBytes = 64 * 1024 * 1024;
// Directories in one another, and in all; files in all. What goes over is left out, with a word in
// the log.
inline constexpr std::size_t kMaxFolderDepth = 64;
inline constexpr std::size_t kMaxFolders = 100'000;
inline constexpr std::size_t kMaxTorrentFiles = 10'000'000;

// Reads one torrent. With `messages`, the texts `failure reason` and `warning message` that stand
// beside its info dictionary. InvalidArgument says what is wrong with it.
absl::StatusOr<muster::CatalogTorrent> ReadTorrent(std::string bytes, const std::string& path,
                                                   bool messages);

class TorrentFolder {
 public:
  // `log` must outlive it.
  TorrentFolder(std::string path, bool messages, muster::LogSink* log)
      : path_(std::move(path)), messages_(messages), log_(log) {}

  // Looks at everything again. True when the torrents are others now. Fails where the directory
  // cannot be read, or another one in it for a reason that may pass: the torrents stay as they were.
  absl::StatusOr<bool> Read();

  // In no order; each info hash once.
  std::vector<std::shared_ptr<const muster::CatalogTorrent>> torrents() const;
  // Every directory that was looked into.
  const std::vector<std::string>& folders() const { return folders_; }
  std::size_t files() const { return files_.size(); }

 private:
  struct File {
    FileStamp stamp;
    // Null when it makes no sense.
    std::shared_ptr<const muster::CatalogTorrent> torrent;
    // It has its info hashes; another file has one of them already when it does not.
    bool in_force = false;
    bool named_as_double = false;
    // That it cannot be read for now; what was known of it stays meanwhile.
    Trouble trouble;
  };

  absl::Status List(std::map<std::string, FileStamp>& found);
  // Whether it says something else now.
  bool Load(const std::string& path, const FileStamp& stamp, File& file);
  // Says which files have their info hashes.
  void Settle();
  void Warn(std::string_view text) { log_->Log(muster::LogLevel::kWarning, text); }

  const std::string path_;
  const bool messages_;
  muster::LogSink* const log_;
  // In the order in which they are read.
  std::map<std::string, File> files_;
  std::vector<std::string> folders_;
  // What was said of directories that may not be read, at the last look.
  std::set<std::string> complaints_;
  bool named_limit_ = false;
};

}  // namespace musterd

#endif  // MUSTER_TOOLS_MUSTERD_TORRENT_FOLDER_H_
