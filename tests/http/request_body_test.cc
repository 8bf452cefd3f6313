// SPDX-License-Identifier: Apache-2.0
#include "http/request_body.h"

#include <gtest/gtest.h>

#include <string>

namespace muster {
namespace {

using Kind = HttpBodyFraming::Kind;

constexpr std::size_t kMax = 20;

// What came of the bytes: "body|rest", "more", or the status. The same in pieces of all sizes.
std::string Read(const HttpBodyFraming& framing, const std::string& bytes) {
  std::string outcome;
  for (std::size_t size = bytes.size() + 1; size > 0; --size) {
    HttpBodyReader reader(framing, kMax);
    HttpBodyReader::Result result = HttpBodyReader::Result::kNeedMore;
    std::string_view rest;
    std::size_t at = 0;
    do {
      rest = std::string_view(bytes).substr(at, size);
      at += rest.size();
      result = reader.Read(rest);
    } while (result == HttpBodyReader::Result::kNeedMore && at < bytes.size());
    std::string now = "more";
    if (result == HttpBodyReader::Result::kBad) now = std::to_string(reader.error_status());
    if (result == HttpBodyReader::Result::kDone) {
      now = reader.body() + "|" + std::string(rest) + bytes.substr(at);
    }
    if (outcome.empty()) outcome = now;
    EXPECT_EQ(now, outcome) << "in pieces of " << size;
  }
  return outcome;
}

std::string Chunked(const std::string& bytes) { return Read({Kind::kChunked, 0}, bytes); }

TEST(HttpBodyReaderTest, ALengthIsThatOfTheBody) {
  EXPECT_EQ(Read({Kind::kLength, 5}, "helloGET"), "hello|GET");
  EXPECT_EQ(Read({Kind::kLength, 5}, "hell"), "more");
  EXPECT_EQ(Read({Kind::kNone, 0}, "GET"), "|GET");
}

TEST(HttpBodyReaderTest, ChunksAreJoined) {
  EXPECT_EQ(Chunked("5\r\nhello\r\n0\r\n\r\nGET"), "hello|GET");
  EXPECT_EQ(Chunked("3\r\nhel\r\n00002;a=\"b\"\r\nlo\r\n000\r\n\r\n"), "hello|");
  EXPECT_EQ(Chunked("A \r\n0123456789\r\na\r\n0123456789\r\n0;x\r\nA: b\r\n c\r\n\r\nx"),
            "01234567890123456789|x");
  for (const char* part : {"", "5", "5\r", "5\r\n", "5\r\nhell", "5\r\nhello", "5\r\nhello\r\n",
                           "5\r\nhello\r\n0\r\n", "5\r\nhello\r\n0\r\n\r", "0\r\nA: b\r\n"}) {
    EXPECT_EQ(Chunked(part), "more") << part;
  }
}

TEST(HttpBodyReaderTest, WhatIsNoChunkIsRefused) {
  for (const char* bytes :
       {"x", "\r\n", "-1\r\n", "5\nhello", "5\r\r\n", "5\r\nhelloX", "5\r\nhello\rX", "0x5\r\n",
        "5\r\nhello\n0\r\n\r\n", "0\r\n\rX", "0\r\nA\nB\r\n\r\n", "5;\nhello", "5;a\x01\r\n",
        "00000000000000005\r\n"}) {
    EXPECT_EQ(Chunked(bytes), "400") << bytes;
  }
}

TEST(HttpBodyReaderTest, TooMuchIsRefused) {
  EXPECT_EQ(Chunked("15\r\n"), "413");
  EXPECT_EQ(Chunked("ffffffffffffffff\r\n"), "413");
  EXPECT_EQ(Chunked("14\r\n01234567890123456789\r\n1\r\n"), "413");
  // Not all in pieces of all sizes, as it is long.
  for (const std::string& begin : {std::string("0\r\n"), std::string("5;")}) {
    HttpBodyReader reader({Kind::kChunked, 0}, kMax);
    const std::string bytes = begin + std::string(HttpBodyReader::kMaxExtra + 1, 'x');
    std::string_view all = bytes;
    EXPECT_EQ(reader.Read(all), HttpBodyReader::Result::kBad);
    EXPECT_EQ(reader.error_status(), 413);
  }
}

}  // namespace
}  // namespace muster
