// SPDX-License-Identifier: Apache-2.0
#include "hash/hasher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/bytes.h"
#include "base/hex.h"
#include "hash/hash_testing.h"
#include "muster/random.h"

namespace muster {
namespace {

using ::testing::Contains;

constexpr HashKind kKinds[] = {HashKind::kSha1, HashKind::kSha256};

std::string NameOf(HashKind kind) { return kind == HashKind::kSha1 ? "sha1" : "sha256"; }

std::size_t Below(Random& random, std::size_t bound) {
  return random.Below(static_cast<std::uint32_t>(bound));
}

// By libcrypto, in one go.
std::string Reference(HashKind kind, ByteSpan message) {
  std::vector<std::uint8_t> digest(DigestSize(kind));
  EVP_Digest(message.data(), message.size(), digest.data(), nullptr,
             kind == HashKind::kSha1 ? EVP_sha1() : EVP_sha256(), nullptr);
  return HexEncode(digest);
}

// A hasher of each engine that this CPU can run, and the one that chooses by itself.
struct Way {
  std::string name;
  std::unique_ptr<Hasher> hasher;
};

std::vector<Way> Ways(HashKind kind) {
  std::vector<Way> ways;
  for (const HashEngine engine : UsableEngines()) {
    ways.push_back({NameOf(kind) + " by " + std::string(EngineName(engine)),
                    std::make_unique<Hasher>(kind, engine)});
  }
  ways.push_back({NameOf(kind) + " by choice", std::make_unique<Hasher>(kind)});
  return ways;
}

// Room for digests, with bytes behind them that must stay as they are.
class Digests {
 public:
  Digests(HashKind kind, std::size_t count)
      : size_(DigestSize(kind)), count_(count), bytes_(count * size_ + kGuard, kMark) {}

  std::uint8_t* data() { return bytes_.data(); }
  std::vector<std::string> Hex() const {
    std::vector<std::string> hex;
    for (std::size_t i = 0; i < count_; ++i) {
      hex.push_back(HexEncode(absl::MakeConstSpan(bytes_).subspan(i * size_, size_)));
    }
    EXPECT_EQ(std::count(bytes_.end() - kGuard, bytes_.end(), kMark), kGuard);
    return hex;
  }

 private:
  static constexpr std::size_t kGuard = 64;
  static constexpr std::uint8_t kMark = 0xa5;

