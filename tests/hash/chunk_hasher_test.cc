// SPDX-License-Identifier: Apache-2.0
#include "hash/chunk_hasher.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/hex.h"
#include "hash/hash_testing.h"
#include "hash/hasher.h"
#include "muster/random.h"

namespace muster {
namespace {

// A hasher of each engine that this CPU can run, and the one that chooses by itself.
std::vector<std::unique_ptr<ChunkHasher>> Ways(HashKind kind, std::size_t messages) {
  std::vector<std::unique_ptr<ChunkHasher>> ways;
  for (const HashEngine engine : UsableEngines()) {
    ways.push_back(std::make_unique<ChunkHasher>(kind, messages, engine));
  }
  ways.push_back(std::make_unique<ChunkHasher>(kind, messages));
  return ways;
}

// Feeds `messages` by chunks of which chunk_size() gives the sizes.
template <typename ChunkSize>
std::string DigestsInChunks(ChunkHasher& hasher, HashKind kind, std::vector<ByteSpan> messages,
                            const ChunkSize& chunk_size) {
  std::vector<ByteSpan> chunks(messages.size());
  while (std::any_of(messages.begin(), messages.end(), [](ByteSpan m) { return !m.empty(); })) {
    for (std::size_t i = 0; i < messages.size(); ++i) {
      chunks[i] = messages[i].subspan(0, chunk_size());
      messages[i].remove_prefix(chunks[i].size());
    }
    hasher.Append(chunks);
  }
  std::vector<std::uint8_t> digests(messages.size() * DigestSize(kind));
  hasher.Finish(digests.data());
  return HexEncode(digests);
}

std::string Expected(HashKind kind, const std::vector<ByteSpan>& messages) {
  std::vector<std::uint8_t> digests(messages.size() * DigestSize(kind));
  Hasher(kind, HashEngine::kLibcrypto).Hash(messages, digests.data());
  return HexEncode(digests);
}

TEST(ChunkHasher, HashesMessagesThatComeInChunks) {
  Random random(1);
  const std::vector<std::uint8_t> bytes = RandomBytes(random, 5000);
  for (const std::size_t count : {0, 1, 2, 5, 8, 15, 16, 17, 33}) {
    for (const HashKind kind : {HashKind::kSha1, HashKind::kSha256}) {
      for (const auto& hasher : Ways(kind, count)) {
        ASSERT_EQ(hasher->messages(), count);
        for (int round = 0; round < 4; ++round) {  // with the same hasher
          std::vector<ByteSpan> messages(count);
          for (ByteSpan& message : messages) {
            message = ByteSpan(bytes).subspan(random.Below(100), random.Below(4000));
          }
          const std::string expected = Expected(kind, messages);
          // Of any sizes, of whole blocks, all at once.
          EXPECT_EQ(DigestsInChunks(*hasher, kind, messages, [&] { return random.Below(300); }),
                    expected);
          EXPECT_EQ(DigestsInChunks(*hasher, kind, messages, [] { return 1024; }), expected);
          EXPECT_EQ(DigestsInChunks(*hasher, kind, messages, [] { return 4000; }), expected);
        }
      }
    }
  }
}

TEST(ChunkHasher, HashesChunksOfEverySizeUpToThreeBlocks) {
  Random random(2);
  const std::vector<std::uint8_t> bytes = RandomBytes(random, 1000);
  std::vector<ByteSpan> messages;
  for (std::size_t i = 0; i < 18; ++i) messages.push_back(ByteSpan(bytes).subspan(i, 400 + 10 * i));
  for (const HashKind kind : {HashKind::kSha1, HashKind::kSha256}) {
    const std::string expected = Expected(kind, messages);
    for (const auto& hasher : Ways(kind, messages.size())) {
      for (std::size_t size = 1; size <= 192; ++size) {
        EXPECT_EQ(DigestsInChunks(*hasher, kind, messages, [size] { return size; }), expected)
            << size;
      }
    }
  }
}

TEST(ChunkHasher, GivesTheDigestOfNothingWhereNothingCame) {
  for (const auto& hasher : Ways(HashKind::kSha1, 1)) {
    std::vector<std::uint8_t> digest(20);
    hasher->Finish(digest.data());
    EXPECT_EQ(HexEncode(digest), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  }
}

}  // namespace
}  // namespace muster
