// SPDX-License-Identifier: Apache-2.0
//
// Lists that change while announces are held against them.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "muster/access_rules.h"
#include "muster/tracker.h"

namespace muster {
namespace {

InfoHash HashOf(std::uint32_t n) {
  const std::uint8_t bytes[20] = {static_cast<std::uint8_t>(n * 37),
                                  static_cast<std::uint8_t>(n >> 8), static_cast<std::uint8_t>(n)};
  return InfoHash::FromBytes(bytes);
}

TEST(HashListThreads, NeverMissAHashThatIsListedThroughout) {
  // Even numbers are always on the list, odd ones never, whatever else comes and goes.
  std::vector<InfoHash> even;
  for (std::uint32_t n = 0; n < 2000; n += 2) even.push_back(HashOf(n));
  HashList list(even);
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      for (std::uint32_t n = 0; !stop; n = (n + 1) % 2000) {
        if (list.Contains(HashOf(n)) != (n % 2 == 0)) ++wrong;
      }
    });
  }
  threads.emplace_back([&] {
    for (int i = 0; i < 100; ++i) list.Replace(even);
  });
  for (std::uint32_t n = 3000; n < 4000; ++n) {
    list.Change({{HashOf(n), true}});
    list.Change({{HashOf(n), false}, {HashOf(1), false}, {HashOf(2), true}});
  }
  threads.back().join();
  stop = true;
  for (std::size_t i = 0; i + 1 < threads.size(); ++i) threads[i].join();
  EXPECT_EQ(wrong, 0);
}

TEST(AccessRulesThreads, LeaveNoSwarmOfATorrentThatIsRefused) {
  auto tracker = Tracker::Create({});
  ASSERT_TRUE(tracker.ok());
  AccessRules rules;
  (*tracker)->SetPolicy(&rules);
  constexpr Instant kNow = InstantFromUnixSeconds(1'800'000'000);
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (std::uint16_t i = 1; i <= 3; ++i) {
    threads.emplace_back([&, i] {
      Random random(i);
      AnnounceRequest request;
      request.peer.set_port(i);
      while (!stop) {
        request.info_hash = HashOf(random.Below(100));
        (void)(*tracker)->Announce(request, kNow, random);
      }
    });
  }
  for (std::uint32_t n = 0; n < 100; ++n) {
    rules.blacklist().Change({{HashOf(n), true}});
    rules.SetBannedIps(IpSet());
    const InfoHash refused[] = {HashOf(n)};
    rules.ForgetRefused((*tracker)->store(), refused);
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  rules.ForgetRefused((*tracker)->store());
  EXPECT_EQ((*tracker)->store().Totals().torrents, 0u);
}

}  // namespace
}  // namespace muster
