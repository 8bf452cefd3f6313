// SPDX-License-Identifier: Apache-2.0
//
// TorrentBuilder and files on disk: trees, links, patterns, and files that change.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "metainfo/builder_testing.h"
#include "metainfo/torrent_testing.h"
#include "muster/torrent_builder.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace testing_builder;  // NOLINT(google-build-using-namespace)
using testing_torrent::Message;

std::vector<std::string> PathsOf(const std::string& folder, const TreeOptions& options) {
  TorrentBuilder builder;
  const absl::Status status = builder.AddTree(folder, "", options);
  EXPECT_TRUE(status.ok()) << status;
  std::vector<std::string> paths;
  const absl::StatusOr<TorrentPlan> plan = builder.Plan();
  EXPECT_TRUE(plan.ok()) << plan.status();
  if (plan.ok()) {
    for (const auto& file : plan->files) paths.push_back(file.path);
  }
  return paths;
}

class TreeTest : public testing::Test {
 protected:
  TreeTest() {
    for (const char* name : {"a.txt", "b.bin", ".hidden", "docs/a.txt", "docs/deep/c.txt",
                             "docs/deep/d.bin", "src/a.c", "src/.git/config"}) {
      folder_.Write(name, name);
    }
  }
  Folder folder_;
};

TEST_F(TreeTest, IsTakenWhole) {
  EXPECT_THAT(PathsOf(folder_.path(), {}),
              ElementsAre(".hidden", "a.txt", "b.bin", "docs/a.txt", "docs/deep/c.txt",
                          "docs/deep/d.bin", "src/.git/config", "src/a.c"));
}

TEST_F(TreeTest, IsTakenWithoutHiddenFiles) {
  EXPECT_THAT(
      PathsOf(folder_.path(), {.skip_hidden = true}),
      ElementsAre("a.txt", "b.bin", "docs/a.txt", "docs/deep/c.txt", "docs/deep/d.bin", "src/a.c"));
}

TEST_F(TreeTest, TakesWhatIsIncludedAndNotWhatIsExcluded) {
  EXPECT_THAT(PathsOf(folder_.path(), {.include = {"*.txt"}}),
              ElementsAre("a.txt", "docs/a.txt", "docs/deep/c.txt"));
  EXPECT_THAT(PathsOf(folder_.path(), {.include = {"docs"}}),
              ElementsAre("docs/a.txt", "docs/deep/c.txt", "docs/deep/d.bin"));
  EXPECT_THAT(PathsOf(folder_.path(), {.include = {"docs/**/*.txt", "/b.bin"}}),
              ElementsAre("b.bin", "docs/a.txt", "docs/deep/c.txt"));
  EXPECT_THAT(PathsOf(folder_.path(), {.exclude = {"docs/", ".*"}}),
              ElementsAre("a.txt", "b.bin", "src/a.c"));
  EXPECT_THAT(PathsOf(folder_.path(), {.include = {"docs"}, .exclude = {"*.bin", "docs/a.txt"}}),
              ElementsAre("docs/deep/c.txt"));
  TorrentBuilder builder;
  EXPECT_THAT(Message(builder.AddTree(folder_.path(), "", {.exclude = {"["}})), HasSubstr("'['"));
}

TEST_F(TreeTest, MayStandBelowAFolderOfTheTorrent) {
  TorrentBuilder builder;
  ASSERT_TRUE(builder.AddTree(folder_ / "docs", "one/two").ok());
  ASSERT_TRUE(builder.AddFile(folder_ / "a.txt", "zz").ok());
  EXPECT_FALSE(builder.AddTree(folder_ / "docs", "../x").ok());
  const absl::StatusOr<TorrentPlan> plan = builder.Plan();
  ASSERT_EQ(plan->files.size(), 4);
  EXPECT_EQ(plan->files[0].path, "one/two/a.txt");
  EXPECT_EQ(plan->files[0].disk_path, folder_ / "docs/a.txt");
  EXPECT_EQ(plan->name, "docs");
}

TEST_F(TreeTest, MarksFilesByTheirModeAndName) {
  ASSERT_EQ(::chmod((folder_ / "b.bin").c_str(), 0755), 0);
  const auto attributes = [&](const TreeOptions& options, std::string_view path) {
    TorrentBuilder builder;
    EXPECT_TRUE(builder.AddTree(folder_.path(), "", options).ok());
    const absl::StatusOr<TorrentPlan> plan = builder.Plan();
    for (const auto& file : plan->files) {
      if (file.path == path) return file.attributes;
    }
    ADD_FAILURE() << path;
    return FileAttributes();
  };
  EXPECT_TRUE(attributes({}, "b.bin").is_executable);
  EXPECT_FALSE(attributes({}, "a.txt").is_executable);
  EXPECT_FALSE(attributes({.mark_executable = false}, "b.bin").is_executable);
  EXPECT_FALSE(attributes({}, ".hidden").is_hidden);
  EXPECT_TRUE(attributes({.mark_hidden = true}, ".hidden").is_hidden);
}

