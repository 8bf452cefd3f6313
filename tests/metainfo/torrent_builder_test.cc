// SPDX-License-Identifier: Apache-2.0
#include "muster/torrent_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "metainfo/builder_testing.h"
#include "metainfo/torrent_testing.h"

namespace muster {
namespace {

using ::testing::HasSubstr;
using namespace testing_builder;  // NOLINT(google-build-using-namespace)
using testing_torrent::Message;

using Files = std::map<std::string, std::string>;

bool HasV1(TorrentKind kind) { return kind != TorrentKind::kV2; }
bool HasV2(TorrentKind kind) { return kind != TorrentKind::kV1; }

// A torrent named "t" of these files, by callbacks.
absl::StatusOr<std::string> Build(const Files& files, const TorrentBuilderOptions& options,
                                  unsigned threads = 2) {
  TorrentBuilder builder(options);
  for (const auto& [path, bytes] : files) {
    const absl::Status status =
        builder.AddBytes(path, static_cast<std::int64_t>(bytes.size()), ReadsFrom(bytes));
    if (!status.ok()) return status;
  }
  const absl::Status status = builder.Hash({.threads = threads});
  if (!status.ok()) return status;
  return builder.Torrent({.name = "t"});
}

// The file sizes that pieces and blocks make special, below and above 16 KiB and 32 KiB.
Files OfAllSizes() {
  Files files;
  std::uint64_t seed = 0;
  for (const std::size_t size : {0, 1, 63, 64, 16383, 16384, 16385, 32767, 32768, 32769, 49152,
                                 65536, 65537, 100000, 131072, 1000000}) {
    files["f" + std::to_string(size)] = SomeBytes(size, ++seed);
  }
  return files;
}

TEST(TorrentBuilder, HashesFilesOfAllSizesInPiecesOfAllSizes) {
  const Files files = OfAllSizes();
  for (const TorrentKind kind : kAllKinds) {
    for (std::int64_t piece_length = 16384; piece_length <= 1 << 21; piece_length *= 2) {
      for (const bool align : {false, true}) {
        SCOPED_TRACE(testing::Message()
                     << static_cast<int>(kind) << " " << piece_length << " " << align);
        const absl::StatusOr<std::string> torrent =
            Build(files, {.kind = kind, .piece_length = piece_length, .align_files = align});
        ASSERT_TRUE(torrent.ok()) << torrent.status();
        ExpectTorrentOf(*torrent, files, HasV1(kind), HasV2(kind));
      }
    }
  }
}

TEST(TorrentBuilder, HashesEachFileAlone) {
  for (const auto& [name, bytes] : OfAllSizes()) {
    if (bytes.empty()) continue;
    for (const TorrentKind kind : kAllKinds) {
      TorrentBuilder builder({.kind = kind, .piece_length = 65536});
      ASSERT_TRUE(
          builder.AddBytes("", static_cast<std::int64_t>(bytes.size()), ReadsFrom(bytes)).ok());
      ASSERT_TRUE(builder.Hash().ok());
      const absl::StatusOr<std::string> torrent = builder.Torrent({.name = name});
      ASSERT_TRUE(torrent.ok()) << torrent.status();
      ExpectTorrentOf(*torrent, {{name, bytes}}, HasV1(kind), HasV2(kind));
      EXPECT_TRUE(Metainfo::Parse(*torrent)->is_single_file());
    }
  }
}

TEST(TorrentBuilder, GivesTheSameBytesOnAnyNumberOfThreads) {
  const Files files = OfAllSizes();
  for (const TorrentKind kind : kAllKinds) {
    const absl::StatusOr<std::string> one = Build(files, {.kind = kind}, 1);
    ASSERT_TRUE(one.ok());
    for (const unsigned threads : {2u, 3u, 16u})
      EXPECT_EQ(*one, *Build(files, {.kind = kind}, threads));
  }
}

TEST(TorrentBuilder, ReadsATreeAsOneReadsItsFiles) {
  Folder folder;
  const Files files = OfAllSizes();
  for (const auto& [name, bytes] : files) folder.Write("album/" + name, bytes);
  for (const TorrentKind kind : kAllKinds) {
    TorrentBuilder builder({.kind = kind, .piece_length = 16384});
    ASSERT_TRUE(builder.AddPath(folder / "album").ok());
    ASSERT_TRUE(builder.Hash().ok());
    const absl::StatusOr<std::string> torrent = builder.Torrent();
    ASSERT_TRUE(torrent.ok()) << torrent.status();
    ExpectTorrentOf(*torrent, files, HasV1(kind), HasV2(kind));
    EXPECT_EQ(Metainfo::Parse(*torrent)->name(), "album");
  }
}

TEST(TorrentBuilder, HashesFoldersInTheOrderOfV2) {
  // '-' and '.' come before '/', but a folder's files come before names that begin with its own.
  const Files files = {{"a/z", SomeBytes(20000)},
                       {"a-b", "1"},
                       {"a.b", "2"},
                       {"a/b/c", "3"},
                       {"a/b!", "4"},
                       {"ab", "5"},
                       {"b/c/d/e", "6"},
                       {"z", SomeBytes(40000, 2)}};
  for (const TorrentKind kind : kAllKinds) {
    const absl::StatusOr<std::string> torrent = Build(files, {.kind = kind});
    ASSERT_TRUE(torrent.ok()) << torrent.status();
    ExpectTorrentOf(*torrent, files, HasV1(kind), HasV2(kind));
    std::vector<std::string> paths;
    const absl::StatusOr<Metainfo> read = Metainfo::Parse(*torrent);
    for (const MetainfoFile& file : read->files()) {
      if (!file.is_pad) paths.push_back(file.PathText());
    }
    EXPECT_THAT(paths,
                testing::ElementsAre("a/b/c", "a/b!", "a/z", "a-b", "a.b", "ab", "b/c/d/e", "z"));
  }
}

TEST(TorrentBuilder, KeepsTheOrderOfAddingWhereItIsWanted) {
  TorrentBuilder builder({.kind = TorrentKind::kV1, .order = FileOrder::kAsAdded});
  for (const char* name : {"z", "a", "m"})
    ASSERT_TRUE(builder.AddBytes(name, 1, ReadsFrom(name)).ok());
  const absl::StatusOr<TorrentPlan> plan = builder.Plan();
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->files[0].path, "z");
  EXPECT_EQ(plan->files[2].path, "m");
  ASSERT_TRUE(builder.Hash().ok());
  EXPECT_EQ(Metainfo::Parse(*builder.Torrent({.name = "t"}))->files()[1].PathText(), "a");

