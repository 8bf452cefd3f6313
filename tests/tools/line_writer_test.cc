// SPDX-License-Identifier: Apache-2.0
#include "musterd/line_writer.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstddef>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "helpers.h"

namespace musterd {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::ElementsAre;
using testing::EndsWith;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

// A pipe that is read when a test says so.
class Pipe {
 public:
  Pipe() {
    signal(SIGPIPE, SIG_IGN);
    EXPECT_EQ(pipe2(ends_.data(), O_CLOEXEC), 0);
  }
  ~Pipe() {
    close(ends_[0]);
    if (ends_[1] >= 0) close(ends_[1]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  Descriptor TakeWritingEnd() { return Descriptor(std::exchange(ends_[1], -1)); }
  // Until the last `end` of it, or to the end of all.
  std::string Read(std::string_view end = "") const {
    std::string text;
    std::array<char, 4096> bytes;
    while (end.empty() || text.size() < end.size() ||
           text.substr(text.size() - end.size()) != end) {
      const ssize_t n = read(ends_[0], bytes.data(), bytes.size());
      if (n <= 0) break;
      text.append(bytes.data(), static_cast<std::size_t>(n));
    }
    return text;
  }
  bool HasSome() const {
    pollfd some{.fd = ends_[0], .events = POLLIN, .revents = 0};
    return poll(&some, 1, 0) == 1;
  }
  void StopReading() { close(std::exchange(ends_[0], open("/dev/null", O_RDONLY | O_CLOEXEC))); }

 private:
  std::array<int, 2> ends_;
};

std::unique_ptr<LineWriter> Start(Descriptor file, LineWriterOptions options) {
  auto writer = LineWriter::Start(std::move(file), std::move(options));
  EXPECT_TRUE(writer.ok()) << writer.status();
  return *std::move(writer);
}

std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

const std::string kLine = std::string(999, 'x') + "\n";

TEST(LineWriter, WritesLinesInTheirOrder) {
  Pipe pipe;
  auto writer = Start(pipe.TakeWritingEnd(), {});
  writer->Append("one\n");
  EXPECT_EQ(pipe.Read("\n"), "one\n");
  writer->Append("two\n");
  writer->Append("three\n");
  writer.reset();
  EXPECT_EQ(pipe.Read(), "two\nthree\n");
}

TEST(LineWriter, LetsLinesWaitForEachOtherUntilThereAreMany) {
  Pipe pipe;
  auto writer = Start(pipe.TakeWritingEnd(), {.interval = hours(1)});
  std::size_t lines = 0;
  for (; lines < 60; ++lines) writer->Append(kLine);
  EXPECT_FALSE(pipe.HasSome());
  for (; lines < 70; ++lines) writer->Append(kLine);
  EXPECT_TRUE(Eventually([&] { return pipe.HasSome(); }));
  std::string read;
  std::thread reader([&] { read = pipe.Read(); });
  writer.reset();
  reader.join();
  EXPECT_THAT(LinesOf(read), SizeIs(lines));
}

TEST(LineWriter, WritesALineWhenItsTimeHasCome) {
  Pipe pipe;
  const auto begin = steady_clock::now();
  auto writer = Start(pipe.TakeWritingEnd(), {.interval = milliseconds(50)});
  writer->Append("soon\n");
  EXPECT_EQ(pipe.Read("\n"), "soon\n");
  EXPECT_GE(steady_clock::now() - begin, milliseconds(50));
}

// What is more than the limit is dropped, and said in its place.
TEST(LineWriter, LetsOneWaitForWhatIsWritten) {
  Pipe pipe;
  auto writer = Start(pipe.TakeWritingEnd(), {});
  writer->WaitUntilWritten(hours(1));  // nothing
  for (int i = 0; i < 100; ++i) {
    writer->Append("a line\n");
    writer->WaitUntilWritten(hours(1));
    EXPECT_TRUE(pipe.HasSome());
    EXPECT_EQ(pipe.Read("\n"), "a line\n");
  }
  // Not for ever for somebody who does not read.
  writer->Append(std::string(1'000'000, 'x') + "\n");
  writer->WaitUntilWritten(milliseconds(1));
  EXPECT_EQ(pipe.Read("\n").size(), 1'000'001u);
}

TEST(LineWriter, CountsTheLinesThatASlowReaderHasNoRoomFor) {
  Heard heard;
  Pipe pipe;
  auto writer = Start(pipe.TakeWritingEnd(), {.trouble = &heard, .max_bytes = 300'000});
  writer->Append(std::string(200'000, 'y') + "\n");  // more than the pipe takes
  for (int i = 0; i < 1'000; ++i) writer->Append(kLine);
  EXPECT_THAT(heard.texts(), IsEmpty());
  const std::vector<std::string> lines = LinesOf(pipe.Read(" lines were lost\n"));
  ASSERT_THAT(lines, SizeIs(1 + 99 + 1));
  EXPECT_EQ(lines.back(), "**warning** 901 lines were lost");
  EXPECT_TRUE(Eventually([&] { return !heard.texts().empty(); }));
  EXPECT_THAT(heard.texts(), ElementsAre("cannot write in time: 901 lines were lost"));
  writer->Append("again\n");
  EXPECT_EQ(pipe.Read("\n"), "again\n");
}

TEST(LineWriter, LosesNothingThatHasRoomWhoeverWrites) {
  Pipe pipe;
  std::string read;
  std::thread reader([&] { read = pipe.Read(); });
  {
    auto writer = Start(pipe.TakeWritingEnd(), {.interval = milliseconds(1)});
    std::vector<std::thread> threads;
    for (const char name : {'a', 'b', 'c'}) {
      threads.emplace_back([&, name] {
        for (int i = 0; i < 1'000; ++i) writer->Append(std::string(200, name) + "\n");
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  reader.join();
  const std::vector<std::string> lines = LinesOf(read);
  EXPECT_THAT(lines, SizeIs(3'000));
  for (const char name : {'a', 'b', 'c'})
    EXPECT_EQ(std::count(lines.begin(), lines.end(), std::string(200, name)), 1'000);
}

TEST(LineWriter, DoesNotWaitForeverInTheEnd) {
  Heard heard;
  Pipe pipe;
  auto writer = Start(pipe.TakeWritingEnd(), {.trouble = &heard, .end_limit = milliseconds(50)});
  for (int i = 0; i < 1'000; ++i) writer->Append(kLine);
  writer.reset();
  ASSERT_THAT(heard.texts(), SizeIs(1));
  EXPECT_THAT(heard.texts()[0], StartsWith("cannot write in time: "));
  EXPECT_THAT(heard.texts()[0], EndsWith(" lines were lost"));
  // The thread gets on with what it has in hand, and that is the end of it.
  EXPECT_LT(LinesOf(pipe.Read()).size(), 200u);
  EXPECT_THAT(heard.texts(), SizeIs(1));
}

TEST(LineWriter, SaysWhatCannotBeWrittenAndTriesAgain) {
  Heard heard;
  Pipe first, second;
  first.StopReading();
  auto writer = Start(first.TakeWritingEnd(), {.trouble = &heard});
  writer->Append("waits\n");
  EXPECT_TRUE(Eventually([&] { return !heard.texts().empty(); }));
  EXPECT_THAT(heard.texts(), ElementsAre("cannot write: Broken pipe"));
  writer->ContinueIn(second.TakeWritingEnd(), "a new file\n");
  EXPECT_EQ(second.Read("waits\n"), "a new file\nwaits\n");
  EXPECT_THAT(heard.texts(), SizeIs(1));
}

TEST(LineWriter, EndsWithoutAFileThatTakesAnything) {
  Heard heard;
  Pipe pipe;
  pipe.StopReading();
  auto writer = Start(pipe.TakeWritingEnd(), {.trouble = &heard, .end_limit = hours(1)});
  writer->Append("a line\n");
  writer.reset();
  EXPECT_THAT(heard.texts(), ElementsAre("cannot write: Broken pipe",
                                         "cannot write: Broken pipe; 1 lines were lost"));
}

TEST(LineWriter, GoesOnInAnotherFileWhereTheLinesBeforeAreWritten) {
  Pipe first, second;
  auto writer = Start(first.TakeWritingEnd(), {.interval = hours(1)});
  writer->Append("before\n");
  writer->ContinueIn(second.TakeWritingEnd(), "begin\n");
  writer->Append("after\n");
  EXPECT_EQ(first.Read(), "before\n");
  EXPECT_EQ(second.Read("\n"), "begin\n");
  writer.reset();
  EXPECT_EQ(second.Read(), "after\n");
}

// A line of which another file has the beginning is of no use.
TEST(LineWriter, BeginsAnotherFileWithAWholeLine) {
  Pipe first, second;
  auto writer = Start(first.TakeWritingEnd(), {});
  std::string lines;
  for (int i = 0; i < 100; ++i) lines += kLine;
  writer->Append(lines);
  EXPECT_TRUE(Eventually([&] { return first.HasSome(); }));
  writer->ContinueIn(second.TakeWritingEnd(), "begin\n");
  first.StopReading();
  const std::string rest = second.Read(" lines were lost\n");
  EXPECT_THAT(rest, StartsWith("begin\n" + kLine));
  EXPECT_THAT(rest, EndsWith(kLine + "**warning** 1 lines were lost\n"));
}

// Not that it was a matter of time, where it was another.
TEST(LineWriter, SaysWhyLinesFindNoRoom) {
  Heard heard;
  Pipe first, second;
  first.StopReading();
  auto writer = Start(first.TakeWritingEnd(), {.trouble = &heard, .max_bytes = 10'000});
  writer->Append(kLine);
  EXPECT_TRUE(Eventually([&] { return !heard.texts().empty(); }));
  for (int i = 0; i < 20; ++i) writer->Append(kLine);
  writer->ContinueIn(second.TakeWritingEnd(), "");
  second.Read(" lines were lost\n");
  EXPECT_TRUE(Eventually([&] { return heard.texts().size() > 1; }));
  EXPECT_THAT(heard.texts(), ElementsAre("cannot write: Broken pipe",
                                         "cannot write: Broken pipe; 11 lines were lost"));
}

// Of whoever else has it as well.
TEST(LineWriter, WaitsForAStreamThatDoesNotBlock) {
  Pipe pipe;
  Descriptor end = pipe.TakeWritingEnd();
  fcntl(end.get(), F_SETFL, O_NONBLOCK);
  std::string read;
  auto writer = Start(std::move(end), {});
  for (int i = 0; i < 1'000; ++i) writer->Append(kLine);
  std::thread reader([&] { read = pipe.Read(); });
  writer.reset();
  reader.join();
  EXPECT_THAT(LinesOf(read), SizeIs(1'000));
}

}  // namespace
}  // namespace musterd
