// SPDX-License-Identifier: Apache-2.0
#include "musterd/list_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/folder.h"

namespace musterd {
namespace {

using testing::HasSubstr;

constexpr auto kNothing = [] {};

muster::InfoHash HashOf(char digit) { return *muster::HashOfLine(std::string(40, digit)); }
std::string LineOf(char digit) { return std::string(40, digit) + "\n"; }

class ListFile : public testing::Test {
 protected:
  std::string Path(std::string_view name = "list") const { return folder_ / name; }
  void Write(std::string_view text, std::string_view name = "list") const {
    folder_.Write(name, text);
  }
  std::string Text(std::string_view name = "list") const { return folder_.Read(name); }
  // With 'a' off the list and 'f' on it.
  absl::StatusOr<SavedList> Save(bool may_make = true,
                                 absl::FunctionRef<void()> meanwhile = kNothing,
                                 std::optional<FileStamp> state = std::nullopt) const {
    return SaveHashes(Path(), {{HashOf('a'), false}, {HashOf('f'), true}}, may_make, state,
                      meanwhile);
  }
  absl::Status Read(std::int64_t max, absl::FunctionRef<void(std::size_t)> begin) const {
    return ReadFile(Path(), max, begin, [](std::string_view) {}).status();
  }

  const muster::Folder folder_;
};

TEST_F(ListFile, KeepsOtherLinesAsTheyAre) {
  using std::string_literals::operator""s;
  const std::string zeros = "# a zero: \0!\n\0\n\n\xff\xfe\r\n"s;
  const std::string large = std::string(3'000'000, 'x') + LineOf('a');
  Write(zeros + LineOf('a') + LineOf('b') + large + "aaaa\n" + std::string(39, 'a'));
  ASSERT_TRUE(Save().ok());
  EXPECT_EQ(Text(),
            zeros + LineOf('b') + large + "aaaa\n" + std::string(39, 'a') + "\n" + LineOf('f'));
}

TEST_F(ListFile, TakesOffEveryLineOfAHash) {
  Write(std::string(40, 'a') + " a comment\n" + LineOf('b') + std::string(40, 'A') + "\r\n" +
        std::string(40, 'a') + std::string(24, '0') + "\n" + std::string(40, 'a'));
  ASSERT_TRUE(Save().ok());
  EXPECT_EQ(Text(), LineOf('b') + LineOf('f'));
}

// So that each line stands across the end of a piece that is read once.
TEST_F(ListFile, FindsHashesWhereverTheyStand) {
  for (std::size_t before = 1024 * 1024 - 70; before <= 1024 * 1024; before += 5) {
    const std::string comment = std::string(before - 1, '#') + "\n";
    Write(comment + LineOf('a') + LineOf('b'));
    ASSERT_TRUE(Save().ok());
    ASSERT_TRUE(Text() == comment + LineOf('b') + LineOf('f')) << before;
  }
}

TEST_F(ListFile, IsWrittenWhereALinkLeads) {
  std::filesystem::create_directory(Path("real"));
  Write(LineOf('a') + LineOf('b'), "real/list");
  std::filesystem::create_symlink("real/list", Path("link"));
  std::filesystem::create_symlink("link", Path());
  const auto saved = Save();
  ASSERT_TRUE(saved.ok()) << saved.status();
  EXPECT_TRUE(std::filesystem::is_symlink(Path()));
  EXPECT_EQ(Text("real/list"), LineOf('b') + LineOf('f'));
  EXPECT_EQ(saved->after, FileStamp::Of(Path()));
  std::filesystem::remove(Path("real/list"));
  EXPECT_THAT(std::string(Save().status().message()), HasSubstr("No such file"));
}

TEST_F(ListFile, IsMadeWhereItMayBe) {
  EXPECT_TRUE(absl::IsNotFound(Save(/*may_make=*/false).status()));
  EXPECT_FALSE(std::filesystem::exists(Path()));
  ASSERT_TRUE(Save().ok());
  EXPECT_EQ(Text(), LineOf('f'));
}

TEST_F(ListFile, KeepsWhatSomebodyElseWritesMeanwhile) {
  Write(LineOf('a') + LineOf('b'));
  bool written = false;
  const auto saved = Save(true, [&] {
    if (!std::exchange(written, true)) std::ofstream(Path(), std::ios::app) << LineOf('c');
  });
  ASSERT_TRUE(saved.ok()) << saved.status();
  EXPECT_EQ(Text(), LineOf('b') + LineOf('c') + LineOf('f'));
}

TEST_F(ListFile, ThatNeverStaysAsItIsIsLeftAlone) {
  Write(LineOf('a'));
  const auto saved = Save(true, [&] { std::ofstream(Path(), std::ios::app) << LineOf('c'); });
  EXPECT_TRUE(absl::IsAborted(saved.status())) << saved.status();
  EXPECT_THAT(Text(), HasSubstr(LineOf('a')));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 1);
}

TEST_F(ListFile, IsReplacedInTheStateAloneThatItsWriterLeftItIn) {
  Write(LineOf('a'));
  const FileStamp state = FileStamp::Of(Path());
  EXPECT_TRUE(absl::IsAborted(Save(true, kNothing, FileStamp()).status()));
  const auto write = [&] { Write(LineOf('b') + LineOf('c')); };
  EXPECT_TRUE(absl::IsAborted(Save(true, write, state).status()));
  EXPECT_EQ(Text(), LineOf('b') + LineOf('c'));
  EXPECT_TRUE(absl::IsAborted(Save(true, kNothing, state).status()));
  EXPECT_TRUE(Save(true, kNothing, FileStamp::Of(Path())).ok());
  EXPECT_EQ(Text(), LineOf('b') + LineOf('c') + LineOf('f'));
  std::filesystem::remove(Path());
  EXPECT_TRUE(Save(true, kNothing, FileStamp()).ok());
}

TEST_F(ListFile, IsWrittenDespiteWhatAKilledProgramLeft) {
  Write(LineOf('a'));
  Write(LineOf('b'), "list.musterd");
  ASSERT_TRUE(Save().ok());
  EXPECT_EQ(Text(), LineOf('f'));
  Write("secret", "other");
  std::filesystem::create_symlink("other", Path("list.musterd"));
  ASSERT_TRUE(Save().ok());
  EXPECT_EQ(Text("other"), "secret");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 2);
}

