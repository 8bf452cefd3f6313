// SPDX-License-Identifier: Apache-2.0
//
// What a connection does for a service beyond short answers: bodies that come in, answers that come
// later, files that go out.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "http/file_body.h"
#include "net/client.h"
#include "net/http_listener.h"
#include "net/loop_thread.h"

namespace muster {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMaxBody = 3'000'000;

std::string Bytes(std::size_t size) {
  std::string bytes(size, ' ');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>('a' + i * i / 7 % 26);
  return bytes;
}

std::string Response(std::string_view body, bool keep_alive = true) {
  return absl::StrCat("HTTP/1.1 200 X\r\nContent-Length: ", body.size(),
                      "\r\nConnection: ", keep_alive ? "keep-alive" : "close", "\r\n\r\n",
                      ToAbsl(body));
}

// A file without a name.
UniqueFd FileOf(const std::string& bytes) {
  char name[] = "/tmp/muster_test_XXXXXX";
  UniqueFd fd(mkstemp(name));
  unlink(name);
  EXPECT_EQ(write(fd.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  return fd;
}

// Three pieces; somebody else gets each of them.
class FetchedBody final : public HttpBody {
 public:
  using Fetches = std::vector<std::function<void()>>;
  FetchedBody(std::mutex* mu, Fetches* fetches) : mu_(*mu), fetches_(*fetches) {}

  Progress Produce(std::size_t /*budget*/, std::string& out) override {
    EXPECT_TRUE(std::exchange(is_ready_, false));
    out += "piece";
    return ++pieces_ == 3 ? Progress::kEnd : Progress::kMore;
  }
  bool IsReady() override { return is_ready_; }
  void Fetch(const std::function<void()>& done) override {
    is_ready_ = true;
    const std::lock_guard<std::mutex> lock(mu_);
    fetches_.push_back(done);
  }

 private:
  std::mutex& mu_;
  Fetches& fetches_;
  int pieces_ = 0;
  bool is_ready_ = false;
};

// Nothing for that time, piece by piece, and then three bytes.
class LateBody final : public HttpBody {
 public:
  explicit LateBody(milliseconds late) : until_(std::chrono::steady_clock::now() + late) {}

  Progress Produce(std::size_t /*budget*/, std::string& out) override {
    if (std::chrono::steady_clock::now() < until_) return Progress::kMore;
    out += "end";
    return Progress::kEnd;
  }

 private:
  const std::chrono::steady_clock::time_point until_;
};

// "/body" answers with the body, "/later" when the test says so, "/file" with parts of a file,
// "/fetched" with a FetchedBody, "/late" with a LateBody, any other path with itself.
class HttpExchangeTest : public testing::Test {
 protected:
  void Listen(HttpListenerOptions options = {}) {
    options.limits.max_body_bytes = kMaxBody;
    absl::StatusOr<UniqueFd> socket = ListenTcp(E("127.0.0.1:0"), {});
    ASSERT_TRUE(socket.ok()) << socket.status();
    server_ = *LocalEndpoint(socket->get());
    std::vector<HttpSocket> sockets;
    sockets.push_back({*std::move(socket)});
    HttpHandlers handlers;
    handlers.answer = [this](absl::Span<HttpExchange> batch, std::string& out) {
      for (HttpExchange& exchange : batch) {
        Answer(exchange, out);
        exchange.end = out.size();
      }
    };
    handlers.error = [this](int status, std::string& out) {
      ++errors_;
      absl::StrAppend(&out, "HTTP/1.1 ", status, " X\r\nContent-Length: 0\r\n\r\n");
    };
    loop_.Run([&] {
      auto listener = HttpListener::Start(loop_.loop(), std::move(sockets), options,
                                          std::move(handlers), &counters_, milliseconds(5000),
                                          /*log=*/nullptr);
      ASSERT_TRUE(listener.ok()) << listener.status();
      listener_ = *std::move(listener);
    });
  }
  void TearDown() override {
    loop_.Run([this] { listener_.reset(); });
  }

  void Answer(HttpExchange& exchange, std::string& out) {
    const std::string path(exchange.request->path);
    if (path == "/later") {
      exchange.deferral = std::make_shared<HttpDeferral>();
      const std::lock_guard<std::mutex> lock(mu_);
      deferrals_.push_back(exchange.deferral);
    } else if (path == "/file") {
      std::int64_t size = 0;
      for (const FilePart& part : parts_) {
        size += static_cast<std::int64_t>(part.before.size()) + part.size;
      }
      absl::StrAppend(&out, "HTTP/1.1 200 X\r\nContent-Length: ", size + 3, "\r\n\r\n");
      exchange.body = std::make_unique<FileBody>(UniqueFd(dup(file_.get())), parts_, "end");
    } else if (path == "/late") {
      out += "HTTP/1.1 200 X\r\nContent-Length: 3\r\n\r\n";
      exchange.body = std::make_unique<LateBody>(milliseconds(300));
    } else if (path == "/fetched") {
      out += "HTTP/1.1 200 X\r\nContent-Length: 15\r\n\r\n";
      exchange.body = std::make_unique<FetchedBody>(&mu_, &fetches_);
    } else {
      out += Response(path == "/body" ? exchange.request->body : path, exchange.keep_alive);
    }
  }

  // The n-th request for "/later", once it has come.
  std::shared_ptr<HttpDeferral> Deferral(std::size_t n) {
    std::shared_ptr<HttpDeferral> found;
    loop_.RunUntil([&] {
      const std::lock_guard<std::mutex> lock(mu_);
      if (deferrals_.size() > n) found = deferrals_[n];
      return found != nullptr;
    });
    return found;
  }
  void AwaitFetches(std::size_t n) {
    loop_.RunUntil([&] {
      const std::lock_guard<std::mutex> lock(mu_);
      return fetches_.size() == n;
    });
  }
  std::function<void()> TakeFetch(std::size_t n) {
    const std::lock_guard<std::mutex> lock(mu_);
    return std::move(fetches_[n]);
  }
  Client Connect(int receive_buffer = 0) { return Client::Tcp(server_, receive_buffer); }
  void AwaitNobody() {
    loop_.RunUntil([&] { return listener_->connections() == 0; });
  }

  HttpCounters counters_;
  LoopThread loop_;
  ClosingPtr<HttpListener> listener_;  // on the loop's thread
  Endpoint server_;
  UniqueFd file_;
  std::vector<FilePart> parts_;
  std::mutex mu_;
  std::vector<std::shared_ptr<HttpDeferral>> deferrals_;
  FetchedBody::Fetches fetches_;
  std::atomic<int> errors_ = 0;
};

// --- bodies ---

TEST_F(HttpExchangeTest, ABodyComesWithItsRequestWhateverItsPieces) {
  Listen();
  const std::string requests =
      "GET /first HTTP/1.1\r\n\r\n"
      "POST /body HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"
      "POST /body HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;x=y\r\nwor\r\n02\r\nld\r\n0\r\nTrailer: 1\r\n\r\n"
      "POST /body HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
      "GET /last HTTP/1.1\r\nConnection: close\r\n\r\n";
  for (std::size_t size = 1; size <= requests.size(); size += 3) {
    Client client = Connect();
    for (std::size_t at = 0; at < requests.size(); at += size) {
      ASSERT_TRUE(client.Send(std::string_view(requests).substr(at, size)));
    }
    for (const char* body : {"/first", "hello", "world", "", "/last"}) {
      const auto response = client.ReceiveResponse();
      ASSERT_TRUE(response.has_value()) << "pieces of " << size;
      EXPECT_EQ(response->body, body);
    }
    EXPECT_EQ(client.ReceiveMore(), Client::Got::kEnd);
  }
}

TEST_F(HttpExchangeTest, ALargeBodyGoesThereAndBack) {
  Listen();
  Client client = Connect();
  const std::string body = Bytes(kMaxBody);
  std::thread sender([&] {
    client.Send(absl::StrCat("POST /body HTTP/1.1\r\nContent-Length: ", body.size(), "\r\n\r\n",
                             body, "GET /next HTTP/1.1\r\n\r\n"));
  });
  EXPECT_EQ(client.ReceiveResponse()->body, body);
  EXPECT_EQ(client.ReceiveResponse()->body, "/next");
  sender.join();
}

TEST_F(HttpExchangeTest, WhoAsksWhetherToGoOnIsTold) {
  Listen();
  Client client = Connect();
  ASSERT_TRUE(
      client.Send("POST /body HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"));
  while (client.received() != "HTTP/1.1 100 Continue\r\n\r\n") {
    ASSERT_EQ(client.ReceiveMore(), Client::Got::kBytes);
  }
  ASSERT_TRUE(client.Send("hi"));
  ASSERT_EQ(client.ReceiveMore(), Client::Got::kBytes);
  EXPECT_EQ(client.received(), "HTTP/1.1 100 Continue\r\n\r\n" + Response("hi"));
}

TEST_F(HttpExchangeTest, ABodyThatIsTooMuchIsRefusedAndTheAnswerIsSeen) {
  Listen({.max_receiving_bytes = 1'000'000});
  const struct {
    std::string head;
    std::size_t size;
    int status;
  } cases[] = {
      {"Content-Length: 3000001", 100'000, 413},
      {"Transfer-Encoding: chunked\r\n\r\n2dc6c1", 100'000, 413},
      {"Transfer-Encoding: gzip, chunked", 0, 501},
      {"Transfer-Encoding: chunked\r\n\r\nx", 10, 400},
      {"Transfer-Encoding: chunked\r\nContent-Length: 5", 0, 400},
      {"Content-Length: 3000000", 1'100'000, 503},
  };
  for (const auto& one : cases) {
    Client client = Connect();
    // As a client that sends all before it reads anything.
    std::thread sender([&] {
      client.Send(absl::StrCat("POST /body HTTP/1.1\r\n", one.head, "\r\n\r\n", Bytes(one.size)));
    });
    const auto response = client.ReceiveResponse();
    sender.join();
    ASSERT_TRUE(response.has_value()) << one.head;
    EXPECT_EQ(response->status, one.status) << one.head;
    EXPECT_EQ(client.ReceiveMore(), Client::Got::kEnd) << one.head;
  }
  // What was refused is not counted any more.
  Client client = Connect();
  ASSERT_TRUE(client.Send("POST /body HTTP/1.1\r\nContent-Length: 2\r\n\r\no"));
  for (int turns = 0; turns < 3; ++turns) loop_.Run([] {});  // it has seen the one before the other
  ASSERT_TRUE(client.Send("k"));
  EXPECT_EQ(client.ReceiveResponse()->body, "ok");
}

// The rest of a body that comes after the connection could have been closed would have made the
// system forget the answer.
TEST_F(HttpExchangeTest, ARefusalIsSeenByWhoSendsOn) {
  Listen();
  Client client = Connect();
  ASSERT_TRUE(client.Send("POST /body HTTP/1.1\r\nContent-Length: 3000001\r\n\r\n"));
  loop_.RunUntil([this] { return errors_ == 1; });
  EXPECT_TRUE(client.Send(Bytes(100'000)));
  EXPECT_TRUE(client.Send(Bytes(100'000)));
  const auto response = client.ReceiveResponse();
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->status, 413);
}

TEST_F(HttpExchangeTest, ABodyThatDoesNotComeIsNotWaitedForForEver) {
  Listen({.request_timeout = milliseconds(50)});
  Client client = Connect();
  ASSERT_TRUE(client.Send("POST /body HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf"));
  EXPECT_EQ(client.ReceiveToEnd(), Client::Got::kEnd);
  EXPECT_EQ(client.received(), "");
}

// --- bodies that wait for a disk ---

TEST_F(HttpExchangeTest, NobodyElseWaitsForWhatABodyWaitsFor) {
  Listen();
  Client client = Connect();
  ASSERT_TRUE(client.Send("GET /fetched HTTP/1.1\r\n\r\nGET /next HTTP/1.1\r\n\r\n"));
  for (std::size_t n = 1; n <= 3; ++n) {
    AwaitFetches(n);
    Client other = Connect();
    ASSERT_TRUE(other.Send("GET /other HTTP/1.1\r\n\r\n"));
    EXPECT_EQ(other.ReceiveResponse()->body, "/other");
    TakeFetch(n - 1)();
  }
  EXPECT_EQ(client.ReceiveResponse()->body, "piecepiecepiece");
  EXPECT_EQ(client.ReceiveResponse()->body, "/next");
}

TEST_F(HttpExchangeTest, APeerIsNotTakenForSlowWhileThereIsNothingForIt) {
  Listen({.write_timeout = milliseconds(100)});
  Client client = Connect();
  ASSERT_TRUE(client.Send("GET /late HTTP/1.1\r\n\r\n"));
  EXPECT_EQ(client.ReceiveResponse()->body, "end");
}

TEST_F(HttpExchangeTest, WhatABodyWaitsForMayComeWhenItsConnectionIsGone) {
  Listen({.write_timeout = milliseconds(30)});
  Client client = Connect();
  ASSERT_TRUE(client.Send("GET /fetched HTTP/1.1\r\n\r\n"));
  AwaitFetches(1);
  // A disk that takes longer than a piece may: the connection is cut off.
  AwaitNobody();
  TakeFetch(0)();
  Client other = Connect();
  ASSERT_TRUE(other.Send("GET /other HTTP/1.1\r\n\r\n"));
  EXPECT_EQ(other.ReceiveResponse()->body, "/other");
}

// --- answers that come later ---

TEST_F(HttpExchangeTest, AnAnswerThatComesLaterKeepsItsPlace) {
  Listen();
  Client client = Connect();
  ASSERT_TRUE(
      client.Send("GET /a HTTP/1.1\r\n\r\nGET /later HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n"
                  "GET /later HTTP/1.1\r\n\r\nGET /c HTTP/1.1\r\n\r\n"));
  EXPECT_EQ(client.ReceiveResponse()->body, "/a");
  std::thread worker([this] { Deferral(0)->Finish({Response("first"), nullptr, true}); });
  EXPECT_EQ(client.ReceiveResponse()->body, "first");
  EXPECT_EQ(client.ReceiveResponse()->body, "/b");
  worker.join();
  auto body = std::make_unique<ZeroBody>(100'000);
  Deferral(1)->Finish({"HTTP/1.1 200 X\r\nContent-Length: 100000\r\n\r\n", std::move(body), true});
  EXPECT_EQ(client.ReceiveResponse()->body, std::string(100'000, '\0'));
  EXPECT_EQ(client.ReceiveResponse()->body, "/c");
}

TEST_F(HttpExchangeTest, AnAnswerMayCloseTheConnection) {
  Listen();
  Client client = Connect();
  ASSERT_TRUE(client.Send("GET /later HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n"));
  Deferral(0)->Finish({Response("last", false), nullptr, false});
  EXPECT_EQ(client.ReceiveResponse()->body, "last");
  EXPECT_EQ(client.ReceiveToEnd(), Client::Got::kEnd);
  EXPECT_EQ(client.received(), "");
}

TEST_F(HttpExchangeTest, WhoeverGoesIsNotAnswered) {
  Listen();
  Client client = Connect();
  ASSERT_TRUE(client.Send("GET /later HTTP/1.1\r\n\r\n"));
  const std::shared_ptr<HttpDeferral> deferral = Deferral(0);
  EXPECT_FALSE(deferral->is_cancelled());
  client.Close();
  AwaitNobody();
  EXPECT_TRUE(deferral->is_cancelled());
  deferral->Finish({"nobody", nullptr, true});
}

TEST_F(HttpExchangeTest, AnAnswerThatNeverComesIsOverInTime) {
  Listen({.answer_timeout = milliseconds(30)});
  Client client = Connect();
  ASSERT_TRUE(client.Send("GET /later HTTP/1.1\r\n\r\n"));
  EXPECT_EQ(client.ReceiveResponse()->status, 503);
  EXPECT_EQ(client.ReceiveMore(), Client::Got::kEnd);
  EXPECT_TRUE(Deferral(0)->is_cancelled());
}

TEST_F(HttpExchangeTest, AnAnswerIsAwaitedWhileItDrains) {
  Listen();
  Client client = Connect();
  ASSERT_TRUE(client.Send("GET /later HTTP/1.1\r\n\r\n"));
  const std::shared_ptr<HttpDeferral> deferral = Deferral(0);
  std::atomic<bool> closed = false;
  loop_.Run([&] { listener_.release()->Drain([&] { closed = true; }); });
  deferral->Finish({Response("done"), nullptr, true});
  EXPECT_EQ(client.ReceiveResponse()->body, "done");
  EXPECT_EQ(client.ReceiveMore(), Client::Got::kEnd);
  loop_.RunUntil([&] { return closed.load(); });
}

TEST_F(HttpExchangeTest, AnswersAndGoodbyesMayMeetInAnyOrder) {
  Listen();
  constexpr std::size_t kClients = 200;
  std::vector<Client> clients;
  for (std::size_t i = 0; i < kClients; ++i) {
    clients.push_back(Connect());
    ASSERT_TRUE(clients.back().Send("GET /later HTTP/1.1\r\n\r\n"));
  }
  Deferral(kClients - 1);
  std::thread finisher([this] {
    for (std::size_t i = 0; i < kClients; ++i) {
      deferrals_[i]->Finish({Response("x"), nullptr, true});
    }
  });
  for (Client& client : clients) client.Close();
  finisher.join();
  AwaitNobody();
}

// The listener goes while answers are still to come.
TEST_F(HttpExchangeTest, AnAnswerAfterTheEndIsNoMatter) {
  Listen();
  Client client = Connect();
  ASSERT_TRUE(client.Send("GET /later HTTP/1.1\r\n\r\n"));
  const std::shared_ptr<HttpDeferral> deferral = Deferral(0);
  loop_.Run([this] { listener_.reset(); });
  EXPECT_TRUE(deferral->is_cancelled());
  deferral->Finish({"nobody", nullptr, true});
}

// --- files ---

TEST_F(HttpExchangeTest, PartsOfAFileComeInTheirOrder) {
  Listen();
  const std::string bytes = Bytes(5'000'000);
  file_ = FileOf(bytes);
  parts_ = {{"<1>", 4'000'000, 1'000'000}, {"<2>", 0, 3'000'000}, {"<3>", 7, 0}, {"", 10, 5}};
  Client client = Connect();
  ASSERT_TRUE(client.Send("GET /file HTTP/1.1\r\n\r\nGET /next HTTP/1.1\r\n\r\n"));
  EXPECT_EQ(client.ReceiveResponse()->body,
            absl::StrCat("<1>", bytes.substr(4'000'000), "<2>", bytes.substr(0, 3'000'000), "<3>",
                         bytes.substr(10, 5), "end"));
  EXPECT_EQ(client.ReceiveResponse()->body, "/next");
}

TEST_F(HttpExchangeTest, ASlowReaderKeepsNobodyWaiting) {
  Listen();
  const std::string bytes = Bytes(6'000'000);
  file_ = FileOf(bytes);
  parts_ = {{"", 0, 6'000'000}};
  Client slow = Connect(/*receive_buffer=*/4096);
  ASSERT_TRUE(slow.Send("GET /file HTTP/1.1\r\n\r\n"));
  for (int i = 0; i < 20; ++i) {
    Client other = Connect();
    ASSERT_TRUE(other.Send("GET /x HTTP/1.1\r\n\r\n"));
    EXPECT_EQ(other.ReceiveResponse()->body, "/x");
  }
  EXPECT_EQ(slow.ReceiveResponse()->body, bytes + "end");
}

TEST_F(HttpExchangeTest, WhoeverGoesInTheMiddleOfAFileIsForgotten) {
  Listen();
  file_ = FileOf(Bytes(6'000'000));
  parts_ = {{"", 0, 6'000'000}};
  Client client = Connect(/*receive_buffer=*/4096);
  ASSERT_TRUE(client.Send("GET /file HTTP/1.1\r\n\r\n"));
  ASSERT_EQ(client.ReceiveMore(), Client::Got::kBytes);
  client.Close();
  AwaitNobody();
}

TEST_F(HttpExchangeTest, AFileThatBecomesShorterIsCutOff) {
  Listen();
  file_ = FileOf(Bytes(1000));
  parts_ = {{"", 0, 2000}};
  Client client = Connect();
  ASSERT_TRUE(client.Send("GET /file HTTP/1.1\r\n\r\n"));
  EXPECT_EQ(client.ReceiveToEnd(), Client::Got::kReset);
  AwaitNobody();
}

TEST_F(HttpExchangeTest, AFileThatNobodyTakesIsGivenUp) {
  Listen({.write_timeout = milliseconds(50)});
  file_ = FileOf(Bytes(6'000'000));
  parts_ = {{"", 0, 6'000'000}};
  Client client = Connect(/*receive_buffer=*/4096);
  ASSERT_TRUE(client.Send("GET /file HTTP/1.1\r\n\r\n"));
  client.ReceiveMore();  // a part of it, or the end
  AwaitNobody();
}

}  // namespace
}  // namespace muster
