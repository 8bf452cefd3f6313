// SPDX-License-Identifier: Apache-2.0
#include "mirror/path_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/folder.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class PathSpecTest : public ::testing::Test {
 protected:
  PathSpecTest() {
    for (const char* name :
         {"yum/os/a.rpm", "yum/os/b.rpm", "yum/os/c.txt", "yum/os/.hidden.rpm", "yum/os/x/a.rpm",
          "yum/os/x/y/a.rpm", "yum/os-2/d.rpm", "yum/[1].rpm", "apt/e.deb", "outside"}) {
      tree_.Write(std::string("root/") + name, name);
    }
    tree_.Link("root/yum/loop", "..");
    tree_.Link("root/yum/os/z.rpm", "../../apt/e.deb");
    tree_.Link("root/yum/os/out.rpm", "../../../secret");
  }

  std::vector<std::string> Found(std::string_view text, const ExpansionLimits& limits = {}) const {
    absl::StatusOr<PathSpec> spec = PathSpec::Parse(text);
    if (!spec.ok()) return {std::string(spec.status().message())};
    FoundFiles files(limits);
    absl::Status status = spec->Expand(*Root::Open(tree_.path("root")), files);
    if (!status.ok()) return {std::string(status.message())};
    return files.paths();
  }

  Folder tree_;
};

TEST_F(PathSpecTest, APathIsItself) {
  EXPECT_THAT(Found("/yum/os/a.rpm"), ElementsAre("yum/os/a.rpm"));
  EXPECT_THAT(Found("//yum///os/a.rpm"), ElementsAre("yum/os/a.rpm"));
  EXPECT_THAT(Found("/yum/none"), ElementsAre("yum/none"));  // whoever opens it finds out
  EXPECT_THAT(Found("/yum/%2e%2e/x"), ElementsAre("yum/%2e%2e/x"));
}

TEST_F(PathSpecTest, PatternsFindFilesInTheOrderOfPaths) {
  EXPECT_THAT(Found("/yum/os/*.rpm"), ElementsAre("yum/os/a.rpm", "yum/os/b.rpm", "yum/os/z.rpm"));
  EXPECT_THAT(Found("/yum/os/?.rpm"), ElementsAre("yum/os/a.rpm", "yum/os/b.rpm", "yum/os/z.rpm"));
  EXPECT_THAT(Found("/yum/os/[!a].rpm"), ElementsAre("yum/os/b.rpm", "yum/os/z.rpm"));
  EXPECT_THAT(Found("/yum/os*/[ad].rpm"), ElementsAre("yum/os/a.rpm", "yum/os-2/d.rpm"));
  EXPECT_THAT(Found("/yum/*/x/*"), ElementsAre("yum/os/x/a.rpm"));
  EXPECT_THAT(Found("/none/*"), IsEmpty());
  EXPECT_THAT(Found("/yum/os/a.rpm/*"), IsEmpty());
}

TEST_F(PathSpecTest, ABracketThatDoesNotCloseIsAByte) {
  EXPECT_THAT(Found("/yum/[1].rp?"), IsEmpty());
  EXPECT_THAT(Found("/yum/[[]1].rpm"), ElementsAre("yum/[1].rpm"));
  EXPECT_THAT(Found("/yum/*[1.rpm"), IsEmpty());
  EXPECT_THAT(Found("/yum/[1].rpm"), IsEmpty());
}

TEST_F(PathSpecTest, TwoStarsAreWholeTrees) {
  EXPECT_THAT(Found("/yum/os/**"),
              ElementsAre("yum/os/a.rpm", "yum/os/b.rpm", "yum/os/c.txt", "yum/os/x/a.rpm",
                          "yum/os/x/y/a.rpm", "yum/os/z.rpm"));
  EXPECT_THAT(Found("/yum/**/a.rpm"),
              ElementsAre("yum/os/a.rpm", "yum/os/x/a.rpm", "yum/os/x/y/a.rpm"));
  EXPECT_THAT(Found("/**/**/y/**"), ElementsAre("yum/os/x/y/a.rpm"));
  EXPECT_THAT(Found("/**/e.deb"), ElementsAre("apt/e.deb"));
}

TEST_F(PathSpecTest, RefusesWhatIsNoPathOfAMirror) {
  for (const std::string_view text :
       {std::string_view(""), std::string_view("yum/os"), std::string_view("/yum/"),
        std::string_view("/"), std::string_view("/yum/../x"), std::string_view("/.."),
        std::string_view("/./x"), std::string_view("/yum/.hidden"), std::string_view("/.*"),
        std::string_view("/a\\b"), std::string_view("/a\0b", 4), std::string_view("/[b-a]")}) {
    EXPECT_EQ(PathSpec::Parse(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
  EXPECT_FALSE(PathSpec::Parse("/" + std::string(256, 'a')).ok());
  EXPECT_FALSE(PathSpec::Parse("/" + std::string(4096, 'a')).ok());
  std::string deep;
  for (int i = 0; i < 65; ++i) deep += "/a";
  EXPECT_FALSE(PathSpec::Parse(deep).ok());
  EXPECT_TRUE(PathSpec::Parse(deep.substr(2)).ok());
}

TEST_F(PathSpecTest, LimitsAreErrors) {
  EXPECT_THAT(Found("/yum/os/**", {.max_files = 5}), ElementsAre("more than 5 files"));
  EXPECT_THAT(Found("/yum/os/*", {.max_entries = 3}), ElementsAre("yum/os: too many entries"));
}

}  // namespace
}  // namespace muster
