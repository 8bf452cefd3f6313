// SPDX-License-Identifier: Apache-2.0
//
// TorrentBuilder: makes torrents: v1 (BEP 3), v2 (BEP 52) or a hybrid of both.
//
//   muster::TorrentBuilder builder({.kind = muster::TorrentKind::kHybrid});
//   absl::Status status = builder.AddPath("/srv/album");
//   if (status.ok()) status = builder.Hash();
//   if (!status.ok()) return status;  // "/srv/album/b.flac: changed while it was hashed"
//   absl::StatusOr<std::string> bytes = builder.Torrent({.trackers = {{"udp://t.example:6969"}}});
//
// Content is added, hashed once, and written as often as wanted: with other trackers, another
// `source`, or as another kind that the same hashes make. The data is read in one pass, whatever is
// hashed, into buffers of a fixed size: never more than HashingOptions::threads says, however large
// files and pieces are. The same content and options give the same bytes.
//
// Threads: thread-compatible; Hash() brings its own. Ownership: copies all that it is given.
#ifndef MUSTER_TORRENT_BUILDER_H_
#define MUSTER_TORRENT_BUILDER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "muster/export.h"
#include "muster/hashing.h"
#include "muster/host_port.h"
#include "muster/ids.h"

namespace muster {

enum class TorrentKind : std::uint8_t { kV1, kV2, kHybrid };

enum class FileOrder : std::uint8_t {
  // By path, name by name, as unsigned bytes. What v2 and hybrid torrents must have.
  kByPath,
  // As it was added; the files of a tree by path.
  kAsAdded,
};

struct TorrentBuilderOptions {
  // v1 is what every client takes: older ones cannot read hybrids, or take another info hash for
  // theirs.
  TorrentKind kind = TorrentKind::kV1;
  // A power of two from kMinPieceLength to kMaxPieceLength, or 0 for the least with which the
  // content has at most `wanted_pieces`.
  std::int64_t piece_length = 0;
  std::int64_t wanted_pieces = 2048;
  // v1: every file begins a piece, with pad files before it (BEP 47). The others always are so.
  bool align_files = false;
  FileOrder order = FileOrder::kByPath;
  std::size_t max_files = 1'000'000;
};

// What becomes of symbolic links in a tree.
enum class SymlinkPolicy : std::uint8_t {
  // What it points to is taken in its place, wherever that is. A folder within itself is an error.
  kFollow,
  // It is a link in the torrent as well (BEP 47). One that leaves the tree is an error.
  kKeep,
  kSkip,
};

struct TreeOptions {
  // Patterns over paths from the tree's folder down. Without `include` everything is taken; what
  // `exclude` has is not, nor anything below it. A pattern without a slash is for the last name of
  // a path, one with a slash for all of it. '*' is any bytes but slashes, '**' any bytes, '**/' any
  // folders or none, '?' one byte, "[a-z]" and "[!a-z]" a byte of a set; '\' takes the meaning from
  // what follows it. A trailing slash is passed over.
  std::vector<std::string> include = {};
  std::vector<std::string> exclude = {};
  SymlinkPolicy symlinks = SymlinkPolicy::kFollow;
  // Files and folders whose names begin with a dot.
  bool skip_hidden = false;
  // Files that their owner may execute have that attribute.
  bool mark_executable = true;
  // Files whose names begin with a dot have the attribute of hidden ones.
  bool mark_hidden = false;
};

struct FileAttributes {
  bool is_executable = false;
  bool is_hidden = false;
};

// What a torrent says beside its content. Empty or nothing for what it does not tell.
struct TorrentDetails {
  // --- In the info dictionary: another one is another torrent ---

  // Of the folder, or of the only file; empty for that of the first path that was added.
  std::string name = {};
  // BEP 27.
  bool is_private = false;
  std::string source = {};
  // BEP 38.
  std::vector<InfoHash> similar = {};
  std::vector<std::string> collections = {};

  // --- Around it ---

