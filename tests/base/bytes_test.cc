// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

namespace muster {
namespace {

constexpr std::array<std::uint8_t, 15> kBytes = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
                                                 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f};

TEST(Bytes, LoadsAndStoresInNetworkOrderAtAnyAlignment) {
  for (std::size_t at = 0; at < 4; ++at) {
    EXPECT_EQ(LoadBig16(&kBytes[at]), 0x0102 + 0x0101 * at);
    EXPECT_EQ(LoadBig32(&kBytes[at]), 0x01020304u + 0x01010101u * at);
    EXPECT_EQ(LoadBig64(&kBytes[at]), 0x0102030405060708u + 0x0101010101010101u * at);
    std::array<std::uint8_t, 16> to{};
    StoreBig16(&to[at], 0xfeff);
    EXPECT_EQ(to[at], 0xfe);
    EXPECT_EQ(to[at + 1], 0xff);
    StoreBig32(&to[at], 0x80000001);
    EXPECT_EQ(LoadBig32(&to[at]), 0x80000001u);
    EXPECT_EQ(to[at], 0x80);
    StoreBig64(&to[at], 0xfedcba9876543210);
    EXPECT_EQ(LoadBig64(&to[at]), 0xfedcba9876543210u);
    EXPECT_EQ(to[at], 0xfe);
  }
}

TEST(Bytes, AreATextAndBack) {
  const std::string_view text("a\0\xff", 3);
  EXPECT_EQ(BytesOf(text).size(), 3u);
  EXPECT_EQ(BytesOf(text)[2], 0xff);
  EXPECT_EQ(TextOf(BytesOf(text)), text);
}

TEST(ByteReader, ReadsForward) {
  ByteReader reader(kBytes);
  EXPECT_EQ(reader.U8(), 0x01);
  EXPECT_EQ(reader.U16(), 0x0203);
  EXPECT_EQ(reader.U32(), 0x04050607u);
  EXPECT_EQ(reader.U64(), 0x08090a0b0c0d0e0fu);
  EXPECT_TRUE(reader.ok());
  EXPECT_TRUE(reader.rest().empty());
}

TEST(ByteReader, LendsBytesOfItsInput) {
  ByteReader reader(kBytes);
  const absl::Span<const std::uint8_t> bytes = reader.Bytes(5);
  EXPECT_EQ(bytes.data(), kBytes.data());
  EXPECT_EQ(bytes.size(), 5u);
  EXPECT_EQ(reader.rest().data(), kBytes.data() + 5);
  EXPECT_TRUE(reader.Bytes(0).empty());
  EXPECT_EQ(reader.Bytes(10).size(), 10u);
  EXPECT_TRUE(reader.ok());
}

TEST(ByteReader, GivesZerosPastTheEndAndStaysBad) {
  const auto expect_bad = [](auto read_too_much) {
    ByteReader reader(absl::MakeSpan(kBytes).subspan(0, 7));
    EXPECT_EQ(reader.U32(), 0x01020304u);
    read_too_much(reader);
    EXPECT_FALSE(reader.ok());
    EXPECT_TRUE(reader.rest().empty());
    EXPECT_EQ(reader.U8(), 0);  // though three bytes were left
    EXPECT_TRUE(reader.Bytes(0).empty());
    EXPECT_FALSE(reader.ok());
  };
  expect_bad([](ByteReader& r) { EXPECT_EQ(r.U32(), 0u); });
  expect_bad([](ByteReader& r) { EXPECT_EQ(r.U64(), 0u); });
  expect_bad([](ByteReader& r) { EXPECT_TRUE(r.Bytes(4).empty()); });
  expect_bad([](ByteReader& r) { r.Bytes(std::numeric_limits<std::size_t>::max()); });
  ByteReader empty({});
  EXPECT_TRUE(empty.ok());
  EXPECT_EQ(empty.U16(), 0);
  EXPECT_FALSE(empty.ok());
}

TEST(ByteWriter, WritesWhatTheReaderReads) {
  std::array<std::uint8_t, 17> to{};
  ByteWriter writer(absl::MakeSpan(to));
  writer.U8(0x01);
  writer.U16(0x0203);
  writer.U32(0x04050607);
  writer.U64(0x08090a0b0c0d0e0f);
  writer.Bytes({});
  writer.Bytes(absl::MakeSpan(kBytes).subspan(0, 2));
  EXPECT_TRUE(writer.ok());
  EXPECT_EQ(writer.size(), 17u);
  EXPECT_TRUE(std::equal(kBytes.begin(), kBytes.end(), to.begin()));
  EXPECT_EQ(to[15], 0x01);
  EXPECT_EQ(to[16], 0x02);
}

TEST(ByteWriter, LeavesOutWhatDoesNotFitAndEverythingAfterIt) {
  std::array<std::uint8_t, 8> memory{};
  ByteWriter writer(absl::MakeSpan(memory).subspan(0, 5));
  writer.U16(0x1111);
  writer.U32(0x22222222);
  EXPECT_FALSE(writer.ok());
  writer.U8(0x33);  // would fit
  writer.Bytes(absl::MakeSpan(kBytes).subspan(0, 1));
  EXPECT_FALSE(writer.ok());
  EXPECT_EQ(writer.size(), 2u);
  EXPECT_EQ(memory, (std::array<std::uint8_t, 8>{0x11, 0x11}));
}

}  // namespace
}  // namespace muster
