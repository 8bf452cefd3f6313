// SPDX-License-Identifier: Apache-2.0
#include "mirror/mirror_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "http_text.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Kind = MirrorRequest::Kind;

constexpr char kDigest[] = "0123456789abcdef0123456789abcdef01234567";

absl::StatusOr<MirrorRequest> Read(const std::string& line, const std::string& headers = "",
                                   const std::string& body = "",
                                   const MirrorRequestLimits& limits = {}) {
  const HttpText text(line + " HTTP/1.1\r\nHost: m\r\n" + headers, body);
  EXPECT_TRUE(text.is_good()) << line;
  return ReadMirrorRequest(text.request(), text.body(), "torrent_service", limits);
}

absl::StatusCode CodeOf(const std::string& line, const std::string& headers = "",
                        const std::string& body = "") {
  return Read(line, headers, body).status().code();
}

TEST(MirrorRequestTest, ASetIsAskedForByItsDigest) {
  for (const std::string prefix : {"/yum", "/a/b/c", "/yum/torrent_service_x"}) {
    const auto read = Read("GET " + prefix + "/torrent_service/digest/" + kDigest);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->kind, Kind::kDigest);
    EXPECT_EQ(read->digest, kDigest);
    EXPECT_THAT(read->specs, IsEmpty());
  }
  EXPECT_EQ(Read(std::string("GET /y/torrent_service/digest/x/y/") + kDigest)->digest, kDigest);
  EXPECT_EQ(CodeOf("GET /y/torrent_service/digest/0123"), absl::StatusCode::kNotFound);
  EXPECT_EQ(CodeOf("GET /y/torrent_service/digest/"), absl::StatusCode::kNotFound);
  EXPECT_EQ(CodeOf("GET /y/torrent_service/digest/0123456789ABCDEF0123456789abcdef01234567"),
            absl::StatusCode::kNotFound);
}

TEST(MirrorRequestTest, AFormGivesThePaths) {
  const std::string line = std::string("POST /yum/torrent_service/digest/") + kDigest;
  auto read = Read(line + "?p=/a&format=magnet&other=1",
                   "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n",
                   "p=%2Fb%2fx%2B.rpm&&q=/no&p=/c+d&p");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_THAT(read->specs, ElementsAre("/a", "/b/x+.rpm", "/c d", ""));
  EXPECT_EQ(read->format, MirrorRequest::Format::kMagnet);
  EXPECT_EQ(CodeOf(line, "", "p=%2"), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CodeOf(line, "", "format=none"), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CodeOf(line, "Content-Type: multipart/form-data; boundary=x\r\n", "--x"),
            absl::StatusCode::kInvalidArgument);
}

TEST(MirrorRequestTest, FormsHaveLimits) {
  const std::string line = std::string("POST /yum/torrent_service/digest/") + kDigest;
  EXPECT_TRUE(Read(line, "", "p=1&p=2", {.max_form = 7, .max_paths = 2}).ok());
  for (const MirrorRequestLimits& limits :
       {MirrorRequestLimits{.max_form = 6}, MirrorRequestLimits{.max_paths = 1},
        MirrorRequestLimits{.max_target = 20}}) {
    EXPECT_EQ(Read(line, "", "p=1&p=2", limits).status().code(),
              absl::StatusCode::kResourceExhausted);
  }
}

TEST(MirrorRequestTest, OnePathIsAskedForByItself) {
  const auto read = Read("GET /yum/torrent_service/single/yum/a%20b.rpm");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->kind, Kind::kSingle);
  EXPECT_THAT(read->specs, ElementsAre("/yum/a b.rpm"));
  EXPECT_EQ(read->digest, DigestOfPaths({"/yum/a b.rpm"}));
  EXPECT_EQ(CodeOf("GET /yum/torrent_service/single/"), absl::StatusCode::kNotFound);
  EXPECT_EQ(CodeOf("GET /yum/torrent_service/single"), absl::StatusCode::kNotFound);
  EXPECT_EQ(CodeOf("GET /yum/torrent_service/single/a%00b"), absl::StatusCode::kInvalidArgument);
  // What is above is refused where paths are checked; it is not taken for anything else here.
  EXPECT_THAT(Read("GET /yum/torrent_service/single/%2e%2e/x")->specs, ElementsAre("/../x"));
}

TEST(MirrorRequestTest, ZerosAreAskedForByTheirNumber) {
  EXPECT_EQ(Read("GET /y/torrent_service/nullfile/1000_3")->size, 1000);
  EXPECT_EQ(Read("GET /y/torrent_service/nullfile/0_0")->size, 0);
  EXPECT_EQ(Read("HEAD /y/torrent_service/nullfile/12")->size, 12);
  for (const char* name :
       {"", "/", "/x_1", "/-1_0", "/+1_0", "/1x_0", "/_1", "/%201_0", "/99999999999999999999_0"}) {
    EXPECT_EQ(CodeOf(std::string("GET /y/torrent_service/nullfile") + name),
              absl::StatusCode::kNotFound)
        << name;
  }
}

TEST(MirrorRequestTest, AnythingElseIsAFile) {
  EXPECT_EQ(Read("GET /yum/a%2Bb.rpm?x=1")->path, "/yum/a+b.rpm");
  EXPECT_EQ(Read("GET /torrent_service/digest/x")->path, "/torrent_service/digest/x");
  EXPECT_EQ(Read("GET //torrent_service/x")->path, "//torrent_service/x");
  EXPECT_EQ(Read("HEAD /yum/x")->is_head, true);
  EXPECT_EQ(CodeOf("POST /yum/x"), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(CodeOf("DELETE /yum/x"), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(CodeOf("GET /yum/%zz"), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CodeOf("GET /yum/torrent_service/none"), absl::StatusCode::kNotFound);
  EXPECT_EQ(CodeOf("GET /yum/torrent_service"), absl::StatusCode::kNotFound);
}

TEST(MirrorRequestTest, SomeDoNotWait) {
  const std::string line = std::string("GET /yum/torrent_service/digest/") + kDigest;
  EXPECT_FALSE(Read(line)->wants_no_wait);
  EXPECT_TRUE(Read(line, "Prefer: respond-async\r\n")->wants_no_wait);
  EXPECT_TRUE(Read(line, "Prefer: wait=5, Respond-Async; x\r\n")->wants_no_wait);
  EXPECT_FALSE(Read(line, "Prefer: respond-asynchronous\r\n")->wants_no_wait);
}

// By Python: hashlib.sha1("\n".join(paths)).hexdigest().
TEST(MirrorRequestTest, ADigestIsOverThePathsWithLineFeeds) {
  EXPECT_EQ(DigestOfPaths({"/yum/a.rpm", "/yum/b.rpm"}),
            "98bff970a79c8a85cb7d3f021480862b35dc8ce9");
  EXPECT_EQ(DigestOfPaths({}), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
}

}  // namespace
}  // namespace muster