  // In tiers (BEP 12).
  std::vector<std::vector<std::string>> trackers = {};
  // BEP 19 and BEP 17.
  std::vector<std::string> web_seeds = {};
  std::vector<std::string> http_seeds = {};
  // BEP 5.
  std::vector<HostPort> nodes = {};
  std::string comment = {};
  std::string created_by = {};
  // Seconds since 1970.
  std::optional<std::int64_t> creation_date = {};

  // Another kind than was hashed for: whatever kHybrid was hashed for is also good for kV2, and for
  // kV1 with aligned files.
  std::optional<TorrentKind> kind = {};
};

// What will be hashed.
struct TorrentPlan {
  struct File {
    // Within the torrent's folder, with slashes; empty for the only file.
    std::string path = {};
    // Where it is; empty where a callback gives the bytes.
    std::string disk_path = {};
    std::int64_t length = 0;
    FileAttributes attributes = {};
    // Of a symbolic link: from the torrent's folder. Empty for others.
    std::string symlink_path = {};
  };
  std::vector<File> files = {};  // in the torrent's order, without pad files
  std::string name = {};
  std::int64_t content_length = 0;
  // With pad files.
  std::int64_t total_length = 0;
  std::int64_t piece_length = 0;
  std::size_t piece_count = 0;
};

class MUSTER_EXPORT TorrentBuilder {
 public:
  static constexpr std::int64_t kMinPieceLength = 16384;
  static constexpr std::int64_t kMaxPieceLength = std::int64_t{64} << 20;
  // Bytes of a name, and names of a path.
  static constexpr std::size_t kMaxNameSize = 255;
  static constexpr std::size_t kMaxPathDepth = 90;
  // Of all content together, 2^60 bytes.
  static constexpr std::int64_t kMaxLength = std::int64_t{1} << 60;

  // Fills `to` with the bytes from `offset` on, all of them. Called by several threads at once.
  using ReadAt = std::function<absl::Status(std::int64_t offset, absl::Span<std::uint8_t> to)>;

  explicit TorrentBuilder(const TorrentBuilderOptions& options = {});
  ~TorrentBuilder();
  TorrentBuilder(TorrentBuilder&&) noexcept;
  TorrentBuilder& operator=(TorrentBuilder&&) noexcept;

  // Paths in the torrent are names with slashes between, none of them empty, "." or "..", or with a
  // NUL or a backslash in it, or longer than kMaxNameSize. An error names the path, and nothing is
  // added then: InvalidArgument for what cannot be in a torrent, NotFound, PermissionDenied or
  // Unknown for what the system says.

  // A file, as the only one and without a folder, or a tree, as the torrent's folder.
  absl::Status AddPath(const std::string& disk_path, const TreeOptions& tree = {});
  // A regular file. An empty path makes it the only file, of a torrent without a folder.
  absl::Status AddFile(const std::string& disk_path, std::string_view path,
                       std::optional<FileAttributes> attributes = std::nullopt);
  // All files below a folder, below `path`, or without one below the torrent's own folder. Empty
  // folders are nothing; a special file is an error.
  absl::Status AddTree(const std::string& disk_path, std::string_view path,
                       const TreeOptions& tree = {});
  // A file whose bytes the callback gives.
  absl::Status AddBytes(std::string_view path, std::int64_t length, ReadAt read,
                        const FileAttributes& attributes = {});
  // A symbolic link (BEP 47) to a path in the torrent.
  absl::Status AddSymlink(std::string_view path, std::string_view target);

  // What is there so far. InvalidArgument when no torrent can be made of it, as when two files have
  // the same path.
  absl::StatusOr<TorrentPlan> Plan() const;

  // Hashes what is there; nothing can be added after it. Cancelled when progress says so;
  // FailedPrecondition, naming the file, when one changed since it was added or could not be read
  // to its end; what AddFile() says when one cannot be opened.
  absl::Status Hash(const HashingOptions& options = {});

  // The torrent's bytes. FailedPrecondition before Hash() was good; InvalidArgument for details
  // that cannot be written.
  absl::StatusOr<std::string> Torrent(const TorrentDetails& details = {}) const;

 private:
  struct State;

  std::unique_ptr<State> state_;
};

}  // namespace muster

#endif  // MUSTER_TORRENT_BUILDER_H_
