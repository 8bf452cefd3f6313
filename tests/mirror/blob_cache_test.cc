// SPDX-License-Identifier: Apache-2.0
#include "mirror/blob_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/folder.h"

namespace muster {
namespace {

namespace fs = std::filesystem;

class BlobCacheTest : public ::testing::Test {
 protected:
  BlobCacheOptions Options() const { return {.folder = folder_.path("cache")}; }
  std::vector<fs::path> Files() const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path("cache"))) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
    return files;
  }
  static std::string Text(const BlobCache::Value& value) { return value ? *value : "(nothing)"; }

  Folder folder_;
  const Instant now_ = InstantFromUnixSeconds(::time(nullptr));
};

TEST_F(BlobCacheTest, KeepsWhatWasPutThereLast) {
  BlobCache cache(Options());
  EXPECT_EQ(cache.Get("key", now_), nullptr);
  EXPECT_TRUE(cache.Put("key", "value").ok());
  EXPECT_TRUE(cache.Put("empty", "").ok());
  EXPECT_EQ(Text(cache.Get("key", now_)), "value");
  EXPECT_TRUE(cache.Put("key", "another").ok());
  EXPECT_EQ(Text(cache.Get("key", now_)), "another");
  BlobCache again(Options());
  EXPECT_EQ(Text(again.Get("key", now_)), "another");
  EXPECT_EQ(Text(again.Get("empty", now_)), "");
  again.Remove("key");
  EXPECT_EQ(again.Get("key", now_), nullptr);
  EXPECT_EQ(BlobCache(Options()).Get("key", now_), nullptr);
}

TEST_F(BlobCacheTest, ADamagedFileIsNothing) {
  const std::string value(1000, 'v');
  ASSERT_TRUE(BlobCache(Options()).Put("key", value).ok());
  ASSERT_EQ(Files().size(), 1u);
  const fs::path file = Files()[0];
  std::ifstream in(file, std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    std::ofstream(file, std::ios::binary) << whole.substr(0, size);
    EXPECT_EQ(BlobCache(Options()).Get("key", now_), nullptr) << size;
  }
  for (std::size_t at = 0; at < whole.size(); at += 7) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    std::ofstream(file, std::ios::binary) << changed;
    EXPECT_EQ(BlobCache(Options()).Get("key", now_), nullptr) << at;
  }
  std::ofstream(file, std::ios::binary) << whole;
  EXPECT_EQ(Text(BlobCache(Options()).Get("key", now_)), value);
}

TEST_F(BlobCacheTest, WithoutAFolderMemoryHasItAll) {
  BlobCache cache({.max_memory = 100});
  EXPECT_TRUE(cache.Put("a", std::string(40, 'a')).ok());
  EXPECT_TRUE(cache.Put("b", std::string(40, 'b')).ok());
  EXPECT_NE(cache.Get("a", now_), nullptr);
  EXPECT_TRUE(cache.Put("c", std::string(40, 'c')).ok());
  EXPECT_NE(cache.Get("a", now_), nullptr);
  EXPECT_EQ(cache.Get("b", now_), nullptr);  // what was not used for longest
  EXPECT_TRUE(cache.Put("d", std::string(101, 'd')).ok());
  EXPECT_EQ(cache.Get("d", now_), nullptr);
}

TEST_F(BlobCacheTest, AFolderThatCannotBeUsedCostsNoAnswer) {
  folder_.Write("file", "");
  BlobCache cache({.folder = folder_.path("file/cache")});
  EXPECT_FALSE(cache.folder_status().ok());
  EXPECT_FALSE(cache.Put("key", "value").ok());
  EXPECT_EQ(Text(cache.Get("key", now_)), "value");
  EXPECT_EQ(cache.Clean(now_).files, 0u);
}