  std::size_t size_, count_;
  std::vector<std::uint8_t> bytes_;
};

std::vector<std::string> HashOf(Hasher& hasher, absl::Span<const ByteSpan> messages) {
  Digests digests(hasher.kind(), messages.size());
  hasher.Hash(messages, digests.data());
  return digests.Hex();
}

std::vector<std::string> ReferencesOf(HashKind kind, absl::Span<const ByteSpan> messages) {
  std::vector<std::string> references;
  for (const ByteSpan message : messages) references.push_back(Reference(kind, message));
  return references;
}

void ExpectRight(absl::Span<const ByteSpan> messages, std::string_view what) {
  for (const HashKind kind : kKinds) {
    const std::vector<std::string> references = ReferencesOf(kind, messages);
    for (const Way& way : Ways(kind)) {
      EXPECT_EQ(HashOf(*way.hasher, messages), references) << way.name << ": " << what;
    }
  }
}

TEST(HashEngine, OfLibcryptoIsAlwaysThereAndTheBestIsAmongTheUsable) {
  ASSERT_FALSE(UsableEngines().empty());
  EXPECT_EQ(UsableEngines()[0], HashEngine::kLibcrypto);
  for (const HashKind kind : kKinds) EXPECT_THAT(UsableEngines(), Contains(BestEngine(kind)));
}

TEST(Hasher, GivesThePublishedDigests) {
  // FIPS 180-4's examples, as NIST publishes them.
  const std::string million(1'000'000, 'a');
  const std::string_view messages[] = {
      "", "abc", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmno"
      "pqrsmnopqrstnopqrstu",
      million};
  const std::vector<std::string> sha1 = {
      "da39a3ee5e6b4b0d3255bfef95601890afd80709", "a9993e364706816aba3e25717850c26c9cd0d89d",
      "84983e441c3bd26ebaae4aa1f95129e5e54670f1", "a49b2446a02c645bf419f995b67091253a04a259",
      "34aa973cd4c4daa4f61eeb2bdbad27316534016f"};
  const std::vector<std::string> sha256 = {
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
      "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"};
  std::vector<ByteSpan> spans;
  for (const std::string_view message : messages) spans.push_back(BytesOf(message));
  for (const HashKind kind : kKinds) {
    const std::vector<std::string>& expected = kind == HashKind::kSha1 ? sha1 : sha256;
    for (const Way& way : Ways(kind)) {
      EXPECT_EQ(HashOf(*way.hasher, spans), expected) << way.name;
      for (std::size_t i = 0; i < spans.size(); ++i) {
        // Alone, and as one of many equal ones.
        EXPECT_EQ(HashOf(*way.hasher, {spans[i]}), std::vector{expected[i]}) << way.name;
        const std::vector<ByteSpan> many(17, spans[i]);
        EXPECT_EQ(HashOf(*way.hasher, many), std::vector(17, expected[i])) << way.name;
      }
    }
  }
}

TEST(Hasher, HashesEveryLengthUpTo300AloneAmongEqualsAndTogether) {
  Random random(1);
  std::vector<ByteSpan> all;
  const std::vector<std::uint8_t> bytes = RandomBytes(random, 1000);
  for (std::size_t length = 0; length <= 300; ++length) {
    const ByteSpan first = absl::MakeConstSpan(bytes).subspan(length % 67, length);
    ExpectRight({first}, "alone");
    std::vector<ByteSpan> equals;
    for (std::size_t i = 0; i < 16 + length % 3; ++i) {
      equals.push_back(absl::MakeConstSpan(bytes).subspan(7 * i, length));
    }
    ExpectRight(equals, "among equals");
    all.push_back(first);
  }
  ExpectRight(all, "together");
  std::reverse(all.begin(), all.end());
  ExpectRight(all, "together, backwards");
}

TEST(Hasher, HashesAnyNumberOfMessages) {
  Random random(2);
  const std::vector<std::uint8_t> bytes = RandomBytes(random, 5000);
  for (std::size_t count = 0; count <= 50; ++count) {
    for (const std::size_t length : {0, 64, 100, 4096}) {
      std::vector<ByteSpan> equal, unequal;
      for (std::size_t i = 0; i < count; ++i) {
        equal.push_back(absl::MakeConstSpan(bytes).subspan(i, length));
        unequal.push_back(absl::MakeConstSpan(bytes).subspan(i, (length + 64 * i) % 4200));
      }
      ExpectRight(equal, "equal " + std::to_string(count));
      ExpectRight(unequal, "unequal " + std::to_string(count));
    }
  }
}

TEST(Hasher, HashesMessagesOfVeryUnequalLengths) {
  Random random(3);
  const std::vector<std::uint8_t> bytes = RandomBytes(random, 70'000);
  for (int round = 0; round < 30; ++round) {
    std::vector<ByteSpan> messages(Below(random, 200));
    for (ByteSpan& message : messages) {
      // Short ones, long ones, and whole blocks.
      std::size_t length = Below(random, std::size_t{1} << Below(random, 17));
      if (Below(random, 4) == 0) length -= length % 64;
      message =
          absl::MakeConstSpan(bytes).subspan(Below(random, bytes.size() - length + 1), length);
    }
    ExpectRight(messages, "round " + std::to_string(round));
  }
}

TEST(Hasher, HashesMessagesInParts) {
  Random random(4);
  const std::vector<std::uint8_t> bytes = RandomBytes(random, 3000);
  for (int round = 0; round < 50; ++round) {
    const std::size_t count = Below(random, 40);
    std::vector<std::vector<ByteSpan>> parts(count);
    std::vector<std::vector<std::uint8_t>> whole(count);
    for (std::size_t i = 0; i < count; ++i) {
      parts[i].resize(Below(random, 6));
      for (ByteSpan& part : parts[i]) {
        const std::size_t length =
            Below(random, 3) == 0 ? 64 * Below(random, 5) : Below(random, 200);
        part = absl::MakeConstSpan(bytes).subspan(Below(random, bytes.size() - length), length);
        whole[i].insert(whole[i].end(), part.begin(), part.end());
      }
    }
    const std::vector<absl::Span<const ByteSpan>> messages(parts.begin(), parts.end());
    const std::vector<ByteSpan> spans(whole.begin(), whole.end());
    for (const HashKind kind : kKinds) {
      for (const Way& way : Ways(kind)) {
        Digests digests(kind, count);
        way.hasher->HashGathered(messages, digests.data());
        EXPECT_EQ(digests.Hex(), ReferencesOf(kind, spans)) << way.name;
      }
    }
  }
}

TEST(Hasher, HashesAMessageInPartsOfEverySize) {
  Random random(5);
  const std::vector<std::uint8_t> bytes = RandomBytes(random, 330);
  std::vector<std::vector<ByteSpan>> parts;
  for (std::size_t size = 1; size <= bytes.size(); ++size) {
    parts.emplace_back();
    for (std::size_t at = 0; at < bytes.size(); at += size) {
      parts.back().push_back(absl::MakeConstSpan(bytes).subspan(at, size));
    }
  }
  const std::vector<absl::Span<const ByteSpan>> messages(parts.begin(), parts.end());
  for (const HashKind kind : kKinds) {
    const std::vector<std::string> expected(messages.size(), Reference(kind, bytes));
    for (const Way& way : Ways(kind)) {
      Digests digests(kind, messages.size());
      way.hasher->HashGathered(messages, digests.data());
      EXPECT_EQ(digests.Hex(), expected) << way.name;
    }
  }
}

TEST(Hasher, HashesTheBlocksOfAFile) {
  Random random(6);
  const std::vector<std::uint8_t> bytes = RandomBytes(random, 40'000);
  for (const std::size_t block_size : {1, 32, 64, 100, 1024, 16'384}) {
    for (const std::size_t size : {0, 1, 63, 64, 65, 1023, 1024, 2048, 16'384, 33'000, 40'000}) {
      if (size / block_size > 4000) continue;
      const ByteSpan file = absl::MakeConstSpan(bytes).subspan(0, size);
      std::vector<ByteSpan> blocks;
      for (std::size_t at = 0; at < size; at += block_size) {
        blocks.push_back(file.subspan(at, block_size));
      }
      for (const HashKind kind : kKinds) {
        for (const Way& way : Ways(kind)) {
          Digests digests(kind, blocks.size());
          way.hasher->HashBlocks(file, block_size, digests.data());
          EXPECT_EQ(digests.Hex(), ReferencesOf(kind, blocks))
              << way.name << ": " << size << " by " << block_size;
        }
      }
    }
  }
}

TEST(HasherDeathTest, RefusesAnEngineThatIsNotThere) {
  EXPECT_DEATH(Hasher(HashKind::kSha1, static_cast<HashEngine>(99)), "");
}

}  // namespace
}  // namespace muster
