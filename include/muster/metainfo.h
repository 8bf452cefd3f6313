// SPDX-License-Identifier: Apache-2.0
//
// Metainfo: a torrent that was read: v1 (BEP 3), v2 (BEP 52) or a hybrid of both.
//
//   absl::StatusOr<muster::Metainfo> torrent = muster::Metainfo::Parse(std::move(bytes));
//   if (!torrent.ok()) return torrent.status();  // "bencode: info.files[3].path: ... at byte 123"
//   for (const muster::MetainfoFile& file : torrent->files()) {
//     if (!file.is_pad) std::puts(file.PathText().c_str());
//   }
//
// It is read in one of two ways. Strict: the torrent is exactly as the BEPs say, or it is refused.
// Lenient: as other clients take torrents from the wild; what deviates and has one sensible meaning
// is read as that and put down in remarks(). What is accepted in the strict way means the same in
// the lenient one. In either way every path stays below the torrent's folder, lengths add up within
// 63 bits, v1 has a hash for every piece, both halves of a hybrid tell of the same files, and a
// piece layer that is given out belongs to its root.
//
// Threads: Metainfo is immutable, and reentrant as its copies are.
// Ownership: a Metainfo owns the torrent's bytes and what was made of them; copies share both. What
// it gives out borrows from it, as long as one of the copies is there.
#ifndef MUSTER_METAINFO_H_
#define MUSTER_METAINFO_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "muster/bencode.h"
#include "muster/export.h"
#include "muster/host_port.h"
#include "muster/info_hashes.h"

namespace muster {

// What reading a torrent may cost. Going over any of these is an error.
struct MetainfoLimits {
  // Of the bencoding. A file takes about ten tokens, of 8 bytes each while it is read.
  BencodeLimits bencode{
      .max_size = std::size_t{64} << 20, .max_tokens = 16'000'000, .max_depth = 110};
  // Files, pad files among them. A file takes about 400 bytes while it is read, its tokens among
  // them, and a third of that afterwards.
  std::size_t max_files = 1'000'000;
  // Pieces, each file of a v2 torrent beginning a new one.
  std::size_t max_pieces = 4'000'000;
  // Bytes.
  std::int64_t max_piece_length = std::int64_t{1} << 30;
  // Names in one path, and in all of them together, at 16 bytes of memory each. A deep folder in a
  // v2 torrent is named once, and is part of the path of every file in it.
  std::size_t max_path_depth = 100;
  std::size_t max_path_names = 8'000'000;
  // Bytes of one name. What most file systems allow.
  std::size_t max_name_size = 255;
};

struct MetainfoOptions {
  // See above.
  bool strict = false;
  MetainfoLimits limits = {};
};

// One file of a torrent, in the order of its data.
struct MUSTER_EXPORT MetainfoFile {
  // The names from the torrent's folder down to the file; of the only file of a torrent without a
  // folder, its name. Bytes, usually UTF-8. At least one, and none is empty, "." or "..", or has a
  // NUL, a slash or a backslash in it. No two files have the same path, and none has that of a
  // folder; but pad files, which nobody writes, may.
  absl::Span<const std::string_view> path;
  // Bytes; 0 for a symbolic link.
  std::int64_t length = 0;
  // Where the file begins in the data of the torrent, in bytes: files follow one another, and in a
  // torrent that is v2 only each that is not empty begins at the next multiple of piece_length().
  std::int64_t offset = 0;

  // BEP 47. A pad file is zeros that align the file after it.
  bool is_pad = false;
  bool is_executable = false;
  bool is_hidden = false;
  bool is_symlink = false;
  // Of a symbolic link: the path that it points to, from the torrent's folder. Its names are as
  // those of `path`; nothing says that there is such a file.
  absl::Span<const std::string_view> symlink_path;

  // The SHA-1 of the whole file: 20 bytes, or empty where the torrent does not tell.
  std::string_view sha1;
  // v2: the root of the file's merkle tree, 32 bytes; empty for a file without content.
  std::string_view pieces_root;
  // v2, where the file is larger than a piece: 32 bytes for each piece of the file, of which
  // pieces_root is the root. Empty also where the torrent lacks it (lenient only).
  std::string_view piece_layer;

  // The names with slashes between.
  std::string PathText() const;
};

struct MetainfoData;

class MUSTER_EXPORT Metainfo {
 public:
  // Remarks that are kept; there may have been more reasons for some.
  static constexpr std::size_t kMaxRemarks = 100;

  // Reads a torrent. InvalidArgument, as BencodeError() makes it, says which key is wrong, how, and
  // at which byte.
  static absl::StatusOr<Metainfo> Parse(std::string bytes, const MetainfoOptions& options = {});

  // All bytes that were given, and among them those of the info dictionary, which the hashes are
  // taken over.
  std::string_view bytes() const;
  std::string_view info_bytes() const;
  const InfoHashes& info_hashes() const;
  bool has_v1() const { return info_hashes().v1.has_value(); }
  bool has_v2() const { return info_hashes().v2.has_value(); }
  // What deviated from the BEPs, worded as errors are; none after a strict reading.
  absl::Span<const std::string> remarks() const;

  // --- The info dictionary ---

  // Of the folder that the files belong into, or of the only file when there is no folder. A safe
  // name, as those of a path.
  std::string_view name() const;
  // There is one file and no folder.
  bool is_single_file() const;
  absl::Span<const MetainfoFile> files() const;
  // Of all files together, without pad files; and of the data that v1 pieces are cut from, with
  // them.
  std::int64_t content_length() const;
  std::int64_t total_length() const;
  std::int64_t piece_length() const;
  std::size_t piece_count() const;
  // v1: piece_count() times 20 bytes. Empty without v1.
  std::string_view v1_pieces() const;
  // Peers come from the trackers only (BEP 27).
  bool is_private() const;
  // A word that makes the info hash of the same content another one; empty without.
  std::string_view source() const;

  // --- What stands around it; empty or nothing where the torrent does not tell ---

  // Trackers in tiers (BEP 12): `announce-list`, or one tier of `announce`. No tier is empty.
  const std::vector<std::vector<std::string_view>>& trackers() const;
  // Whether they are those of an `announce-list`.
  bool has_announce_list() const;
  // The `announce` that stands there, also where there are tiers.
  std::string_view announce() const;
  // BEP 19, as they stand there: one that ends with a slash is a folder for name().
  absl::Span<const std::string_view> web_seeds() const;
  // BEP 17.
  absl::Span<const std::string_view> http_seeds() const;
  // Nodes of the DHT (BEP 5).
  absl::Span<const HostPort> nodes() const;
  std::string_view comment() const;
  std::string_view created_by() const;
  // Seconds since 1970.
  std::optional<std::int64_t> creation_date() const;
  // The character set of what is not UTF-8, by the creator's word.
  std::string_view encoding() const;
  // Torrents that may share files with this one (BEP 38), by the v1 hash or the truncated v2 one,
  // and the names of the collections it belongs to; both from within the info dictionary and
  // around it.
  absl::Span<const InfoHash> similar() const;
  absl::Span<const std::string_view> collections() const;

 private:
  explicit Metainfo(std::shared_ptr<const MetainfoData> data);

  std::shared_ptr<const MetainfoData> data_;
};

}  // namespace muster

#endif  // MUSTER_METAINFO_H_
