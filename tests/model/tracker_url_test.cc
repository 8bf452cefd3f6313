// SPDX-License-Identifier: Apache-2.0
#include "muster/tracker_url.h"

#include <gtest/gtest.h>

namespace muster {
namespace {

std::string Again(std::string_view text) {
  const auto url = TrackerUrl::Parse(text);
  return url.ok() ? url->ToString() : std::string(url.status().message());
}

TEST(TrackerUrlTest, ReadsWhatTorrentsHave) {
  const auto url = TrackerUrl::Parse("http://tracker.example:6969/announce?key=1");
  ASSERT_TRUE(url.ok());
  EXPECT_EQ(url->scheme, TrackerUrl::Scheme::kHttp);
  EXPECT_EQ(url->server, (HostPort{"tracker.example", 6969}));
  EXPECT_EQ(url->target, "/announce?key=1");
  EXPECT_EQ(Again("HTTP://a/announce"), "http://a:80/announce");
  EXPECT_EQ(Again("http://a"), "http://a:80/");
  EXPECT_EQ(Again("http://a?x"), "http://a:80/?x");
  EXPECT_EQ(Again("http://[2001:db8::1]/a"), "http://[2001:db8::1]:80/a");
  EXPECT_EQ(Again("http://[2001:db8::1]:81/a"), "http://[2001:db8::1]:81/a");
  EXPECT_EQ(Again("udp://a:80"), "udp://a:80");
  EXPECT_EQ(Again("udp://a:80/announce"), "udp://a:80/announce");
}

TEST(TrackerUrlTest, RefusesTheRest) {
  for (const char* text :
       {"", "a", "https://a/", "ftp://a/", "http://", "http:///x", "udp://a/announce", "udp://a",
        "http://a:0/", "http://a:65536/", "http://a:x/", "http://u:p@a/", "http://a/x y",
        "http://a/\r\nX: y", "http://a/\xc3\xa4", "http://a/#x", "http://::1/"}) {
    EXPECT_EQ(TrackerUrl::Parse(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
  EXPECT_TRUE(TrackerUrl::Parse("http://a/" + std::string(TrackerUrl::kMaxSize - 9, 'x')).ok());
  EXPECT_FALSE(TrackerUrl::Parse("http://a/" + std::string(TrackerUrl::kMaxSize - 8, 'x')).ok());
}

}  // namespace
}  // namespace muster
