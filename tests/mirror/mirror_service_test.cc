// SPDX-License-Identifier: Apache-2.0
#include "mirror/mirror_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/hex.h"
#include "metainfo/digest.h"
#include "muster/magnet.h"
#include "muster/metainfo.h"
#include "service_testing.h"

namespace muster {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::vector<std::string> kSet = {"/yum/os/a.rpm", "/yum/os/b.rpm", "/yum/os/c.rpm"};

std::string Sha1(const std::string& bytes) { return std::string(TextOf(Sha1Of(bytes))); }

TEST_F(MirrorServiceTest, AnUnknownSetIsAskedForItsPaths) {
  const MirrorAnswer answer = Ask("GET " + UrlOf(kSet));
  EXPECT_EQ(answer.status, 412);
  EXPECT_EQ(answer.Header("Cache-Control"), "no-cache, no-store, must-revalidate");
  EXPECT_EQ(answer.Header("Pragma"), "no-cache");
  EXPECT_EQ(answer.Header("Expires"), "0");
  EXPECT_EQ(answer.text, "");
}

TEST_F(MirrorServiceTest, ASetIsKnownOnceItsPathsWereSent) {
  const MirrorAnswer posted = Post(kSet);
  ASSERT_EQ(posted.status, 200) << posted.text;
  const MirrorAnswer got = Ask("GET " + UrlOf(kSet));
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.text, posted.text);
  EXPECT_EQ(got.headers, posted.headers);
  const auto torrent = Metainfo::Parse(posted.text);
  EXPECT_EQ(posted.Header("Content-Type"), "application/x-bittorrent");
  EXPECT_EQ(posted.Header("Content-Transfer-Encoding"), "binary");
  EXPECT_EQ(posted.Header("Content-Disposition"),
            "attachment; filename=" + torrent->info_hashes().v1->ToHex() + ".torrent");
  EXPECT_EQ(Ask("HEAD " + UrlOf(kSet)).is_head, true);
}

// Byte for byte, from the description of the format.
TEST_F(MirrorServiceTest, ATorrentIsAsPkgtorrentServiceMakesIt) {
  const std::string a = tree_.Read("root/yum/os/a.rpm"), b = tree_.Read("root/yum/os/b.rpm"),
                    c = tree_.Read("root/yum/os/c.rpm");
  const std::string pad(12768, '\0');
  const std::string data = a + pad + b + c + pad + a;
  std::string pieces;
  for (std::size_t at = 0; at < data.size(); at += kPiece) pieces += Sha1(data.substr(at, kPiece));
  const std::string info =
      "d5:filesl"
      "d6:lengthi20000e4:pathl2:os5:a.rpmee"
      "d6:lengthi12768e4:pathl15:torrent_service8:nullfile7:12768_0ee"
      "d6:lengthi32768e4:pathl2:os5:b.rpmee"
      "d6:lengthi20000e4:pathl2:os5:c.rpmee"
      "d6:lengthi12768e4:pathl15:torrent_service8:nullfile7:12768_1ee"
      "d6:lengthi20000e4:pathl2:os5:z.rpmee"
      "e4:name3:yum12:piece lengthi16384e6:pieces" +
      std::to_string(pieces.size()) + ":" + pieces + "e";
  tree_.Write("root/yum/os/z.rpm", a);
  const std::string hex = HexEncode(Sha1Of(info));
  const bool a_first = Sha1("http://a/announce" + hex) < Sha1("http://b/announce" + hex);
  const std::string first = a_first ? "17:http://a/announce" : "17:http://b/announce";
  const std::string second = a_first ? "17:http://b/announce" : "17:http://a/announce";
  const std::string whole = "d8:announce" + first + "13:announce-listll" + first + "el" + second +
                            "ee4:info" + info + "8:url-listl20:http://m.example:80/ee";
  std::vector<std::string> paths = kSet;
  paths.push_back("/yum/os/z.rpm");
  EXPECT_EQ(Post(paths).text, whole);
  // Of hashes that are known it is the same, with a file that ends a piece at the end as well.
  paths = {"/yum/os/a.rpm", "/yum/os/b.rpm"};
  Start();
  const auto torrent = Metainfo::Parse(Post(paths).text);
  ASSERT_TRUE(torrent.ok());
  EXPECT_EQ(torrent->files().size(), 3u);
  EXPECT_EQ(torrent->v1_pieces(), pieces.substr(0, 80));
}

TEST_F(MirrorServiceTest, OneFileOfASetHasItsFolders) {
  const auto torrent = Metainfo::Parse(Post({"/yum/os/d e.rpm"}).text);
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  EXPECT_FALSE(torrent->is_single_file());
  EXPECT_EQ(torrent->name(), "yum");
  EXPECT_EQ(torrent->files()[0].PathText(), "os/d e.rpm");
  EXPECT_EQ(torrent->v1_pieces(), Sha1("small"));
}

