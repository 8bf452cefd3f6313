// SPDX-License-Identifier: Apache-2.0
#include "http/file_body.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/folder.h"
#include "http/deferral.h"

namespace muster {
namespace {

using Progress = HttpBody::Progress;

TEST(FileBodyTest, TextStandsBeforeEachPartAndAtTheEnd) {
  FileBody body(UniqueFd(), {{"a", 10, 5}, {"", 0, 7}}, "end");
  std::string out;
  EXPECT_EQ(body.Produce(1, out), Progress::kMore);
  EXPECT_EQ(out, "a");
  EXPECT_EQ(body.stretch()->offset, 10);
  EXPECT_EQ(body.stretch()->size, 5);
  body.stretch()->size = 0;  // sent
  EXPECT_EQ(body.Produce(1, out), Progress::kMore);
  EXPECT_EQ(body.stretch()->size, 7);
  body.stretch()->size = 0;
  EXPECT_EQ(body.Produce(1, out), Progress::kEnd);
  EXPECT_EQ(out, "aend");
}

std::string ReadWhole(HttpBody& body, std::size_t budget, Progress end = Progress::kEnd) {
  std::string out;
  Progress progress = Progress::kMore;
  while (progress == Progress::kMore) progress = body.Produce(budget, out);
  EXPECT_EQ(progress, end);
  return out;
}

std::string Digits(std::size_t size) {
  std::string text;
  while (text.size() < size) text += std::to_string(text.size()) + " ";
  text.resize(size);
  return text;
}

TEST(FileBodyTest, WhatIsNotSentFromTheFileIsRead) {
  const Folder folder;
  const std::string bytes = Digits(1'500'000);
  folder.Write("file", bytes);
  for (const std::size_t budget : {0u, 1000u, 1u << 20}) {
    UniqueFd file(::open(folder.path("file").c_str(), O_RDONLY));
    FileBody body(std::move(file), {{"<", 10, 5}, {"|", 100, budget == 0 ? 9 : 1'400'000}}, ">");
    EXPECT_EQ(ReadWhole(body, budget), "<" + bytes.substr(10, 5) + "|" +
                                           bytes.substr(100, budget == 0 ? 9 : 1'400'000) + ">");
  }
  EXPECT_EQ(ReadWhole(*OpenFileBody(folder.path("file")), 100'000), bytes);
  // Some of it may be sent from the file, and the rest not.
  const std::unique_ptr<HttpBody> body = OpenFileBody(folder.path("file"));
  std::string out;
  ASSERT_EQ(body->Produce(1, out), Progress::kMore);
  ASSERT_GT(body->stretch()->size, 1000);
  body->stretch()->offset += 1000;
  body->stretch()->size -= 1000;
  EXPECT_EQ(ReadWhole(*body, 100'000), bytes.substr(1000));
}

TEST(FileBodyTest, AFileThatBecomesShorterIsCutOff) {
  const Folder folder;
  folder.Write("file", Digits(1000));
  const std::unique_ptr<HttpBody> body = OpenFileBody(folder.path("file"));
  folder.Write("file", Digits(500));
  EXPECT_EQ(ReadWhole(*body, 300, Progress::kFailed), Digits(500));
}

TEST(FileBodyTest, OnlyAPlainFileIsOpened) {
  const Folder folder;
  EXPECT_EQ(OpenFileBody(folder.path("none")), nullptr);
  EXPECT_EQ(OpenFileBody(folder.path()), nullptr);
  ASSERT_EQ(::mkfifo(folder.path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(OpenFileBody(folder.path("pipe")), nullptr);
  folder.Write("empty", "");
  EXPECT_EQ(ReadWhole(*OpenFileBody(folder.path("empty")), 10), "");
}

// A file whose pages the system was asked to forget, so that they have to be read from the disk; not
// where files are in memory anyway.
TEST(FileBodyTest, WhatIsNotInMemoryIsReadByOthers) {
  const Folder folder;
  constexpr std::size_t kSize = 1'500'000;
  folder.Write("file", Digits(kSize));
  const int fd = ::open(folder.path("file").c_str(), O_RDONLY);
  ASSERT_EQ(::fsync(fd), 0);
  ASSERT_EQ(::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
  std::vector<std::function<void()>> works;
  FileBody body(UniqueFd(fd), {{"", 0, kSize}}, "",
                [&works](std::function<void()> work) { works.push_back(std::move(work)); });
  EXPECT_TRUE(body.IsReady());  // nothing of the file comes yet
  std::string out;
  ASSERT_EQ(body.Produce(1, out), Progress::kMore);
  char byte;
  const iovec to{&byte, 1};
  if (::preadv2(fd, &to, 1, 0, RWF_NOWAIT) >= 0) GTEST_SKIP() << "the file is in memory";
  EXPECT_FALSE(body.IsReady());
  bool is_done = false;
  body.Fetch([&is_done] { is_done = true; });
  EXPECT_FALSE(is_done);
  ASSERT_EQ(works.size(), 1u);
  works[0]();
  EXPECT_TRUE(is_done);
  EXPECT_TRUE(body.IsReady());
  EXPECT_EQ(ReadWhole(body, 1 << 20), Digits(kSize));
}

TEST(FileBodyTest, WhoeverReadsMayOutliveTheBody) {
  const Folder folder;
  folder.Write("file", Digits(1000));
  std::vector<std::function<void()>> works;
  int done = 0;
  {
    FileBody body(UniqueFd(::open(folder.path("file").c_str(), O_RDONLY)), {{"", 0, 1000}}, "",
                  [&works](std::function<void()> work) { works.push_back(std::move(work)); });
    std::string out;
    ASSERT_EQ(body.Produce(1, out), Progress::kMore);
    body.Fetch([&done] { ++done; });
  }
  works.at(0)();
  EXPECT_EQ(done, 1);
}

TEST(ZeroBodyTest, GivesSoManyZeros) {
  ZeroBody body(25);
  std::string out;
  EXPECT_EQ(body.Produce(10, out), Progress::kMore);
  EXPECT_EQ(body.Produce(10, out), Progress::kMore);
  EXPECT_EQ(body.Produce(10, out), Progress::kEnd);
  EXPECT_EQ(out, std::string(25, '\0'));
  EXPECT_EQ(ZeroBody(0).Produce(10, out), Progress::kEnd);
}

TEST(HttpDeferralTest, WhatIsThereIsTakenAndWhatComesIsTold) {
  HttpDeferral there;
  there.Finish({"now"});
  EXPECT_EQ(there.TakeOr([] { FAIL(); })->text, "now");
  HttpDeferral comes;
  int told = 0;
  EXPECT_FALSE(comes.TakeOr([&told] { ++told; }).has_value());
  comes.Finish({"later"});
  comes.Finish({"again"});
  EXPECT_EQ(told, 1);
  EXPECT_EQ(comes.Take()->text, "later");
  EXPECT_FALSE(comes.Take().has_value());
}

TEST(HttpDeferralTest, NobodyIsToldWhoGaveUp) {
  HttpDeferral deferral;
  EXPECT_FALSE(deferral.TakeOr([] { FAIL(); }).has_value());
  deferral.Cancel();
  EXPECT_TRUE(deferral.is_cancelled());
  deferral.Finish({"later"});
  EXPECT_FALSE(deferral.Take().has_value());
}

}  // namespace
}  // namespace muster