TEST_F(TreeTest, FollowsKeepsOrSkipsLinks) {
  ASSERT_EQ(::symlink("../a.txt", (folder_ / "docs/link").c_str()), 0);
  ASSERT_EQ(::symlink("docs/deep", (folder_ / "deeper").c_str()), 0);
  EXPECT_THAT(PathsOf(folder_.path(), {.include = {"link", "deeper"}}),
              ElementsAre("deeper/c.txt", "deeper/d.bin", "docs/link"));
  EXPECT_THAT(PathsOf(folder_.path(),
                      {.include = {"link", "deeper", "a.c"}, .symlinks = SymlinkPolicy::kSkip}),
              ElementsAre("src/a.c"));
  TorrentBuilder builder;
  ASSERT_TRUE(builder.AddTree(folder_.path(), "", {.symlinks = SymlinkPolicy::kKeep}).ok());
  ASSERT_TRUE(builder.Hash().ok());
  const absl::StatusOr<Metainfo> torrent = Metainfo::Parse(*builder.Torrent(), {.strict = true});
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  std::map<std::string, std::string> links;
  for (const MetainfoFile& file : torrent->files()) {
    if (!file.is_symlink) continue;
    for (const std::string_view name : file.symlink_path) {
      links[file.PathText()].append("/").append(name);
    }
  }
  EXPECT_EQ(links, (std::map<std::string, std::string>{{"deeper", "/docs/deep"},
                                                       {"docs/link", "/a.txt"}}));
}

TEST_F(TreeTest, RefusesLinksThatLeaveIt) {
  for (const char* target : {"/etc/passwd", "..", "../../x", "docs/../.."}) {
    ASSERT_EQ(::symlink(target, (folder_ / "bad").c_str()), 0);
    TorrentBuilder builder;
    EXPECT_THAT(Message(builder.AddTree(folder_.path(), "", {.symlinks = SymlinkPolicy::kKeep})),
                HasSubstr("bad: a symbolic link that leaves the tree"));
    EXPECT_EQ(Message(builder.Plan().status()), "no files");  // nothing was added
    ASSERT_EQ(::unlink((folder_ / "bad").c_str()), 0);
  }
}

TEST_F(TreeTest, PassesOverLinksToNowhereThatAreNotWanted) {
  for (const auto& [name, target] : std::map<std::string, std::string>{
           {"bad", "nowhere"}, {"docs/bad", "../a.txt/x"}, {"src/bad", "bad"}}) {
    ASSERT_EQ(::symlink(target.c_str(), (folder_ / name).c_str()), 0);
  }
  EXPECT_THAT(PathsOf(folder_.path(), {.include = {"a.c"}}), ElementsAre("src/a.c"));
  EXPECT_THAT(PathsOf(folder_.path(), {.include = {"src"}, .exclude = {"bad"}}),
              testing::Contains("src/a.c"));
  EXPECT_THAT(Message(TorrentBuilder().AddTree(folder_.path(), "", {.include = {"src"}})),
              HasSubstr("src/bad: Too many levels"));
}