  TorrentBuilder hybrid({.kind = TorrentKind::kHybrid, .order = FileOrder::kAsAdded});
  ASSERT_TRUE(hybrid.AddBytes("a", 1, ReadsFrom("a")).ok());
  EXPECT_FALSE(hybrid.Plan().ok());
}

TEST(TorrentBuilder, WritesAllKindsFromOneHashingOfAHybrid) {
  const Files files = OfAllSizes();
  TorrentBuilder builder({.kind = TorrentKind::kHybrid, .piece_length = 32768});
  for (const auto& [path, bytes] : files) {
    ASSERT_TRUE(
        builder.AddBytes(path, static_cast<std::int64_t>(bytes.size()), ReadsFrom(bytes)).ok());
  }
  ASSERT_TRUE(builder.Hash().ok());
  for (const TorrentKind kind : kAllKinds) {
    const absl::StatusOr<std::string> torrent = builder.Torrent({.name = "t", .kind = kind});
    ASSERT_TRUE(torrent.ok());
    ExpectTorrentOf(*torrent, files, HasV1(kind), HasV2(kind));
    EXPECT_EQ(*torrent, *Build(files, {.kind = kind, .piece_length = 32768, .align_files = true}));
  }

  TorrentBuilder v1({.kind = TorrentKind::kV1});
  ASSERT_TRUE(v1.AddBytes("a", 1, ReadsFrom("a")).ok());
  ASSERT_TRUE(v1.Hash().ok());
  EXPECT_FALSE(v1.Torrent({.name = "t", .kind = TorrentKind::kHybrid}).ok());
}

TEST(TorrentBuilder, WritesAllThatATorrentCanSay) {
  TorrentBuilder builder;
  ASSERT_TRUE(
      builder.AddBytes("dir/run", 3, ReadsFrom("abc"), {.is_executable = true, .is_hidden = true})
          .ok());
  ASSERT_TRUE(builder.AddSymlink("link", "dir/run").ok());
  ASSERT_TRUE(builder.Hash().ok());
  const InfoHash similar = *InfoHash::FromHex(std::string(40, '5'));
  const absl::StatusOr<std::string> bytes =
      builder.Torrent({.name = "name",
                       .is_private = true,
                       .source = "source",
                       .similar = {similar},
                       .collections = {"one", "two"},
                       .trackers = {{"http://a/", "udp://b:1"}, {}, {"http://c/"}},
                       .web_seeds = {"http://seed/"},
                       .http_seeds = {"http://httpseed/"},
                       .nodes = {{"router.example", 6881}, {"2001:db8::1", 1}},
                       .comment = "comment",
                       .created_by = "creator",
                       .creation_date = 1700000000});
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  const absl::StatusOr<Metainfo> torrent = Metainfo::Parse(*bytes, {.strict = true});
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  EXPECT_EQ(torrent->name(), "name");
  EXPECT_TRUE(torrent->is_private());
  EXPECT_EQ(torrent->source(), "source");
  EXPECT_THAT(torrent->similar(), testing::ElementsAre(similar));
  EXPECT_THAT(torrent->collections(), testing::ElementsAre("one", "two"));
  EXPECT_EQ(torrent->announce(), "http://a/");
  EXPECT_THAT(torrent->trackers(),
              testing::ElementsAre(testing::ElementsAre("http://a/", "udp://b:1"),
                                   testing::ElementsAre("http://c/")));
  EXPECT_THAT(torrent->web_seeds(), testing::ElementsAre("http://seed/"));
  EXPECT_THAT(torrent->http_seeds(), testing::ElementsAre("http://httpseed/"));
  EXPECT_THAT(torrent->nodes(),
              testing::ElementsAre(HostPort{"router.example", 6881}, HostPort{"2001:db8::1", 1}));
  EXPECT_EQ(torrent->comment(), "comment");
  EXPECT_EQ(torrent->created_by(), "creator");
  EXPECT_EQ(torrent->creation_date(), 1700000000);
  const MetainfoFile& run = torrent->files()[0];
  EXPECT_TRUE(run.is_executable && run.is_hidden && !run.is_symlink);
  const MetainfoFile& link = torrent->files().back().is_pad
                                 ? torrent->files()[torrent->files().size() - 2]
                                 : torrent->files().back();
  EXPECT_TRUE(link.is_symlink);
  EXPECT_THAT(link.symlink_path, testing::ElementsAre("dir", "run"));
}

TEST(TorrentBuilder, SaysLittleByDefault) {
  TorrentBuilder builder({.kind = TorrentKind::kV1});
  ASSERT_TRUE(builder.AddBytes("", 3, ReadsFrom("abc")).ok());
  ASSERT_TRUE(builder.Hash().ok());
  const std::string pieces(TextOf(Sha1Of("abc")));
  EXPECT_EQ(*builder.Torrent({.name = "n"}),
            "d4:infod6:lengthi3e4:name1:n12:piece lengthi16384e6:pieces20:" + pieces + "ee");
}

TEST(TorrentBuilder, ChoosesThePieceLengthByContentOrCount) {
  const auto chosen = [](std::int64_t length, std::int64_t wanted) {
    TorrentBuilder builder({.kind = TorrentKind::kV2, .wanted_pieces = wanted});
    EXPECT_TRUE(builder.AddBytes("a", length, nullptr).ok());
    return builder.Plan()->piece_length;
  };
  EXPECT_EQ(chosen(1, 2048), 16384);
  EXPECT_EQ(chosen(std::int64_t{16384} * 2048, 2048), 16384);
  EXPECT_EQ(chosen(std::int64_t{16384} * 2048 + 1, 2048), 32768);
  EXPECT_EQ(chosen(std::int64_t{4} << 30, 2048), 2 << 20);
  EXPECT_EQ(chosen(std::int64_t{1} << 50, 2048), 64 << 20);
  EXPECT_EQ(chosen(std::int64_t{4} << 30, 100), 64 << 20);
  EXPECT_EQ(chosen(std::int64_t{1} << 20, 4), 256 << 10);
}

TEST(TorrentBuilder, RefusesWhatNoTorrentCanBe) {
  const auto fault = [](const TorrentBuilderOptions& options, const Files& files) {
    return Message(Build(files, options).status());
  };
  EXPECT_THAT(fault({}, {}), HasSubstr("no files"));
  EXPECT_THAT(fault({}, {{"a", ""}}), HasSubstr("empty"));
  EXPECT_THAT(fault({.piece_length = 1000}, {{"a", "1"}}), HasSubstr("1000"));
  EXPECT_THAT(fault({.piece_length = 8192}, {{"a", "1"}}), HasSubstr("8192"));
  EXPECT_THAT(fault({.piece_length = 128 << 20}, {{"a", "1"}}), HasSubstr("power of two"));
  EXPECT_THAT(fault({.piece_length = -1}, {{"a", "1"}}), HasSubstr("-1"));
  EXPECT_THAT(fault({.wanted_pieces = 0}, {{"a", "1"}}), HasSubstr("pieces"));
  EXPECT_THAT(fault({}, {{"a", "1"}, {"a/b", "1"}, {"a-", "1"}}),
              HasSubstr("a file and a folder of the path 'a'"));
  EXPECT_THAT(fault({.max_files = 1}, {{"a", "1"}, {"b", "1"}}), HasSubstr("more than 1 files"));
  for (const char* path : {"..", "a/../b", "/a", "a/", "a//b", "a\\b", "."}) {
    EXPECT_THAT(fault({}, {{path, "1"}}), HasSubstr("the path")) << path;
  }
  EXPECT_FALSE(Build({{std::string("a\0b", 3), "1"}}, {}).ok());
  EXPECT_FALSE(Build({{std::string(256, 'a'), "1"}}, {}).ok());
  EXPECT_TRUE(Build({{std::string(255, 'a'), "1"}}, {}).ok());
  std::string deep = "a";
  for (std::size_t i = 1; i < TorrentBuilder::kMaxPathDepth; ++i) deep += "/a";
  EXPECT_TRUE(Build({{deep, "1"}}, {}).ok());
  EXPECT_FALSE(Build({{deep + "/a", "1"}}, {}).ok());

  TorrentBuilder twice;
  ASSERT_TRUE(twice.AddBytes("a", 1, ReadsFrom("a")).ok());
  ASSERT_TRUE(twice.AddBytes("a", 1, ReadsFrom("a")).ok());
  EXPECT_THAT(Message(twice.Hash()), HasSubstr("two files of the path 'a'"));
  EXPECT_FALSE(twice.AddBytes("", 1, ReadsFrom("a")).ok());
  EXPECT_FALSE(twice.AddBytes("b", -1, ReadsFrom("a")).ok());
  EXPECT_FALSE(twice.AddSymlink("", "a").ok());
  EXPECT_FALSE(twice.AddSymlink("l", "../a").ok());
  EXPECT_FALSE(twice.Torrent({.name = "t"}).ok());

  TorrentBuilder huge;
  ASSERT_TRUE(huge.AddBytes("a", TorrentBuilder::kMaxLength, ReadsFrom("a")).ok());
  EXPECT_TRUE(huge.Plan().ok());
  ASSERT_TRUE(huge.AddBytes("b", 1, ReadsFrom("a")).ok());
  EXPECT_FALSE(huge.Plan().ok());
}

TEST(TorrentBuilder, RefusesDetailsThatNoTorrentCanSay) {
  TorrentBuilder builder;
  ASSERT_TRUE(builder.AddBytes("a", 1, ReadsFrom("a")).ok());
  ASSERT_TRUE(builder.Hash().ok());
  EXPECT_TRUE(builder.Torrent({.name = "t"}).ok());
  EXPECT_FALSE(builder.Torrent().ok());  // nothing has a name
  EXPECT_FALSE(builder.Torrent({.name = "a/b"}).ok());
  EXPECT_FALSE(builder.Torrent({.name = "t", .trackers = {{""}}}).ok());
  EXPECT_FALSE(builder.Torrent({.name = "t", .trackers = {{"http://a b"}}}).ok());
  EXPECT_FALSE(builder.Torrent({.name = "t", .web_seeds = {"\n"}}).ok());
  EXPECT_FALSE(builder.Torrent({.name = "t", .http_seeds = {""}}).ok());
  EXPECT_FALSE(builder.Torrent({.name = "t", .nodes = {{"a", 0}}}).ok());
  EXPECT_FALSE(builder.Torrent({.name = "t", .nodes = {{"a/b", 1}}}).ok());
  EXPECT_FALSE(builder.Torrent({.name = "t", .collections = {""}}).ok());
  EXPECT_FALSE(builder.AddBytes("b", 1, ReadsFrom("a")).ok());  // hashed already
}

TEST(TorrentBuilder, TellsOfProgressAndEndsWithAll) {
  const Files files = {{"a", SomeBytes(9 << 20)}, {"b", ""}, {"c", SomeBytes(100000)}};
  for (const unsigned threads : {1u, 4u}) {
    TorrentBuilder builder({.piece_length = 65536});
    for (const auto& [path, bytes] : files) {
      ASSERT_TRUE(
          builder.AddBytes(path, static_cast<std::int64_t>(bytes.size()), ReadsFrom(bytes)).ok());
    }
    std::vector<HashingProgress> told;
    ASSERT_TRUE(builder
                    .Hash({.threads = threads,
                           .progress =
                               [&](const HashingProgress& progress) {
                                 told.push_back(progress);
                                 return true;
                               }})
                    .ok());
    if (threads == 1) {
      EXPECT_GE(told.size(), 3);
    }
    for (std::size_t i = 1; i < told.size(); ++i) EXPECT_GE(told[i].bytes, told[i - 1].bytes);
    EXPECT_EQ(told.back().bytes, (9 << 20) + 100000);
    EXPECT_EQ(told.back().total_bytes, told.back().bytes);
    EXPECT_EQ(told.back().files, 3);
    EXPECT_EQ(told.back().total_files, 3);
  }
}

TEST(TorrentBuilder, CanBeCancelled) {
  for (const unsigned threads : {1u, 4u}) {
    std::atomic<std::int64_t> read = 0;
    TorrentBuilder builder({.kind = TorrentKind::kV1});
    constexpr std::int64_t kLength = std::int64_t{1} << 30;
    ASSERT_TRUE(builder
                    .AddBytes("a", kLength,
                              [&](std::int64_t, absl::Span<std::uint8_t> to) {
                                read += static_cast<std::int64_t>(to.size());
                                std::fill(to.begin(), to.end(), 1);
                                return absl::OkStatus();
                              })
                    .ok());
    const absl::Status status = builder.Hash(
        {.threads = threads, .progress = [](const HashingProgress&) { return false; }});
    EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
    if (threads == 1) {
      EXPECT_LT(read, 16 << 20);
    }
    EXPECT_FALSE(builder.Torrent({.name = "t"}).ok());
  }
}

TEST(TorrentBuilder, PassesOnWhatACallbackSays) {
  TorrentBuilder builder;
  ASSERT_TRUE(builder.AddBytes("a", 10, ReadsFrom("short")).ok());
  EXPECT_THAT(Message(builder.Hash()), HasSubstr("beyond the end"));
}

}  // namespace
}  // namespace muster
