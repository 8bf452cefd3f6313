// SPDX-License-Identifier: Apache-2.0
#include "metainfo/names.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace muster {
namespace {

using namespace std::string_view_literals;

TEST(Name, MayBeAnythingThatAFileSystemTakes) {
  for (const std::string_view name : {"a"sv, "..."sv, ".a"sv, "a."sv, " "sv, "C:"sv,
                                      "gr\xc3\xb6\xc3\x9f"
                                      "e"sv,
                                      "\xff\xfe"sv, "a\nb"sv, "~"sv}) {
    EXPECT_EQ(NameFault(name, 255), nullptr) << name;
  }
  EXPECT_EQ(NameFault(std::string(255, 'a'), 255), nullptr);
}

TEST(Name, MustNotLeaveItsFolder) {
  EXPECT_STREQ(NameFault("", 255), "an empty name");
  EXPECT_STREQ(NameFault(".", 255), "a name of dots");
  EXPECT_STREQ(NameFault("..", 255), "a name of dots");
  EXPECT_STREQ(NameFault("a\0b"sv, 255), "a name with a NUL");
  for (const std::string_view name : {"/", "/etc", "a/b", "a/", "../a", "\\", "..\\a", "a\\"}) {
    EXPECT_STREQ(NameFault(name, 255), "a name with a slash or backslash") << name;
  }
  EXPECT_STREQ(NameFault(std::string(256, 'a'), 255), "a name too long");
}

TEST(Name, IsMendedAsOtherClientsDo) {
  EXPECT_EQ(MendedName("/a\\b\0c/"sv, 255), "abc");
  EXPECT_EQ(MendedName("", 255), "");
  EXPECT_EQ(MendedName(".", 255), "");
  EXPECT_EQ(MendedName("./.", 255), "");
  EXPECT_EQ(MendedName("/", 255), "");
  EXPECT_EQ(MendedName(".../", 255), "...");
}

TEST(Name, IsCutAtACharacterAndKeepsAShortExtension) {
  EXPECT_EQ(MendedName("abcdef", 4), "abcd");
  EXPECT_EQ(MendedName("abcdef.txt", 7), "abc.txt");
  EXPECT_EQ(MendedName("abc\xc3\xb6", 4), "abc");
  EXPECT_EQ(MendedName("ab\xe2\x82\xac.txt", 8), "ab.txt");
  EXPECT_EQ(MendedName("\x80\x80\x80\x80\x80\x80", 5), "\x80\x80\x80\x80\x80");
  EXPECT_EQ(MendedName("a.a very long extension", 8), "a.a very");
  EXPECT_EQ(MendedName("....", 2), "");
  EXPECT_EQ(MendedName(".txt", 1), "");
}

TEST(Name, ThatIsMendedIsNamelessOrGood) {
  for (std::size_t max = 1; max < 12; ++max) {
    for (const std::string_view name : {"../../a"sv, "a\\\\.txt"sv, "\xc3\xb6\xc3\xb6\xc3\xb6.o"sv,
                                        "...."sv, "\0\0"sv, "x........"sv, "ab.c/d"sv}) {
      const std::string mended = MendedName(name, max);
      EXPECT_TRUE(mended.empty() || NameFault(mended, max) == nullptr) << name << ' ' << max;
    }
  }
}

}  // namespace
}  // namespace muster
