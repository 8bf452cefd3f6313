// SPDX-License-Identifier: Apache-2.0
#include "mirror/mirror_torrent.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/hex.h"
#include "base/text.h"
#include "metainfo/torrent_layout.h"
#include "metainfo/torrent_writer.h"
#include "mirror/tracker_list.h"
#include "muster/bencode.h"

namespace muster {
namespace {

using Hashes = std::vector<std::shared_ptr<const FileHashes>>;

constexpr std::int64_t kTorrentFormat = 1;

void WritePath(BencodeWriter& writer, std::string_view path) {
  writer.Key("path").BeginList();
  while (!path.empty()) {
    const std::string_view name = path.substr(0, path.find('/'));
    writer.String(name);
    path.remove_prefix(std::min(name.size() + 1, path.size()));
  }
  writer.End();
}

// The pieces of a file whose end is followed by nothing.
std::string PiecesOfLast(const FileHashes& hashes) {
  if (hashes.v1_tail.empty()) return hashes.v1;
  return hashes.v1.substr(0, hashes.v1.size() - kSha1Size) + hashes.v1_tail;
}

// The info dictionary of pkgtorrent-service.
absl::StatusOr<std::string> CompatibleInfo(const FileSet& set, const Hashes& hashes,
                                           const MirrorTorrentOptions& options) {
  std::string info;
  BencodeWriter writer(&info);
  std::string pieces;
  writer.BeginDict();
  if (!set.is_single) writer.Key("files").BeginList();
  std::map<std::int64_t, std::size_t> paddings;  // of each size
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    const bool is_last = i + 1 == hashes.size();
    pieces += is_last ? PiecesOfLast(*hashes[i]) : hashes[i]->v1;
    if (set.is_single) break;
    writer.BeginDict().Key("length").Int(hashes[i]->length());
    WritePath(writer, set.PathBelowName(i));
    writer.End();
    const std::int64_t tail = hashes[i]->tail_length();
    if (is_last || tail == 0) continue;
    const std::int64_t padding = options.piece_length - tail;
    writer.BeginDict().Key("length").Int(padding);
    WritePath(writer,
              absl::StrCat(options.service, "/nullfile/", padding, "_", paddings[padding]++));
    writer.End();
  }
  if (set.is_single) {
    writer.Key("length").Int(set.length());
  } else {
    writer.End();
  }
  writer.Key("name").String(set.name());
  writer.Key("piece length").Int(options.piece_length);
  writer.Key("pieces").String(pieces).End();
  if (absl::Status status = writer.Finish(); !status.ok()) return status;
  return info;
}

// A torrent without anything around its files, as TorrentBuilder makes it of them.
absl::StatusOr<std::string> StandardTorrent(const FileSet& set, const Hashes& hashes,
                                            const MirrorTorrentOptions& options) {
  std::vector<ContentFile> files(hashes.size());
  std::vector<Sha256Digest> roots(hashes.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    files[i].path = std::string(set.PathBelowName(i));
    files[i].length = hashes[i]->length();
    if (!hashes[i]->root.empty()) {
      std::copy_n(BytesOf(hashes[i]->root).begin(), roots[i].size(), roots[i].begin());
    }
  }
  TorrentLayout layout;
  absl::Status status =
      LayOut({.kind = options.kind, .piece_length = options.piece_length}, files, layout);
  if (!status.ok()) return status;
  PieceHashes pieces;
  const auto append = [](std::string_view text, std::vector<std::uint8_t>& to) {
    to.insert(to.end(), BytesOf(text).begin(), BytesOf(text).end());
  };
  for (const std::size_t i : layout.order) {
    // All files are padded, but the only one.
    append(hashes.size() == 1 ? PiecesOfLast(*hashes[i]) : hashes[i]->v1, pieces.v1);
    append(hashes[i]->v2, pieces.v2);
  }
  return WriteTorrent({options.kind, set.is_single, files, layout, pieces, roots}, set.name(), {});
}

// A path as a URL has it.
std::string UrlPath(std::string_view path) {
  std::string url;
  for (const char c : path) {
    const bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                          (c >= 'A' && c <= 'Z') ||
                          std::string_view("-._~/").find(c) != std::string_view::npos;
    if (is_plain) {
      url += c;
    } else {
      url += absl::StrCat("%", HexEncode(BytesOf({&c, 1})));
    }
  }
  return url;
}

}  // namespace

std::size_t NeedsTail(std::size_t files, TorrentKind kind) {
  if (kind == TorrentKind::kV1) return files - 1;
  return kind == TorrentKind::kHybrid && files == 1 ? 0 : files;
}