TEST_F(BlobCacheTest, AFullDiskLeavesNothingBehind) {
  BlobCache cache(Options());
  // The child may write no file of more than 1,000 bytes: as on a full disk, write() fails midway.
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1000, 1000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const bool ok = !cache.Put("key", std::string(5000, 'v')).ok() &&
                    Text(cache.Get("key", now_)).size() == 5000;
    ::_exit(ok ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(Files().empty());
}

TEST_F(BlobCacheTest, IsWholeWhenItsWriterIsKilled) {
  const auto value = [](int key, int round) {
    return std::to_string(round) + std::string(50'000, static_cast<char>('a' + key));
  };
  for (int round = 0; round < 20; ++round) {
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      BlobCache cache({.folder = folder_.path("cache"), .max_memory = 0});
      for (int i = 0;; ++i) {
        static_cast<void>(cache.Put(std::to_string(i % 8), value(i % 8, i)));
        if (i == 10 + round) static_cast<void>(::write(ready[1], "x", 1) + 0);
      }
    }
    char byte;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    ::kill(child, SIGKILL);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    ::close(ready[0]);
    ::close(ready[1]);
    BlobCache cache(Options());
    for (int key = 0; key < 8; ++key) {
      const auto found = cache.Get(std::to_string(key), now_);
      ASSERT_NE(found, nullptr);
      EXPECT_EQ(found->substr(found->size() - 50'000),
                std::string(50'000, static_cast<char>('a' + key)));
    }
  }
  BlobCache cache(Options());
  EXPECT_EQ(cache.Clean(now_ + Seconds(2 * 3600)).files, 8u);  // nothing of the killed is left
  EXPECT_EQ(Files().size(), 8u);
}

TEST_F(BlobCacheTest, CleansItselfToASize) {
  BlobCacheOptions options = Options();
  options.max_disk = 30'000;
  BlobCache cache(options);
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(cache.Put(std::to_string(i), std::string(8000, 'v')).ok());
    for (const fs::path& file : Files()) {
      fs::last_write_time(file, fs::last_write_time(file) - std::chrono::seconds(10));
    }
  }
  const BlobCache::Cleaned cleaned = cache.Clean(now_);
  EXPECT_EQ(cleaned.files, 3u);
  EXPECT_EQ(cleaned.removed, 7u);
  EXPECT_LE(cleaned.bytes, 30'000u);
  BlobCache again(Options());
  for (int i = 0; i < 10; ++i) EXPECT_EQ(again.Get(std::to_string(i), now_) != nullptr, i >= 7);
}

TEST_F(BlobCacheTest, CleansItselfToAnAge) {
  BlobCache cache(Options());
  ASSERT_TRUE(cache.Put("old", "value").ok());
  ASSERT_TRUE(cache.Put("used", "value").ok());
  const Instant later = now_ + Seconds(20 * 86400);
  EXPECT_NE(BlobCache(Options()).Get("used", later), nullptr);
  EXPECT_EQ(cache.Clean(later).removed, 0u);
  EXPECT_EQ(cache.Clean(later + Seconds(15 * 86400)).removed, 1u);
  EXPECT_NE(BlobCache(Options()).Get("used", later), nullptr);
  EXPECT_EQ(BlobCache(Options()).Get("old", later), nullptr);
}

// However it is used: what is in memory, and what is read or asked for on the disk.
TEST_F(BlobCacheTest, WhatIsUsedAllTheTimeStays) {
  BlobCacheOptions options = Options();
  options.max_age = Seconds(3600);
  BlobCache cache(options);
  options.max_memory = 0;
  BlobCache of_disk(options);
  for (const char* key : {"memory", "disk", "asked", "nobody"}) {
    ASSERT_TRUE(cache.Put(key, "value").ok());
  }
  EXPECT_EQ(cache.use_step(), Seconds(450));
  EXPECT_NE(cache.AtHand("memory", now_ + Seconds(440)), nullptr);
  EXPECT_EQ(cache.AtHand("memory", now_ + Seconds(500)), nullptr);  // it is to be written down
  for (int minutes = 0; minutes <= 180; minutes += 10) {
    const Instant then = now_ + Seconds(minutes * 60);
    EXPECT_EQ(Text(cache.Get("memory", then)), "value");
    EXPECT_NE(cache.AtHand("memory", then), nullptr);
    EXPECT_EQ(Text(of_disk.Get("disk", then)), "value");
    EXPECT_TRUE(of_disk.Use("asked", then));
    EXPECT_EQ(cache.Clean(then).files, minutes <= 60 ? 4u : 3u) << minutes;
  }
  EXPECT_FALSE(of_disk.Use("nobody", now_));
  // What is used after all is there again.
  EXPECT_EQ(Text(cache.Get("nobody", now_ + Seconds(10'800))), "value");
  EXPECT_TRUE(of_disk.Use("nobody", now_));
}

}  // namespace
}  // namespace muster