TEST_F(MirrorServiceTest, ASinglePathIsASingleFile) {
  MirrorAnswer answer = Ask("GET /yum/torrent_service/single/yum/os/d%20e.rpm");
  ASSERT_EQ(answer.status, 200) << answer.text;
  auto torrent = Metainfo::Parse(answer.text);
  EXPECT_TRUE(torrent->is_single_file());
  EXPECT_EQ(torrent->name(), "d e.rpm");
  EXPECT_EQ(torrent->v1_pieces(), Sha1("small"));
  EXPECT_THAT(torrent->web_seeds(), ElementsAre("http://m.example:80/yum/os/"));
  answer = Ask("GET /yum/torrent_service/single/yum/os/*.rpm");
  torrent = Metainfo::Parse(answer.text);
  ASSERT_TRUE(torrent.ok());
  EXPECT_FALSE(torrent->is_single_file());
  EXPECT_EQ(torrent->files().size(), 4u + 2u);  // of which two are padding
  EXPECT_EQ(Ask("GET /yum/torrent_service/single/yum/none").status, 404);
  EXPECT_EQ(Ask("GET /yum/torrent_service/single/yum/*.none").status, 404);
}

TEST_F(MirrorServiceTest, PatternsPassOverWhatHasTheServicesName) {
  const std::string before = Post({"/yum/**"}).text;
  tree_.Write("root/yum/torrent_service/nullfile/1_0", "x");
  for (const char* spec : {"/yum/**", "/**", "/yum/*/*", "/yum/[t]*/nullfile/*"}) {
    EXPECT_EQ(Post({spec}).status, std::string_view(spec).ends_with("nullfile/*") ? 404 : 200);
  }
  EXPECT_EQ(Post({"/yum/**"}).text, before);
  EXPECT_EQ(Post({"/yum/torrent_service/nullfile/1_0"}).status, 404);
}

TEST_F(MirrorServiceTest, EachErrorSaysWhatItIs) {
  EXPECT_EQ(Ask("POST " + UrlOf(kSet), "", FormOf({"/yum/os/a.rpm"})).status, 400);
  EXPECT_EQ(Post({"/yum/os/none"}).status, 404);
  EXPECT_EQ(Post({"/yum/../../secret"}).status, 400);
  EXPECT_EQ(Post({"yum/os/a.rpm"}).status, 400);
  EXPECT_EQ(Post({"/yum/os"}).status, 403);
  tree_.Link("root/yum/out", "../../trackers");
  EXPECT_EQ(Post({"/yum/out"}).status, 403);
  tree_.Write("root/apt/x.deb", "x");
  EXPECT_EQ(Post({"/yum/os/a.rpm", "/apt/x.deb"}).status, 400);
  tree_.Write("root/empty/x", "");
  EXPECT_EQ(Post({"/empty/x"}).status, 400);
  tree_.Write("root/yum/torrent_service/nullfile/1_0", "x");
  EXPECT_EQ(Post({"/yum/torrent_service/nullfile/1_0"}).status, 404);
  EXPECT_EQ(Ask("PUT " + UrlOf(kSet)).status, 405);
  EXPECT_EQ(Ask("PUT " + UrlOf(kSet)).Header("Allow"), "GET, HEAD, POST");
  options_.max_bytes = 70'000;
  Start();
  EXPECT_EQ(Post(kSet).status, 413);
  EXPECT_EQ(Ask("GET /yum/torrent_service/x").status, 404);
}

TEST_F(MirrorServiceTest, AHostThatIsNoneMakesNoWebSeed) {
  Start();
  for (const char* host : {"", "Host: a/b\r\n", "Host: a\"b\r\n", "Host: a@b\r\n"}) {
    const HttpText text("GET " + UrlOf(kSet) + " HTTP/1.1\r\n" + host);
    int status = 0;
    service_->Answer(text.request(), false, kNow,
                     [&status](const MirrorAnswer& answer) { status = answer.status; });
    EXPECT_EQ(status, 400) << host;
  }
  options_.url_bases = {"https://cdn/x/", "http://m/"};
  Start();
  const auto torrent = Metainfo::Parse(Post(kSet).text);
  EXPECT_THAT(torrent->web_seeds(), ElementsAre("https://cdn/x/", "http://m/"));
}

