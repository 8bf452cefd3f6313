// SPDX-License-Identifier: Apache-2.0
//
// v2 torrents and hybrids: the file tree, the piece layers, and that both halves agree.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "metainfo/digest.h"
#include "metainfo/merkle.h"
#include "metainfo/torrent_testing.h"
#include "muster/metainfo.h"

namespace muster {
namespace {

using namespace testing_torrent;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Dict TreeOf(std::string name, Dict value) {
  Dict tree;
  tree[std::move(name)] = std::move(value);
  return tree;
}

// {"a": 5 bytes, "dir": {"b": 16384 bytes, "empty"}}
Dict SmallTree() {
  Dict dir;
  dir["b"] = Leaf(16384);
  dir["empty"] = Leaf(0);
  Dict tree;
  tree["a"] = Leaf(5, Root('a'));
  tree["dir"] = std::move(dir);
  return tree;
}

// The same in v1, with the padding between, and behind the last where `tail` says so.
Dict HybridInfo(Dict tree, std::string_view first = "a", std::int64_t second = 16384,
                std::int64_t padding = 16379) {
  Dict pad = File(padding, {".pad", "1"});
  pad["attr"] = "p";
  Dict info = MultiInfo(2, File(5, {first}), std::move(pad), File(second, {"dir", "b"}),
                        File(0, {"dir", "empty"}));
  info["meta version"] = 2;
  info["file tree"] = std::move(tree);
  return info;
}

// The layer of a file of these pieces, of 32768 bytes each, and its root.
struct Layer {
  explicit Layer(int pieces) {
    for (int i = 0; i < pieces; ++i) {
      hashes += TextOf(Sha256Of(std::to_string(i)));
    }
    root = std::string(TextOf(MerkleRoot(BytesOf(hashes), 1)));
  }
  std::string hashes;
  std::string root;
};

// A torrent of one file of five pieces of 32768 bytes, and of these layers.
std::string LayeredTorrent(const std::string& root, Dict layers) {
  Dict info = TreeInfo(TreeOf("name", Leaf(32768 * 4 + 1, root)));
  info["piece length"] = 32768;
  Dict around;
  around["piece layers"] = std::move(layers);
  return Torrent(std::move(info), std::move(around));
}

TEST(MetainfoTree, IsReadFolderByFolder) {
  const auto torrent = Metainfo::Parse(Torrent(TreeInfo(SmallTree())), kStrict);
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  EXPECT_FALSE(torrent->has_v1());
  EXPECT_TRUE(torrent->has_v2());
  EXPECT_EQ(torrent->info_hashes().v2->text(), TextOf(Sha256Of(torrent->info_bytes())));
  EXPECT_EQ(torrent->name(), "name");
  EXPECT_FALSE(torrent->is_single_file());
  EXPECT_THAT(Paths(*torrent), ElementsAre("a", "dir/b", "dir/empty"));
  const auto files = torrent->files();
  EXPECT_EQ(files[0].pieces_root, Root('a'));
  EXPECT_EQ(files[1].pieces_root, Root());
  EXPECT_EQ(files[2].pieces_root, "");
  // Each with content begins a piece.
  EXPECT_EQ(files[0].offset, 0);
  EXPECT_EQ(files[1].offset, 16384);
  EXPECT_EQ(files[2].offset, 32768);
  EXPECT_EQ(torrent->piece_count(), 2u);
  EXPECT_EQ(torrent->content_length(), 16389);
  EXPECT_EQ(torrent->v1_pieces(), "");
}

TEST(MetainfoTree, OfOneFileHasNoFolder) {
  auto torrent = Metainfo::Parse(Torrent(TreeInfo(TreeOf("name", Leaf(5)))), kStrict);
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  EXPECT_TRUE(torrent->is_single_file());
  EXPECT_THAT(Paths(*torrent), ElementsAre("name"));
  torrent = Metainfo::Parse(Torrent(TreeInfo(TreeOf("file", Leaf(5)))), kStrict);
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  EXPECT_TRUE(torrent->is_single_file());
  EXPECT_EQ(torrent->name(), "file");
  torrent = Metainfo::Parse(Torrent(TreeInfo(TreeOf("dir", TreeOf("a", Leaf(5))))), kStrict);
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  EXPECT_FALSE(torrent->is_single_file());
  EXPECT_THAT(Paths(*torrent), ElementsAre("dir/a"));
}

TEST(MetainfoTree, HasAttributesAndLinks) {
  Dict link;
  link["attr"] = "lx";
  link["symlink path"] = ListOf({"dir", "b"});
  Dict tree = SmallTree();
  tree["link"] = TreeOf("", std::move(link));
  const auto torrent = Metainfo::Parse(Torrent(TreeInfo(std::move(tree))), kStrict);
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  const MetainfoFile& file = torrent->files()[3];
  EXPECT_TRUE(file.is_symlink && file.is_executable);
  EXPECT_THAT(file.symlink_path, ElementsAre("dir", "b"));
  EXPECT_EQ(file.length, 0);
}

TEST(MetainfoTree, SaysWhatIsWrongInIt) {
  const auto message = [](Dict value, const MetainfoOptions& options = kLenient) {
    Dict tree = SmallTree();
    tree["z"] = TreeOf("f", std::move(value));
    return Message(Metainfo::Parse(Torrent(TreeInfo(std::move(tree))), options));
  };
  const auto leaf = [](auto change) {
    Dict value = Leaf(5);
    change(*value[""].AsDict());
    return value;
  };
  EXPECT_EQ(message(Leaf(5), kStrict), "");
  EXPECT_THAT(message(leaf([](Dict& file) { file.erase("length"); })),
              HasSubstr("info.file tree/'z'/'f'.length: missing"));
  EXPECT_THAT(message(leaf([](Dict& file) { file["length"] = -5; })),
              HasSubstr("info.file tree/'z'/'f'.length: a negative length"));
  EXPECT_THAT(message(leaf([](Dict& file) { file.erase("pieces root"); })),
              HasSubstr("info.file tree/'z'/'f'.pieces root: missing"));
  EXPECT_THAT(message(leaf([](Dict& file) { file["pieces root"] = "short"; })),
              HasSubstr("info.file tree/'z'/'f'.pieces root: not 32 bytes"));
  EXPECT_THAT(message(leaf([](Dict& file) { file["pieces root"] = std::string(32, '\0'); })),
              HasSubstr("info.file tree/'z'/'f'.pieces root: all zeros"));
  EXPECT_THAT(message(leaf([](Dict& file) { file["attr"] = "p"; })),
              HasSubstr("info.file tree/'z'/'f': a pad file in v2"));
  EXPECT_THAT(message(TreeOf("", TreeOf("length", Dict()))), HasSubstr("length: not a number"));
  Dict mixed = Leaf(5);
  mixed["g"] = Leaf(5);
  EXPECT_THAT(message(std::move(mixed)),
              HasSubstr("info.file tree/'z'/'f': an empty name among others"));
  EXPECT_THAT(message(Dict(), kStrict), HasSubstr("info.file tree/'z'/'f': an empty folder"));
  EXPECT_EQ(message(Dict()), "");
  EXPECT_THAT(message(leaf([](Dict& file) { file["length"] = 0; }), kStrict),
              HasSubstr("pieces root: of a file without content"));
  EXPECT_THAT(message(leaf([](Dict& file) {
                file["length"] = std::numeric_limits<std::int64_t>::max() - 32767;
              })),
              HasSubstr("lengths that add up to more than 63 bits"));
  Dict tree;
  tree["a"] = 5;
  EXPECT_THAT(Message(Metainfo::Parse(Torrent(TreeInfo(std::move(tree))))),
              HasSubstr("info.file tree: not a dictionary: 'a'"));
  EXPECT_THAT(Message(Metainfo::Parse(Torrent(TreeInfo(Dict())))),
              HasSubstr("info.file tree: no files"));
}

TEST(MetainfoTree, NeverLeavesItsFolder) {
  Dict tree;
  tree[".."] = TreeOf("..", TreeOf("a/b", Leaf(1)));
  tree["/"] = Leaf(1);
  const std::string bytes = Torrent(TreeInfo(std::move(tree)));
  EXPECT_THAT(Message(Metainfo::Parse(bytes, kStrict)),
              HasSubstr("info.file tree: a name of dots: '..'"));
  const auto torrent = Metainfo::Parse(bytes);
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  EXPECT_THAT(Paths(*torrent), ElementsAre("ab", "_"));
}

TEST(MetainfoTree, HasADepth) {
  const auto parse = [](int folders, const MetainfoOptions& options) {
    Dict tree = TreeOf("f", Leaf(5));
    for (int i = 0; i < folders; ++i) tree = TreeOf("d", std::move(tree));
    return Metainfo::Parse(Torrent(TreeInfo(std::move(tree))), options);
  };
  EXPECT_TRUE(parse(99, kStrict).ok());
  EXPECT_THAT(Message(parse(100, kStrict)),
              HasSubstr("info.file tree/.../'d'/'d'/'d'/'d'/'d'/'d'/'d'/'f': a path of more than "
                        "100 names"));
  EXPECT_THAT(Message(parse(1000, kStrict)), HasSubstr("nested deeper than 110"));
}

TEST(MetainfoTree, RepeatsTheNamesOfFoldersWithinALimit) {
  MetainfoOptions options = kStrict;
  options.limits.max_path_names = 5;
  EXPECT_TRUE(Metainfo::Parse(Torrent(TreeInfo(SmallTree())), options).ok());
  options.limits.max_path_names = 4;
  EXPECT_THAT(Message(Metainfo::Parse(Torrent(TreeInfo(SmallTree())), options)),
              HasSubstr("more than 4 names in all paths"));
}

TEST(PieceLayers, AreVerifiedAgainstTheirRoots) {
  const Layer good(5);
  Dict layers;
  layers[good.root] = good.hashes;
  auto torrent = Metainfo::Parse(LayeredTorrent(good.root, std::move(layers)), kStrict);
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  EXPECT_EQ(torrent->files()[0].piece_layer, good.hashes);
  EXPECT_EQ(torrent->piece_count(), 5u);

  // Any bit counts.
  for (std::size_t at = 0; at < good.hashes.size(); at += 31) {
    std::string hashes = good.hashes;
    hashes[at] ^= 1;
    layers = Dict();
    layers[good.root] = hashes;
    const std::string bytes = LayeredTorrent(good.root, std::move(layers));
    EXPECT_THAT(Message(Metainfo::Parse(bytes, kStrict)),
                HasSubstr("piece layers/'name': a layer that does not belong to its root at byte"));
    // Peers have layers, too.
    torrent = Metainfo::Parse(bytes);
    ASSERT_TRUE(torrent.ok()) << torrent.status();
    EXPECT_EQ(torrent->files()[0].piece_layer, "");
    EXPECT_THAT(torrent->remarks(), SizeIs(1));
  }
}

TEST(PieceLayers, AreThereForEveryFileLargerThanAPieceAndNoOther) {
  const Layer good(5);
  const auto strict = [&](Dict layers) {
    const std::string bytes = LayeredTorrent(good.root, std::move(layers));
    EXPECT_TRUE(Metainfo::Parse(bytes).ok());
    return Message(Metainfo::Parse(bytes, kStrict));
  };
  EXPECT_THAT(strict(Dict()), HasSubstr("piece layers/'name': no layer for a file larger than"));
  for (const int pieces : {4, 6}) {
    Dict layers;
    layers[good.root] = Layer(pieces).hashes;
    EXPECT_THAT(strict(std::move(layers)), HasSubstr("bytes for 5 pieces"));
  }
  Dict layers;
  layers[good.root] = good.hashes + "x";
  EXPECT_THAT(strict(std::move(layers)), HasSubstr("a layer of 161 bytes for 5 pieces"));
  layers = Dict();
  layers[good.root] = good.hashes;
  layers[Root('z')] = good.hashes;
  EXPECT_THAT(strict(std::move(layers)), HasSubstr("piece layers: a layer of no file"));
  layers = Dict();
  layers[good.root] = good.hashes;
  layers["short"] = good.hashes;
  EXPECT_THAT(strict(std::move(layers)), HasSubstr("piece layers: not hashes by a root"));
}

TEST(PieceLayers, AreSharedByFilesOfOneContent) {
  const Layer good(5);
  Dict tree;
  tree["a"] = Leaf(32768 * 5, good.root);
  tree["b"] = Leaf(32768 * 4 + 1, good.root);
  Dict info = TreeInfo(std::move(tree));
  info["piece length"] = 32768;
  Dict around, layers;
  layers[good.root] = good.hashes;
  around["piece layers"] = std::move(layers);
  const auto torrent = Metainfo::Parse(Torrent(std::move(info), std::move(around)), kStrict);
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  EXPECT_EQ(torrent->files()[0].piece_layer, good.hashes);
  EXPECT_EQ(torrent->files()[1].piece_layer, good.hashes);
}

TEST(HybridMetainfo, TellsOfItsFilesInBothWays) {
  const auto torrent = Metainfo::Parse(Torrent(HybridInfo(SmallTree())), kStrict);
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  EXPECT_EQ(torrent->info_hashes().v1->text(), TextOf(Sha1Of(torrent->info_bytes())));
  EXPECT_EQ(torrent->info_hashes().v2->text(), TextOf(Sha256Of(torrent->info_bytes())));
  EXPECT_THAT(Paths(*torrent), ElementsAre("a", ".pad/1", "dir/b", "dir/empty"));
  EXPECT_EQ(torrent->files()[0].pieces_root, Root('a'));
  EXPECT_EQ(torrent->files()[1].pieces_root, "");
  EXPECT_EQ(torrent->files()[2].pieces_root, Root());
  EXPECT_EQ(torrent->content_length(), 16389);
  EXPECT_EQ(torrent->total_length(), 32768);
  EXPECT_EQ(torrent->piece_count(), 2u);
}

TEST(HybridMetainfo, OfOneFileHasNoFolder) {
  Dict info = TreeInfo(TreeOf("name", Leaf(5)));
  info["length"] = 5;
  info["pieces"] = Hashes(1);
  const auto torrent = Metainfo::Parse(Torrent(std::move(info)), kStrict);
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  EXPECT_TRUE(torrent->is_single_file() && torrent->has_v1() && torrent->has_v2());
  EXPECT_EQ(torrent->files()[0].pieces_root, Root());
}

TEST(HybridMetainfo, IsRefusedWhenItsHalvesDisagree) {
  const auto message = [](Dict info, const MetainfoOptions& options) {
    return Message(Metainfo::Parse(Torrent(std::move(info)), options));
  };
  for (const auto& options : {kStrict, kLenient}) {
    EXPECT_EQ(message(HybridInfo(SmallTree()), options), "");
    EXPECT_THAT(message(HybridInfo(SmallTree(), "b"), options),
                HasSubstr("info.files[0]: another path than in the file tree"));
    EXPECT_THAT(message(HybridInfo(SmallTree(), "a", 16383), options),
                HasSubstr("info.files[2]: another length than in the file tree"));
    EXPECT_THAT(message(HybridInfo(SmallTree(), "a", 16384, 16378), options),
                HasSubstr("info.files[2]: does not begin a piece"));
    Dict more = SmallTree();
    more["z"] = Leaf(1);
    EXPECT_THAT(message(HybridInfo(std::move(more)), options),
                HasSubstr("info.file tree/'z': not in the files of v1"));
    EXPECT_THAT(message(HybridInfo(TreeOf("a", Leaf(5))), options),
                HasSubstr("info.files[2]: not in the file tree"));
    Dict link;
    link["attr"] = "l";
    link["symlink path"] = ListOf({"b"});
    Dict linked = SmallTree();
    (*linked["dir"].AsDict())["empty"] = TreeOf("", std::move(link));
    EXPECT_THAT(message(HybridInfo(std::move(linked)), options),
                HasSubstr("info.files[3]: a link and not a link in the file tree"));
  }
}

TEST(HybridMetainfo, WithHalfOfV1IsV2Only) {
  Dict info = TreeInfo(SmallTree());
  info["pieces"] = Hashes(2);
  const std::string bytes = Torrent(std::move(info));
  EXPECT_THAT(Message(Metainfo::Parse(bytes, kStrict)),
              HasSubstr("info.pieces: half of what makes a hybrid"));
  const auto torrent = Metainfo::Parse(bytes);
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  EXPECT_FALSE(torrent->has_v1());
  EXPECT_EQ(torrent->v1_pieces(), "");
}

}  // namespace
}  // namespace muster
