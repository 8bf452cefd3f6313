// SPDX-License-Identifier: Apache-2.0
#include "http/conditions.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "http/http_text.h"

namespace muster {
namespace {

constexpr Instant kModified = InstantFromUnixSeconds(784111777);
constexpr char kDate[] = "Sun, 06 Nov 1994 08:49:37 GMT";

struct Answer {
  int status;
  std::int64_t first = 0;
  std::int64_t size = 100;

  bool operator==(const Answer&) const = default;
  friend std::ostream& operator<<(std::ostream& out, const Answer& answer) {
    return out << answer.status << ": " << answer.size << " from " << answer.first;
  }
};

Answer Selected(const std::string& headers, const std::string& method = "GET",
                std::int64_t size = 100) {
  const HttpText text(method + " / HTTP/1.1\r\n" + headers + "\r\n");
  const Selection selection =
      Select(FileConditions::Of(text.request()), "\"tag\"", kModified, size);
  EXPECT_EQ(selection.ranges.size(), 1u);
  return {selection.status, selection.ranges[0].first, selection.ranges[0].size};
}

TEST(ConditionsTest, DatesAreThoseOfHttp) {
  EXPECT_EQ(HttpDate(kModified), kDate);
  EXPECT_EQ(ParseHttpDate(kDate), kModified);
  EXPECT_EQ(HttpDate(InstantFromUnixSeconds(0)), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(ParseHttpDate("Thu, 29 Feb 2024 23:59:59 GMT"), InstantFromUnixSeconds(1709251199));
  for (const char* text : {"", "Mon, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
                           "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06-Nov-1994 08:49:37 GMT",
                           "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 UTC",
                           "Sun Nov  6 08:49:37 1994", "Sun, +6 Nov 1994 08:49:37 GMT"}) {
    EXPECT_EQ(ParseHttpDate(text), std::nullopt) << text;
  }
}

TEST(ConditionsTest, RangesAreParts) {
  EXPECT_EQ(Selected(""), (Answer{200}));
  EXPECT_EQ(Selected("Range: bytes=0-9"), (Answer{206, 0, 10}));
  EXPECT_EQ(Selected("Range: bytes=10-"), (Answer{206, 10, 90}));
  EXPECT_EQ(Selected("Range: bytes=-10"), (Answer{206, 90, 10}));
  EXPECT_EQ(Selected("Range: bytes=-1000"), (Answer{206, 0, 100}));
  EXPECT_EQ(Selected("Range: bytes=90-1000"), (Answer{206, 90, 10}));
  EXPECT_EQ(Selected("Range: Bytes= 99-99 "), (Answer{206, 99, 1}));
  EXPECT_EQ(Selected("Range: bytes=100-"), (Answer{416}));
  EXPECT_EQ(Selected("Range: bytes=-0"), (Answer{416}));
  EXPECT_EQ(Selected("Range: bytes=0-", "GET", 0), (Answer{416, 0, 0}));
  EXPECT_EQ(Selected("Range: bytes=-5", "GET", 0), (Answer{416, 0, 0}));
  for (const char* text :
       {"bytes=5-4", "bytes=", "bytes=-", "bytes=a-b", "bytes=1-2,x", "items=1-2", "bytes=--1",
        "bytes=1-2-3", "bytes=99999999999999999999-", "bytes=+1-2"}) {
    EXPECT_EQ(Selected(std::string("Range: ") + text), (Answer{200})) << text;
  }
  EXPECT_EQ(Selected("Range: bytes=0-9", "HEAD"), (Answer{200}));
}

std::vector<ByteRange> RangesOf(const std::string& ranges, int status = 206) {
  const HttpText text("GET / HTTP/1.1\r\nRange: bytes=" + ranges + "\r\n");
  Selection selection = Select(FileConditions::Of(text.request()), "\"tag\"", kModified, 100);
  EXPECT_EQ(selection.status, status) << ranges;
  return std::move(selection.ranges);
}

TEST(ConditionsTest, SeveralRangesAreGivenInTheirOrder) {
  using Ranges = std::vector<ByteRange>;
  EXPECT_EQ(RangesOf("1-2, 4-5"), (Ranges{{1, 2}, {4, 2}}));
  EXPECT_EQ(RangesOf("-1,0-0"), (Ranges{{99, 1}, {0, 1}}));
  // What lies behind the end is passed over, unless it is all.
  EXPECT_EQ(RangesOf("0-9,100-"), (Ranges{{0, 10}}));
  EXPECT_EQ(RangesOf("100-,200-", 416), (Ranges{{0, 100}}));
}

TEST(ConditionsTest, WhoeverAsksForTooMuchGetsAllOfIt) {
  EXPECT_EQ(RangesOf("0-,0-", 200).size(), 1u);
  EXPECT_EQ(RangesOf("0-49,50-99,0-0", 200).size(), 1u);
  std::string many = "0-0";
  for (std::size_t i = 1; i < kMaxRanges; ++i) many += ",0-0";
  EXPECT_EQ(RangesOf(many).size(), kMaxRanges);
  EXPECT_EQ(RangesOf(many + ",0-0", 200).size(), 1u);
}

TEST(ConditionsTest, WhatAClientHasIsNotSentAgain) {
  EXPECT_EQ(Selected("If-None-Match: \"tag\"").status, 304);
  EXPECT_EQ(Selected("If-None-Match: \"x\", W/\"tag\"").status, 304);
  EXPECT_EQ(Selected("If-None-Match: *").status, 304);
  EXPECT_EQ(Selected("If-None-Match: \"other\",").status, 200);
  EXPECT_EQ(Selected(std::string("If-Modified-Since: ") + kDate).status, 304);
  EXPECT_EQ(Selected("If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT").status, 200);
  EXPECT_EQ(Selected("If-Modified-Since: nonsense").status, 200);
  // The tag counts before the date, and either before a range.
  EXPECT_EQ(Selected(std::string("If-None-Match: \"x\"\r\nIf-Modified-Since: ") + kDate).status,
            200);
  EXPECT_EQ(Selected("If-None-Match: \"tag\"\r\nRange: bytes=0-9").status, 304);
}

TEST(ConditionsTest, APartIsOfTheFileThatWasMeant) {
  EXPECT_EQ(Selected("If-Match: \"other\"").status, 412);
  EXPECT_EQ(Selected("If-Match: W/\"tag\"").status, 412);
  EXPECT_EQ(Selected("If-Match: \"tag\"").status, 200);
  EXPECT_EQ(Selected("If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT").status, 412);
  EXPECT_EQ(Selected("Range: bytes=0-9\r\nIf-Range: \"tag\"").status, 206);
  EXPECT_EQ(Selected("Range: bytes=0-9\r\nIf-Range: \"other\"").status, 200);
  EXPECT_EQ(Selected("Range: bytes=0-9\r\nIf-Range: W/\"tag\"").status, 200);
  EXPECT_EQ(Selected(std::string("Range: bytes=0-9\r\nIf-Range: ") + kDate).status, 206);
}

}  // namespace
}  // namespace muster