TEST_F(MirrorServiceTest, AChangedFileIsHashedAgain) {
  const std::string before = Post(kSet).text;
  tree_.Write("root/yum/os/c.rpm", Bytes(20'000, 9));
  EXPECT_EQ(Ask("GET " + UrlOf(kSet)).text, before);  // it is not looked at
  const std::string after = Post(kSet).text;
  EXPECT_NE(after, before);
  EXPECT_EQ(Ask("GET " + UrlOf(kSet)).text, after);
  EXPECT_EQ(service_->Statistics().hashed_bytes, 20'000 * 3 + 2 * kPiece);
}

TEST_F(MirrorServiceTest, ATorrentIsForgottenInTime) {
  Post(kSet);
  EXPECT_EQ(Ask("GET " + UrlOf(kSet), "", "", kNow + Seconds(3599)).status, 200);
  EXPECT_EQ(Ask("GET " + UrlOf(kSet), "", "", kNow + Seconds(3600)).status, 412);
  EXPECT_EQ(Ask("GET " + UrlOf(kSet)).status, 412);
  Post(kSet);
  EXPECT_EQ(service_->Statistics().hashed_bytes, 20'000 * 2 + 2 * kPiece);  // but not the hashes
}

TEST_F(MirrorServiceTest, WhatWasHashedOutlivesTheService) {
  const std::string before = Post(kSet).text;
  Start();
  EXPECT_EQ(Ask("GET " + UrlOf(kSet)).text, before);
  std::filesystem::remove_all(tree_.path("cache/info"));
  Start();
  EXPECT_EQ(Ask("GET " + UrlOf(kSet)).status, 412);
  EXPECT_EQ(Post(kSet).text, before);
  EXPECT_EQ(service_->Statistics().hashed_bytes, 0);
}

TEST_F(MirrorServiceTest, WithoutACacheOrTrackersThereAreTorrents) {
  const std::string before = Post(kSet).text;
  options_.cache_folder = tree_.path("trackers") + "/no/folder";
  Start();
  EXPECT_FALSE(service_->cache_status().ok());
  EXPECT_EQ(Post(kSet).text, before);
  EXPECT_EQ(Ask("GET " + UrlOf(kSet)).text, before);
  options_.cache_folder = "";
  options_.trackers_file = "";
  Start();
  EXPECT_TRUE(service_->cache_status().ok());
  const auto torrent = Metainfo::Parse(Post(kSet).text);
  EXPECT_TRUE(torrent->trackers().empty());
  options_.trackers_file = tree_.path("none");
  EXPECT_FALSE(MirrorService::Create(options_, {}, {}, kNow).ok());
}

TEST_F(MirrorServiceTest, TrackersChangeWithoutAnythingBeingHashed) {
  const std::string hex = Metainfo::Parse(Post(kSet).text)->info_hashes().v1->ToHex();
  tree_.Write("trackers", "udp://new:1\n");
  const auto torrent = Metainfo::Parse(Ask("GET " + UrlOf(kSet), "", "", kNow + Seconds(60)).text);
  EXPECT_EQ(torrent->announce(), "udp://new:1");
  EXPECT_EQ(torrent->info_hashes().v1->ToHex(), hex);
}

TEST_F(MirrorServiceTest, ZerosComeInParts) {
  MirrorAnswer answer = Ask("GET /yum/torrent_service/nullfile/1000_3");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(BodyOf(answer), std::string(1000, '\0'));
  EXPECT_EQ(answer.Header("Content-Disposition"), "attachment;");
  EXPECT_EQ(answer.Header("Expires"), "Wed, 15 Nov 2023 22:13:20 GMT");
  answer = Ask("GET /yum/torrent_service/nullfile/1000_3", "Range: bytes=10-19\r\n");
  EXPECT_EQ(answer.status, 206);
  EXPECT_EQ(answer.length(), 10);
  EXPECT_EQ(answer.Header("Content-Range"), "bytes 10-19/1000");
  EXPECT_EQ(Ask("GET /yum/torrent_service/nullfile/16384_0").status, 200);
  EXPECT_EQ(Ask("GET /yum/torrent_service/nullfile/16385_0").status, 403);
  EXPECT_EQ(Ask("GET /yum/torrent_service/nullfile/x_0").status, 404);
}

TEST_F(MirrorServiceTest, FilesAreServed) {
  const std::string a = tree_.Read("root/yum/os/a.rpm");
  MirrorAnswer answer = Ask("GET /yum/os/a.rpm");
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(BodyOf(answer), a);
  const std::string etag(answer.Header("ETag"));
  answer = Ask("GET /yum/os/a.rpm", "Range: bytes=19990-\r\nIf-Range: " + etag + "\r\n");
  EXPECT_EQ(answer.status, 206);
  EXPECT_EQ(BodyOf(answer), a.substr(19990));
  EXPECT_EQ(answer.Header("Content-Range"), "bytes 19990-19999/20000");
  answer = Ask("GET /yum/os/a.rpm", "If-None-Match: " + etag + "\r\n");
  EXPECT_EQ(answer.status, 304);
  EXPECT_EQ(BodyOf(answer), "");
  answer = Ask("GET /yum/os/a.rpm", "Range: bytes=20000-\r\n");
  EXPECT_EQ(answer.status, 416);
  EXPECT_EQ(answer.Header("Content-Range"), "bytes */20000");
  EXPECT_EQ(BodyOf(Ask("GET /yum/os/d%20e.rpm")), "small");
  for (const char* path : {"/yum/os", "/yum/../../trackers", "/%2e%2e/trackers", "/..%2ftrackers",
                           "/yum/none", "/", "/yum/.hidden"}) {
    EXPECT_THAT(Ask(std::string("GET ") + path).status, ::testing::AnyOf(403, 404)) << path;
  }
  EXPECT_EQ(Ask("POST /yum/os/a.rpm").status, 405);
  options_.serve_files = false;
  Start();
  EXPECT_EQ(Ask("GET /yum/os/a.rpm").status, 404);
}

// The same bytes in the info dictionary as TorrentBuilder makes of the same files.
TEST_F(MirrorServiceTest, OtherKindsAreThoseOfTheBuilder) {
  for (const TorrentKind kind : {TorrentKind::kHybrid, TorrentKind::kV2}) {
    options_.kind = kind;
    Start();
    const MirrorAnswer answer = Post({"/yum/**"});
    ASSERT_EQ(answer.status, 200) << answer.text;
    const auto torrent = Metainfo::Parse(answer.text, {.strict = true});
    ASSERT_TRUE(torrent.ok()) << torrent.status();
    TorrentBuilder builder({.kind = kind, .piece_length = kPiece});
    ASSERT_TRUE(builder.AddTree(tree_.path("root/yum"), "").ok());
    ASSERT_TRUE(builder.Hash().ok());
    const auto built = Metainfo::Parse(*builder.Torrent({.name = "yum"}));
    EXPECT_EQ(torrent->info_bytes(), built->info_bytes());
    const auto& hashes = torrent->info_hashes();
    const std::string hex =
        kind == TorrentKind::kV2 ? HexEncode(hashes.v2->bytes()).substr(0, 40) : hashes.v1->ToHex();
    EXPECT_EQ(answer.Header("Content-Disposition"), "attachment; filename=" + hex + ".torrent");
    const auto single =
        Metainfo::Parse(Ask("GET /y/torrent_service/single/yum/os/a.rpm").text, {.strict = true});
    ASSERT_TRUE(single.ok()) << single.status();
    EXPECT_TRUE(single->is_single_file());
  }
}

TEST_F(MirrorServiceTest, MagnetsAndJsonSayWhatTheTorrentIs) {
  const auto torrent = Metainfo::Parse(Post(kSet).text);
  const std::string magnet = Magnet::Of(*torrent).ToString();
  EXPECT_EQ(Ask("GET " + UrlOf(kSet) + "?format=magnet").text, magnet + "\n");
  const MirrorAnswer json = Ask("GET " + UrlOf(kSet) + "?format=json");
  EXPECT_EQ(json.Header("Content-Type"), "application/json");
  EXPECT_EQ(json.text, "{\"info_hash\":\"" + torrent->info_hashes().v1->ToHex() +
                           "\",\"name\":\"yum\",\"files\":3,\"length\":72768,\"piece_length\":"
                           "16384,\"pieces\":6,\"magnet\":\"" +
                           magnet + "\"}\n");
}

TEST_F(MirrorServiceTest, SomeDoNotWait) {
  std::vector<std::function<void()>> works;
  Start([&works](std::function<void()> work) { works.push_back(std::move(work)); });
  const std::string prefer = "Prefer: respond-async\r\n";
  MirrorAnswer answer = Ask("POST " + UrlOf(kSet), prefer, FormOf(kSet));
  EXPECT_EQ(answer.status, 202);
  EXPECT_EQ(answer.text, "{\"state\":\"hashing\",\"bytes\":0,\"total_bytes\":0}\n");
  EXPECT_EQ(Ask("POST " + UrlOf(kSet), prefer, FormOf(kSet)).status, 202);
  EXPECT_EQ(Ask("GET " + UrlOf(kSet), prefer).status, 202);
  EXPECT_EQ(Ask("GET " + UrlOf(kSet)).status, 0);  // this one waits
  ASSERT_EQ(works.size(), 1u);
  works[0]();
  EXPECT_EQ(Ask("POST " + UrlOf(kSet), prefer, FormOf(kSet)).status, 200);
  EXPECT_EQ(Ask("GET " + UrlOf(kSet), prefer).status, 200);
  EXPECT_EQ(Ask("POST " + UrlOf({"/no"}), prefer, FormOf({"/no"})).status, 202);
  works[1]();
  EXPECT_EQ(Ask("POST " + UrlOf({"/no"}), prefer, FormOf({"/no"})).status, 404);
}

TEST_F(MirrorServiceTest, WhoDoesNotWaitGetsNothingStale) {
  std::vector<std::function<void()>> works;
  Start([&works](std::function<void()> work) { works.push_back(std::move(work)); });
  const auto make = [&works] {
    for (const auto& work : std::exchange(works, {})) work();
  };
  const auto ask = [this](const std::string& name, Seconds later = Seconds(0)) {
    return Ask("GET /yum/torrent_service/single/yum/os/" + name, "Prefer: respond-async\r\n", "",
               kNow + later);
  };
  const auto length = [](const MirrorAnswer& answer) {
    const auto torrent = Metainfo::Parse(answer.text);
    return torrent.ok() ? torrent->total_length() : -1;
  };
  // A torrent of a file that has changed meanwhile.
  EXPECT_EQ(ask("a.rpm").status, 202);
  make();
  tree_.Write("root/yum/os/a.rpm", Bytes(30'000, 9));
  EXPECT_EQ(ask("a.rpm").status, 202);
  make();
  EXPECT_EQ(length(ask("a.rpm")), 30'000);
  // An error that is none any more, and a torrent of what has gone.
  EXPECT_EQ(ask("new").status, 202);
  make();
  tree_.Write("root/yum/os/new", "new");
  EXPECT_EQ(ask("new").status, 202);
  make();
  tree_.Write("root/yum/os/new", "");
  EXPECT_EQ(ask("new").status, 400);
  // What nobody takes goes in time.
  EXPECT_EQ(ask("a.rpm").status, 202);
  make();
  EXPECT_EQ(ask("a.rpm", Seconds(601)).status, 202);
  make();
  EXPECT_EQ(ask("a.rpm", Seconds(601)).status, 200);
}

// Whoever asks must not wait for a disk.
TEST_F(MirrorServiceTest, NothingIsReadWhereItIsAskedFor) {
  ASSERT_EQ(Post(kSet).status, 200);
  std::vector<std::function<void()>> reads;
  Start(Now, [&reads](std::function<void()> work) { reads.push_back(std::move(work)); });
  may_see_pages_ = true;
  std::vector<int> statuses;
  // Nobody has asked for any of these before.
  for (const std::string& path : {UrlOf(kSet), UrlOf({"/unknown"}), std::string("/none")}) {
    // The request is gone when the answer is made.
    const HttpText text("GET " + path + " HTTP/1.1\r\nHost: m\r\nRange: bytes=5-9\r\n");
    service_->Answer(text.request(), true, kNow, [&statuses](const MirrorAnswer& answer) {
      statuses.push_back(answer.status);
    });
  }
  EXPECT_TRUE(statuses.empty());
  for (const auto& read : reads) read();
  EXPECT_EQ(statuses, (std::vector{200, 412, 404}));
  // What is in memory is answered at once.
  EXPECT_EQ(Ask("GET " + UrlOf(kSet)).status, 200);
  EXPECT_EQ(Ask("GET /metrics").status, 200);
}

// Where the kernel cannot tell, there is somebody to wait.
TEST_F(MirrorServiceTest, AFileIsOpenedAtOnceOrByOthers) {
  std::vector<std::function<void()>> reads;
  Start(Now, [&reads](std::function<void()> work) { reads.push_back(std::move(work)); });
  for (int round = 0; round < 2; ++round) {
    std::optional<MirrorAnswer> answer;
    {
      const HttpText text("GET /yum/os/a.rpm HTTP/1.1\r\nHost: m\r\nRange: bytes=5-9\r\n");
      service_->Answer(text.request(), false, kNow,
                       [&answer](MirrorAnswer given) { answer = std::move(given); });
    }
    EXPECT_EQ(answer.has_value(), reads.empty());
    for (const auto& read : reads) read();
    reads.clear();
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->status, 206);
    EXPECT_EQ(BodyOf(*answer), tree_.Read("root/yum/os/a.rpm").substr(5, 5));
  }
}

TEST_F(MirrorServiceTest, WhoIsNotReadForIsAnswered) {
  std::vector<std::function<void()>> reads;
  Start(Now, [&reads](std::function<void()> work) { reads.push_back(std::move(work)); });
  int status = 0;
  const HttpText text("GET /none HTTP/1.1\r\nHost: m\r\n");
  service_->Answer(text.request(), false, kNow,
                   [&status](const MirrorAnswer& answer) { status = answer.status; });
  EXPECT_EQ(status, 0);
  reads.clear();
  EXPECT_EQ(status, 503);
}

TEST_F(MirrorServiceTest, WhatIsNeverDoneIsAnswered) {
  options_.max_flights = 1;
  std::vector<std::function<void()>> works;
  Start([&works](std::function<void()> work) { works.push_back(std::move(work)); });
  int status = 0;
  const HttpText text("POST " + UrlOf(kSet) + " HTTP/1.1\r\nHost: m\r\n", FormOf(kSet));
  service_->Answer(text.request(), false, kNow,
                   [&status](const MirrorAnswer& answer) { status = answer.status; });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(Post({"/yum/os/a.rpm"}).status, 503);
  EXPECT_EQ(Post(kSet).status, 0);
  works.clear();
  EXPECT_EQ(status, 503);
}

TEST_F(MirrorServiceTest, AStormForANewSetIsHashedOnce) {
  constexpr int kRequests = 1000, kAskers = 8;
  std::vector<std::thread> workers;
  Mutex mu;
  Start([&](std::function<void()> work) {
    MutexLock lock(&mu);
    workers.emplace_back(std::move(work));
  });
  std::atomic<int> good = 0, asked = 0;
  std::string first;
  Mutex first_mu;
  std::vector<std::thread> askers;
  for (int t = 0; t < kAskers; ++t) {
    askers.emplace_back([&] {
      while (asked++ < kRequests) {
        const HttpText text("POST " + UrlOf(kSet) + " HTTP/1.1\r\nHost: m\r\n", FormOf(kSet));
        service_->Answer(text.request(), false, kNow, [&](const MirrorAnswer& answer) {
          MutexLock lock(&first_mu);
          if (first.empty()) first = answer.text;
          good += answer.status == 200 && answer.text == first;
        });
      }
    });
  }
  for (std::thread& asker : askers) asker.join();
  for (std::thread& worker : workers) worker.join();
  EXPECT_EQ(good, kRequests);
  EXPECT_EQ(service_->Statistics().hashed_bytes, 20'000 * 2 + 2 * kPiece);
  EXPECT_EQ(service_->Statistics().torrents_made, 1u);
}

// Sets that share files, made at the same time.
TEST_F(MirrorServiceTest, AFileOfManySetsIsHashedOnce) {
  std::vector<std::thread> workers;
  Start([&workers](std::function<void()> work) { workers.emplace_back(std::move(work)); });
  std::int64_t total = 0;
  std::vector<std::string> all;
  for (int i = 0; i < 40; ++i) {
    const std::string name = "many/" + std::to_string(i);
    tree_.Write("root/" + name, Bytes(50'000, static_cast<unsigned>(i)));
    total += 50'000;
    all.push_back("/" + name);
  }
  std::atomic<int> good = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::vector<std::string> set(all.begin() + static_cast<std::ptrdiff_t>(i), all.end());
    const HttpText text("POST " + UrlOf(set) + " HTTP/1.1\r\nHost: m\r\n", FormOf(set));
    service_->Answer(text.request(), false, kNow,
                     [&good](const MirrorAnswer& answer) { good += answer.status == 200; });
  }
  for (std::thread& worker : workers) worker.join();
  EXPECT_EQ(good, 40);
  EXPECT_EQ(service_->Statistics().hashed_bytes, total);
}

TEST_F(MirrorServiceTest, SeveralPartsOfAFileAreOneAnswer) {
  const std::string a = tree_.Read("root/yum/os/a.rpm");
  MirrorAnswer answer = Ask("GET /yum/os/a.rpm", "Range: bytes=0-4,-3\r\n");
  ASSERT_EQ(answer.status, 206);
  const std::string type(answer.Header("Content-Type"));
  ASSERT_THAT(type, StartsWith("multipart/byteranges; boundary="));
  const std::string line = "\r\n--" + type.substr(type.find('=') + 1);
  const std::string head = line + "\r\nContent-Type: application/octet-stream\r\nContent-Range: ";
  EXPECT_EQ(BodyOf(answer), head + "bytes 0-4/20000\r\n\r\n" + a.substr(0, 5) + head +
                                "bytes 19997-19999/20000\r\n\r\n" + a.substr(19997) + line +
                                "--\r\n");
  EXPECT_EQ(answer.Header("Content-Range"), "");
  // Zeros are all alike.
  EXPECT_EQ(Ask("GET /y/torrent_service/nullfile/9_0", "Range: bytes=0-1,3-4\r\n").status, 200);
}

TEST_F(MirrorServiceTest, PagesAreForWhoMaySeeThem) {
  Post(kSet);
  EXPECT_EQ(Ask("GET /yum/torrent_service/").status, 403);
  EXPECT_EQ(Ask("GET /metrics").status, 403);
  may_see_pages_ = true;
  const MirrorAnswer metrics = Ask("GET /metrics");
  EXPECT_EQ(metrics.status, 200);
  EXPECT_THAT(metrics.text, HasSubstr("\nmuster_mirror_torrents_made_total 1\n"));
  EXPECT_THAT(metrics.text, HasSubstr("\nmuster_mirror_refused_total 2\n"));
  const std::string hex = Metainfo::Parse(Post(kSet).text)->info_hashes().v1->ToHex();
  const MirrorAnswer html = Ask("GET /yum/torrent_service/");
  EXPECT_EQ(html.Header("Content-Type"), "text/html; charset=utf-8");
  EXPECT_THAT(html.text, HasSubstr("<code>" + hex + "</code><td>3<td>72768<td>2<td>"));
  const MirrorAnswer json = Ask("GET /yum/torrent_service/?format=json");
  EXPECT_THAT(json.text, HasSubstr("\"under_way\":[],\"given\":[{\"info_hash\":\"" + hex +
                                   "\",\"name\":\"yum\",\"files\":3,\"length\":72768,"
                                   "\"times\":2,\"last\":1700000000}],\"cached\":[]}\n"));
}

TEST_F(MirrorServiceTest, ThePageShowsWhatIsBeingMade) {
  tree_.Write("root/yum/<b>", "x");
  std::vector<std::function<void()>> works;
  Start([&works](std::function<void()> work) { works.push_back(std::move(work)); });
  may_see_pages_ = true;
  Post({"/yum/<b>", "/yum/os/a.rpm"});
  EXPECT_THAT(Ask("GET /y/torrent_service/").text,
              AllOf(HasSubstr("<td>/yum/&lt;b> and 1 more<td><progress max=\"1\" value=\"0\">"),
                    HasSubstr("http-equiv=\"refresh\"")));
  EXPECT_THAT(Ask("GET /y/torrent_service/?format=json").text,
              HasSubstr("\"under_way\":[{\"paths\":\"/yum/<b> and 1 more\",\"bytes\":0,"));
}

TEST_F(MirrorServiceTest, WhatIsHashedAheadNeedNotBeHashedLater) {
  Start();
  EXPECT_TRUE(service_->HashAhead({"/yum/os/*.rpm", "/none/*"}, kNow).ok());
  const std::int64_t all = 20'000 * 2 + 2 * kPiece + 5;
  EXPECT_EQ(service_->Statistics().hashed_bytes, all);
  EXPECT_EQ(Post(kSet).status, 200);
  tree_.Write("root/yum/os/c.rpm", Bytes(30'000, 9));
  EXPECT_TRUE(service_->HashAhead({"/yum/**"}, kNow).ok());
  EXPECT_EQ(service_->Statistics().hashed_bytes, all + 30'000);
  EXPECT_FALSE(service_->HashAhead({"no slash"}, kNow).ok());
}

TEST_F(MirrorServiceTest, WhatTheCacheLostIsHashedAheadAgain) {
  const auto now = std::chrono::floor<Seconds>(std::chrono::system_clock::now());
  constexpr std::int64_t kAll = 20'000 * 2 + 2 * kPiece + 5;
  options_.cache_age = Seconds(3600);
  options_.cache_memory = 0;
  Start();
  // What had to be hashed of all by then.
  const auto hash = [&](int seconds) {
    EXPECT_TRUE(service_->HashAhead({"/yum/**"}, now + Seconds(seconds)).ok());
    return service_->Statistics().hashed_bytes / kAll;
  };
  const auto clean = [&](int seconds) {
    service_->CleanCaches(now + Seconds(seconds));
    return service_->Statistics().cached_entries;
  };
  EXPECT_EQ(hash(0), 1);
  EXPECT_EQ(hash(3000), 1);
  EXPECT_EQ(clean(6000), 4u);  // that was a use of it
  EXPECT_EQ(clean(7000), 0u);
  EXPECT_EQ(hash(7000), 2);
  // Where not all of it fits, it is not hashed over and over.
  options_.cache_disk = 2 * 4096;
  Start();
  EXPECT_EQ(hash(0), 0);
  EXPECT_LT(clean(0), 4u);
  EXPECT_EQ(hash(3500), 0);
  EXPECT_EQ(service_->Statistics().hashed_bytes, 0);
  EXPECT_EQ(hash(4000), 0);  // a part of it
  EXPECT_GT(service_->Statistics().hashed_bytes, 0);
}

TEST_F(MirrorServiceTest, ACleanCacheIsCounted) {
  Post(kSet);
  EXPECT_EQ(service_->Statistics().cached_entries, 0u);
  service_->CleanCaches(kNow);
  EXPECT_EQ(service_->Statistics().cached_entries, 4u);  // three files and a torrent
  EXPECT_GT(service_->Statistics().cached_bytes, 0u);
  // By the time of the system, nobody has used them for long.
  service_->CleanCaches(kNow + Seconds(100LL * 365 * 86400));
  EXPECT_EQ(service_->Statistics().cached_entries, 0u);
  EXPECT_EQ(Post(kSet).status, 200);
}

TEST_F(MirrorServiceTest, ThePageShowsWhatIsCached) {
  may_see_pages_ = true;
  const std::string hex = Metainfo::Parse(Post(kSet).text)->info_hashes().v1->ToHex();
  const std::string one =
      "{\"info_hash\":\"" + hex +
      "\",\"name\":\"yum\",\"files\":3,\"length\":" + std::to_string(20'000 * 2 + 2 * kPiece) +
      ",\"times\":";
  const std::string page = "/y/torrent_service/";
  const std::string as_json = page + "?format=json";
  service_->CleanCaches(kNow);
  EXPECT_THAT(Ask("GET " + as_json).text, HasSubstr("\"given\":[" + one +
                                                    "1,\"last\":1700000000}],"
                                                    "\"cached\":[]}"));
  Start();
  service_->CleanCaches(kNow);
  EXPECT_THAT(Ask("GET " + as_json).text,
              HasSubstr("\"given\":[],\"cached\":[" + one + "0,\"last\":1700000000}]}"));
  EXPECT_THAT(Ask("GET " + page).text, HasSubstr("<h2>Cached</h2>"));
  EXPECT_THAT(Ask("GET " + page).text, HasSubstr("<code>" + hex + "</code>"));
}

TEST_F(MirrorServiceTest, WhoeverListensHearsOfEachTorrent) {
  std::vector<std::string> heard;
  options_.on_torrent = [&heard](const InfoHashes& hashes, std::string_view name) {
    heard.push_back(hashes.v1->ToHex() + " " + std::string(name));
  };
  const auto torrent = Metainfo::Parse(Post(kSet).text);
  Start();
  Ask("GET " + UrlOf(kSet));
  const std::string line = torrent->info_hashes().v1->ToHex() + " yum";
  EXPECT_THAT(heard, ElementsAre(line, line));
}

TEST_F(MirrorServiceTest, TooManyWhoWaitAreSentAway) {
  options_.max_waiting = 2;
  std::vector<std::function<void()>> works;
  Start([&works](std::function<void()> work) { works.push_back(std::move(work)); });
  EXPECT_EQ(Post(kSet).status, 0);
  EXPECT_EQ(Ask("GET " + UrlOf(kSet)).status, 0);
  EXPECT_EQ(Post(kSet).status, 503);
  EXPECT_EQ(Post(kSet).Header("Retry-After"), "5");
}

TEST_F(MirrorServiceTest, WhatIsStoppedIsGivenUp) {
  Start();
  service_->Stop();
  EXPECT_EQ(Post(kSet).status, 503);
}

// Each is good by default, and too much for a limit that is one lower.
TEST_F(MirrorServiceTest, EachLimitIsInForce) {
  const auto status = [this](auto change, auto ask) {
    const MirrorOptions before = options_;
    change(options_);
    Start();
    options_ = before;
    return ask();
  };
  const auto set = [this] { return Post(kSet).status; };
  const auto tree = [this] { return Post({"/yum/**"}).status; };
  using O = MirrorOptions&;
  EXPECT_EQ(status([](O o) { o.max_files = 3; }, set), 200);
  EXPECT_EQ(status([](O o) { o.max_files = 2; }, set), 413);
  EXPECT_EQ(status([](O o) { o.max_bytes = 72'768; }, set), 200);
  EXPECT_EQ(status([](O o) { o.max_bytes = 72'767; }, set), 413);
  EXPECT_EQ(status([](O o) { o.max_entries = 6; }, tree), 200);  // two folders and four files
  EXPECT_EQ(status([](O o) { o.max_entries = 5; }, tree), 413);
  EXPECT_EQ(status([](O o) { o.max_paths = 3; }, set), 200);
  EXPECT_EQ(status([](O o) { o.max_paths = 2; }, set), 413);
  const std::size_t form = FormOf(kSet).size();
  EXPECT_EQ(status([form](O o) { o.max_form = form; }, set), 200);
  EXPECT_EQ(status([form](O o) { o.max_form = form - 1; }, set), 413);
  const std::size_t target = UrlOf(kSet).size();
  EXPECT_EQ(status([target](O o) { o.max_target = target; }, set), 200);
  EXPECT_EQ(status([target](O o) { o.max_target = target - 1; }, set), 414);
}

TEST_F(MirrorServiceTest, CachesAreOfTheSizesAndAgesOfTheOptions) {
  const auto now = std::chrono::floor<Seconds>(std::chrono::system_clock::now());
  const auto kept = [this](Instant when) {
    Start();
    EXPECT_EQ(Post(kSet).status, 200);
    service_->CleanCaches(when);
    return service_->Statistics().cached_entries;
  };
  EXPECT_EQ(kept(now), 4u);
  options_.cache_age = Seconds(3600);
  EXPECT_EQ(kept(now + Seconds(3000)), 4u);
  EXPECT_EQ(kept(now + Seconds(4000)), 0u);
  options_.cache_disk = 4096;  // a block for the pieces, and none for the torrents
  EXPECT_EQ(kept(now), 0u);
  // In memory alone.
  options_.cache_folder = "";
  Start();
  Post(kSet);
  EXPECT_EQ(Ask("GET " + UrlOf(kSet)).status, 200);
  options_.cache_memory = 0;
  Start();
  Post(kSet);
  EXPECT_EQ(Ask("GET " + UrlOf(kSet)).status, 412);
}

TEST_F(MirrorServiceTest, ATorrentLivesAsLongAsTheOptionsSay) {
  options_.torrent_life = Seconds(10);
  Start();
  Post(kSet);
  EXPECT_EQ(Ask("GET " + UrlOf(kSet), "", "", kNow + Seconds(9)).status, 200);
  EXPECT_EQ(Ask("GET " + UrlOf(kSet), "", "", kNow + Seconds(10)).status, 412);
}

TEST_F(MirrorServiceTest, PlacesAreThoseOfTheOptions) {
  options_.service = "ts";
  options_.metrics_path = "/m";
  may_see_pages_ = true;
  const std::string digest = DigestOfPaths(kSet);
  const MirrorAnswer answer = Ask("POST /yum/ts/digest/" + digest, "", FormOf(kSet));
  ASSERT_EQ(answer.status, 200);
  EXPECT_THAT(answer.text, HasSubstr("2:ts8:nullfile"));  // where padding is
  EXPECT_EQ(Ask("GET /yum/ts/").status, 200);
  EXPECT_EQ(Ask("GET " + UrlOf(kSet)).status, 404);
  EXPECT_EQ(Ask("GET /m").status, 200);
  EXPECT_EQ(Ask("GET /metrics").status, 404);
}

TEST_F(MirrorServiceTest, OptionsThatCannotBeAreErrors) {
  const auto says = [this](auto change) {
    MirrorOptions options = options_;
    change(options);
    return std::string(MirrorService::Create(options, {}, {}, kNow).status().message());
  };
  EXPECT_THAT(says([](MirrorOptions& o) { o.root = "/none/here"; }), StartsWith("/none/here: "));
  EXPECT_THAT(says([](MirrorOptions& o) { o.piece_length = 1000; }), HasSubstr("power of two"));
  EXPECT_THAT(says([](MirrorOptions& o) { o.service = "a/b"; }), HasSubstr("service's name"));
  EXPECT_THAT(says([](MirrorOptions& o) { o.url_bases = {"http://a"}; }), HasSubstr("no slash"));
}

}  // namespace
}  // namespace muster
