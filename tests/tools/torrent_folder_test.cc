// SPDX-License-Identifier: Apache-2.0
#include "musterd/torrent_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "base/folder.h"
#include "helpers.h"

namespace musterd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

// A torrent of one file without content.
std::string TorrentOf(const std::string& name, const std::string& before = "",
                      const std::string& after = "") {
  return "d" + before + "4:infod6:lengthi0e4:name" + std::to_string(name.size()) + ":" + name +
         "12:piece lengthi16384e6:pieces0:e" + after + "e";
}

class TorrentFolderTest : public testing::Test {
 protected:
  // Replaces the file, so that it is another one whatever the clock says.
  void Write(const std::string& name, const std::string& bytes) {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / "new") << bytes;
    std::filesystem::rename(path_ / "new", path_ / name);
  }
  void Remove(const std::string& name) { std::filesystem::remove_all(path_ / name); }
  static std::vector<std::string> NamesIn(const TorrentFolder& folder) {
    std::vector<std::string> names;
    for (const auto& torrent : folder.torrents()) names.push_back(torrent->name);
    return names;
  }
  bool Read() {
    const auto changed = folder().Read();
    EXPECT_TRUE(changed.ok()) << changed.status();
    return changed.ok() && *changed;
  }
  TorrentFolder& folder() {
    if (folder_ == nullptr) folder_ = std::make_unique<TorrentFolder>(path_.string(), true, &log_);
    return *folder_;
  }

  const muster::Folder root_;
  const std::filesystem::path path_ = root_.path();
  Heard log_;
  std::unique_ptr<TorrentFolder> folder_;
};

TEST_F(TorrentFolderTest, ReadsTorrentsAndWhatChangesOfThem) {
  Write("a.torrent", TorrentOf("a"));
  Write("b.torrent", TorrentOf("b"));
  Write("c.txt", TorrentOf("c"));
  EXPECT_TRUE(Read());
  EXPECT_THAT(NamesIn(folder()), UnorderedElementsAre("a", "b"));
  EXPECT_FALSE(Read());
  Write("a.torrent", TorrentOf("other"));
  Remove("b.torrent");
  EXPECT_TRUE(Read());
  EXPECT_THAT(NamesIn(folder()), ElementsAre("other"));
  EXPECT_THAT(log_.texts(), IsEmpty());
}

TEST_F(TorrentFolderTest, KnowsWhereTheFileLies) {
  Write("a.torrent", TorrentOf("a"));
  Read();
  EXPECT_EQ(folder().torrents()[0]->path, (path_ / "a.torrent").string());
}

TEST_F(TorrentFolderTest, TakesTheTrackersOfAnAnnounceListThoughItNamesOneAlone) {
  Write("plain.torrent", TorrentOf("plain", "8:announce12:http://a/ann"));
  Write("listed.torrent",
        TorrentOf("listed", "8:announce12:http://a/ann13:announce-listll12:http://a/annee"));
  Read();
  for (const auto& torrent : folder().torrents()) {
    EXPECT_EQ(torrent->trackers, torrent->name == "listed"
                                     ? std::vector<std::string>{"http://a/ann"}
                                     : std::vector<std::string>{});
  }
}

TEST_F(TorrentFolderTest, LooksIntoSubdirectoriesOnlyWhereThereAreNoTorrents) {
  Write("x/one.torrent", TorrentOf("one"));
  Write("y/z/two.torrent", TorrentOf("two"));
  Write("y/z/deeper/never.torrent", TorrentOf("never"));
  std::filesystem::create_directory_symlink(path_, path_ / "y/loop");
  Read();
  EXPECT_THAT(NamesIn(folder()), UnorderedElementsAre("one", "two"));
  Write("three.torrent", TorrentOf("three"));
  Read();
  EXPECT_THAT(NamesIn(folder()), ElementsAre("three"));
}

TEST_F(TorrentFolderTest, NamesADoubleOnceAndTakesItWhenTheFirstGoes) {
  Write("b.torrent", TorrentOf("a"));
  Read();
  Write("a.torrent", TorrentOf("a"));
  Read();
  Write("c.torrent", TorrentOf("c"));
  Read();
  // The first stays, though its name comes later.
  ASSERT_EQ(log_.texts().size(), 1u);
  EXPECT_THAT(log_.texts()[0], HasSubstr("a.torrent' is the same torrent as"));
  EXPECT_THAT(NamesIn(folder()), UnorderedElementsAre("a", "c"));
  Remove("b.torrent");
  Read();
  EXPECT_THAT(NamesIn(folder()), UnorderedElementsAre("a", "c"));
  EXPECT_EQ(log_.texts().size(), 1u);
}

TEST_F(TorrentFolderTest, NamesADamagedFileOnceForEachChange) {
  Write("a.torrent", "d4:info");
  Write("b.torrent", TorrentOf("b"));
  std::filesystem::create_directory(path_ / "folder.torrent");
  std::filesystem::create_symlink("nowhere", path_ / "link.torrent");
  Read();
  EXPECT_THAT(NamesIn(folder()), ElementsAre("b"));
  ASSERT_EQ(log_.texts().size(), 2u);
  EXPECT_THAT(log_.texts()[0], HasSubstr("a.torrent"));
  EXPECT_THAT(log_.texts()[1], HasSubstr("link.torrent"));
  Read();
  EXPECT_EQ(log_.texts().size(), 2u);
  Write("a.torrent", "d4:infod");
  Read();
  EXPECT_EQ(log_.texts().size(), 3u);
  Write("a.torrent", TorrentOf("a"));
  Read();
  EXPECT_THAT(NamesIn(folder()), UnorderedElementsAre("a", "b"));
}

TEST_F(TorrentFolderTest, KeepsItsTorrentsWhenTheDirectoryIsGone) {
  Write("t/a.torrent", TorrentOf("a"));
  TorrentFolder folder((path_ / "t").string(), false, &log_);
  ASSERT_TRUE(folder.Read().ok());
  Remove("t");
  EXPECT_FALSE(folder.Read().ok());
  EXPECT_THAT(NamesIn(folder), ElementsAre("a"));
}

TEST_F(TorrentFolderTest, KeepsItsTorrentsWhileNothingCanBeOpened) {
  Write("t/a.torrent", TorrentOf("a"));
  EXPECT_TRUE(Read());
  Write("t/b.torrent", TorrentOf("b"));
  rlimit limit;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  rlimit none = limit;
  none.rlim_cur = 0;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const absl::Status status = folder().Read().status();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(NamesIn(folder()), ElementsAre("a"));
  EXPECT_TRUE(Read());
  EXPECT_THAT(NamesIn(folder()), UnorderedElementsAre("a", "b"));
  EXPECT_THAT(log_.texts(), IsEmpty());
}

TEST(ReadTorrent, TakesMessagesWhereTheyAreWanted) {
  const std::string bytes = TorrentOf("a", "14:failure reason4:gone", "15:warning message3:old");
  const auto obeyed = ReadTorrent(bytes, "p", true);
  ASSERT_TRUE(obeyed.ok()) << obeyed.status();
  EXPECT_EQ(obeyed->refusal, "gone");
  EXPECT_EQ(obeyed->warning, "old");
  EXPECT_EQ(obeyed->files, 1u);
  const auto ignored = ReadTorrent(bytes, "p", false);
  ASSERT_TRUE(ignored.ok());
  EXPECT_EQ(ignored->refusal + ignored->warning, "");
}

}  // namespace
}  // namespace musterd
