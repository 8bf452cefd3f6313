// SPDX-License-Identifier: Apache-2.0
//
// For tests of what makes and verifies torrents: bytes to fill files with, and the hashes of a
// torrent's data made in the plainest way.
#ifndef MUSTER_TESTS_METAINFO_BUILDER_TESTING_H_
#define MUSTER_TESTS_METAINFO_BUILDER_TESTING_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/folder.h"
#include "metainfo/digest.h"
#include "muster/metainfo.h"
#include "muster/random.h"
#include "muster/torrent_builder.h"

namespace muster::testing_builder {

inline constexpr TorrentKind kAllKinds[] = {TorrentKind::kV1, TorrentKind::kV2,
                                            TorrentKind::kHybrid};

inline std::string SomeBytes(std::size_t size, std::uint64_t seed = 1) {
  Random random(seed);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.Below(256));
  return bytes;
}

inline TorrentBuilder::ReadAt ReadsFrom(std::string bytes) {
  return [bytes = std::move(bytes)](std::int64_t offset, absl::Span<std::uint8_t> to) {
    if (static_cast<std::size_t>(offset) + to.size() > bytes.size()) {
      return absl::OutOfRangeError("beyond the end");
    }
    std::copy_n(bytes.begin() + offset, to.size(), to.begin());
    return absl::OkStatus();
  };
}

// The hashes of all pieces.
inline std::string PlainPieces(std::string_view data, std::size_t piece_length) {
  std::string pieces;
  for (; !data.empty(); data.remove_prefix(std::min(piece_length, data.size()))) {
    pieces += TextOf(Sha1Of(data.substr(0, piece_length)));
  }
  return pieces;
}

inline std::string Sha256Text(std::string_view bytes) {
  const Sha256Digest digest = Sha256Of(bytes);
  return std::string(TextOf(digest));
}

// The nodes of each level of a file's tree, from its leaves to its root, over at least `width` (a
// power of two) leaves.
inline std::vector<std::vector<std::string>> PlainTree(std::string_view data,
                                                       std::size_t width = 1) {
  std::vector<std::string> row;
  for (; !data.empty(); data.remove_prefix(std::min<std::size_t>(16384, data.size()))) {
    row.push_back(Sha256Text(data.substr(0, 16384)));
  }
  while (width < row.size()) width *= 2;
  row.resize(width, std::string(32, '\0'));
  std::vector<std::vector<std::string>> tree = {row};
  while (row.size() > 1) {
    std::vector<std::string> above;
    for (std::size_t i = 0; i < row.size(); i += 2) {
      above.push_back(Sha256Text(row[i] + row[i + 1]));
    }
    tree.push_back(row = above);
  }
  return tree;
}

// That a torrent, read strictly, has just these files, with their right hashes.
inline void ExpectTorrentOf(const std::string& bytes,
                            const std::map<std::string, std::string>& files, bool v1, bool v2) {
  const absl::StatusOr<Metainfo> torrent = Metainfo::Parse(bytes, {.strict = true});
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  EXPECT_EQ(torrent->has_v1(), v1);
  EXPECT_EQ(torrent->has_v2(), v2);
  std::string data;
  std::size_t found = 0;
  const auto piece_length = static_cast<std::size_t>(torrent->piece_length());
  for (const MetainfoFile& file : torrent->files()) {
    data.resize(static_cast<std::size_t>(file.offset));
    if (file.is_pad || file.is_symlink) {
      data.resize(data.size() + static_cast<std::size_t>(file.length));
      continue;
    }
    ++found;
    ASSERT_TRUE(files.count(file.PathText())) << file.PathText();
    const std::string& content = files.at(file.PathText());
    ASSERT_EQ(file.length, static_cast<std::int64_t>(content.size())) << file.PathText();
    data += content;
    if (!v2) continue;
    if (content.empty()) {
      EXPECT_EQ(file.pieces_root, "");
      continue;
    }
    EXPECT_EQ(file.pieces_root, PlainTree(content).back().front()) << file.PathText();
    EXPECT_EQ(file.piece_layer.size(),
              content.size() <= piece_length ? 0 : (content.size() - 1) / piece_length * 32 + 32);
  }
  EXPECT_EQ(found, files.size());
  if (v1) {
    EXPECT_TRUE(torrent->v1_pieces() == PlainPieces(data, piece_length));
  }
}

}  // namespace muster::testing_builder

#endif  // MUSTER_TESTS_METAINFO_BUILDER_TESTING_H_
