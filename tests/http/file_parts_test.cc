// SPDX-License-Identifier: Apache-2.0
#include "http/file_parts.h"

#include <gtest/gtest.h>

#include <string>

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
  EXPECT_EQ(body.Produce(1, out), Progress::kMore);
  EXPECT_EQ(body.stretch()->size, 7);
  EXPECT_EQ(body.Produce(1, out), Progress::kEnd);
  EXPECT_EQ(out, "aend");
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
