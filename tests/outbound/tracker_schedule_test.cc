// SPDX-License-Identifier: Apache-2.0
#include "outbound/tracker_schedule.h"

#include <gtest/gtest.h>

#include <set>

namespace muster {
namespace {

using Verdict = TrackerSchedule::Verdict;

TrackerSchedule New(Seconds interval = Seconds(120), std::uint32_t max_peers = 20) {
  Random random(7);
  return TrackerSchedule({.interval = interval, .max_peers = max_peers}, random);
}
TrackerReply Reply(std::int64_t interval) {
  return {.interval = Seconds(interval), .peers = {}, .failure = {}};
}
TrackerReply Failure(std::string text) {
  return {.interval = {}, .peers = {}, .failure = std::move(text)};
}

TEST(TrackerScheduleTest, FirstQuestionsAreSpreadOverAnInterval) {
  Random random(1);
  std::set<std::int64_t> waits;
  for (int i = 0; i < 5000; ++i) {
    waits.insert(TrackerSchedule({.interval = Seconds(100)}, random).wait().count());
  }
  EXPECT_EQ(*waits.begin(), 10);
  EXPECT_EQ(*waits.rbegin(), 100);
  EXPECT_EQ(waits.size(), 91u);
}

TEST(TrackerScheduleTest, TheOtherTrackersIntervalIsTheNextWaitWithinReason) {
  TrackerSchedule schedule = New();
  EXPECT_EQ(schedule.OnReply(Reply(300)), Verdict::kGoOn);
  EXPECT_EQ(schedule.wait(), Seconds(300));
  schedule.OnReply(Reply(0));
  EXPECT_EQ(schedule.wait(), Seconds(120));
  schedule.OnReply(Reply(1));
  EXPECT_EQ(schedule.wait(), TrackerSchedule::kMinWait);
  schedule.OnReply(Reply(10'000'000));
  EXPECT_EQ(schedule.wait(), TrackerSchedule::kMaxWait);
  TrackerSchedule quick = New(Seconds(5));
  quick.OnReply(Reply(1));
  EXPECT_EQ(quick.wait(), Seconds(5));
}

TEST(TrackerScheduleTest, AnOrdinaryTrackerIsAskedForMorePeers) {
  TrackerSchedule schedule = New();
  EXPECT_EQ(schedule.numwant(), 20u);
  schedule.OnReply(Reply(360));
  EXPECT_EQ(schedule.numwant(), 20u);
  schedule.OnReply(Reply(600));
  EXPECT_EQ(schedule.numwant(), 100u);
  schedule.OnReply(Reply(80'000));
  EXPECT_EQ(schedule.numwant(), TrackerSchedule::kMaxNumwant);
  schedule.OnReply(Reply(120));
  EXPECT_EQ(schedule.numwant(), 20u);
}

TEST(TrackerScheduleTest, OurselvesAreGivenUpAtOnceAndOthersAfterThreeRefusals) {
  TrackerSchedule schedule = New();
  EXPECT_EQ(schedule.OnReply(Failure("disallowed")), Verdict::kGiveUpTracker);
  EXPECT_EQ(schedule.OnReply(Failure("no")), Verdict::kGoOn);
  EXPECT_EQ(schedule.OnReply(Failure("no")), Verdict::kGoOn);
  EXPECT_EQ(schedule.OnReply(Reply(120)), Verdict::kGoOn);
  EXPECT_EQ(schedule.OnReply(Failure("no")), Verdict::kGoOn);
  EXPECT_EQ(schedule.OnReply(Failure("no")), Verdict::kGoOn);
  EXPECT_EQ(schedule.OnReply(Failure("no")), Verdict::kGiveUpTorrent);
}

TEST(TrackerScheduleTest, ErrorsInARowPutItOffMoreAndMore) {
  TrackerSchedule schedule = New();
  for (const std::int64_t wait : {120, 120, 240, 360, 480}) {
    schedule.OnError();
    EXPECT_EQ(schedule.wait(), Seconds(wait));
  }
  for (int i = 0; i < 200'000; ++i) schedule.OnError();
  EXPECT_EQ(schedule.wait(), TrackerSchedule::kMaxWait);
  schedule.OnReply(Reply(120));
  schedule.OnError();
  EXPECT_EQ(schedule.wait(), Seconds(120));
}

TEST(TrackerIdTest, IsAPeerIdThatSaysTracker) {
  Random random = Random::FromSystem();
  const PeerId id = NewTrackerId(random);
  EXPECT_EQ(id.text().substr(0, 10), "-MU0100-T-");
  EXPECT_NE(id, NewTrackerId(random));
}

}  // namespace
}  // namespace muster
