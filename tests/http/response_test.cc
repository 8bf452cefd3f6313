// SPDX-License-Identifier: Apache-2.0
#include "http/response.h"

#include <gtest/gtest.h>

#include <string>

namespace muster {
namespace {

TEST(AppendHttpResponse, WritesHeadersAndBodyBehindWhatIsThere) {
  std::string out = "before";
  AppendHttpResponse(
      {.status = 200, .content_type = "text/plain", .body = "12345", .keep_alive = true}, out);
  EXPECT_EQ(out,
            "beforeHTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nCache-Control: no-store\r\n"
            "Connection: keep-alive\r\nContent-Length: 5\r\n\r\n12345");
}

TEST(AppendHttpResponse, SaysThatTheConnectionCloses) {
  std::string out;
  AppendHttpResponse({.status = 404, .content_type = "text/html", .body = ""}, out);
  EXPECT_EQ(out,
            "HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nCache-Control: no-store\r\n"
            "Connection: close\r\nContent-Length: 0\r\n\r\n");
}

TEST(AppendHttpResponse, AnswersHeadWithTheHeadersOfGet) {
  std::string get;
  std::string head;
  AppendHttpResponse({.body = "12345"}, get);
  AppendHttpResponse({.body = "12345", .head_only = true}, head);
  EXPECT_EQ(head + "12345", get);
}

TEST(AppendHttpResponse, NamesTheMethodsThatAreAllowed) {
  std::string out;
  AppendHttpResponse({.status = 405}, out);
  EXPECT_NE(out.find("HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD\r\n"), std::string::npos);
}

TEST(AppendHttpResponse, WritesFurtherHeadersAndTheLengthOfWhatFollows) {
  std::string out;
  const HttpHeader headers[] = {{"ETag", "\"x\""}, {"Content-Type", "a/b"}};
  AppendHttpResponse({.status = 206,
                      .content_type = {},
                      .keep_alive = true,
                      .length = 5'000'000'000,
                      .no_store = false,
                      .headers = headers},
                     out);
  EXPECT_EQ(out,
            "HTTP/1.1 206 Partial Content\r\nETag: \"x\"\r\nContent-Type: a/b\r\n"
            "Connection: keep-alive\r\nContent-Length: 5000000000\r\n\r\n");
  out.clear();
  AppendHttpResponse(
      {.status = 304, .content_type = {}, .framing = HttpFraming::kNone, .no_store = false}, out);
  EXPECT_EQ(out, "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n");
  out.clear();
  AppendHttpResponse({.status = 405, .allow = "GET, POST"}, out);
  EXPECT_NE(out.find("\r\nAllow: GET, POST\r\n"), std::string::npos);
}

TEST(HttpReason, HasAWordForEveryStatus) {
  for (const int status : {200, 202, 206, 304, 400, 404, 405, 408, 409, 411,
                           412, 413, 414, 415, 416, 431, 500, 501, 503, 505}) {
    EXPECT_NE(HttpReason(status), "Error") << status;
  }
  EXPECT_EQ(HttpReason(299), "Error");
}

}  // namespace
}  // namespace muster
