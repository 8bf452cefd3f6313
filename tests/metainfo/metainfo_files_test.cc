// SPDX-License-Identifier: Apache-2.0
//
// The files of a v1 torrent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "metainfo/torrent_testing.h"
#include "muster/metainfo.h"

namespace muster {
namespace {

using namespace testing_torrent;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// With one more key.
Dict With(Dict file, std::string key, BencodeValue value) {
  file[std::move(key)] = std::move(value);
  return file;
}

TEST(MetainfoFiles, FollowOneAnother) {
  const auto torrent = Metainfo::Parse(
      Torrent(MultiInfo(3, File(20000, {"a", "b.txt"}), File(0, {"empty"}), File(20001, {"z"}))),
      kStrict);
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  EXPECT_FALSE(torrent->is_single_file());
  EXPECT_THAT(Paths(*torrent), ElementsAre("a/b.txt", "empty", "z"));
  EXPECT_THAT(torrent->files()[0].path, ElementsAre("a", "b.txt"));
  EXPECT_EQ(torrent->files()[1].offset, 20000);
  EXPECT_EQ(torrent->files()[2].offset, 20000);
  EXPECT_EQ(torrent->files()[2].length, 20001);
  EXPECT_EQ(torrent->total_length(), 40001);
}

TEST(MetainfoFiles, HaveTheAttributesOfBep47) {
  Dict link = File(0, {"link"});
  link["attr"] = "l";
  link["symlink path"] = ListOf({"a", "b"});
  const auto torrent =
      Metainfo::Parse(Torrent(MultiInfo(1, With(File(10, {"a", "b"}), "attr", "xh?"),
                                        With(File(5, {".pad", "5"}), "attr", "p"), std::move(link),
                                        With(File(1, {"c"}), "sha1", std::string(20, 's')),
                                        With(File(1, {".pad", "5"}), "attr", "p"))),
                      kStrict);
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  const auto files = torrent->files();
  EXPECT_TRUE(files[0].is_executable && files[0].is_hidden);
  EXPECT_FALSE(files[0].is_pad || files[0].is_symlink);
  EXPECT_TRUE(files[1].is_pad);
  EXPECT_TRUE(files[2].is_symlink);
  EXPECT_THAT(files[2].symlink_path, ElementsAre("a", "b"));
  EXPECT_THAT(files[0].symlink_path, IsEmpty());
  EXPECT_EQ(files[3].sha1, std::string(20, 's'));
  EXPECT_EQ(files[0].sha1, "");
  EXPECT_EQ(torrent->content_length(), 11);
  EXPECT_EQ(torrent->total_length(), 17);
}

TEST(MetainfoFiles, AreNotThereInAnEmptyList) {
  EXPECT_THAT(Message(Metainfo::Parse(Torrent(MultiInfo(0)))), HasSubstr("info.files: no files"));
}

TEST(MetainfoFiles, SayWhatIsWrongWithThem) {
  const auto message = [](Dict file) {
    return Message(Metainfo::Parse(Torrent(MultiInfo(1, File(1, {"x"}), std::move(file)))));
  };
  const auto without = [](std::string_view key) {
    Dict file = File(1, {"a"});
    file.erase(file.find(key));
    return file;
  };
  EXPECT_THAT(message(without("length")), HasSubstr("info.files[1].length: missing"));
  EXPECT_THAT(message(without("path")), HasSubstr("info.files[1].path: missing"));
  EXPECT_THAT(message(File(-1, {"a"})), HasSubstr("info.files[1].length: a negative length"));
  EXPECT_THAT(message(File(1, {})), HasSubstr("info.files[1].path: missing"));
  EXPECT_THAT(message(With(File(1, {"a"}), "length", "1")),
              HasSubstr("info.files[1].length: not a number"));
  List numbers;
  numbers.emplace_back(5);
  EXPECT_THAT(message(With(File(1, {"a"}), "path", std::move(numbers))),
              HasSubstr("info.files[1].path: not a string"));
  Dict info = MultiInfo(1);
  List files;
  files.emplace_back("a");
  info["files"] = std::move(files);
  EXPECT_THAT(Message(Metainfo::Parse(Torrent(std::move(info)))),
              HasSubstr("info.files[0]: not a dictionary"));
}

TEST(MetainfoFiles, HaveLengthsThatAddUp) {
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  const auto message = [](auto... files) {
    return Message(Metainfo::Parse(Torrent(MultiInfo(1, std::move(files)...))));
  };
  EXPECT_THAT(message(File(kMax, {"a"}), File(1, {"b"})),
              HasSubstr("info.files[1]: lengths that add up to more than 63 bits"));
  EXPECT_THAT(message(File(kMax - 1, {"a"}), File(1, {"b"})),
              HasSubstr("more than 4000000 pieces"));
}

TEST(MetainfoFiles, NeverLeaveTheirFolder) {
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{"..", "a"}, "a"},
      {{"a", "..", "..", "b"}, "a/b"},
      {{".", "a"}, "a"},
      {{"", "a", ""}, "a"},
      {{"/etc/passwd"}, "etcpasswd"},
      {{"..\\a"}, "..a"},
      {{std::string("a\0b", 3)}, "ab"},
      {{".."}, "_"},
      {{"/"}, "_"},
      {{std::string(300, 'a')}, std::string(255, 'a')},
  };
  for (const auto& [names, safe] : cases) {
    List path;
    for (const std::string& name : names) path.emplace_back(name);
    Dict file = With(File(1, {}), "path", std::move(path));
    const std::string bytes = Torrent(MultiInfo(1, std::move(file)));
    EXPECT_THAT(Message(Metainfo::Parse(bytes, kStrict)), HasSubstr("info.files[0].path: a"))
        << safe;
    const auto torrent = Metainfo::Parse(bytes);
    ASSERT_TRUE(torrent.ok()) << torrent.status();
    EXPECT_THAT(Paths(*torrent), ElementsAre(safe));
  }
}

