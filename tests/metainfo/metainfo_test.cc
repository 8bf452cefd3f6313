// SPDX-License-Identifier: Apache-2.0
//
// A torrent as a whole: its kind, its hashes, what stands around the info dictionary.
#include "muster/metainfo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "metainfo/digest.h"
#include "metainfo/torrent_testing.h"

namespace muster {
namespace {

using namespace testing_torrent;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// What the strict reading of the single-file torrent says after `change` did something to its info
// dictionary.
template <typename Change>
std::string AfterInfo(const Change& change, const MetainfoOptions& options = kStrict) {
  Dict info = SingleInfo();
  change(info);
  const auto torrent = Metainfo::Parse(Torrent(std::move(info)), options);
  return torrent.ok() ? "OK" : Message(torrent);
}

TEST(Metainfo, IsReadFromAV1Torrent) {
  const std::string bytes = Torrent(SingleInfo());
  const auto torrent = Metainfo::Parse(bytes, kStrict);
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  EXPECT_TRUE(torrent->has_v1());
  EXPECT_FALSE(torrent->has_v2());
  EXPECT_EQ(torrent->name(), "name");
  EXPECT_TRUE(torrent->is_single_file());
  EXPECT_THAT(Paths(*torrent), ElementsAre("name"));
  EXPECT_EQ(torrent->files()[0].length, 50000);
  EXPECT_EQ(torrent->files()[0].offset, 0);
  EXPECT_EQ(torrent->content_length(), 50000);
  EXPECT_EQ(torrent->total_length(), 50000);
  EXPECT_EQ(torrent->piece_length(), 16384);
  EXPECT_EQ(torrent->piece_count(), 4u);
  EXPECT_EQ(torrent->v1_pieces(), Hashes(4));
  EXPECT_FALSE(torrent->is_private());
  EXPECT_THAT(torrent->remarks(), IsEmpty());
  EXPECT_EQ(torrent->bytes(), bytes);
}

TEST(Metainfo, HashesTheExactBytesOfTheInfoDictionary) {
  // As someone wrote it: keys out of order, a leading zero, a key that nobody knows.
  const std::string info = "d4:name1:a6:lengthi005e6:pieces20:" + Hashes(1) +
                           "12:piece lengthi16384e3:oddle4:name5:other" + "e";
  const auto torrent = Metainfo::Parse("d4:info" + info + "8:announce3:urle");
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  EXPECT_EQ(torrent->info_bytes(), info);
  EXPECT_EQ(torrent->info_hashes().v1->text(), TextOf(Sha1Of(info)));
  EXPECT_EQ(torrent->name(), "a");
  EXPECT_EQ(torrent->announce(), "url");
  EXPECT_THAT(torrent->remarks(), ElementsAre("torrent: not canonical bencoding at byte 0"));
  EXPECT_FALSE(Metainfo::Parse("d4:info" + info + "8:announce3:urle", kStrict).ok());
}

TEST(Metainfo, SharesItsBytesWithItsCopies) {
  std::optional<Metainfo> copy;
  std::string_view name;
  {
    auto torrent = Metainfo::Parse(Torrent(SingleInfo()));
    ASSERT_TRUE(torrent.ok());
    name = torrent->name();
    copy = *torrent;
    EXPECT_EQ(copy->name().data(), name.data());
  }
  EXPECT_EQ(name, "name");
  EXPECT_EQ(copy->files()[0].PathText(), "name");
}

TEST(Metainfo, SaysWhatIsMissingOrOfAnotherType) {
  for (const auto& options : {kStrict, kLenient}) {
    EXPECT_THAT(Message(Metainfo::Parse("", options)), HasSubstr("ends too early"));
    EXPECT_EQ(Message(Metainfo::Parse("le", options)),
              "bencode: torrent: not a dictionary at byte 0");
    EXPECT_EQ(Message(Metainfo::Parse("de", options)), "bencode: info: missing at byte 0");
    EXPECT_EQ(Message(Metainfo::Parse("d4:infolee", options)),
              "bencode: info: not a dictionary at byte 7");
    for (const std::string key : {"name", "piece length", "length", "pieces"}) {
      EXPECT_EQ(AfterInfo([&](Dict& info) { info.erase(key); }, options),
                "bencode: info." + key + ": missing at byte 7");
      EXPECT_THAT(AfterInfo([&](Dict& info) { info[key] = List(); }, options),
                  HasSubstr("info." + key + ": " +
                            (key == "name" && !options.strict ? "missing" : "not a")));
    }
  }
}

TEST(Metainfo, TellsTheByteOfAFault) {
  Dict info = SingleInfo();
  info["length"] = -1;
  const std::string bytes = Torrent(std::move(info));
  const auto torrent = Metainfo::Parse(bytes);
  EXPECT_TRUE(absl::IsInvalidArgument(torrent.status()));
  EXPECT_EQ(BencodeErrorPosition(torrent.status()), bytes.find("i-1e"));
  EXPECT_THAT(Message(torrent), HasSubstr("info.length: a negative length at byte 16"));
}

TEST(Metainfo, HasAHashForEveryPiece) {
  for (const auto& options : {kStrict, kLenient}) {
    for (const std::size_t wrong : {0, 1, 3, 5, 100}) {
      EXPECT_THAT(AfterInfo([&](Dict& info) { info["pieces"] = Hashes(wrong); }, options),
                  HasSubstr(std::to_string(wrong) + " hashes for 4 pieces"));
    }
    EXPECT_THAT(AfterInfo([&](Dict& info) { info["pieces"] = Hashes(4) + "x"; }, options),
                HasSubstr("info.pieces: not 20 bytes each"));
    EXPECT_EQ(AfterInfo([&](Dict& info) { info["length"] = 4 * 16384; }, options), "OK");
    EXPECT_EQ(AfterInfo([&](Dict& info) { info["length"] = 3 * 16384 + 1; }, options), "OK");
    EXPECT_THAT(AfterInfo([&](Dict& info) { info["length"] = 4 * 16384 + 1; }, options),
                HasSubstr("4 hashes for 5 pieces"));
  }
}

TEST(Metainfo, OfAnEmptyFileHasNoPieces) {
  EXPECT_EQ(AfterInfo([](Dict& info) {
              info["length"] = 0;
              info["pieces"] = "";
            }),
            "OK");
}

TEST(Metainfo, HasAPieceLengthWithinReason) {
  for (const std::int64_t wrong : {std::int64_t{0}, std::int64_t{-16384}}) {
    EXPECT_THAT(AfterInfo([&](Dict& info) { info["piece length"] = wrong; }, kLenient),
                HasSubstr("info.piece length: not positive"));
  }
  EXPECT_THAT(AfterInfo([](Dict& info) { info["piece length"] = (std::int64_t{1} << 30) + 1; }),
              HasSubstr("info.piece length: more than 1073741824"));
  // v1 takes any other.
  EXPECT_EQ(AfterInfo([](Dict& info) { info["piece length"] = 12500; }), "OK");
}

TEST(Metainfo, OfV2HasAPieceLengthThatMakesTrees) {
  for (const auto& options : {kStrict, kLenient}) {
    for (const auto& [length, fault] : {std::pair(8192, "less than 16384"),
                                        {16383, "less than"},
                                        {49152, "not a power of two"},
                                        {16385, "not a power"}}) {
      Dict tree;
      tree["a"] = Leaf(5);
      Dict info = TreeInfo(std::move(tree));
      info["piece length"] = length;
      EXPECT_THAT(Message(Metainfo::Parse(Torrent(std::move(info)), options)), HasSubstr(fault));
    }
  }
}

TEST(Metainfo, KnowsItsVersion) {
  EXPECT_THAT(AfterInfo([](Dict& info) { info["meta version"] = 3; }, kLenient),
              HasSubstr("info.meta version: a version that nobody knows"));
  EXPECT_THAT(AfterInfo([](Dict& info) { info["meta version"] = 2; }, kLenient),
              HasSubstr("info.file tree: missing"));
  EXPECT_THAT(AfterInfo([](Dict& info) { info["file tree"] = Dict(); }, kLenient),
              HasSubstr("info.meta version: missing beside a file tree"));
  EXPECT_THAT(AfterInfo([](Dict& info) { info["meta version"] = 1; }), HasSubstr("not 2"));
  EXPECT_EQ(AfterInfo([](Dict& info) { info["meta version"] = 1; }, kLenient), "OK");
  EXPECT_EQ(AfterInfo([](Dict& info) { info["meta version"] = "2"; }, kLenient), "OK");
}

TEST(Metainfo, PrefersNamesInUtf8) {
  Dict info = SingleInfo();
  info["name"] =
      "gr\xf6\xdf"
      "e";
  info["name.utf-8"] =
      "gr\xc3\xb6\xc3\x9f"
      "e";
  auto torrent = Metainfo::Parse(Torrent(std::move(info)), kStrict);
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  EXPECT_EQ(torrent->name(),
            "gr\xc3\xb6\xc3\x9f"
            "e");
  // Bytes that are no UTF-8 are kept.
  info = SingleInfo();
  info["name"] =
      "gr\xf6\xdf"
      "e";
  torrent = Metainfo::Parse(Torrent(std::move(info)), kStrict);
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  EXPECT_EQ(torrent->name(),
            "gr\xf6\xdf"
            "e");
}

TEST(Metainfo, MendsAnUnsafeNameOnlyInTheLenientMode) {
  for (const auto& [name, mended] :
       {std::pair("../../etc", "....etc"), {"/abs", "abs"}, {"a\\b", "ab"}}) {
    Dict info = SingleInfo();
    info["name"] = name;
    const std::string bytes = Torrent(std::move(info));
    EXPECT_THAT(Message(Metainfo::Parse(bytes, kStrict)),
                HasSubstr("info.name: a name with a slash or backslash: '"));
    const auto torrent = Metainfo::Parse(bytes);
    ASSERT_TRUE(torrent.ok()) << torrent.status();
    EXPECT_EQ(torrent->name(), mended);
    EXPECT_THAT(Paths(*torrent), ElementsAre(mended));
    EXPECT_THAT(torrent->remarks(), SizeIs(1));
  }
  for (const std::string name : {"", ".", "..", "/"}) {
    Dict info = SingleInfo();
    info["name"] = name;
    const auto torrent = Metainfo::Parse(Torrent(std::move(info)));
    ASSERT_TRUE(torrent.ok()) << torrent.status();
    EXPECT_EQ(torrent->name(), torrent->info_hashes().v1->ToHex());
  }
}

TEST(Metainfo, TellsPrivacyAndSource) {
  Dict info = SingleInfo();
  info["private"] = 1;
  info["source"] = "SRC";
  auto torrent = Metainfo::Parse(Torrent(std::move(info)), kStrict);
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  EXPECT_TRUE(torrent->is_private());
  EXPECT_EQ(torrent->source(), "SRC");

  EXPECT_EQ(AfterInfo([](Dict& d) { d["private"] = 0; }), "OK");
  EXPECT_THAT(AfterInfo([](Dict& d) { d["private"] = 2; }), HasSubstr("neither 0 nor 1"));
  EXPECT_THAT(AfterInfo([](Dict& d) { d["private"] = "1"; }),
              HasSubstr("info.private: not a number"));
  info = SingleInfo();
  info["private"] = 2;
  torrent = Metainfo::Parse(Torrent(std::move(info)));
  ASSERT_TRUE(torrent.ok());
  EXPECT_TRUE(torrent->is_private());
}

TEST(Metainfo, TellsWhatStandsAroundTheInfoDictionary) {
  Dict around;
  around["announce"] = "http://a.example/announce";
  List tiers;
  tiers.emplace_back(ListOf({"http://b.example/announce", "udp://c.example:6969"}));
  tiers.emplace_back(ListOf({"http://d.example/announce"}));
  around["announce-list"] = std::move(tiers);
  around["url-list"] = ListOf({"http://s.example/", "http://t.example/"});
  around["httpseeds"] = ListOf({"http://h.example/seed"});
  List node;
  node.emplace_back("2001:db8::1");
  node.emplace_back(6881);
  List nodes;
  nodes.emplace_back(std::move(node));
  around["nodes"] = std::move(nodes);
  around["comment"] = "a comment";
  around["created by"] = "a creator";
  around["creation date"] = 1234567890;
  around["encoding"] = "UTF-8";
  around["similar"] = ListOf({std::string(20, 'o')});
  around["collections"] = ListOf({"outside"});
  Dict info = SingleInfo();
  info["similar"] = ListOf({std::string(20, 'i')});
  info["collections"] = ListOf({"inside"});
  const auto torrent = Metainfo::Parse(Torrent(std::move(info), std::move(around)), kStrict);
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  EXPECT_EQ(torrent->announce(), "http://a.example/announce");
  EXPECT_THAT(torrent->trackers(),
              ElementsAre(ElementsAre("http://b.example/announce", "udp://c.example:6969"),
                          ElementsAre("http://d.example/announce")));
  EXPECT_TRUE(torrent->has_announce_list());
  EXPECT_THAT(torrent->web_seeds(), ElementsAre("http://s.example/", "http://t.example/"));
  EXPECT_THAT(torrent->http_seeds(), ElementsAre("http://h.example/seed"));
  EXPECT_THAT(torrent->nodes(), ElementsAre(HostPort{"2001:db8::1", 6881}));
  EXPECT_EQ(torrent->comment(), "a comment");
  EXPECT_EQ(torrent->created_by(), "a creator");
  EXPECT_EQ(torrent->creation_date(), 1234567890);
  EXPECT_EQ(torrent->encoding(), "UTF-8");
  EXPECT_THAT(torrent->similar(), ElementsAre(*InfoHash::FromText(std::string(20, 'i')),
                                              *InfoHash::FromText(std::string(20, 'o'))));
  EXPECT_THAT(torrent->collections(), ElementsAre("inside", "outside"));
}

TEST(Metainfo, MakesATierOfALoneTracker) {
  Dict around;
  around["announce"] = "http://a.example/announce";
  around["announce-list"] = List();
  const auto torrent = Metainfo::Parse(Torrent(SingleInfo(), std::move(around)), kStrict);
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  EXPECT_THAT(torrent->trackers(), ElementsAre(ElementsAre("http://a.example/announce")));
  EXPECT_FALSE(torrent->has_announce_list());
}

TEST(Metainfo, TakesASeedAloneAndNoneForAnEmptyOne) {
  for (const auto& [url, seeds] : {std::pair("http://s.example/", 1), {"", 0}}) {
    Dict around;
    around["url-list"] = url;
    around["httpseeds"] = url;
    const auto torrent = Metainfo::Parse(Torrent(SingleInfo(), std::move(around)), kStrict);
    ASSERT_TRUE(torrent.ok()) << torrent.status();
    EXPECT_THAT(torrent->web_seeds(), SizeIs(seeds));
    EXPECT_THAT(torrent->http_seeds(), SizeIs(seeds));
  }
}

TEST(Metainfo, PassesOverWhatIsMalformedAroundTheInfoDictionary) {
  Dict around;
  around["announce"] = 5;
  List tiers;
  tiers.emplace_back("http://a.example/announce");
  tiers.emplace_back(7);
  tiers.emplace_back(ListOf({"", "http://b.example/announce"}));
  tiers.emplace_back(List());
  around["announce-list"] = std::move(tiers);
  around["url-list"] = ListOf({"", "http://s.example/"});
  around["httpseeds"] = "http://h.example/";
  List nodes;
  nodes.emplace_back(ListOf({"a.example", "6881"}));
  nodes.emplace_back("a.example:6881");
  around["nodes"] = std::move(nodes);
  around["comment"] = List();
  around["creation date"] = "yesterday";
  around["similar"] = ListOf({"short"});
  around["collections"] = Dict();
  const std::string bytes = Torrent(SingleInfo(), std::move(around));
  const auto torrent = Metainfo::Parse(bytes);
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  EXPECT_EQ(torrent->announce(), "");
  EXPECT_THAT(torrent->trackers(), ElementsAre(ElementsAre("http://a.example/announce"),
                                               ElementsAre("http://b.example/announce")));
  EXPECT_THAT(torrent->web_seeds(), ElementsAre("http://s.example/"));
  EXPECT_THAT(torrent->http_seeds(), ElementsAre("http://h.example/"));
  EXPECT_THAT(torrent->nodes(), IsEmpty());
  EXPECT_EQ(torrent->comment(), "");
  EXPECT_EQ(torrent->creation_date(), std::nullopt);
  EXPECT_THAT(torrent->similar(), IsEmpty());
  EXPECT_THAT(torrent->collections(), IsEmpty());
  EXPECT_THAT(torrent->remarks(), SizeIs(11));
  EXPECT_THAT(Message(Metainfo::Parse(bytes, kStrict)),
              HasSubstr("announce: not a string at byte"));
}

TEST(Metainfo, TakesBytesBehindItsEndOnlyInTheLenientMode) {
  const std::string bytes = Torrent(SingleInfo()) + "\n";
  EXPECT_FALSE(Metainfo::Parse(bytes, kStrict).ok());
  const auto torrent = Metainfo::Parse(bytes);
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  EXPECT_THAT(torrent->remarks(), ElementsAre(HasSubstr("torrent: bytes after its end")));
}

TEST(Metainfo, KeepsToItsLimits) {
  const std::string bytes = Torrent(MultiInfo(1, File(1, {"a", "b"}), File(1, {"c"})));
  const auto message = [&](auto change) {
    MetainfoOptions options;
    change(options.limits);
    return Message(Metainfo::Parse(bytes, options));
  };
  EXPECT_EQ(message([](MetainfoLimits& limits) {
              limits.max_files = 2;
              limits.max_pieces = 1;
              limits.max_path_depth = 2;
              limits.max_path_names = 3;
              limits.max_name_size = 4;
              limits.max_piece_length = 16384;
            }),
            "");
  EXPECT_THAT(message([](MetainfoLimits& limits) { limits.max_files = 1; }),
              HasSubstr("info.files[1]: more than 1 files"));
  EXPECT_THAT(message([](MetainfoLimits& limits) { limits.max_pieces = 0; }),
              HasSubstr("info: more than 0 pieces of 16384 bytes"));
  EXPECT_THAT(message([](MetainfoLimits& limits) { limits.max_path_depth = 1; }),
              HasSubstr("info.files[0].path: a path of more than 1 names"));
  EXPECT_THAT(message([](MetainfoLimits& limits) { limits.max_path_names = 2; }),
              HasSubstr("info.files[1].path: more than 2 names in all paths"));
  EXPECT_THAT(message([](MetainfoLimits& limits) { limits.max_piece_length = 16383; }),
              HasSubstr("info.piece length: more than 16383"));
  EXPECT_THAT(message([](MetainfoLimits& limits) { limits.bencode.max_size = 10; }),
              HasSubstr("10 bytes"));
  EXPECT_THAT(message([](MetainfoLimits& limits) { limits.bencode.max_tokens = 10; }),
              HasSubstr("10 tokens"));
  MetainfoOptions strict = kStrict;
  strict.limits.max_name_size = 3;
  EXPECT_THAT(Message(Metainfo::Parse(bytes, strict)),
              HasSubstr("info.name: a name too long: 'name'"));
}

TEST(Metainfo, KeepsSomeOfManyRemarks) {
  Dict info = SingleInfo();
  List similar;
  for (int i = 0; i < 1000; ++i) similar.emplace_back("short");
  info["similar"] = std::move(similar);
  const auto torrent = Metainfo::Parse(Torrent(std::move(info)));
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  EXPECT_THAT(torrent->remarks(), SizeIs(Metainfo::kMaxRemarks));
  EXPECT_THAT(torrent->remarks()[0], HasSubstr("info.similar: not 20 bytes at byte"));
}

}  // namespace
}  // namespace muster
