// SPDX-License-Identifier: Apache-2.0
#include "http/request.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace muster {
namespace {

using Result = HttpRequestParser::Result;

// An outcome, copied out of the buffer.
struct Outcome {
  Result result = Result::kNeedMore;
  int error_status = 0;
  std::size_t consumed = 0;
  HttpMethod method = HttpMethod::kOther;
  std::string target;
  std::string path;
  std::string query;
  std::string url;
  int minor_version = -1;
  bool keep_alive = false;
  std::vector<std::pair<std::string, std::string>> fields;

  bool operator==(const Outcome&) const = default;
};

Outcome OutcomeOf(Result result, const HttpRequestParser& parser) {
  Outcome o;
  o.result = result;
  if (result == Result::kBad) o.error_status = parser.error_status();
  if (result != Result::kDone) return o;
  const HttpRequest& r = parser.request();
  o.consumed = parser.consumed();
  o.method = r.method;
  o.target = r.target;
  o.path = r.path;
  o.query = r.query;
  o.url = r.url;
  o.minor_version = r.minor_version;
  o.keep_alive = r.keep_alive;
  for (const HttpRequest::Field& f : r.fields) {
    o.fields.emplace_back(r.bytes.substr(f.name, f.name_size),
                          r.bytes.substr(f.value, f.value_size));
  }
  return o;
}

// Feeds `bytes` in pieces of `step`, each time from a buffer of its own, until the parser has
// decided.
Outcome ParseInPieces(const std::string& bytes, std::size_t step, const HttpLimits& limits) {
  HttpRequestParser parser(limits);
  Outcome outcome;
  for (std::size_t size = std::min(step, bytes.size());;
       size = std::min(size + step, bytes.size())) {
    const std::vector<char> buffer(bytes.begin(),
                                   bytes.begin() + static_cast<std::ptrdiff_t>(size));
    outcome = OutcomeOf(parser.Parse({buffer.data(), buffer.size()}), parser);
    if (outcome.result != Result::kNeedMore || size == bytes.size()) return outcome;
  }
}

// The outcome of the whole, after checking that every piece size gives the same.
Outcome Parse(const std::string& bytes, const HttpLimits& limits = {}) {
  const Outcome whole = ParseInPieces(bytes, bytes.size(), limits);
  for (std::size_t step = 1; step < bytes.size(); step += 1 + step / 8) {
    EXPECT_EQ(ParseInPieces(bytes, step, limits), whole)
        << "in pieces of " << step << ": " << bytes;
  }
  return whole;
}

int ErrorOf(const std::string& bytes, const HttpLimits& limits = {}) {
  const Outcome outcome = Parse(bytes, limits);
  EXPECT_EQ(outcome.result, Result::kBad) << bytes;
  return outcome.error_status;
}

TEST(HttpRequestParser, ReadsARequestWithHeaders) {
  const std::string bytes =
      "GET /announce?a=1&b=%20 HTTP/1.1\r\nHost: example.org:6969\r\nUser-Agent:  x y "
      "\t\r\nEmpty:\r\n\r\n";
  const Outcome outcome = Parse(bytes);
  ASSERT_EQ(outcome.result, Result::kDone);
  EXPECT_EQ(outcome.method, HttpMethod::kGet);
  EXPECT_EQ(outcome.target, "/announce?a=1&b=%20");
  EXPECT_EQ(outcome.url, "/announce?a=1&b=%20");
  EXPECT_EQ(outcome.path, "/announce");
  EXPECT_EQ(outcome.query, "a=1&b=%20");
  EXPECT_EQ(outcome.minor_version, 1);
  EXPECT_TRUE(outcome.keep_alive);
  EXPECT_EQ(outcome.consumed, bytes.size());
  EXPECT_EQ(outcome.fields.size(), 3u);
}

TEST(HttpRequestParser, FindsHeadersWhateverTheirCase) {
  const std::string bytes =
      "GET / HTTP/1.1\r\nhOsT: a\r\nX-Two: first\r\nx-two: second\r\nBlank: b \t \r\nNone:\r\n\r\n";
  HttpRequestParser parser({});
  ASSERT_EQ(parser.Parse(bytes), Result::kDone);
  EXPECT_EQ(parser.request().Header("Host"), "a");
  EXPECT_EQ(parser.request().Header("X-TWO"), "first");
  EXPECT_EQ(parser.request().Header("blank"), "b");
  EXPECT_EQ(parser.request().Header("none"), "");
  EXPECT_EQ(parser.request().Header("x-three"), "");
}

TEST(HttpRequestParser, KnowsTheMethods) {
  EXPECT_EQ(Parse("HEAD / HTTP/1.1\r\n\r\n").method, HttpMethod::kHead);
  EXPECT_EQ(Parse("POST / HTTP/1.1\r\n\r\n").method, HttpMethod::kPost);
  EXPECT_EQ(Parse("DELETE / HTTP/1.1\r\n\r\n").method, HttpMethod::kOther);
  EXPECT_EQ(ErrorOf("get / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(ErrorOf("BREW / HTTP/1.1\r\n\r\n"), 400);
}

TEST(HttpRequestParser, KeepsAliveByVersionAndConnectionHeader) {
  EXPECT_TRUE(Parse("GET / HTTP/1.1\r\n\r\n").keep_alive);
  EXPECT_FALSE(Parse("GET / HTTP/1.1\r\nConnection: close\r\n\r\n").keep_alive);
  EXPECT_FALSE(Parse("GET / HTTP/1.1\r\nConnection: foo, Close\r\n\r\n").keep_alive);
  EXPECT_FALSE(Parse("GET / HTTP/1.0\r\n\r\n").keep_alive);
  EXPECT_TRUE(Parse("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive);
  EXPECT_EQ(Parse("GET / HTTP/1.0\r\n\r\n").minor_version, 0);
}

TEST(HttpRequestParser, TakesLaterMinorVersionsForTheFirst) {
  EXPECT_EQ(Parse("GET / HTTP/1.2\r\n\r\n").minor_version, 1);
}

TEST(HttpRequestParser, RefusesOtherMajorVersions) {
  EXPECT_EQ(ErrorOf("GET / HTTP/2.0\r\n\r\n"), 505);
  EXPECT_EQ(ErrorOf("GET / HTTP/0.9\r\n\r\n"), 505);
  EXPECT_EQ(ErrorOf("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 400);
}

TEST(HttpRequestParser, TakesAbsoluteTargetsApart) {
  const Outcome with_path = Parse("GET http://tracker.example:80/announce?x=1 HTTP/1.1\r\n\r\n");
  EXPECT_EQ(with_path.path, "/announce");
  EXPECT_EQ(with_path.query, "x=1");
  EXPECT_EQ(with_path.url, "/announce?x=1");
  EXPECT_EQ(with_path.target, "http://tracker.example:80/announce?x=1");
  const Outcome without_path = Parse("GET HTTPS://tracker.example?x=/1 HTTP/1.1\r\n\r\n");
  EXPECT_EQ(without_path.path, "/");
  EXPECT_EQ(without_path.query, "x=/1");
  const Outcome bare = Parse("GET http://tracker.example HTTP/1.1\r\n\r\n");
  EXPECT_EQ(bare.path, "/");
  EXPECT_EQ(bare.query, "");
}

TEST(HttpRequestParser, SplitsTheQueryAtTheFirstQuestionMark) {
  const Outcome two = Parse("GET /a?b?c=/d#e HTTP/1.1\r\n\r\n");
  EXPECT_EQ(two.path, "/a");
  EXPECT_EQ(two.query, "b?c=/d#e");
  const Outcome empty = Parse("GET /a? HTTP/1.1\r\n\r\n");
  EXPECT_EQ(empty.path, "/a");
  EXPECT_EQ(empty.query, "");
  EXPECT_EQ(empty.url, "/a?");
}

TEST(HttpRequestParser, TakesBlanksBeforeTheQueryWhereTheyAreAllowed) {
  const HttpLimits loose{.loose_request_line = true};
  for (const std::string blanks : {" ", "   "}) {
    const std::string request = "GET /announce" + blanks + "?a=b HTTP/1.0\r\n\r\n";
    const Outcome outcome = Parse(request, loose);
    EXPECT_EQ(outcome.path, "/announce");
    EXPECT_EQ(outcome.query, "a=b");
    EXPECT_EQ(outcome.target, "/announce" + blanks + "?a=b");
    EXPECT_EQ(ErrorOf(request), 400);
  }
  EXPECT_EQ(Parse("GET http://host ?a HTTP/1.0\r\n\r\n", loose).query, "a");
  EXPECT_EQ(Parse("GET / HTTP/1.0\r\n\r\n", loose).query, "");
  EXPECT_EQ(ErrorOf("GET  ?a HTTP/1.0\r\n\r\n", loose), 400);
  // What is behind another blank is none of it.
  EXPECT_EQ(Parse("GET /a b?c HTTP/1.0\r\n\r\n", loose).query, "");
  EXPECT_EQ(Parse("GET /a?b ?c HTTP/1.0\r\n\r\n", loose).query, "b");
  EXPECT_EQ(Parse("GET /a \t?b HTTP/1.0\r\n\r\n", loose).path, "/a");
}

TEST(HttpRequestParser, TakesAnyVersionForTheOldestWhereItMayBeLoose) {
  const HttpLimits loose{.loose_request_line = true};
  for (const std::string version : {"", " ", " FOO", " HTTP/2.0", " HTTP/0.9", " HTTP/1",
                                    " HTTP/1.x", " HTTP/1.11", " b HTTP/1.1", "\tHTTP/1.1"}) {
    const std::string request = "GET /a?b" + version + "\r\nHost: x\r\n\r\n";
    const Outcome outcome = Parse(request, loose);
    EXPECT_EQ(outcome.path, "/a") << version;
    EXPECT_EQ(outcome.query, "b") << version;
    EXPECT_EQ(outcome.minor_version, 0) << version;
    EXPECT_FALSE(outcome.keep_alive) << version;
    EXPECT_NE(ErrorOf(request), 0) << version;
  }
  EXPECT_EQ(Parse("GET /a ?b\n\n", loose).query, "b");
  EXPECT_EQ(Parse("GET /a HTTP/1.1\n\n", loose).minor_version, 1);
  EXPECT_EQ(Parse("GET /a  HTTP/1.1\r\n\r\n", loose).minor_version, 1);
  EXPECT_EQ(ErrorOf("GET \r\n\r\n", loose), 400);
}

TEST(HttpRequestParser, RefusesOtherTargets) {
  EXPECT_EQ(ErrorOf("GET announce HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(ErrorOf("GET * HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(ErrorOf("GET ftp://a/ HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(ErrorOf("GET  / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(ErrorOf("CONNECT a:443 HTTP/1.1\r\n\r\n"), 400);
}

TEST(HttpRequestParser, LetsRawBytesOfTheUpperHalfPass) {
  std::string target = "/announce?info_hash=";
  for (int c = 0x80; c < 0x100; ++c) target.push_back(static_cast<char>(c));
  EXPECT_EQ(Parse("GET " + target + " HTTP/1.1\r\n\r\n").target, target);
}

TEST(HttpRequestParser, EndsTheTargetAtEveryControlCharacterAndPosition) {
  for (int c = 0; c <= 0x20; ++c) {
    for (std::size_t at = 1; at < 20; ++at) {
      std::string bytes = "GET /aaaaaaaaaaaaaaaaaaaaaaa HTTP/1.1\r\n\r\n";
      bytes[4 + at] = static_cast<char>(c);
      // A blank ends it too, and what follows is no version.
      EXPECT_EQ(ErrorOf(bytes), 400) << c << " at " << at;
    }
  }
  for (int c = 0x21; c < 0x100; ++c) {
    const std::string target = std::string("/aaa") + static_cast<char>(c) + "aaaa";
    EXPECT_EQ(Parse("GET " + target + " HTTP/1.1\r\n\r\n").target, target) << c;
  }
}

TEST(HttpRequestParser, RefusesRequestLinesOfTwoWords) {
  EXPECT_EQ(ErrorOf("GET /\r\n\r\n"), 400);
  EXPECT_EQ(ErrorOf("GET /announce?a=b\n"), 400);
}

TEST(HttpRequestParser, RefusesNoise) {
  EXPECT_EQ(ErrorOf(std::string("\x16\x03\x01\x02\x00\x01", 6)), 400);
  EXPECT_EQ(ErrorOf("\x13"
                    "BitTorrent protocol"),
            400);
  EXPECT_EQ(ErrorOf("GET / HTTP/1.11\r\n\r\n"), 400);
  EXPECT_EQ(ErrorOf("GET / http/1.1\r\n\r\n"), 400);
  EXPECT_EQ(ErrorOf("GET / HTTP/1.1\r\nno colon\r\n\r\n"), 400);
  EXPECT_EQ(ErrorOf("GET / HTTP/1.1\r\n: no name\r\n\r\n"), 400);
  EXPECT_EQ(ErrorOf("GET / HTTP/1.1\r\nA: b\rc\r\n\r\n"), 400);
}

TEST(HttpRequestParser, RefusesBlanksInHeaderNames) {
  EXPECT_EQ(ErrorOf("GET / HTTP/1.1\r\nContent-Length : 3\r\n\r\nabc"), 400);
  EXPECT_EQ(ErrorOf("GET / HTTP/1.1\r\nA B: c\r\n\r\n"), 400);
  EXPECT_EQ(ErrorOf("GET / HTTP/1.1\r\n A: b\r\n\r\n"), 400);
}

TEST(HttpRequestParser, RefusesFoldedHeaders) {
  EXPECT_EQ(ErrorOf("GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n"), 400);
  EXPECT_EQ(ErrorOf("GET / HTTP/1.1\r\nContent-Length:\r\n 3\r\n\r\nabc"), 400);
  EXPECT_EQ(ErrorOf("GET / HTTP/1.1\r\nTransfer-Encoding:\r\n\tchunked\r\n\r\n"), 400);
}

TEST(HttpRequestParser, TakesBareLineFeedsAndEmptyLinesBefore) {
  const std::string bytes = "\r\n\nGET /a HTTP/1.1\nHost: b\n\n";
  const Outcome outcome = Parse(bytes);
  ASSERT_EQ(outcome.result, Result::kDone);
  EXPECT_EQ(outcome.path, "/a");
  EXPECT_EQ(outcome.consumed, bytes.size());
}

TEST(HttpRequestParser, SkipsABodyThatFits) {
  const std::string bytes = "GET /a HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello";
  EXPECT_EQ(Parse(bytes).consumed, bytes.size());
  EXPECT_EQ(Parse(bytes + "GET /b").consumed, bytes.size());
  EXPECT_EQ(Parse(bytes.substr(0, bytes.size() - 1)).result, Result::kNeedMore);
  HttpLimits exact;
  exact.max_request_bytes = bytes.size();
  EXPECT_EQ(Parse(bytes, exact).result, Result::kDone);
  exact.max_request_bytes = bytes.size() - 1;
  EXPECT_EQ(ErrorOf(bytes, exact), 413);
}

TEST(HttpRequestParser, SkipsTheBodyOfAnUpgradeRequestToo) {
  const std::string bytes =
      "GET /a HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nhi";
  EXPECT_EQ(Parse(bytes).consumed, bytes.size());
}

TEST(HttpRequestParser, RefusesLengthsThatMakeNoSense) {
  EXPECT_EQ(ErrorOf("GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"), 400);
  EXPECT_EQ(ErrorOf("GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n"), 400);
  EXPECT_EQ(ErrorOf("GET / HTTP/1.1\r\nContent-Length: 9223372036854775807\r\n\r\n"), 413);
  EXPECT_EQ(ErrorOf("GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"), 400);
}

TEST(HttpRequestParser, RefusesTransferCodings) {
  EXPECT_EQ(ErrorOf("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 501);
  EXPECT_EQ(ErrorOf("GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n"), 501);
  EXPECT_EQ(ErrorOf("GET / HTTP/1.1\r\nTransfer-Encoding:\r\nTransfer-Encoding: identity\r\n\r\n"),
            501);
  EXPECT_EQ(ErrorOf("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"),
            400);
}

TEST(HttpRequestParser, HoldsTheLimitOfBytesToTheByte) {
  const std::string bytes = "GET /announce HTTP/1.1\r\nHost: a\r\n\r\n";
  HttpLimits limits;
  limits.max_request_bytes = bytes.size();
  EXPECT_EQ(Parse(bytes, limits).result, Result::kDone);
  EXPECT_EQ(Parse(bytes + "GET /announce HTTP/1.1\r\n", limits).result, Result::kDone);
  limits.max_request_bytes = bytes.size() - 1;
  EXPECT_EQ(ErrorOf(bytes, limits), 431);
  limits.max_request_bytes = 20;  // "GET /announce HTTP/1"
  EXPECT_EQ(ErrorOf(bytes, limits), 431);
  limits.max_request_bytes = 13;  // "GET /announce"
  EXPECT_EQ(ErrorOf(bytes, limits), 414);
  EXPECT_EQ(ErrorOf(std::string(100, '\n'), limits), 414);
}

TEST(HttpRequestParser, HoldsTheLimitOfHeaders) {
  HttpLimits limits;
  limits.max_headers = 2;
  EXPECT_EQ(Parse("GET / HTTP/1.1\r\na: 1\r\nb: 2\r\n\r\n", limits).result, Result::kDone);
  EXPECT_EQ(ErrorOf("GET / HTTP/1.1\r\na: 1\r\nb: 2\r\nc: 3\r\nd: 4\r\n\r\n", limits), 431);
}

TEST(HttpRequestParser, SaysWhatHttpParserSaysAboutHugeHeaders) {
  HttpLimits limits;
  limits.max_request_bytes = 1 << 20;
  HttpRequestParser parser(limits);
  ASSERT_EQ(parser.Parse("GET / HTTP/1.1\r\nA: " + std::string(100'000, 'a') + "\r\n\r\n"),
            Result::kBad);
  EXPECT_EQ(parser.error_status(), 431);
}

TEST(HttpRequestParser, ReadsPipelinedRequestsOneAfterTheOther) {
  const std::string bytes =
      "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n\r\nHEAD /2 HTTP/1.0\r\n\r\nGET /3 "
      "HTTP/1.1\r\nContent-Length: 1\r\n\r\nx";
  HttpRequestParser parser({});
  std::string_view rest = bytes;
  std::string paths;
  while (!rest.empty()) {
    ASSERT_EQ(parser.Parse(rest), Result::kDone);
    paths += parser.request().path;
    rest.remove_prefix(parser.consumed());
    parser.Reset();
  }
  EXPECT_EQ(paths, "/1/2/3");
}

TEST(HttpRequestParser, StaysWithItsVerdict) {
  HttpRequestParser parser({});
  const std::string good = "GET /a HTTP/1.1\r\n\r\n";
  const std::string more = good + "GET /b HTTP/1.1\r\n\r\n";
  ASSERT_EQ(parser.Parse(good), Result::kDone);
  ASSERT_EQ(parser.Parse(more), Result::kDone);
  EXPECT_EQ(parser.consumed(), good.size());
  EXPECT_EQ(parser.request().path, "/a");
  parser.Reset();
  ASSERT_EQ(parser.Parse("?"), Result::kBad);
  ASSERT_EQ(parser.Parse("?GET / HTTP/1.1\r\n\r\n"), Result::kBad);
  EXPECT_EQ(parser.error_status(), 400);
}

TEST(HttpRequestParser, NeedsMoreForNothing) {
  HttpRequestParser parser({});
  EXPECT_EQ(parser.Parse(""), Result::kNeedMore);
  EXPECT_EQ(parser.Parse("GET "), Result::kNeedMore);
  EXPECT_EQ(parser.Parse("GET "), Result::kNeedMore);
  EXPECT_EQ(parser.Parse("GET / HTTP/1.1\r\n\r\n"), Result::kDone);
}

TEST(HttpRequestParser, MayBeMovedBetweenPieces) {
  HttpRequestParser first({});
  ASSERT_EQ(first.Parse("GET /a HTTP/1.1\r\nHo"), Result::kNeedMore);
  HttpRequestParser second = std::move(first);
  ASSERT_EQ(second.Parse("GET /a HTTP/1.1\r\nHost: b\r\n\r\n"), Result::kDone);
  EXPECT_EQ(second.request().Header("host"), "b");
}

}  // namespace
}  // namespace muster
