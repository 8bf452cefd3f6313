// SPDX-License-Identifier: Apache-2.0
#include "base/published.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace muster {
namespace {

// Tells when it is freed, and spoils what it held.
class Canary {
 public:
  Canary(int value, std::atomic<int>* alive) : value_(value), twin_(value), alive_(alive) {
    ++*alive_;
  }
  ~Canary() {
    twin_ = -1;
    --*alive_;
  }
  Canary(const Canary&) = delete;
  Canary& operator=(const Canary&) = delete;

  bool intact() const { return value_ == twin_; }
  int value() const { return value_; }

 private:
  const int value_;
  int twin_;
  std::atomic<int>* const alive_;
};

TEST(Published, GivesTheLatestValueAndFreesTheOneBefore) {
  std::atomic<int> alive{0};
  {
    Published<Canary> published(std::make_unique<Canary>(1, &alive));
    EXPECT_EQ(published.Read()->value(), 1);
    published.Publish(std::make_unique<Canary>(2, &alive));
    EXPECT_EQ(published.Read()->value(), 2);
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0);
}

TEST(Published, KeepsAValueForAsLongAsItIsRead) {
  std::atomic<int> alive{0};
  Published<Canary> published(std::make_unique<Canary>(1, &alive));
  std::atomic<bool> replaced{false};
  std::thread writer;
  {
    const auto reading = published.Read();
    writer = std::thread([&] {
      published.Publish(std::make_unique<Canary>(2, &alive));
      replaced = true;
    });
    while (published.Read()->value() == 1) std::this_thread::yield();
    // The new value is out; this one stays.
    EXPECT_FALSE(replaced);
    EXPECT_EQ(alive, 2);
    EXPECT_TRUE(reading->intact());
    EXPECT_EQ(reading->value(), 1);
  }
  writer.join();
  EXPECT_EQ(alive, 1);
}

TEST(Published, IsNeverSeenFreedHoweverManyReadAndReplace) {
  std::atomic<int> alive{0};
  std::atomic<bool> stop{false};
  std::atomic<int> torn{0};
  {
    Published<Canary> published(std::make_unique<Canary>(0, &alive));
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        int last = 0;
        while (!stop) {
          const auto reading = published.Read();
          if (!reading->intact() || reading->value() < last) ++torn;
          last = reading->value();
        }
      });
    }
    for (int i = 1; i <= 2000; ++i) published.Publish(std::make_unique<Canary>(i, &alive));
    stop = true;
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(torn, 0);
  EXPECT_EQ(alive, 0);
}

}  // namespace
}  // namespace muster
