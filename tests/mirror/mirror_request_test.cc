// SPDX-License-Identifier: Apache-2.0
#include "mirror/mirror_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "http/http_text.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Kind = MirrorRequest::Kind;

constexpr char kDigest[] = "0123456789abcdef0123456789abcdef01234567";

MirrorRequest Read(const std::string& line, const std::string& headers = "",
                   const std::optional<std::string>& body = "",
                   const MirrorRequestLimits& limits = {}) {
  const HttpText text(line + " HTTP/1.1\r\nHost: m\r\n" + headers, body);
  EXPECT_TRUE(text.is_good()) << line;
  MirrorRequest read = ReadMirrorRequest(text.request(), "torrent_service", "/metrics", limits);
  EXPECT_EQ(read.kind == Kind::kRefused, read.refusal != 0);
  return read;
}

// 0 when it is not refused.
int RefusalOf(const std::string& line, const std::string& headers = "",
              const std::optional<std::string>& body = "", const MirrorRequestLimits& limits = {}) {
  return Read(line, headers, body, limits).refusal;
}

TEST(MirrorRequestTest, ASetIsAskedForByItsDigest) {
  for (const std::string prefix : {"/yum", "/a/b/c", "/yum/torrent_service_x"}) {
    const auto read = Read("GET " + prefix + "/torrent_service/digest/" + kDigest);
    EXPECT_EQ(read.refusal, 0);
    EXPECT_EQ(read.kind, Kind::kDigest);
    EXPECT_EQ(read.digest, kDigest);
    EXPECT_THAT(read.specs, IsEmpty());
  }
  EXPECT_EQ(Read(std::string("GET /y/torrent_service/digest/x/y/") + kDigest).digest, kDigest);
  EXPECT_EQ(RefusalOf("GET /y/torrent_service/digest/0123"), 404);
  EXPECT_EQ(RefusalOf("GET /y/torrent_service/digest/"), 404);
  EXPECT_EQ(RefusalOf("GET /y/torrent_service/digest/0123456789ABCDEF0123456789abcdef01234567"),
            404);
}

TEST(MirrorRequestTest, AFormGivesThePaths) {
  const std::string line = std::string("POST /yum/torrent_service/digest/") + kDigest;
  auto read = Read(line + "?p=/a&format=magnet&other=1",
                   "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n",
                   "p=%2Fb%2fx%2B.rpm&&q=/no&p=/c+d&p");
  EXPECT_EQ(read.refusal, 0);
  EXPECT_THAT(read.specs, ElementsAre("/a", "/b/x+.rpm", "/c d", ""));
  EXPECT_EQ(read.format, MirrorRequest::Format::kMagnet);
  EXPECT_EQ(RefusalOf(line, "", "p=%2"), 400);
  EXPECT_EQ(RefusalOf(line, "", "format=none"), 400);
  EXPECT_EQ(RefusalOf(line, "Content-Type: multipart/form-data; boundary=x\r\n", "--x"), 415);
  // Where there is none, nobody can know whether there should be one.
  EXPECT_EQ(RefusalOf(line, "", std::nullopt), 411);
  EXPECT_EQ(RefusalOf(line + "?p=/a", "", std::nullopt), 0);
}

TEST(MirrorRequestTest, FormsHaveLimits) {
  const std::string line = std::string("POST /yum/torrent_service/digest/") + kDigest;
  const std::string form = "p=1&p=2";
  EXPECT_EQ(RefusalOf(line, "", form, {.max_form = 7, .max_paths = 2}), 0);
  EXPECT_EQ(RefusalOf(line, "", form, {.max_form = 6}), 413);
  EXPECT_EQ(RefusalOf(line, "", form, {.max_paths = 1}), 413);
  EXPECT_EQ(RefusalOf(line, "", form, {.max_target = 20}), 414);
}