TEST(MetainfoFiles, PreferPathsInUtf8) {
  auto torrent = Metainfo::Parse(
      Torrent(MultiInfo(1, With(File(1, {"\xf6"}), "path.utf-8", ListOf({"\xc3\xb6"})))), kStrict);
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  EXPECT_THAT(Paths(*torrent), ElementsAre("\xc3\xb6"));
  torrent = Metainfo::Parse(
      Torrent(MultiInfo(1, With(File(1, {"\xf6"}), "path.utf-8", "\xc3\xb6"))), kLenient);
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  EXPECT_THAT(Paths(*torrent), ElementsAre("\xf6"));
}

TEST(MetainfoFiles, ThatArePaddingNeedNoPath) {
  Dict pad = File(5, {});
  pad.erase("path");
  pad["attr"] = "p";
  const auto torrent = Metainfo::Parse(Torrent(MultiInfo(1, File(1, {"a"}), std::move(pad))));
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  EXPECT_THAT(Paths(*torrent), ElementsAre("a", "5"));
}

TEST(MetainfoFiles, ArePaddingByBitCometsNames) {
  const auto torrent = Metainfo::Parse(
      Torrent(MultiInfo(1, File(1, {"a"}), File(2, {"_____padding_file_0_if you see this"}))),
      kStrict);
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  EXPECT_TRUE(torrent->files()[1].is_pad);
  EXPECT_EQ(torrent->content_length(), 1);
}

TEST(MetainfoFiles, ThatAreLinksTakeUpNoDataAndPointInside) {
  const auto link = [](std::initializer_list<std::string_view> target, int length) {
    Dict file = File(length, {"link"});
    file["attr"] = "l";
    file["symlink path"] = ListOf(target);
    return Torrent(MultiInfo(0, std::move(file)));
  };
  EXPECT_TRUE(Metainfo::Parse(link({"a"}, 0), kStrict).ok());
  EXPECT_THAT(Message(Metainfo::Parse(link({"a"}, 7), kStrict)),
              HasSubstr("info.files[0].length: the length of a symbolic link"));
  EXPECT_THAT(Message(Metainfo::Parse(link({"..", "a"}, 0), kStrict)),
              HasSubstr("info.files[0].symlink path: a name of dots: '..'"));
  EXPECT_THAT(Message(Metainfo::Parse(link({}, 0), kStrict)),
              HasSubstr("info.files[0].symlink path: a symbolic link to nowhere"));
  auto torrent = Metainfo::Parse(link({"..", "a"}, 7));
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  EXPECT_EQ(torrent->files()[0].length, 0);
  EXPECT_THAT(torrent->files()[0].symlink_path, ElementsAre("a"));
  Dict text = File(0, {"link"});
  text["attr"] = "l";
  text["symlink path"] = "a";
  EXPECT_THAT(Message(Metainfo::Parse(Torrent(MultiInfo(0, std::move(text))), kStrict)),
              HasSubstr("info.files[0].symlink path: not a list"));
  torrent = Metainfo::Parse(link({".."}, 7));
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  EXPECT_FALSE(torrent->files()[0].is_symlink);
}

TEST(MetainfoFiles, ThatWantOnePlaceGetNumbers) {
  const std::string bytes = Torrent(
      MultiInfo(1, File(1, {"a"}), File(1, {"d", "x"}), File(1, {"a"}), File(1, {"a.1"}),
                File(1, {"d"}), File(1, {"a"}), File(1, {"d", "x"}), File(1, {"d.1", "y"})));
  EXPECT_THAT(Message(Metainfo::Parse(bytes, kStrict)),
              HasSubstr("info/'a': two files of one path at byte"));
  const auto torrent = Metainfo::Parse(bytes);
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  EXPECT_THAT(Paths(*torrent),
              ElementsAre("a", "d/x", "a.2", "a.1", "d.2", "a.3", "d/x.1", "d.1/y"));
  EXPECT_THAT(torrent->remarks(), SizeIs(4));

  EXPECT_THAT(
      Message(Metainfo::Parse(Torrent(MultiInfo(1, File(1, {"a", "b"}), File(1, {"a"}))), kStrict)),
      HasSubstr("info/'a': a file where there is a folder"));
}

TEST(MetainfoFiles, OfOneNameAreManyWithoutTrouble) {
  Dict info = MultiInfo(1);
  List files;
  for (int i = 0; i < 5000; ++i) files.emplace_back(File(1, {"same"}));
  info["files"] = std::move(files);
  const auto torrent = Metainfo::Parse(Torrent(std::move(info)));
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  EXPECT_EQ(torrent->files()[0].PathText(), "same");
  EXPECT_EQ(torrent->files()[4999].PathText(), "same.4999");
}

TEST(MetainfoFiles, BesideALengthAreWhatCounts) {
  Dict info = MultiInfo(1, File(5, {"a"}));
  info["length"] = 7;
  const std::string bytes = Torrent(std::move(info));
  EXPECT_THAT(Message(Metainfo::Parse(bytes, kStrict)), HasSubstr("info.length: a length beside"));
  const auto torrent = Metainfo::Parse(bytes);
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  EXPECT_EQ(torrent->total_length(), 5);
  EXPECT_FALSE(torrent->is_single_file());
}

}  // namespace
}  // namespace muster