absl::StatusOr<MirrorTorrent> MakeTorrent(FileSet set, const Hashes& hashes,
                                          const MirrorTorrentOptions& options, Instant now) {
  MirrorTorrent torrent;
  if (options.kind == TorrentKind::kV1) {
    absl::StatusOr<std::string> info = CompatibleInfo(set, hashes, options);
    if (!info.ok()) return info.status();
    torrent.info = *std::move(info);
  } else {
    absl::StatusOr<std::string> whole = StandardTorrent(set, hashes, options);
    if (!whole.ok()) return whole.status();
    BencodeDocument document;
    if (absl::Status status = document.Decode(*whole); !status.ok()) return status;
    torrent.info = document.root().Find("info").source();
    torrent.layers = document.root().Find("piece layers").source();
  }
  torrent.info_hash_hex =
      options.kind == TorrentKind::kV2
          ? HexEncode(absl::MakeConstSpan(Sha256Of(torrent.info)).subspan(0, kSha1Size))
          : HexEncode(Sha1Of(torrent.info));
  torrent.kind = options.kind;
  torrent.set = std::move(set);
  torrent.made = now;
  return torrent;
}

InfoHashes MirrorTorrent::info_hashes() const {
  InfoHashes hashes;
  if (kind != TorrentKind::kV2) hashes.v1 = InfoHash::FromBytes(Sha1Of(info).data());
  if (kind != TorrentKind::kV1) hashes.v2 = InfoHashV2::FromBytes(Sha256Of(info).data());
  return hashes;
}

absl::StatusOr<std::string> WholeTorrent(const MirrorTorrent& torrent,
                                         const std::vector<std::string>& trackers,
                                         const std::vector<std::string>& url_bases) {
  BencodeDocument info, layers;
  if (absl::Status status = info.Decode(torrent.info); !status.ok()) return status;
  std::string bytes;
  BencodeWriter writer(&bytes);
  writer.BeginDict();
  const std::vector<std::string> ordered = SaltedOrder(trackers, torrent.info_hash_hex);
  if (!ordered.empty()) {
    writer.Key("announce").String(ordered.front());
    writer.Key("announce-list").BeginList();
    for (const std::string& url : ordered) writer.BeginList().String(url).End();
    writer.End();
  }
  writer.Key("info").Splice(info.root());
  if (!torrent.layers.empty()) {
    if (absl::Status status = layers.Decode(torrent.layers); !status.ok()) return status;
    writer.Key("piece layers").Splice(layers.root());
  }
  if (!url_bases.empty()) {
    writer.Key("url-list").BeginList();
    for (const std::string& base : url_bases) {
      writer.String(absl::StrCat(base, UrlPath(torrent.set.folder())));
    }
    writer.End();
  }
  writer.End();
  if (absl::Status status = writer.Finish(); !status.ok()) return status;
  return bytes;
}

std::string MirrorTorrent::Encode() const {
  std::string bytes;
  BencodeWriter writer(&bytes);
  writer.BeginDict();
  writer.Key("files").BeginList();
  for (std::size_t i = 0; i < set.paths.size(); ++i) {
    const FileIdentity& identity = set.identities[i];
    writer.BeginList().String(set.paths[i]);
    writer.Int(static_cast<std::int64_t>(identity.device));
    writer.Int(static_cast<std::int64_t>(identity.inode));
    writer.Int(identity.size).Int(identity.modified_ns).End();
  }
  writer.End();
  writer.Key("format").Int(kTorrentFormat);
  writer.Key("hash").String(info_hash_hex);
  writer.Key("info").String(info);
  writer.Key("kind").Int(static_cast<std::int64_t>(kind));
  writer.Key("layers").String(layers);
  writer.Key("made").Int(made.time_since_epoch().count());
  writer.Key("single").Int(set.is_single ? 1 : 0);
  writer.End();
  // Nothing of it can be wrong.
  writer.Finish().IgnoreError();
  return bytes;
}

absl::StatusOr<MirrorTorrent> MirrorTorrent::Decode(std::string_view bytes) {
  BencodeDocument document;
  if (absl::Status status = document.Decode(bytes); !status.ok()) return status;
  const BencodeView root = document.root();
  MirrorTorrent torrent;
  for (const BencodeView file : root.Find("files").items()) {
    std::int64_t numbers[4] = {};
    std::size_t items = 0;
    for (const BencodeView item : file.items()) {
      if (items == 0) torrent.set.paths.emplace_back(item.StringOr(""));
      if (items >= 1 && items <= 4) numbers[items - 1] = item.IntOr(-1);
      ++items;
    }
    if (items != 5) return absl::InvalidArgumentError("not a torrent of a mirror");
    torrent.set.identities.push_back(
        {static_cast<dev_t>(numbers[0]), static_cast<ino_t>(numbers[1]), numbers[2], numbers[3]});
  }
  torrent.info_hash_hex = root.Find("hash").StringOr("");
  torrent.info = root.Find("info").StringOr("");
  torrent.layers = root.Find("layers").StringOr("");
  torrent.made = InstantFromUnixSeconds(root.Find("made").IntOr(0));
  torrent.set.is_single = root.Find("single").IntOr(0) == 1;
  const std::int64_t kind = root.Find("kind").IntOr(-1);
  if (root.Find("format").IntOr(0) != kTorrentFormat || kind < 0 ||
      kind > static_cast<std::int64_t>(TorrentKind::kHybrid) || torrent.set.paths.empty() ||
      torrent.info.empty() || torrent.info_hash_hex.size() != 2 * kSha1Size) {
    return absl::InvalidArgumentError("not a torrent of a mirror");
  }
  torrent.kind = static_cast<TorrentKind>(kind);
  return torrent;
}

}  // namespace muster
