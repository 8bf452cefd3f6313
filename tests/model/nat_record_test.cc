// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "muster/nat_record.h"

namespace muster {
namespace {

TEST(NatRecordTest, AnUnknownPeerIsCheckedUnlessChecksAreOff) {
  const NatRecord record;
  EXPECT_FALSE(record.is_known());
  EXPECT_FALSE(record.is_reachable());
  EXPECT_TRUE(record.WantsCheck(3));
  EXPECT_FALSE(record.WantsCheck(0));
}

TEST(NatRecordTest, IsCheckedAgainUntilItHasFailedAsOftenAsSet) {
  NatRecord record;
  for (int failures = 1; failures <= 3; ++failures) {
    EXPECT_TRUE(record.WantsCheck(3));
    record.Count(NatOutcome::kTimeout);
    EXPECT_EQ(record.failures(), failures);
  }
  EXPECT_FALSE(record.WantsCheck(3));
  EXPECT_TRUE(record.WantsCheck(4));
}

TEST(NatRecordTest, ASuccessClearsTheFailures) {
  NatRecord record;
  record.Count(NatOutcome::kRefused);
  record.Count(NatOutcome::kReachable);
  EXPECT_TRUE(record.is_reachable());
  EXPECT_EQ(record.failures(), 0);
  EXPECT_FALSE(record.WantsCheck(3));
}

TEST(NatRecordTest, WhatIsNotThePeersFaultIsNotCounted) {
  NatRecord record;
  for (const NatOutcome outcome : {NatOutcome::kNotAllowed, NatOutcome::kTooMany,
                                   NatOutcome::kNoResources, NatOutcome::kCancelled}) {
    record.Count(outcome);
    EXPECT_EQ(record, NatRecord());
    EXPECT_FALSE(IsPeersFailure(outcome));
  }
  EXPECT_FALSE(IsPeersFailure(NatOutcome::kReachable));
  EXPECT_TRUE(IsPeersFailure(NatOutcome::kOtherPeerId));
}

TEST(NatRecordTest, APeerWithoutAPortIsNeverReachable) {
  NatRecord record = NatRecord::Never();
  record.Count(NatOutcome::kReachable);
  EXPECT_FALSE(record.is_reachable());
  EXPECT_FALSE(record.WantsCheck(NatRecord::kMaxTries));
}

TEST(NatRecordTest, CountsUpToItsGreatestAndNoFurther) {
  NatRecord record;
  for (int i = 0; i < 1000; ++i) record.Count(NatOutcome::kClosed);
  EXPECT_EQ(record.failures(), NatRecord::kMaxTries);
  EXPECT_FALSE(record.WantsCheck(NatRecord::kMaxTries));
}

TEST(NatRecordTest, IsTheSameAgainAfterTheStateFile) {
  NatRecord twice;
  twice.Count(NatOutcome::kClosed);
  twice.Count(NatOutcome::kClosed);
  for (const NatRecord& record : {NatRecord(), NatRecord::Reachable(), NatRecord::Never(), twice}) {
    EXPECT_EQ(NatRecord::FromNumber(record.ToNumber()), record);
  }
  EXPECT_EQ(twice.ToNumber(), 2);
  EXPECT_EQ(NatRecord::Never().ToNumber(), 1 << 30);
  EXPECT_EQ(NatRecord().ToNumber(), std::nullopt);
  EXPECT_TRUE(NatRecord::FromNumber(-5).is_reachable());
  EXPECT_EQ(NatRecord::FromNumber(100'000).failures(), NatRecord::kMaxTries);
}

TEST(NatRecordTest, EveryOutcomeHasAText) {
  for (int i = 0; i <= static_cast<int>(NatOutcome::kCancelled); ++i) {
    EXPECT_NE(NatOutcomeText(static_cast<NatOutcome>(i)), "");
  }
}

}  // namespace
}  // namespace muster
