// SPDX-License-Identifier: Apache-2.0
#include "load/histogram.h"

#include <gtest/gtest.h>

namespace muster::load {
namespace {

TEST(Histogram, OfNothingIsZero) {
  const Histogram h;
  EXPECT_EQ(h.total(), 0u);
  EXPECT_EQ(h.Percentile(50), 0u);
  EXPECT_EQ(h.max(), 0u);
}

TEST(Histogram, SmallValuesAreExact) {
  Histogram h;
  for (std::uint64_t v = 1; v <= 60; ++v) h.Add(v);
  EXPECT_EQ(h.Percentile(50), 30u);
  EXPECT_EQ(h.Percentile(90), 54u);
  EXPECT_EQ(h.Percentile(100), 60u);
  EXPECT_EQ(h.Percentile(0), 1u);
}

TEST(Histogram, APercentileIsNeverBelowTheValueAndAtMost1Point6PercentAbove) {
  for (std::uint64_t v = 1; v < (std::uint64_t{1} << 40); v = v * 21 / 16 + 1) {
    Histogram h;
    h.Add(v);
    h.Add(std::uint64_t{1} << 50);
    EXPECT_GE(h.Percentile(50), v);
    EXPECT_LE(static_cast<double>(h.Percentile(50)), static_cast<double>(v) * (1 + 1.0 / 64)) << v;
  }
}

TEST(Histogram, TheLargestValueIsKeptExactly) {
  Histogram h;
  h.Add(123'456'789);
  h.Add(~std::uint64_t{0});
  EXPECT_EQ(h.max(), ~std::uint64_t{0});
  EXPECT_EQ(h.Percentile(100), ~std::uint64_t{0});
}

TEST(Histogram, ARareValueShowsOnlyInTheTail) {
  Histogram h;
  for (int i = 0; i < 999; ++i) h.Add(10);
  h.Add(50);
  EXPECT_EQ(h.Percentile(99.9), 10u);
  EXPECT_EQ(h.Percentile(99.91), 50u);
}

TEST(Histogram, MergingIsAddingAll) {
  Histogram one, other;
  for (std::uint64_t v = 1; v <= 20; ++v) one.Add(v);
  for (std::uint64_t v = 21; v <= 40; ++v) other.Add(v);
  one.Merge(other);
  EXPECT_EQ(one.total(), 40u);
  EXPECT_EQ(one.Percentile(50), 20u);
  EXPECT_EQ(one.max(), 40u);
}

}  // namespace
}  // namespace muster::load
