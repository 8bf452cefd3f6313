// SPDX-License-Identifier: Apache-2.0
#include "mirror/root.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>

#include "base/folder.h"
#include "mirror/file_text.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;

// Both ways must do the same.
class RootTest : public ::testing::TestWithParam<Root::Way> {
 protected:
  RootTest() {
    tree_.Write("secret", "outside");
    tree_.Write("root/yum/a.rpm", "content of a");
    tree_.Write("root/yum/deep/b.rpm", "content of b");
  }

  Root Opened() const { return *Root::Open(tree_.path("root"), GetParam()); }
  std::string TextOf(const std::string& path) const {
    absl::StatusOr<RootFile> file = Opened().OpenFile(path);
    if (!file.ok()) return std::string(absl::StatusCodeToString(file.status().code()));
    return *ReadText(file->fd.get(), 1000, path);
  }

  Folder tree_;
};

INSTANTIATE_TEST_SUITE_P(Ways, RootTest, ::testing::Values(Root::Way::kBest, Root::Way::kByName),
                         [](const auto& way) {
                           return way.param == Root::Way::kBest ? "best" : "by_name";
                         });

TEST_P(RootTest, OpensFilesBelowIt) {
  EXPECT_EQ(TextOf("yum/a.rpm"), "content of a");
  EXPECT_EQ(TextOf("yum/deep/b.rpm"), "content of b");
  EXPECT_EQ(TextOf("yum/none"), "NOT_FOUND");
  EXPECT_EQ(TextOf("yum/a.rpm/x"), "NOT_FOUND");
}

TEST_P(RootTest, NeverLeaves) {
  EXPECT_EQ(TextOf("../secret"), "PERMISSION_DENIED");
  EXPECT_EQ(TextOf("yum/../../secret"), "PERMISSION_DENIED");
  EXPECT_EQ(TextOf(tree_.path("secret")), "PERMISSION_DENIED");
  EXPECT_EQ(TextOf("/yum/a.rpm"), "PERMISSION_DENIED");
}

TEST_P(RootTest, FollowsLinksThatStay) {
  tree_.Link("root/yum/same", "a.rpm");
  tree_.Link("root/yum/deep/up", "../a.rpm");
  tree_.Link("root/folder", "yum/deep");
  tree_.Link("root/yum/deep/around", "../../folder/../deep/b.rpm");
  EXPECT_EQ(TextOf("yum/same"), "content of a");
  EXPECT_EQ(TextOf("yum/deep/up"), "content of a");
  EXPECT_EQ(TextOf("folder/b.rpm"), "content of b");
  EXPECT_EQ(TextOf("yum/deep/around"), "content of b");
}

TEST_P(RootTest, DoesNotFollowLinksThatLeave) {
  tree_.Link("root/out", "../secret");
  tree_.Link("root/whole", tree_.path("secret"));
  tree_.Link("root/back", tree_.path("root/yum/a.rpm"));
  tree_.Link("root/above", "..");
  tree_.Link("root/again", "yum/../../root/yum/a.rpm");
  for (const char* path : {"out", "whole", "back", "above/secret", "again"}) {
    EXPECT_EQ(TextOf(path), "PERMISSION_DENIED") << path;
  }
}

TEST_P(RootTest, GivesUpOnLinksThatLeadToThemselves) {
  tree_.Link("root/a", "b");
  tree_.Link("root/b", "a");
  EXPECT_FALSE(Opened().OpenFile("a").ok());
  tree_.Link("root/c", "c/c/c");
  EXPECT_FALSE(Opened().OpenFile("c").ok());
}

TEST_P(RootTest, RefusesWhatIsNoRegularFile) {
  ASSERT_EQ(::mkfifo(tree_.path("root/pipe").c_str(), 0600), 0);
  EXPECT_EQ(TextOf("pipe"), "PERMISSION_DENIED");
  EXPECT_EQ(TextOf("yum"), "PERMISSION_DENIED");
  EXPECT_EQ(TextOf(""), "PERMISSION_DENIED");
}

TEST_P(RootTest, ListsFilesAndFoldersByName) {
  tree_.Write("root/yum/.hidden", "");
  tree_.Link("root/yum/out", "../../secret");
  tree_.Link("root/yum/z", "deep");
  ASSERT_EQ(::mkfifo(tree_.path("root/yum/pipe").c_str(), 0600), 0);
  auto entries = Opened().List("yum", 100);
  ASSERT_TRUE(entries.ok()) << entries.status();
  EXPECT_THAT(*entries, ElementsAre(RootEntry{"a.rpm", false, true, false},
                                    RootEntry{"deep", true, false, false},
                                    RootEntry{"z", true, false, true}));
  EXPECT_EQ(Opened().List("yum", 2).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Opened().List("yum/a.rpm", 2).status().code(), absl::StatusCode::kNotFound);
}

TEST_P(RootTest, WaitsForNoDiskWhereItMustNot) {
  const auto at_hand = [this](const std::string& path) {
    return Opened().OpenFileAtHand(path).status();
  };
  EXPECT_TRUE(absl::IsUnavailable(at_hand("never/asked/for")));
  // Whether it is at hand, the kernel knows; it is never another file.
  ASSERT_TRUE(Opened().OpenFile("yum/a.rpm").ok());
  const absl::Status status = at_hand("yum/a.rpm");
  EXPECT_TRUE(status.ok() ? GetParam() == Root::Way::kBest : absl::IsUnavailable(status)) << status;
  EXPECT_FALSE(at_hand("../secret").ok());
  EXPECT_FALSE(at_hand("yum").ok());
}

TEST_P(RootTest, KnowsWhenAFileChanged) {
  const auto before = Opened().Identify("yum/a.rpm");
  tree_.Write("root/yum/other", "content of a");
  std::filesystem::rename(tree_.path("root/yum/other"), tree_.path("root/yum/a.rpm"));
  EXPECT_FALSE(*before == *Opened().Identify("yum/a.rpm"));
}

// The classical race: a folder becomes a link to the outside and back, while files are opened.
TEST_P(RootTest, DoesNotLeaveWhileFoldersChange) {
  tree_.Write("outside/a.rpm", "outside");
  tree_.Link("root/link", "../outside");
  const Root root = Opened();
  std::atomic<bool> done = false;
  std::thread changer([&] {
    const std::string folder = tree_.path("root/yum"), link = tree_.path("root/link");
    while (!done) {
      ::renameat2(AT_FDCWD, folder.c_str(), AT_FDCWD, link.c_str(), RENAME_EXCHANGE);
    }
  });
  int opened = 0, outside = 0;
  for (int i = 0; i < 20000; ++i) {
    absl::StatusOr<RootFile> file = root.OpenFile("yum/a.rpm");
    if (!file.ok()) continue;
    ++opened;
    outside += *ReadText(file->fd.get(), 1000, "") != "content of a";
  }
  done = true;
  changer.join();
  EXPECT_GT(opened, 0);
  EXPECT_EQ(outside, 0);
}

}  // namespace
}  // namespace muster
