// SPDX-License-Identifier: Apache-2.0
#include "metainfo/glob.h"

#include <gtest/gtest.h>

#include <string>

namespace muster {
namespace {

bool Matches(std::string_view pattern, std::string_view path) {
  const absl::StatusOr<Glob> glob = Glob::Parse(pattern);
  EXPECT_TRUE(glob.ok()) << pattern << ": " << glob.status();
  return glob.ok() && glob->Matches(path);
}

TEST(Glob, WithoutASlashIsForTheLastName) {
  EXPECT_TRUE(Matches("*.nfo", "a.nfo"));
  EXPECT_TRUE(Matches("*.nfo", "dir/sub/a.nfo"));
  EXPECT_FALSE(Matches("*.nfo", "a.nfo/b"));
  EXPECT_TRUE(Matches("name", "dir/name"));
  EXPECT_FALSE(Matches("name", "dir/name2"));
  EXPECT_FALSE(Matches("dir", "dir/name"));
}

TEST(Glob, WithASlashIsForTheWholePath) {
  EXPECT_TRUE(Matches("/a", "a"));
  EXPECT_FALSE(Matches("/a", "b/a"));
  EXPECT_TRUE(Matches("dir/*.txt", "dir/a.txt"));
  EXPECT_FALSE(Matches("dir/*.txt", "dir/sub/a.txt"));
  EXPECT_FALSE(Matches("dir/*.txt", "x/dir/a.txt"));
  EXPECT_TRUE(Matches("dir/", "x/dir"));  // the trailing slash says no more than "dir"
}

TEST(Glob, StarTakesAnyBytesButSlashes) {
  EXPECT_TRUE(Matches("/*", "abc"));
  EXPECT_TRUE(Matches("/*", ""));
  EXPECT_FALSE(Matches("/*", "a/b"));
  EXPECT_TRUE(Matches("/a*b*c", "a12b34c"));
  EXPECT_TRUE(Matches("/a*b*c", "abbc"));
  EXPECT_FALSE(Matches("/a*b*c", "acb"));
}

TEST(Glob, TwoStarsTakeSlashesToo) {
  EXPECT_TRUE(Matches("a/**", "a/b/c"));
  EXPECT_FALSE(Matches("a/**", "a"));
  EXPECT_TRUE(Matches("a/**z", "a/b/cz"));
  EXPECT_TRUE(Matches("**/z", "z"));
  EXPECT_TRUE(Matches("**/z", "a/z"));
  EXPECT_TRUE(Matches("**/z", "a/b/z"));
  EXPECT_FALSE(Matches("**/z", "a/bz"));
  EXPECT_TRUE(Matches("a/**/z", "a/z"));
  EXPECT_TRUE(Matches("a/**/z", "a/b/c/z"));
  EXPECT_FALSE(Matches("a/**/z", "a/b/cz"));
  EXPECT_FALSE(Matches("a/**/z", "ab/z"));
  EXPECT_TRUE(Matches("**/a/**/b", "x/a/y/b"));
}

TEST(Glob, KnowsSingleBytesAndSets) {
  EXPECT_TRUE(Matches("/a?c", "abc"));
  EXPECT_FALSE(Matches("/a?c", "a/c"));
  EXPECT_FALSE(Matches("/a?c", "ac"));
  EXPECT_TRUE(Matches("[a-c]x", "bx"));
  EXPECT_FALSE(Matches("[a-c]x", "dx"));
  EXPECT_TRUE(Matches("[!a-c]x", "dx"));
  EXPECT_FALSE(Matches("[^a-c]x", "ax"));
  EXPECT_TRUE(Matches("[]]", "]"));
  EXPECT_TRUE(Matches("[a-]", "-"));
  EXPECT_FALSE(Matches("/a[!x]c", "a/c"));  // a set has no slash
  EXPECT_TRUE(Matches("[\\]a]", "]"));
  EXPECT_TRUE(Matches("\\*", "*"));
  EXPECT_FALSE(Matches("\\*", "a"));
  EXPECT_TRUE(Matches("\xc3\xbc*", "\xc3\xbcx"));
}

TEST(Glob, RefusesWhatDoesNotEnd) {
  for (const char* pattern :
       {"", "/", "//", "[", "[a", "[]", "[!]", "[a-", "[a\\", "a\\", "[z-a]"}) {
    EXPECT_FALSE(Glob::Parse(pattern).ok()) << pattern;
  }
  EXPECT_FALSE(Glob::Parse(std::string(Glob::kMaxSize + 1, 'a')).ok());
  EXPECT_TRUE(Glob::Parse(std::string(Glob::kMaxSize, 'a')).ok());
}

TEST(Glob, TakesNoLongerForManyStars) {
  std::string stars;
  for (int i = 0; i < 500; ++i) stars += "*a";
  EXPECT_FALSE(Matches(stars + "b", std::string(4000, 'a')));
}

}  // namespace
}  // namespace muster
