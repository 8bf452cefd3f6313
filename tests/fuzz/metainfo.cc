// SPDX-License-Identifier: Apache-2.0
//
// Any bytes are a torrent or an error with a position. Whatever is read keeps what the header
// promises: safe and distinct paths, lengths that add up, hashes for every piece. What the strict
// mode reads, the lenient mode reads alike; limits hold.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/require.h"
#include "metainfo/names.h"
#include "muster/magnet.h"
#include "muster/metainfo.h"

namespace {

using muster::Metainfo;
using muster::MetainfoFile;
using muster::MetainfoOptions;
using muster::Require;

using Path = std::vector<std::string_view>;

void RequireSafe(absl::Span<const std::string_view> path) {
  for (const std::string_view name : path) Require(muster::NameFault(name, 255) == nullptr);
}

void RequireDistinct(std::vector<Path> paths) {
  std::sort(paths.begin(), paths.end());
  for (std::size_t i = 1; i < paths.size(); ++i) {
    // A folder's path would stand right before those within it.
    Require(!std::equal(paths[i - 1].begin(), paths[i - 1].end(), paths[i].begin(),
                        paths[i].begin() + static_cast<std::ptrdiff_t>(
                                               std::min(paths[i].size(), paths[i - 1].size()))));
  }
}

void RequireWhole(const Metainfo& torrent) {
  Require(torrent.has_v1() || torrent.has_v2());
  Require(torrent.bytes().find(torrent.info_bytes()) != std::string_view::npos);
  RequireSafe({&static_cast<const std::string_view&>(torrent.name()), 1});
  Require(torrent.piece_length() > 0 && !torrent.files().empty());
  Require(!torrent.is_single_file() || torrent.files().size() == 1);
  Require(torrent.remarks().size() <= Metainfo::kMaxRemarks);

  std::int64_t end = 0;
  std::int64_t content = 0;
  std::size_t v2_pieces = 0;
  std::vector<Path> paths;
  for (const MetainfoFile& file : torrent.files()) {
    Require(!file.path.empty());
    RequireSafe(file.path);
    RequireSafe(file.symlink_path);
    Require(file.is_symlink == !file.symlink_path.empty() &&
            (!file.is_symlink || file.length == 0));
    Require(file.length >= 0 && file.offset >= end);
    if (torrent.has_v1()) Require(file.offset == end);
    if (torrent.has_v2() && !file.is_pad && file.length > 0) {
      Require(file.offset % torrent.piece_length() == 0 && file.pieces_root.size() == 32);
    } else {
      Require(file.pieces_root.empty());
    }
    const auto pieces = static_cast<std::size_t>(
        file.length / torrent.piece_length() + (file.length % torrent.piece_length() != 0 ? 1 : 0));
    v2_pieces += pieces;
    Require(file.piece_layer.empty() || (pieces > 1 && file.piece_layer.size() == pieces * 32));
    Require(file.sha1.empty() || file.sha1.size() == 20);
    end = file.offset + file.length;
    if (!file.is_pad) {
      content += file.length;
      paths.emplace_back(file.path.begin(), file.path.end());
    }
  }
  Require(torrent.total_length() == end && torrent.content_length() == content);
  RequireDistinct(std::move(paths));
  if (torrent.has_v1()) {
    Require(torrent.v1_pieces().size() == torrent.piece_count() * 20);
    Require(torrent.piece_count() == static_cast<std::size_t>(end / torrent.piece_length()) +
                                         (end % torrent.piece_length() != 0 ? 1 : 0));
  } else {
    Require(torrent.piece_count() == v2_pieces && torrent.v1_pieces().empty());
  }
  for (const auto& tier : torrent.trackers()) Require(!tier.empty());

  const auto link =
      muster::Magnet::Parse(muster::Magnet::Of(torrent).ToString(),
                            {.max_size = std::size_t{1} << 30, .max_parameters = 1u << 30});
  Require(link.ok() && *link == muster::Magnet::Of(torrent));
}

void RequireAlike(const Metainfo& a, const Metainfo& b) {
  Require(a.info_hashes() == b.info_hashes() && a.name() == b.name());
  Require(a.files().size() == b.files().size());
  for (std::size_t i = 0; i < a.files().size(); ++i) {
    const MetainfoFile& x = a.files()[i];
    const MetainfoFile& y = b.files()[i];
    Require(x.path == y.path && x.length == y.length && x.offset == y.offset &&
            x.is_pad == y.is_pad && x.symlink_path == y.symlink_path &&
            x.pieces_root == y.pieces_root && x.piece_layer == y.piece_layer);
  }
  Require(a.trackers() == b.trackers() && a.web_seeds() == b.web_seeds() &&
          a.nodes() == b.nodes() && a.similar() == b.similar());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const auto strict = Metainfo::Parse(bytes, {.strict = true});
  const auto lenient = Metainfo::Parse(bytes);
  for (const auto* read : {&strict, &lenient}) {
    if (read->ok()) {
      RequireWhole(**read);
    } else {
      Require(muster::BencodeErrorPosition(read->status()).value() <= size);
    }
  }
  if (strict.ok()) {
    Require(lenient.ok() && strict->remarks().empty() && lenient->remarks().empty());
    RequireAlike(*strict, *lenient);
  }
  if (lenient.ok() && lenient->remarks().empty()) Require(strict.ok());

  MetainfoOptions small;
  small.limits.max_files = 2;
  small.limits.max_pieces = 3;
  small.limits.max_path_names = 4;
  if (const auto limited = Metainfo::Parse(bytes, small); limited.ok()) {
    Require(lenient.ok() && limited->files().size() <= 2 && limited->piece_count() <= 3);
    RequireAlike(*limited, *lenient);
  }
  return 0;
}
