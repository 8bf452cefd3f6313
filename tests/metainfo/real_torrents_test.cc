// SPDX-License-Identifier: Apache-2.0
//
// Torrents that libtorrent 2.0.8 made of generated files, with the hashes and offsets that it gives
// for them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "metainfo/torrent_testing.h"
#include "muster/metainfo.h"

namespace muster {
namespace {

using namespace testing_torrent;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Metainfo Read(const std::string& name) {
  std::ifstream file(std::string(TEST_DATA) + "/" + name, std::ios::binary);
  EXPECT_TRUE(file.is_open()) << name;
  std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  auto torrent = Metainfo::Parse(std::move(bytes), kStrict);
  EXPECT_TRUE(torrent.ok()) << torrent.status();
  return *std::move(torrent);
}

std::vector<std::int64_t> Offsets(const Metainfo& torrent) {
  std::vector<std::int64_t> offsets;
  for (const MetainfoFile& file : torrent.files()) offsets.push_back(file.offset);
  return offsets;
}

void ExpectWhatStandsAround(const Metainfo& torrent) {
  EXPECT_THAT(torrent.web_seeds(), ElementsAre("http://seed.example/"));
  EXPECT_THAT(torrent.http_seeds(), ElementsAre("http://http.example/seed"));
  EXPECT_THAT(torrent.nodes(), ElementsAre(HostPort{"router.example", 6881}));
  EXPECT_EQ(torrent.comment(), "a comment");
  EXPECT_EQ(torrent.created_by(), "the creator");
  EXPECT_EQ(torrent.creation_date(), 1795258701);
  EXPECT_TRUE(torrent.is_private());
  EXPECT_THAT(torrent.collections(), ElementsAre("a collection"));
  EXPECT_THAT(torrent.similar(), ElementsAre(*InfoHash::FromText(std::string(20, 'S'))));
}

TEST(LibtorrentsTorrent, OfV1AndOneFile) {
  const Metainfo torrent = Read("v1_single.torrent");
  EXPECT_EQ(torrent.info_hashes().v1->ToHex(), "450486ca33edb24744c6727bf0d848073fad627b");
  EXPECT_FALSE(torrent.has_v2());
  EXPECT_TRUE(torrent.is_single_file());
  EXPECT_THAT(Paths(torrent), ElementsAre("single.bin"));
  EXPECT_EQ(torrent.total_length(), 100000);
  EXPECT_EQ(torrent.piece_length(), 16384);
  EXPECT_EQ(torrent.piece_count(), 7u);
  EXPECT_THAT(torrent.trackers(), IsEmpty());
}

TEST(LibtorrentsTorrent, OfV1AndAFolder) {
  const Metainfo torrent = Read("v1_album.torrent");
  EXPECT_EQ(torrent.info_hashes().v1->ToHex(), "be1cb4036f0f9bc6e4eb5a3942b75bf09683697f");
  EXPECT_FALSE(torrent.has_v2());
  EXPECT_EQ(torrent.name(), "album");
  EXPECT_THAT(Paths(torrent), ElementsAre("link.ogg", "cover.png", "empty.txt",
                                          "disc 1/01 gr\xc3\xb6\xc3\x9f"
                                          "e.ogg",
                                          "disc 1/02.ogg", "zz.bin"));
  EXPECT_THAT(Offsets(torrent), ElementsAre(0, 0, 5, 5, 70005, 86389));
  EXPECT_THAT(torrent.files()[0].symlink_path, ElementsAre("disc 1", "02.ogg"));
  EXPECT_TRUE(torrent.files()[1].is_executable);
  EXPECT_EQ(torrent.content_length(), 126390);
  EXPECT_THAT(torrent.trackers(),
              ElementsAre(ElementsAre("http://a.example/announce", "udp://b.example:6969"),
                          ElementsAre("http://c.example/announce")));
  ExpectWhatStandsAround(torrent);
}

TEST(LibtorrentsTorrent, OfV2AndOneFile) {
  const Metainfo torrent = Read("v2_single.torrent");
  EXPECT_FALSE(torrent.has_v1());
  EXPECT_EQ(torrent.info_hashes().v2->ToHex(),
            "65428535565dce5e8597b566ac8fbd037194974374d06d1939c98a297e4dc07b");
  EXPECT_TRUE(torrent.is_single_file());
  EXPECT_THAT(Paths(torrent), ElementsAre("single.bin"));
  EXPECT_EQ(torrent.content_length(), 100000);
  EXPECT_EQ(torrent.piece_count(), 7u);
  EXPECT_EQ(torrent.files()[0].piece_layer.size(), 7u * 32);
}

TEST(LibtorrentsTorrent, OfV2AndAFolder) {
  const Metainfo torrent = Read("v2_album.torrent");
  EXPECT_FALSE(torrent.has_v1());
  EXPECT_EQ(torrent.info_hashes().v2->ToHex(),
            "4fa15fb4a2117f330198e9b9fdb5c679fb8ae5822cdc811d4295e56e80715643");
  EXPECT_THAT(Paths(torrent), ElementsAre("cover.png",
                                          "disc 1/01 gr\xc3\xb6\xc3\x9f"
                                          "e.ogg",
                                          "disc 1/02.ogg", "empty.txt", "link.ogg", "zz.bin"));
  EXPECT_EQ(torrent.files()[1].offset, 16384);
  EXPECT_EQ(torrent.files()[2].offset, 98304);
  EXPECT_EQ(torrent.files()[5].offset, 114688);
  EXPECT_THAT(torrent.files()[4].symlink_path, ElementsAre("disc 1", "02.ogg"));
  EXPECT_EQ(torrent.piece_count(), 10u);
  EXPECT_EQ(torrent.files()[1].piece_layer.size(), 5u * 32);
  EXPECT_EQ(torrent.files()[2].piece_layer, "");
}

TEST(LibtorrentsTorrent, OfBothAndAFolder) {
  const Metainfo torrent = Read("hybrid_album.torrent");
  EXPECT_EQ(torrent.info_hashes().v1->ToHex(), "f697e4a3383e86e3feeba303b5c7f46e0aa5bd32");
  EXPECT_EQ(torrent.info_hashes().v2->ToHex(),
            "8fb597c936b2440d9ddd9feb950734b853822779e48a20aff9a5635f257583bb");
  EXPECT_THAT(Paths(torrent), ElementsAre("cover.png", ".pad/16379",
                                          "disc 1/01 gr\xc3\xb6\xc3\x9f"
                                          "e.ogg",
                                          ".pad/11920", "disc 1/02.ogg", "empty.txt", "link.ogg",
                                          "zz.bin", ".pad/9151"));
  EXPECT_THAT(Offsets(torrent),
              ElementsAre(0, 5, 16384, 86384, 98304, 114688, 114688, 114688, 154689));
  EXPECT_TRUE(torrent.files()[1].is_pad);
  EXPECT_EQ(torrent.content_length(), 126390);
  EXPECT_EQ(torrent.files()[2].piece_layer.size(), 5u * 32);
  ExpectWhatStandsAround(torrent);
}

}  // namespace
}  // namespace muster
