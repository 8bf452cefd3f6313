// SPDX-License-Identifier: Apache-2.0
#include "mirror/single_flight.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace muster {
namespace {

using Flights = SingleFlight<std::shared_ptr<const int>>;

TEST(SingleFlightTest, AllGetWhatTheFirstMade) {
  Flights flights;
  std::vector<int> got;
  const auto take = [&got](const std::shared_ptr<const int>& n) { got.push_back(*n); };
  auto first = flights.Join("key", take);
  ASSERT_NE(first.leader, nullptr);
  EXPECT_EQ(flights.Join("key", take).leader, nullptr);
  EXPECT_NE(flights.JoinExisting("key", take), nullptr);
  EXPECT_NE(flights.Join("other", {}).leader, nullptr);
  first.leader->progress().bytes = 5;
  EXPECT_EQ(flights.JoinExisting("key", {})->progress().bytes, 5);
  first.leader->Land(std::make_shared<const int>(7));
  EXPECT_EQ(got, (std::vector{7, 7, 7}));
  EXPECT_EQ(flights.JoinExisting("key", take), nullptr);
  EXPECT_NE(flights.Join("key", {}).leader, nullptr);
}

TEST(SingleFlightTest, ALeaderWhoGoesLandsWithNothing) {
  Flights flights;
  int nothing = 0;
  const auto take = [&](const std::shared_ptr<const int>& n) { nothing += n == nullptr; };
  { auto joined = flights.Join("key", take); }
  EXPECT_EQ(nothing, 1);
  EXPECT_EQ(flights.size(), 0u);
}

TEST(SingleFlightTest, ManyThreadsDoItOnceAtATime) {
  constexpr int kThreads = 8, kRounds = 2000;
  Flights flights;
  std::atomic<int> at_work = 0, worked = 0, answers = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kRounds; ++i) {
        auto awaited = std::make_shared<Awaited<std::shared_ptr<const int>>>();
        auto joined = flights.Join("key", [awaited](const auto& n) { awaited->Set(n); });
        if (joined.leader) {
          EXPECT_EQ(++at_work, 1);
          ++worked;
          --at_work;
          joined.leader->Land(std::make_shared<const int>(1));
        }
        answers += *awaited->Wait();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(answers, kThreads * kRounds);
  EXPECT_LE(worked, kThreads * kRounds);
  EXPECT_EQ(flights.size(), 0u);
}

}  // namespace
}  // namespace muster
