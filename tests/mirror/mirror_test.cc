// SPDX-License-Identifier: Apache-2.0
//
// The public face of a mirror, as a web server without any of muster's sockets uses it.
#include "muster/mirror.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/folder.h"
#include "muster/metainfo.h"

namespace muster {
namespace {

using ::testing::Contains;
using ::testing::Pair;

class MirrorTest : public ::testing::Test {
 protected:
  static constexpr Instant kNow = InstantFromUnixSeconds(1'700'000'000);
  static constexpr std::chrono::seconds kNoTime{0};

  MirrorTest() {
    tree_.Write("root/yum/a.rpm", std::string(20'000, 'a'));
    tree_.Write("root/yum/b.rpm", std::string(20'000, 'b'));
    auto mirror =
        Mirror::Create({.root = tree_.path("root"), .piece_length = 16384, .threads = 1}, kNow);
    EXPECT_TRUE(mirror.ok()) << mirror.status();
    mirror_ = *std::move(mirror);
  }

  MirrorReply Ask(const MirrorQuery& query) {
    std::promise<MirrorReply> promise;
    mirror_->Answer(query, kNow,
                    [&promise](MirrorReply reply) { promise.set_value(std::move(reply)); });
    return promise.get_future().get();
  }

  // Read in steps of `step` bytes.
  static std::string BodyOf(MirrorReply& reply, std::size_t step = 1000) {
    std::string body;
    if (reply.body == nullptr) return body;
    std::string buffer(step, '\0');
    for (;;) {
      const absl::StatusOr<std::size_t> n = reply.body->Read(absl::MakeSpan(&buffer[0], step));
      EXPECT_TRUE(n.ok()) << n.status();
      if (!n.ok() || *n == 0) return body;
      body.append(buffer, 0, *n);
    }
  }

  const Folder tree_;
  std::unique_ptr<Mirror> mirror_;
};

TEST_F(MirrorTest, GivesTorrents) {
  MirrorReply reply = Ask({.target = "/yum/torrent_service/single/yum/*", .host = "m.example"});
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.headers, Contains(Pair("Content-Type", "application/x-bittorrent")));
  const auto torrent = Metainfo::Parse(BodyOf(reply, 7));
  ASSERT_TRUE(torrent.ok()) << torrent.status();
  EXPECT_EQ(torrent->files().size(), 3u);
  EXPECT_EQ(mirror_->Statistics().torrents_made, 1u);
}

TEST_F(MirrorTest, TakesForms) {
  const std::string form = "p=/yum/a.rpm";
  // SHA-1 of "/yum/a.rpm".
  const std::string target = "/yum/torrent_service/digest/44244fcdb08b2e3f0aedf716e94d7e465fb798a6";
  EXPECT_EQ(Ask({.target = target, .host = "m"}).status, 412);
  // Of another set.
  EXPECT_EQ(Ask({.method = "POST", .target = target, .host = "m", .body = "p=/yum/b.rpm"}).status,
            400);
  const std::vector<std::pair<std::string, std::string>> headers = {
      {"Content-Length", "99"}, {"content-type", "application/x-www-form-urlencoded"}};
  EXPECT_EQ(Ask({.method = "POST",
                 .target = "/yum/torrent_service/digest/" + std::string(40, '0'),
                 .host = "m",
                 .headers = headers,
                 .body = form})
                .status,
            400);
}

TEST_F(MirrorTest, GivesFilesAndPartsOfThem) {
  MirrorReply reply = Ask({.target = "/yum/a.rpm"});
  EXPECT_EQ(reply.length, 20'000);
  EXPECT_EQ(BodyOf(reply), std::string(20'000, 'a'));
  const std::vector<std::pair<std::string, std::string>> ranges = {{"range", "bytes=0-1,-2"}};
  MirrorReply parts = Ask({.target = "/yum/a.rpm", .headers = ranges});
  EXPECT_EQ(parts.status, 206);
  const std::string body = BodyOf(parts, 3);
  EXPECT_EQ(parts.length, static_cast<std::int64_t>(body.size()));
  EXPECT_THAT(body, ::testing::HasSubstr("bytes 19998-19999/20000\r\n\r\naa\r\n--"));
  MirrorReply zeros = Ask({.target = "/y/torrent_service/nullfile/2500_0"});
  EXPECT_EQ(BodyOf(zeros), std::string(2500, '\0'));
  const MirrorReply head = Ask({.method = "HEAD", .target = "/yum/a.rpm"});
  EXPECT_EQ(head.length, 20'000);
  EXPECT_EQ(head.body, nullptr);
}

TEST_F(MirrorTest, SaysWhenAFileHasBecomeShorter) {
  MirrorReply reply = Ask({.target = "/yum/a.rpm"});
  tree_.Write("root/yum/a.rpm", "short");
  char buffer[100];
  EXPECT_EQ(*reply.body->Read(absl::MakeSpan(buffer, 5)), 5u);
  EXPECT_FALSE(reply.body->Read(absl::MakeSpan(buffer)).ok());
}

TEST_F(MirrorTest, RefusesWhatNoRequestHas) {
  for (const MirrorQuery& query :
       {MirrorQuery{.target = ""}, MirrorQuery{.target = "x"}, MirrorQuery{.target = "/a b"},
        MirrorQuery{.target = "/a\r\nRange: bytes=0-1"},
        MirrorQuery{.target = "/yum/a.rpm", .host = "m\r\nX: y"},
        MirrorQuery{.method = "GET /yum/a.rpm HTTP/1.1\r\n", .target = "/"}}) {
    EXPECT_EQ(Ask(query).status, 400) << query.target;
  }
  const std::vector<std::pair<std::string, std::string>> split = {{"A", "b\nRange: bytes=0-1"}};
  EXPECT_EQ(Ask({.target = "/yum/a.rpm", .headers = split}).status, 400);
}

TEST_F(MirrorTest, WhoWaitsIsAnsweredWhenItGoes) {
  mirror_->Stop();
  EXPECT_EQ(Ask({.target = "/yum/torrent_service/single/yum/*", .host = "m"}).status, 503);
  mirror_.reset();
}

std::size_t Threads() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

TEST_F(MirrorTest, HasAsManyThreadsAsItIsTold) {
  mirror_.reset();
  tree_.Write("root/yum/huge", "");
  std::filesystem::resize_file(tree_.path("root/yum/huge"), std::uintmax_t{1} << 40);
  const std::size_t before = Threads();
  auto mirror =
      Mirror::Create({.root = tree_.path("root"), .workers = 3, .threads = 6, .readers = 5}, kNow);
  ASSERT_TRUE(mirror.ok()) << mirror.status();
  EXPECT_EQ(Threads(), before + 3 + 5);
  // A maker is one of those that hash.
  std::promise<int> status;
  (*mirror)->Answer({.target = "/yum/torrent_service/single/yum/huge", .host = "m"}, kNow,
                    [&status](const MirrorReply& reply) { status.set_value(reply.status); });
  std::future<int> answer = status.get_future();
  while (Threads() < before + 3 + 5 + 5 && answer.wait_for(kNoTime) != std::future_status::ready) {
  }
  EXPECT_EQ(Threads(), before + 3 + 5 + 5);
  (*mirror)->Stop();
  EXPECT_EQ(answer.get(), 503);
}

TEST_F(MirrorTest, OptionsThatCannotBeAreErrors) {
  EXPECT_FALSE(Mirror::Create({.root = tree_.path("root"), .workers = 0}, kNow).ok());
  EXPECT_FALSE(Mirror::Create({.root = tree_.path("root"), .readers = 0}, kNow).ok());
  EXPECT_FALSE(Mirror::Create({.root = tree_.path("none")}, kNow).ok());
}

}  // namespace
}  // namespace muster