TEST_F(TreeTest, RefusesWhatIsNoFile) {
  const auto fault = [&] { return Message(TorrentBuilder().AddTree(folder_.path(), "")); };
  ASSERT_EQ(::symlink("..", (folder_ / "docs/up").c_str()), 0);
  EXPECT_THAT(fault(), HasSubstr("docs/up/: a symbolic link to a folder that it is in"));
  ASSERT_EQ(::unlink((folder_ / "docs/up").c_str()), 0);
  ASSERT_EQ(::symlink("nowhere", (folder_ / "dangling").c_str()), 0);
  EXPECT_THAT(fault(), HasSubstr("dangling: No such file"));
  ASSERT_EQ(::unlink((folder_ / "dangling").c_str()), 0);
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(fault(), HasSubstr("pipe: not a file"));
  EXPECT_THAT(Message(TorrentBuilder().AddPath(folder_ / "pipe")), HasSubstr("pipe: not a file"));
  EXPECT_EQ(TorrentBuilder().AddPath(folder_ / "none").code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(TorrentBuilder().AddFile(folder_ / "docs", "a").code(),
            absl::StatusCode::kInvalidArgument);
  ASSERT_EQ(::unlink((folder_ / "pipe").c_str()), 0);
  folder_.Write("bad\\name", "1");
  EXPECT_THAT(fault(), HasSubstr("bad\\name: a name with a slash or backslash"));
}

TEST(BuilderOnDisk, NamesItselfByThePath) {
  Folder folder;
  folder.Write("album/a", "1");
  const auto name = [&](const std::string& path) {
    TorrentBuilder builder;
    EXPECT_TRUE(builder.AddPath(path).ok());
    return builder.Plan()->name;
  };
  EXPECT_EQ(name(folder / "album"), "album");
  EXPECT_EQ(name(folder / "album//"), "album");
  EXPECT_EQ(name(folder / "album/."), "album");
  EXPECT_EQ(name(folder / "album/a"), "a");
}

// What `change` does to a file after it was added is an error that names the file.
template <typename Change>
void ExpectRefused(const Change& change, absl::StatusCode code) {
  for (const TorrentKind kind : {TorrentKind::kV1, TorrentKind::kV2, TorrentKind::kHybrid}) {
    Folder folder;
    folder.Write("t/one", SomeBytes(100000));
    folder.Write("t/two", SomeBytes(100000));
    TorrentBuilder builder({.kind = kind});
    ASSERT_TRUE(builder.AddPath(folder / "t").ok());
    change(folder / "t/two");
    const absl::Status status = builder.Hash();
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_THAT(Message(status), HasSubstr(folder / "t/two"));
    EXPECT_FALSE(builder.Torrent().ok());
  }
}

TEST(BuilderOnDisk, RefusesAFileThatChanged) {
  constexpr auto kChanged = absl::StatusCode::kFailedPrecondition;
  ExpectRefused([](const std::string& path) { ASSERT_EQ(::truncate(path.c_str(), 50000), 0); },
                kChanged);
  ExpectRefused([](const std::string& path) { ASSERT_EQ(::truncate(path.c_str(), 0), 0); },
                kChanged);
  ExpectRefused([](const std::string& path) { ASSERT_EQ(::truncate(path.c_str(), 150000), 0); },
                kChanged);
  ExpectRefused(
      [](const std::string& path) {
        const timespec times[2] = {{0, UTIME_OMIT}, {1, 0}};
        ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
      },
      kChanged);
  ExpectRefused(
      [](const std::string& path) {
        std::filesystem::copy_file(path, path + ".new");
        std::filesystem::last_write_time(path + ".new", std::filesystem::last_write_time(path));
        std::filesystem::rename(path + ".new", path);
      },
      kChanged);
}

TEST(BuilderOnDisk, RefusesAFileThatVanished) {
  ExpectRefused([](const std::string& path) { ASSERT_EQ(::unlink(path.c_str()), 0); },
                absl::StatusCode::kNotFound);
  ExpectRefused(
      [](const std::string& path) {
        ASSERT_EQ(::unlink(path.c_str()), 0);
        ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
      },
      absl::StatusCode::kUnknown);
}

TEST(BuilderOnDisk, RefusesAFileThatChangesWhileItIsHashed) {
  Folder folder;
  folder.Write("big", SomeBytes(24 << 20));
  for (const bool truncates : {false, true}) {
    TorrentBuilder builder({.piece_length = 1 << 20});
    ASSERT_TRUE(builder.AddPath(folder / "big").ok());
    bool changed = false;
    const absl::Status status =
        builder.Hash({.threads = 1, .progress = [&](const HashingProgress& progress) {
                        if (changed || progress.bytes == 0) return true;
                        changed = true;
                        if (truncates) {
                          EXPECT_EQ(::truncate((folder / "big").c_str(), 1 << 20), 0);
                        } else {
                          std::fstream(folder / "big", std::ios::in | std::ios::out) << "changed";
                        }
                        return true;
                      }});
    EXPECT_TRUE(changed);
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_THAT(Message(status), HasSubstr("big: changed"));
  }
}

TEST(BuilderOnDisk, HashesManySmallFilesInFewDescriptors) {
  Folder folder;
  std::map<std::string, std::string> files;
  for (int i = 0; i < 500; ++i) {
    const std::string name = std::to_string(i);
    files[name] = SomeBytes(static_cast<std::size_t>(i) * 13 % 3000, static_cast<std::uint64_t>(i));
    folder.Write("t/" + name, files[name]);
  }
  for (const TorrentKind kind : {TorrentKind::kV1, TorrentKind::kV2, TorrentKind::kHybrid}) {
    TorrentBuilder builder({.kind = kind, .piece_length = 16384});
    ASSERT_TRUE(builder.AddPath(folder / "t").ok());
    ASSERT_TRUE(builder.Hash({.threads = 3}).ok());
    ExpectTorrentOf(*builder.Torrent(), files, kind != TorrentKind::kV2, kind != TorrentKind::kV1);
  }
}

TEST(HashingRate, IsThatOfTheLastSeconds) {
  using std::chrono::seconds;
  HashingRate rate;
  EXPECT_EQ(rate.bytes_per_second(), 0);
  EXPECT_FALSE(rate.left());
  HashingProgress progress{.bytes = 0, .total_bytes = 1000};
  rate.Add(progress, seconds(5));
  EXPECT_FALSE(rate.left());
  progress.bytes = 100;
  rate.Add(progress, seconds(6));
  EXPECT_DOUBLE_EQ(rate.bytes_per_second(), 100);
  EXPECT_EQ(rate.left(), seconds(9));
  rate.Add(progress, seconds(6));  // at the same time
  EXPECT_DOUBLE_EQ(rate.bytes_per_second(), 100);
  for (int second = 7; second < 30; ++second) {
    progress.bytes += 10;
    rate.Add(progress, seconds(second));
  }
  EXPECT_NEAR(rate.bytes_per_second(), 10, 0.1);
}

}  // namespace
}  // namespace muster