TEST(MirrorRequestTest, PagesAreForPeopleAndPrograms) {
  EXPECT_EQ(Read("GET /yum/torrent_service/").kind, Kind::kIndex);
  EXPECT_FALSE(Read("GET /yum/torrent_service/", "Accept: text/html,*/*\r\n").wants_json);
  EXPECT_TRUE(Read("GET /yum/torrent_service/", "Accept: application/json\r\n").wants_json);
  EXPECT_TRUE(Read("GET /yum/torrent_service/?format=json").wants_json);
  EXPECT_EQ(Read("GET /metrics").kind, Kind::kMetrics);
  EXPECT_EQ(RefusalOf("POST /metrics"), 405);
  EXPECT_EQ(RefusalOf("POST /yum/torrent_service/"), 405);
}

TEST(MirrorRequestTest, OnePathIsAskedForByItself) {
  const auto read = Read("GET /yum/torrent_service/single/yum/a%20b.rpm");
  EXPECT_EQ(read.refusal, 0);
  EXPECT_EQ(read.kind, Kind::kSingle);
  EXPECT_THAT(read.specs, ElementsAre("/yum/a b.rpm"));
  EXPECT_EQ(read.digest, DigestOfPaths({"/yum/a b.rpm"}));
  EXPECT_EQ(RefusalOf("GET /yum/torrent_service/single/"), 404);
  EXPECT_EQ(RefusalOf("GET /yum/torrent_service/single"), 404);
  EXPECT_EQ(RefusalOf("GET /yum/torrent_service/single/a%00b"), 400);
  // What is above is refused where paths are checked; it is not taken for anything else here.
  EXPECT_THAT(Read("GET /yum/torrent_service/single/%2e%2e/x").specs, ElementsAre("/../x"));
}

TEST(MirrorRequestTest, ZerosAreAskedForByTheirNumber) {
  EXPECT_EQ(Read("GET /y/torrent_service/nullfile/1000_3").size, 1000);
  EXPECT_EQ(Read("GET /y/torrent_service/nullfile/0_0").size, 0);
  EXPECT_EQ(Read("HEAD /y/torrent_service/nullfile/12").size, 12);
  for (const char* name :
       {"", "/", "/x_1", "/-1_0", "/+1_0", "/1x_0", "/_1", "/%201_0", "/99999999999999999999_0"}) {
    EXPECT_EQ(RefusalOf(std::string("GET /y/torrent_service/nullfile") + name), 404) << name;
  }
}

TEST(MirrorRequestTest, AnythingElseIsAFile) {
  EXPECT_EQ(Read("GET /yum/a%2Bb.rpm?x=1").path, "/yum/a+b.rpm");
  EXPECT_EQ(Read("GET /torrent_service/digest/x").path, "/torrent_service/digest/x");
  EXPECT_EQ(Read("GET //torrent_service/x").path, "//torrent_service/x");
  EXPECT_EQ(Read("HEAD /yum/x").is_head, true);
  EXPECT_EQ(RefusalOf("POST /yum/x"), 405);
  EXPECT_EQ(RefusalOf("DELETE /yum/x"), 405);
  EXPECT_EQ(RefusalOf("GET /yum/%zz"), 400);
  EXPECT_EQ(RefusalOf("GET /yum/torrent_service/none"), 404);
  EXPECT_EQ(RefusalOf("GET /yum/torrent_service"), 404);
}

TEST(MirrorRequestTest, SomeDoNotWait) {
  const std::string line = std::string("GET /yum/torrent_service/digest/") + kDigest;
  EXPECT_FALSE(Read(line).wants_no_wait);
  EXPECT_TRUE(Read(line, "Prefer: respond-async\r\n").wants_no_wait);
  EXPECT_TRUE(Read(line, "Prefer: wait=5, Respond-Async; x\r\n").wants_no_wait);
  EXPECT_FALSE(Read(line, "Prefer: respond-asynchronous\r\n").wants_no_wait);
}

// By Python: hashlib.sha1("\n".join(paths)).hexdigest().
TEST(MirrorRequestTest, ADigestIsOverThePathsWithLineFeeds) {
  EXPECT_EQ(DigestOfPaths({"/yum/a.rpm", "/yum/b.rpm"}),
            "98bff970a79c8a85cb7d3f021480862b35dc8ce9");
  EXPECT_EQ(DigestOfPaths({}), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
}

}  // namespace
}  // namespace muster
