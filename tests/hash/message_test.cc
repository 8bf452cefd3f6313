// SPDX-License-Identifier: Apache-2.0
#include "hash/message.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace muster {
namespace {

std::vector<std::uint8_t> Numbers(std::size_t n) {
  std::vector<std::uint8_t> bytes(n);
  for (std::size_t i = 0; i < n; ++i) bytes[i] = static_cast<std::uint8_t>(i);
  return bytes;
}

TEST(BlockRuns, GiveWholeBlocksFromTheCallersMemoryAndThePaddingFromTheirOwn) {
  const std::vector<std::uint8_t> bytes = Numbers(200);
  BlockRuns runs;
  runs.Begin({bytes, {}});
  ASSERT_TRUE(runs.Next());
  EXPECT_EQ(runs.at(), bytes.data());
  EXPECT_EQ(runs.blocks(), 3u);
  runs.Advance(2);
  EXPECT_EQ(runs.at(), bytes.data() + 128);
  EXPECT_EQ(runs.blocks(), 1u);
  runs.Advance(1);
  ASSERT_TRUE(runs.Next());
  EXPECT_EQ(runs.blocks(), 1u);
  std::vector<std::uint8_t> end(bytes.begin() + 192, bytes.end());
  end.push_back(0x80);
  end.resize(62, 0);
  end.push_back(200 * 8 / 256);
  end.push_back(200 * 8 % 256);
  EXPECT_EQ(std::vector(runs.at(), runs.at() + 64), end);
  runs.Advance(1);
  EXPECT_FALSE(runs.Next());
}

TEST(BlockRuns, PutBlocksTogetherThatSpanParts) {
  const std::vector<std::uint8_t> bytes = Numbers(255);
  const ByteSpan all(bytes);
  const std::vector<ByteSpan> parts = {
      all.subspan(0, 10), {}, all.subspan(10, 1), all.subspan(11, 150), all.subspan(161, 31), {}};
  BlockRuns runs;
  runs.Begin({{}, parts});
  std::vector<std::uint8_t> seen;
  std::vector<std::size_t> lengths;
  while (runs.Next()) {
    seen.insert(seen.end(), runs.at(), runs.at() + runs.blocks() * kHashBlock);
    lengths.push_back(runs.blocks());
    runs.Advance(runs.blocks());
  }
  // A block of three parts, a run of the fourth, a block of the fourth and the fifth, the padding.
  EXPECT_EQ(lengths, (std::vector<std::size_t>{1, 1, 1, 1}));
  ASSERT_EQ(seen.size(), 256u);
  EXPECT_EQ(ByteSpan(seen).subspan(0, 192), all.subspan(0, 192));
}

TEST(BlockRuns, HaveAsManyBlocksAsAreCounted) {
  const std::vector<std::uint8_t> bytes = Numbers(255);
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    BlockRuns runs;
    runs.Begin({ByteSpan(bytes).subspan(0, size), {}});
    std::uint64_t blocks = 0;
    while (runs.Next()) blocks += runs.blocks();
    EXPECT_EQ(blocks, BlocksOf(size)) << size;
  }
}

}  // namespace
}  // namespace muster
