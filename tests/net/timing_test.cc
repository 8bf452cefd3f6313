// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <string>

#include "net/clock.h"
#include "net/deadlines.h"
#include "net/timer.h"

namespace muster {
namespace {

using std::chrono::milliseconds;

class TimingTest : public testing::Test {
 protected:
  TimingTest() { EXPECT_EQ(uv_loop_init(&loop_), 0); }
  ~TimingTest() override {
    uv_run(&loop_, UV_RUN_DEFAULT);
    EXPECT_EQ(uv_loop_close(&loop_), 0);
  }

  uv_loop_t loop_;
};

class Noted final : public Deadlines::Entry {
 public:
  Noted(char name, std::string* log) : name_(name), log_(log) {}

 private:
  void OnDeadline() override { log_->push_back(name_); }

  const char name_;
  std::string* const log_;
};

TEST_F(TimingTest, DeadlinesExpireInTheOrderOfTheirTimes) {
  ClosingPtr<Deadlines> deadlines =
      Deadlines::New(&loop_, std::array{milliseconds(30), milliseconds(5), milliseconds(15)});
  std::string log;
  Noted a('a', &log), b('b', &log), c('c', &log), d('d', &log);
  deadlines->Start(a, 0);
  deadlines->Start(b, 1);
  deadlines->Start(c, 2);
  deadlines->Start(d, 1);
  uv_run(&loop_, UV_RUN_DEFAULT);
  EXPECT_EQ(log, "bdca");
}

TEST_F(TimingTest, AStoppedDeadlineDoesNotExpire) {
  ClosingPtr<Deadlines> deadlines =
      Deadlines::New(&loop_, std::array{milliseconds(1), milliseconds(5)});
  std::string log;
  Noted a('a', &log), b('b', &log), c('c', &log);
  deadlines->Start(a, 0);
  deadlines->Start(b, 0);
  deadlines->Start(c, 1);
  deadlines->Stop(a);
  deadlines->Stop(a);
  deadlines->Stop(c);
  uv_run(&loop_, UV_RUN_DEFAULT);
  EXPECT_EQ(log, "b");
}

TEST_F(TimingTest, ADeadlineStartedAgainCountsFromThen) {
  ClosingPtr<Deadlines> deadlines =
      Deadlines::New(&loop_, std::array{milliseconds(10), milliseconds(20)});
  std::string log;
  Noted a('a', &log), b('b', &log);
  deadlines->Start(a, 0);
  deadlines->Start(b, 0);
  deadlines->Start(a, 0);  // goes behind b
  uv_run(&loop_, UV_RUN_DEFAULT);
  EXPECT_EQ(log, "ba");
  deadlines->Start(a, 0);
  deadlines->Start(a, 1);
  deadlines->Start(b, 0);
  uv_run(&loop_, UV_RUN_DEFAULT);
  EXPECT_EQ(log, "baba");
}

TEST_F(TimingTest, NothingExpiresOnceClosed) {
  ClosingPtr<Deadlines> deadlines = Deadlines::New(&loop_, std::array{milliseconds(0)});
  std::string log;
  Noted a('a', &log);
  deadlines->Start(a, 0);
  bool closed = false;
  deadlines.release()->Close([&] { closed = true; });
  uv_run(&loop_, UV_RUN_DEFAULT);
  EXPECT_TRUE(closed);
  EXPECT_EQ(log, "");
}

TEST_F(TimingTest, ATimerTicksUntilItIsClosed) {
  int ticks = 0;
  ClosingPtr<Timer> timer;
  timer = Timer::Start(&loop_, milliseconds(0), [&] {
    if (++ticks == 3) timer.reset();
    return milliseconds(1);
  });
  uv_run(&loop_, UV_RUN_DEFAULT);
  EXPECT_EQ(ticks, 3);
}

TEST_F(TimingTest, TheClockShowsUnixTime) {
  const auto unix_now = [] {
    return std::chrono::floor<Seconds>(std::chrono::system_clock::now());
  };
  const Clock clock(&loop_);
  const Instant before = unix_now();
  uv_update_time(&loop_);
  const Instant now = clock.Now();
  const Instant after = unix_now();
  EXPECT_GE(now, before - Seconds(1));  // by rounding, and libuv's coarse clock
  EXPECT_LE(now, after);
}

}  // namespace
}  // namespace muster