TEST_F(ListFile, IsWrittenByOneAtATime) {
  Write(LineOf('a'));
  absl::Status other;
  ASSERT_TRUE(Save(true, [&] { other = Save().status(); }).ok());
  EXPECT_TRUE(absl::IsUnavailable(other)) << other;
  EXPECT_EQ(Text(), LineOf('f'));
  EXPECT_FALSE(std::filesystem::exists(Path("list.musterd")));
}

TEST_F(ListFile, ThatGrowsTooLargeWhileItIsReadIsAnError) {
  Write("12345");
  EXPECT_TRUE(Read(10, [](std::size_t) {}).ok());
  const absl::Status status =
      Read(10, [&](std::size_t) { std::ofstream(Path(), std::ios::app) << "123456"; });
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("larger than 10 bytes"));
}

TEST_F(ListFile, SaysWhetherTryingAgainIsOfUse) {
  const auto read = [&] { return Read(10, [](std::size_t) {}); };
  EXPECT_TRUE(absl::IsNotFound(read()));
  std::filesystem::create_directory(Path());
  EXPECT_TRUE(absl::IsInvalidArgument(read()));
  std::filesystem::remove(Path());
  ASSERT_EQ(mkfifo(Path().c_str(), 0600), 0);
  EXPECT_TRUE(absl::IsInvalidArgument(read()));
  std::filesystem::remove(Path());
  std::filesystem::create_symlink("/dev/zero", Path());
  EXPECT_TRUE(absl::IsInvalidArgument(read()));
  EXPECT_TRUE(absl::IsUnavailable(FileError("read", Path(), EMFILE)));
  EXPECT_TRUE(absl::IsUnavailable(FileError("read", Path(), EIO)));
  EXPECT_TRUE(absl::IsInvalidArgument(FileError("read", Path(), EACCES)));
}

}  // namespace
}  // namespace musterd
