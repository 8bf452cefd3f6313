// SPDX-License-Identifier: Apache-2.0
#include "mirror/file_hasher.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "base/folder.h"

namespace muster {
namespace {

constexpr Instant kNow = InstantFromUnixSeconds(1'700'000'000);
constexpr std::int64_t kPiece = 16384;

class FileHasherTest : public ::testing::Test {
 protected:
  FileHasherTest() {
    for (const char* name : {"a", "b", "c"}) tree_.Write(name, std::string(100'000, *name));
    tree_.Write("empty", "");
  }

  FileIdentity Identity(const std::string& path) const { return *root_.Identify(path); }

  Folder tree_;
  Root root_ = *Root::Open(tree_.path());
  BlobCache cache_{{}};
};

TEST_F(FileHasherTest, EachFileBeginsAPiece) {
  FileHasher hasher(&root_, &cache_, {.kind = TorrentKind::kHybrid, .piece_length = kPiece});
  FlightProgress progress;
  const std::vector<std::string> paths = {"b", "empty", "a", "b"};
  std::vector<FileIdentity> identities;
  for (const std::string& path : paths) identities.push_back(Identity(path));
  const auto hashes = hasher.Hash(paths, identities, 2, kNow, progress);
  ASSERT_TRUE(hashes.ok()) << hashes.status();
  EXPECT_EQ(progress.bytes, 200'000);
  EXPECT_EQ(progress.total_bytes, 200'000);
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const std::string bytes = tree_.Read(paths[i]);
    std::string padded = bytes;
    padded.resize((bytes.size() + kPiece - 1) / kPiece * kPiece);
    std::string v1;
    for (std::size_t at = 0; at < padded.size(); at += kPiece) {
      v1 += TextOf(Sha1Of(padded.substr(at, kPiece)));
    }
    EXPECT_EQ((*hashes)[i]->v1, v1);
    EXPECT_EQ((*hashes)[i]->v2.size(), v1.size() / 20 * 32);
    EXPECT_EQ((*hashes)[i]->root.size(), bytes.empty() ? 0u : 32u);
  }
  EXPECT_EQ((*hashes)[2]->v1_tail, TextOf(Sha1Of(std::string(100'000 % kPiece, 'a'))));
  EXPECT_EQ((*hashes)[0]->v1_tail, "");
}

TEST_F(FileHasherTest, AFileThatIsAnotherOneIsAnError) {
  FileHasher hasher(&root_, &cache_, {.piece_length = kPiece});
  FlightProgress progress;
  const FileIdentity before = Identity("a");
  tree_.Write("a", "changed");
  const auto hashes = hasher.Hash({"b", "a"}, {Identity("b"), before}, 1, kNow, progress);
  EXPECT_EQ(hashes.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(hashes.status().message(), "a: changed while it was hashed");
  EXPECT_TRUE(hasher.Hash({"b"}, {Identity("b")}, 0, kNow, progress).ok());
}

TEST_F(FileHasherTest, AFileThatChangesWhileItIsHashedIsAnError) {
  FileHasher hasher(&root_, &cache_, {.piece_length = kPiece, .threads = 1});
  std::atomic<bool> done = false;
  std::thread changer([&] {
    for (int i = 0; !done; ++i) tree_.Write("a", std::string(100'000, static_cast<char>(i)));
  });
  for (int i = 0; i < 300; ++i) {
    FlightProgress progress;
    const auto hashes = hasher.Hash({"a"}, {Identity("a")}, 1, kNow, progress);
    if (!hashes.ok()) {
      ASSERT_EQ(hashes.status().code(), absl::StatusCode::kFailedPrecondition) << hashes.status();
    }
  }
  done = true;
  changer.join();
}

// Another one's error is about a file that these have not: somebody hashes it nevertheless.
TEST_F(FileHasherTest, OnesFailureIsNotAnothers) {
  const FileIdentity a = Identity("a"), b = Identity("b");
  FileIdentity wrong = Identity("c");
  wrong.modified_ns += 1;
  for (int round = 0; round < 200; ++round) {
    BlobCache empty({});
    FileHasher hasher(&root_, &empty, {.piece_length = kPiece, .threads = 1});
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&] {
        FlightProgress progress;
        EXPECT_FALSE(hasher.Hash({"a", "b", "c"}, {a, b, wrong}, 3, kNow, progress).ok());
      });
      threads.emplace_back([&] {
        FlightProgress progress;
        EXPECT_TRUE(hasher.Hash({"b", "a"}, {b, a}, 2, kNow, progress).ok());
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
}

TEST_F(FileHasherTest, HashesOfAnotherKindAreNotTaken) {
  FlightProgress progress;
  for (const TorrentKind kind : {TorrentKind::kV1, TorrentKind::kHybrid, TorrentKind::kV2}) {
    FileHasher hasher(&root_, &cache_, {.kind = kind, .piece_length = kPiece});
    const auto hashes = hasher.Hash({"a"}, {Identity("a")}, 1, kNow, progress);
    ASSERT_TRUE(hashes.ok());
    EXPECT_EQ((*hashes)[0]->v1.empty(), kind == TorrentKind::kV2);
    EXPECT_EQ((*hashes)[0]->v2.empty(), kind == TorrentKind::kV1);
  }
}

TEST_F(FileHasherTest, WhatACacheHoldsIsChecked) {
  FileHashes hashes{.identity = {1, 2, 20'000, 4}, .piece_length = kPiece};
  hashes.v1 = std::string(40, 'h');
  hashes.v1_tail = std::string(20, 't');
  const auto again = FileHashes::Decode(hashes.Encode());
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->identity, hashes.identity);
  EXPECT_EQ(again->v1, hashes.v1);
  EXPECT_EQ(again->v1_tail, hashes.v1_tail);
  hashes.v1 += "x";
  EXPECT_FALSE(FileHashes::Decode(hashes.Encode()).ok());
  hashes.v1.clear();
  hashes.piece_length = 0;
  EXPECT_FALSE(FileHashes::Decode(hashes.Encode()).ok());
  hashes.piece_length = 1;
  hashes.identity.size = std::int64_t{1} << 62;
  hashes.v2 = std::string(32, 'v');
  EXPECT_FALSE(FileHashes::Decode(hashes.Encode()).ok());
}

}  // namespace
}  // namespace muster
