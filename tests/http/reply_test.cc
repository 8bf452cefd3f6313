// SPDX-License-Identifier: Apache-2.0
#include "http/reply.h"

#include <gtest/gtest.h>

namespace muster {
namespace {

using ReplyResult = HttpReplyParser::Result;

struct ReplyOutcome {
  ReplyResult result;
  int status = 0;
  std::string body;
  bool keep_alive = false;
  std::string error;
  bool operator==(const ReplyOutcome&) const = default;
};

ReplyOutcome Feed(std::string_view bytes, std::size_t piece, bool ends,
                  const HttpReplyLimits& limits) {
  HttpReplyParser parser(limits);
  ReplyOutcome outcome{ReplyResult::kNeedMore, 0, {}, false, {}};
  for (std::size_t i = 0; i < bytes.size(); i += piece) {
    outcome.result = parser.Feed(bytes.substr(i, piece));
  }
  if (ends) outcome.result = parser.End();
  if (outcome.result == ReplyResult::kDone) {
    outcome.status = parser.status();
    outcome.body = parser.body();
    outcome.keep_alive = parser.keep_alive();
  }
  if (outcome.result == ReplyResult::kBad) outcome.error = parser.error();
  return outcome;
}

// The same in pieces of any size.
ReplyOutcome ParseReply(std::string_view bytes, bool ends = false,
                        const HttpReplyLimits& limits = {}) {
  const ReplyOutcome whole = Feed(bytes, bytes.size() + 1, ends, limits);
  for (const std::size_t piece : {1, 2, 3, 7, 50}) {
    EXPECT_EQ(Feed(bytes, piece, ends, limits), whole) << piece;
  }
  return whole;
}

ReplyOutcome Done(int status, std::string body, bool keep_alive) {
  return {ReplyResult::kDone, status, std::move(body), keep_alive, {}};
}
ReplyOutcome Bad(std::string error) { return {ReplyResult::kBad, 0, {}, false, std::move(error)}; }
const ReplyOutcome kNeedMore{ReplyResult::kNeedMore, 0, {}, false, {}};

TEST(HttpReplyTest, ABodyByItsLength) {
  const std::string reply = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nd1:ae";
  EXPECT_EQ(ParseReply(reply), Done(200, "d1:ae", true));
  EXPECT_EQ(ParseReply(reply.substr(0, reply.size() - 1)), kNeedMore);
  EXPECT_EQ(ParseReply("HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
            Done(404, "", false));
}

TEST(HttpReplyTest, ABodyInChunks) {
  const std::string reply =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3;x=y\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n"
      "Trailer: 1\r\n\r\n";
  EXPECT_EQ(ParseReply(reply), Done(200, "abc0123456789abcdef", true));
  EXPECT_EQ(ParseReply(reply.substr(0, reply.size() - 1)), kNeedMore);
}

TEST(HttpReplyTest, ABodyUpToTheEndOfTheConnection) {
  EXPECT_EQ(ParseReply("HTTP/1.0 200 OK\r\n\r\nsome", true), Done(200, "some", false));
  EXPECT_EQ(ParseReply("HTTP/1.0 200 OK\r\n\r\nsome"), kNeedMore);
}

TEST(HttpReplyTest, AnEndBeforeTheEndIsAnError) {
  EXPECT_EQ(ParseReply("", true), Bad("the connection ended before it"));
  EXPECT_EQ(ParseReply("HTTP/1.1 200 OK\r\nContent-Le", true),
            Bad("the connection ended before it"));
  EXPECT_EQ(ParseReply("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", true),
            Bad("the connection ended before it"));
}

TEST(HttpReplyTest, InterimResponsesArePassedOver) {
  EXPECT_EQ(ParseReply("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                       "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"),
            Done(200, "x", true));
  EXPECT_EQ(ParseReply("HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
            Bad("it changes the protocol"));
}

TEST(HttpReplyTest, AnInterimResponseHasNoBody) {
  EXPECT_EQ(ParseReply("HTTP/1.1 100 Continue\r\nContent-Length: 2\r\n\r\nxy"),
            Bad("it is an interim response with a body"));
  EXPECT_EQ(ParseReply("HTTP/1.1 00\r\nContent-Length: 2\r\n\r\nxy"),
            Bad("it is no HTTP response"));
}

TEST(HttpReplyTest, OtherThingsAreNoResponses) {
  EXPECT_EQ(ParseReply("SSH-2.0-x\r\n"), Bad("it is no HTTP response"));
  EXPECT_EQ(ParseReply("GET / HTTP/1.1\r\n\r\n"), Bad("it is no HTTP response"));
  EXPECT_EQ(ParseReply("HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"),
            Bad("it is of another version of HTTP"));
  EXPECT_EQ(ParseReply("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"),
            Bad("it is no HTTP response"));
}

TEST(HttpReplyTest, LimitsHold) {
  const HttpReplyLimits limits{.max_head_bytes = 38, .max_body_bytes = 4};
  const std::string four = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody";
  EXPECT_EQ(ParseReply("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody", false, limits),
            Done(200, "body", true));
  EXPECT_EQ(ParseReply("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nbody!", false, limits),
            Bad("its body is too long"));
  EXPECT_EQ(ParseReply("HTTP/1.1 200 OK\r\nContent-Length:  4\r\n\r\nbody", false, limits),
            Bad("its headers are too long"));
  EXPECT_EQ(ParseReply("HTTP/1.1 200 OK\r\n\r\nbody!", false, limits), Bad("its body is too long"));
  const HttpReplyLimits chunks{.max_head_bytes = 100, .max_body_bytes = 4};
  EXPECT_EQ(
      ParseReply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n",
                 false, chunks),
      Bad("its body is too long"));
  EXPECT_EQ(ParseReply("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n", false, limits),
            Bad("its headers are too long"));
}

TEST(HttpReplyTest, BytesBehindItEndTheConnection) {
  EXPECT_EQ(Feed("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP", 1000, false, {}),
            Done(200, "x", false));
}

TEST(HttpReplyTest, IsReadyForTheNextAfterAReset) {
  HttpReplyParser parser({});
  EXPECT_EQ(parser.Feed("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"), ReplyResult::kDone);
  parser.Reset();
  EXPECT_FALSE(parser.begun());
  EXPECT_EQ(parser.Feed("HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nyz"), ReplyResult::kDone);
  EXPECT_EQ(parser.status(), 500);
  EXPECT_EQ(parser.body(), "yz");
}

}  // namespace
}  // namespace muster
