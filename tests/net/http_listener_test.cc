// SPDX-License-Identifier: Apache-2.0
#include "net/http_listener.h"

#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "net/client.h"
#include "net/loop_thread.h"

namespace muster {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kBig = 8'000'000;  // more than the sockets hold

// Bytes that show where they belong; at most kBig.
std::string Pattern(std::size_t size) {
  static const std::string pattern = [] {
    std::string text(kBig, ' ');
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i * i / 7 % 26);
    return text;
  }();
  return pattern.substr(0, size);
}

void Respond(int status, std::string_view body, bool keep_alive, bool head_only, std::string& out) {
  absl::StrAppend(&out, "HTTP/1.1 ", status, " X\r\nContent-Length: ", body.size(),
                  "\r\nConnection: ", keep_alive ? "keep-alive" : "close", "\r\n\r\n");
  if (!head_only) out.append(body);
}

// A body of as many bytes as wanted, in pieces; every third one is empty. With `fails_at`, it fails
// there.
class PatternBody final : public HttpBody {
 public:
  PatternBody(std::size_t size, std::atomic<int>* alive, std::atomic<std::size_t>* made,
              std::size_t fails_at)
      : text_(Pattern(size)), alive_(*alive), made_(*made), fails_at_(fails_at) {
    ++alive_;
  }
  ~PatternBody() override { --alive_; }
  Progress Produce(std::size_t budget, std::string& out) override {
    if (++calls_ % 3 == 0) return Progress::kMore;
    if (at_ >= fails_at_) return Progress::kFailed;
    const std::size_t n = std::min(budget, text_.size() - at_);
    out.append(text_, at_, n);
    at_ += n;
    made_ = at_;
    return at_ < text_.size() ? Progress::kMore : Progress::kEnd;
  }

 private:
  const std::string text_;
  std::atomic<int>& alive_;
  std::atomic<std::size_t>& made_;
  const std::size_t fails_at_;
  std::size_t at_ = 0;
  int calls_ = 0;
};

class LogLines final : public LogSink {
 public:
  void Log(LogLevel, std::string_view) override { ++lines; }
  std::atomic<int> lines = 0;
};

class HttpListenerTest : public testing::Test {
 protected:
  // Answers with the path; "/big/N" with a pattern of N bytes.
  void Listen(const HttpListenerOptions& options = {},
              milliseconds drain_timeout = milliseconds(5000),
              std::vector<std::string> addresses = {"127.0.0.1:0"}) {
    std::vector<HttpSocket> sockets;
    for (const std::string& address : addresses) {
      absl::StatusOr<UniqueFd> socket = ListenTcp(E(address), {});
      ASSERT_TRUE(socket.ok()) << socket.status();
      servers_.push_back(*LocalEndpoint(socket->get()));
      sockets.push_back({*std::move(socket)});
    }
    HttpHandlers handlers;
    handlers.answer = [this](absl::Span<HttpExchange> batch, std::string& out) {
      largest_batch_ = std::max<std::size_t>(largest_batch_, batch.size());
      for (HttpExchange& exchange : batch) {
        ++requests_;
        from_ = *exchange.from;
        std::string body(exchange.request->path);
        if (body.rfind("/big/", 0) == 0) body = Pattern(std::stoul(body.substr(5)));
        if (body.rfind("/stream/", 0) == 0) {
          Stream(std::stoul(body.substr(8)), exchange, out);
          continue;
        }
        Respond(200, body, exchange.keep_alive, exchange.request->method == HttpMethod::kHead, out);
        exchange.end = out.size();
      }
    };
    handlers.error = [](int status, std::string& out) {
      Respond(status, "error", false, false, out);
    };
    loop_.Run([&] {
      auto listener = HttpListener::Start(loop_.loop(), std::move(sockets), options,
                                          std::move(handlers), &counters_, drain_timeout, &log_);
      ASSERT_TRUE(listener.ok()) << listener.status();
      listener_ = *std::move(listener);
    });
  }
  // Says in its head how long it is, so that a client can tell.
  void Stream(std::size_t size, HttpExchange& exchange, std::string& out) {
    absl::StrAppend(&out, "HTTP/1.1 200 X\r\nContent-Length: ", size, "\r\n\r\n");
    if (exchange.request->minor_version == 0) exchange.keep_alive = false;
    exchange.body = std::make_unique<PatternBody>(size, &bodies_, &made_, fails_at_);
    exchange.end = out.size();
  }
  void TearDown() override {
    loop_.Run([this] { listener_.reset(); });
    EXPECT_EQ(bodies_, 0);
  }
  Client Connect(int receive_buffer = 0) { return Client::Tcp(servers_[0], receive_buffer); }
  std::size_t connections() {
    std::size_t connections = 0;
    loop_.Run([&] { connections = listener_->connections(); });
    return connections;
  }
  void ExpectAnswer(Client& client, std::string_view path) {
    EXPECT_TRUE(client.Send(absl::StrCat("GET ", ToAbsl(path), " HTTP/1.1\r\nHost: x\r\n\r\n")));
    const auto response = client.ReceiveResponse();
    ASSERT_TRUE(response.has_value());
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body, path);
  }

  HttpCounters counters_;
  LoopThread loop_;
  ClosingPtr<HttpListener> listener_;  // on the loop's thread
  std::vector<Endpoint> servers_;
  LogLines log_;
  std::atomic<std::size_t> requests_ = 0;
  std::atomic<std::size_t> largest_batch_ = 0;
  IpAddress from_;
  // Streamed bodies: those alive, what the last one has made, and where they fail.
  std::atomic<int> bodies_ = 0;
  std::atomic<std::size_t> made_ = 0;
  std::size_t fails_at_ = ~std::size_t{0};
};

// --- bodies that are made while they are sent ---

TEST_F(HttpListenerTest, StreamsABodyAndGoesOnWithTheNextRequest) {
  Listen();
  Client client = Connect();
  ExpectAnswer(client, "/first");
  EXPECT_TRUE(
      client.Send("GET /a HTTP/1.1\r\n\r\nGET /stream/3000000 HTTP/1.1\r\n\r\n"
                  "GET /b HTTP/1.1\r\n\r\nGET /stream/5 HTTP/1.1\r\n\r\n"));
  EXPECT_EQ(client.ReceiveResponse()->body, "/a");
  EXPECT_EQ(client.ReceiveResponse()->body, Pattern(3'000'000));
  EXPECT_EQ(client.ReceiveResponse()->body, "/b");
  EXPECT_EQ(client.ReceiveResponse()->body, Pattern(5));
  ExpectAnswer(client, "/last");
}

TEST_F(HttpListenerTest, StreamsToAFreshConnectionAndCloses) {
  Listen();
  Client client = Connect();
  EXPECT_TRUE(client.Send("GET /stream/1000000 HTTP/1.0\r\n\r\n"));
  EXPECT_EQ(client.ReceiveToEnd(), Client::Got::kEnd);
  EXPECT_EQ(client.received(),
            "HTTP/1.1 200 X\r\nContent-Length: 1000000\r\n\r\n" + Pattern(1'000'000));
}

TEST_F(HttpListenerTest, MakesNoMoreOfABodyThanThePeerTakes) {
  Listen();
  Client slow = Connect(/*receive_buffer=*/4096);
  EXPECT_TRUE(slow.Send("GET /stream/8000000 HTTP/1.1\r\n\r\n"));
  // It stands still when the sockets are full; others are served meanwhile.
  std::size_t made = 0;
  for (int same = 0; same < 20;) {
    Client other = Connect();
    ExpectAnswer(other, "/x");
    same = made_ == made && made > 0 ? same + 1 : 0;
    made = made_;
  }
  EXPECT_LT(made, 6'000'000u);
  EXPECT_EQ(slow.ReceiveResponse()->body, Pattern(8'000'000));
}

TEST_F(HttpListenerTest, ManyStreamsAndOthersTakeTurns) {
  Listen();
  std::vector<Client> streaming;
  for (int i = 0; i < 5; ++i) {
    streaming.push_back(Connect());
    EXPECT_TRUE(streaming.back().Send("GET /stream/2000000 HTTP/1.1\r\n\r\n"));
  }
  Client other = Connect();
  for (int i = 0; i < 20; ++i) ExpectAnswer(other, "/x");
  for (Client& client : streaming) EXPECT_EQ(client.ReceiveResponse()->body, Pattern(2'000'000));
}

TEST_F(HttpListenerTest, CutsABodyThatFailsOff) {
  fails_at_ = 500'000;
  Listen();
  Client client = Connect();
  EXPECT_TRUE(client.Send("GET /stream/1000000 HTTP/1.1\r\n\r\n"));
  EXPECT_EQ(client.ReceiveToEnd(), Client::Got::kReset);
  loop_.RunUntil([&] { return listener_->connections() == 0; });
}

TEST_F(HttpListenerTest, DropsTheBodyOfAClientThatHasGone) {
  Listen();
  Client client = Connect(/*receive_buffer=*/4096);
  EXPECT_TRUE(client.Send("GET /stream/8000000 HTTP/1.1\r\n\r\n"));
  loop_.RunUntil([&] { return bodies_ == 1; });
  client.Close();
  loop_.RunUntil([&] { return bodies_ == 0 && listener_->connections() == 0; });
}

TEST_F(HttpListenerTest, ClosesAStreamThatThePeerDoesNotTake) {
  Listen({.write_timeout = milliseconds(50)});
  Client client = Connect(/*receive_buffer=*/4096);
  EXPECT_TRUE(client.Send("GET /stream/8000000 HTTP/1.1\r\n\r\n"));
  // Not the body itself, which a slow machine may never see.
  loop_.RunUntil([&] { return requests_ == 1; });
  loop_.RunUntil([&] { return listener_->connections() == 0; });
}

TEST_F(HttpListenerTest, ClosesAStreamThatTakesTooLong) {
  Listen({.stream_timeout = milliseconds(1)});
  Client client = Connect(/*receive_buffer=*/4096);
  EXPECT_TRUE(client.Send("GET /stream/8000000 HTTP/1.1\r\n\r\n"));
  EXPECT_NE(client.ReceiveToEnd(), Client::Got::kNothingInTime);
  EXPECT_LT(client.received().size(), 8'000'000u);
}

TEST_F(HttpListenerTest, FinishesAStreamWhileItDrains) {
  Listen();
  Client client = Connect(/*receive_buffer=*/4096);
  EXPECT_TRUE(client.Send("GET /stream/8000000 HTTP/1.1\r\n\r\n"));
  loop_.RunUntil([&] { return bodies_ == 1; });
  std::atomic<bool> closed = false;
  loop_.Run([&] { listener_.release()->Drain([&] { closed = true; }); });
  EXPECT_EQ(client.ReceiveResponse()->body, Pattern(8'000'000));
  EXPECT_EQ(client.ReceiveToEnd(), Client::Got::kEnd);
  loop_.RunUntil([&] { return closed.load(); });
}

TEST_F(HttpListenerTest, CountsItsConnections) {
  Listen({.max_connections = 2});
  Client a = Connect();
  Client b = Connect();
  ExpectAnswer(a, "/a");
  ExpectAnswer(b, "/b");
  Client c = Connect();
  EXPECT_TRUE(c.Send("GET /c HTTP/1.1\r\n\r\n"));
  EXPECT_EQ(c.ReceiveResponse()->status, 503);
  EXPECT_EQ(counters_.accepted.value(), 3u);
  EXPECT_EQ(counters_.turned_away.value(), 1u);
  EXPECT_EQ(counters_.open.value(), 2u);
  a.Close();
  loop_.RunUntil([&] { return counters_.open.value() == 1; });
}

TEST_F(HttpListenerTest, TimesAPartOfTheRequests) {
  Listen();
  Client client = Connect();
  for (int i = 0; i < 100; ++i) ExpectAnswer(client, "/x");
  loop_.Run([] {});
  const LatencyHistogram h = counters_.latency.Read();
  EXPECT_GE(h.count(), 3u);
  EXPECT_LE(h.count(), 4u);
  EXPECT_GT(h.total_ns, 0u);
}

// --- whole answers ---

TEST_F(HttpListenerTest, AnswersOneRequestAndCloses) {
  Listen();
  Client client = Connect();
  EXPECT_TRUE(client.Send("GET /a HTTP/1.0\r\n\r\n"));
  EXPECT_EQ(client.ReceiveToEnd(), Client::Got::kEnd);
  EXPECT_EQ(client.received(),
            "HTTP/1.1 200 X\r\nContent-Length: 2\r\nConnection: close\r\n\r\n/a");
}

TEST_F(HttpListenerTest, TellsTheHandlerWhoAsks) {
  Listen({}, milliseconds(0), {"127.0.0.1:0", "[::1]:0"});
  for (const Endpoint& server : servers_) {
    Client client = Client::Tcp(server);
    ExpectAnswer(client, "/x");
    loop_.Run([&] { EXPECT_EQ(from_, client.local().address()); });
  }
}

TEST_F(HttpListenerTest, KeepsAConnectionAlive) {
  Listen();
  Client client = Connect();
  for (int i = 0; i < 50; ++i) ExpectAnswer(client, absl::StrCat("/", i));
  EXPECT_EQ(connections(), 1u);
  client.Close();
  loop_.RunUntil([&] { return listener_->connections() == 0; });
}

TEST_F(HttpListenerTest, AnswersAHeadRequestWithoutABody) {
  Listen();
  Client client = Connect();
  EXPECT_TRUE(client.Send("HEAD /abc HTTP/1.1\r\nHost: x\r\n\r\n"));
  const auto response = client.ReceiveResponse(/*head_only=*/true);
  ASSERT_TRUE(response.has_value());
  EXPECT_NE(response->head.find("Content-Length: 4"), std::string::npos);
  ExpectAnswer(client, "/next");
}

TEST_F(HttpListenerTest, TakesRequestsInPiecesOfEverySize) {
  Listen();
  const std::string requests =
      "GET /first HTTP/1.1\r\nHost: x\r\n\r\n"
      "POST /second HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"
      "GET /third HTTP/1.1\r\nConnection: close\r\n\r\n";
  for (std::size_t size = 1; size <= requests.size(); ++size) {
    Client client = Connect();
    for (std::size_t at = 0; at < requests.size(); at += size) {
      ASSERT_TRUE(client.Send(std::string_view(requests).substr(at, size)));
    }
    for (const char* path : {"/first", "/second", "/third"}) {
      const auto response = client.ReceiveResponse();
      ASSERT_TRUE(response.has_value()) << "pieces of " << size;
      EXPECT_EQ(response->body, path);
    }
    EXPECT_EQ(client.ReceiveMore(), Client::Got::kEnd);
  }
}

TEST_F(HttpListenerTest, TakesARequestByteByByteAcrossWakeUps) {
  Listen();
  Client client = Connect();
  for (const char c : std::string("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")) {
    ASSERT_TRUE(client.Send({&c, 1}));
    loop_.Run([] {});  // it has seen the byte before the next one comes
  }
  EXPECT_EQ(client.ReceiveResponse()->body, "/slow");
}

TEST_F(HttpListenerTest, AnswersPipelinedRequestsInOrder) {
  Listen();
  Client client = Connect();
  std::string requests;
  for (int i = 0; i < 900; ++i) absl::StrAppend(&requests, "GET /", i, " HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(client.Send(requests));
  for (int i = 0; i < 900; ++i) EXPECT_EQ(client.ReceiveResponse()->body, absl::StrCat("/", i));
}

TEST_F(HttpListenerTest, AnswersTogetherWhatHasComeTogether) {
  Listen();
  std::vector<Client> clients;
  for (int c = 0; c < 100; ++c) {
    clients.push_back(Connect());
    ExpectAnswer(clients.back(), "/first");
  }
  loop_.Run([&] {  // while the loop does not look
    for (std::size_t c = 0; c < clients.size(); ++c) {
      // Whole requests, several at once, parts, and nonsense.
      const std::string whole = absl::StrCat("GET /", c, " HTTP/1.1\r\n\r\n");
      const std::string sent[] = {whole, absl::StrCat(whole, whole), whole.substr(0, 9), "\1\r\n",
                                  absl::StrCat("GET /", c, " HTTP/1.0\r\n\r\nmore")};
      EXPECT_TRUE(clients[c].Send(sent[c % 5]));
    }
  });
  for (std::size_t c = 0; c < clients.size(); ++c) {
    const std::string path = absl::StrCat("/", c);
    if (c % 5 == 2) {
      const std::string whole = absl::StrCat("GET ", path, " HTTP/1.1\r\n\r\n");
      EXPECT_TRUE(clients[c].Send(whole.substr(9)));
    }
    const auto response = clients[c].ReceiveResponse();
    ASSERT_TRUE(response.has_value()) << c;
    EXPECT_EQ(response->body, c % 5 == 3 ? "error" : path);
    if (c % 5 == 1) {
      EXPECT_EQ(clients[c].ReceiveResponse()->body, path);
    }
    if (c % 5 >= 3) {
      EXPECT_EQ(clients[c].ReceiveMore(), Client::Got::kEnd);
    }
  }
  EXPECT_GT(largest_batch_, 10u);
}

TEST_F(HttpListenerTest, ClosesWhileRequestsWait) {
  Listen();
  std::vector<Client> clients;
  for (int c = 0; c < 10; ++c) {
    clients.push_back(Connect());
    ExpectAnswer(clients.back(), "/first");
  }
  bool closed = false;
  loop_.Run([&] {
    for (Client& client : clients) EXPECT_TRUE(client.Send("GET /late HTTP/1.1\r\n\r\n"));
    // The loop hears of the requests first, and of this before it answers them.
    loop_.Post([&] { listener_.release()->Close([&] { closed = true; }); });
  });
  loop_.RunUntil([&] { return closed; });
  EXPECT_EQ(requests_, clients.size());
  for (Client& client : clients) EXPECT_NE(client.ReceiveMore(), Client::Got::kNothingInTime);
}

TEST_F(HttpListenerTest, ClosesWhenTheBudgetOfRequestsIsSpent) {
  Listen({.max_requests_per_connection = 3});
  Client client = Connect();
  ExpectAnswer(client, "/1");
  ExpectAnswer(client, "/2");
  EXPECT_TRUE(client.Send("GET /3 HTTP/1.1\r\n\r\nGET /4 HTTP/1.1\r\n\r\n"));
  const auto last = client.ReceiveResponse();
  ASSERT_TRUE(last.has_value());
  EXPECT_EQ(last->body, "/3");
  EXPECT_NE(last->head.find("Connection: close"), std::string::npos);
  EXPECT_EQ(client.ReceiveMore(), Client::Got::kEnd);
  EXPECT_EQ(requests_, 3u);
}

TEST_F(HttpListenerTest, AnswersAClientThatIsDoneSending) {
  Listen();
  for (const char* request : {"GET /x HTTP/1.1\r\n\r\n", "GET /x HTTP/1.0\r\n\r\n"}) {
    Client client = Connect();
    EXPECT_TRUE(client.Send(request));
    shutdown(client.fd(), SHUT_WR);
    EXPECT_EQ(client.ReceiveResponse()->body, "/x");
    EXPECT_EQ(client.ReceiveMore(), Client::Got::kEnd);
  }
}

TEST_F(HttpListenerTest, AnswersAClientThatIsDoneSendingAndSlowToRead) {
  Listen();
  Client client = Connect(/*receive_buffer=*/4096);
  EXPECT_TRUE(client.Send("GET /big/8000000 HTTP/1.1\r\n\r\nGET /after HTTP/1.1\r\n\r\n"));
  shutdown(client.fd(), SHUT_WR);
  loop_.RunUntil([&] { return requests_ == 1; });
  EXPECT_EQ(client.ReceiveResponse()->body, Pattern(kBig));
  EXPECT_EQ(client.ReceiveResponse()->body, "/after");
  EXPECT_EQ(client.ReceiveMore(), Client::Got::kEnd);
}

TEST_F(HttpListenerTest, GivesUpOnARequestThatIsCutShort) {
  Listen();
  Client client = Connect();
  EXPECT_TRUE(client.Send("GET /x HTTP/1.1\r\nHo"));
  shutdown(client.fd(), SHUT_WR);
  EXPECT_EQ(client.ReceiveMore(), Client::Got::kEnd);
  EXPECT_EQ(requests_, 0u);
}

TEST_F(HttpListenerTest, AnswersNonsenseWithAnErrorAndCloses) {
  Listen();
  Client client = Connect();
  EXPECT_TRUE(client.Send("GET /good HTTP/1.1\r\n\r\n\x01\x02\x03 nonsense\r\n\r\n"));
  EXPECT_EQ(client.ReceiveResponse()->body, "/good");
  EXPECT_EQ(client.ReceiveResponse()->status, 400);
  EXPECT_EQ(client.ReceiveMore(), Client::Got::kEnd);
}

TEST_F(HttpListenerTest, AnErrorReachesAClientThatIsStillSending) {
  Listen();
  Client client = Connect();
  const std::string garbage(100'000, 'x');
  EXPECT_TRUE(client.Send(absl::StrCat("GET /", garbage)));
  EXPECT_TRUE(client.Send(garbage));
  const auto response = client.ReceiveResponse();
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->status, 414);
  shutdown(client.fd(), SHUT_WR);
  EXPECT_EQ(client.ReceiveMore(), Client::Got::kEnd);
  loop_.RunUntil([&] { return listener_->connections() == 0; });
}

TEST_F(HttpListenerTest, DoesNotListenForEverToWhatItDoesNotRead) {
  Listen();
  Client client = Connect();
  const std::string garbage(1'000'000, 'x');
  std::size_t sent = 0;
  while (sent < 100 && client.Send(garbage)) ++sent;
  EXPECT_LT(sent, 100u);
  loop_.RunUntil([&] { return listener_->connections() == 0; });
}

TEST_F(HttpListenerTest, ClosesASlowSenderHoweverItTrickles) {
  Listen({.request_timeout = milliseconds(150)});
  Client client = Connect();
  client.SetTimeout(milliseconds(20));
  const auto start = steady_clock::now();
  ASSERT_TRUE(client.Send("GET /"));
  Client::Got got = Client::Got::kNothingInTime;
  while (got == Client::Got::kNothingInTime) {
    if (!client.Send("x")) break;
    got = client.ReceiveMore();
    ASSERT_LT(steady_clock::now() - start, milliseconds(5000));
  }
  EXPECT_NE(got, Client::Got::kBytes);
  EXPECT_GE(steady_clock::now() - start, milliseconds(140));
  EXPECT_EQ(connections(), 0u);
}

TEST_F(HttpListenerTest, ClosesASlowSenderOfALaterRequest) {
  Listen({.request_timeout = milliseconds(100), .idle_timeout = milliseconds(60'000)});
  Client client = Connect();
  ExpectAnswer(client, "/1");
  EXPECT_TRUE(client.Send("GET /2"));
  EXPECT_EQ(client.ReceiveMore(), Client::Got::kEnd);
  EXPECT_EQ(requests_, 1u);
}

TEST_F(HttpListenerTest, ClosesASilentConnection) {
  Listen({.request_timeout = milliseconds(50)});
  Client client = Connect();
  // The kernel keeps it to itself for a second, as accepting is deferred.
  EXPECT_EQ(client.ReceiveMore(), Client::Got::kEnd);
}

TEST_F(HttpListenerTest, ClosesAnIdleConnection) {
  Listen({.idle_timeout = milliseconds(50)});
  Client client = Connect();
  ExpectAnswer(client, "/1");
  EXPECT_EQ(client.ReceiveMore(), Client::Got::kEnd);
}

TEST_F(HttpListenerTest, AnActiveConnectionIsNotIdle) {
  Listen({.request_timeout = milliseconds(30'000), .idle_timeout = milliseconds(200)});
  Client active = Connect(), idle = Connect();
  ExpectAnswer(idle, "/idle");
  idle.SetTimeout(milliseconds(10));
  Client::Got got;
  do {  // much longer than the idle connection lasts
    ExpectAnswer(active, "/active");
    got = idle.ReceiveMore();
  } while (got == Client::Got::kNothingInTime);
  EXPECT_EQ(got, Client::Got::kEnd);
  ExpectAnswer(active, "/still");
}

TEST_F(HttpListenerTest, RefusesConnectionsOverTheLimitWithoutHurtingTheOthers) {
  Listen({.max_connections = 2});
  Client a = Connect(), b = Connect();
  ExpectAnswer(a, "/a");
  ExpectAnswer(b, "/b");
  for (int i = 0; i < 20; ++i) {
    Client c = Connect();
    c.Send("GET /c HTTP/1.1\r\n\r\n");
    EXPECT_EQ(c.ReceiveResponse()->status, 503);
    EXPECT_EQ(c.ReceiveMore(), Client::Got::kEnd);
  }
  ExpectAnswer(a, "/a2");
  ExpectAnswer(b, "/b2");
  a.Close();
  loop_.RunUntil([&] { return listener_->connections() == 1; });
  Client d = Connect();
  ExpectAnswer(d, "/d");
  ExpectAnswer(b, "/b3");
}

TEST_F(HttpListenerTest, SendsABigAnswerToASlowReader) {
  Listen();
  Client slow = Connect(/*receive_buffer=*/4096), other = Connect();
  EXPECT_TRUE(slow.Send("GET /big/8000000 HTTP/1.1\r\n\r\n"));
  loop_.RunUntil([&] { return requests_ == 1; });
  ExpectAnswer(other, "/meanwhile");
  EXPECT_EQ(slow.ReceiveResponse()->body, Pattern(kBig));
  ExpectAnswer(slow, "/after");
}

TEST_F(HttpListenerTest, DoesNotAnswerAheadOfAReaderThatDoesNotRead) {
  Listen();
  Client client = Connect(/*receive_buffer=*/4096);
  std::string requests;
  for (int i = 0; i < 200; ++i) absl::StrAppend(&requests, "GET /big/65536 HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(client.Send(requests));
  // All that fits into the sockets, and no more, is answered at once.
  loop_.RunUntil([&] { return requests_ > 0; });
  EXPECT_LT(requests_, 200u);
  for (int i = 0; i < 200; ++i) ASSERT_EQ(client.ReceiveResponse()->body, Pattern(65536));
}

TEST_F(HttpListenerTest, CutsOffAReaderThatDoesNotReadInTime) {
  Listen({.write_timeout = milliseconds(100)});
  Client client = Connect(/*receive_buffer=*/4096);
  EXPECT_TRUE(client.Send("GET /big/8000000 HTTP/1.1\r\n\r\n"));
  pollfd reset{.fd = client.fd(), .events = 0, .revents = 0};
  EXPECT_EQ(poll(&reset, 1, 10'000), 1);
  EXPECT_EQ(client.ReceiveToEnd(), Client::Got::kReset);
  EXPECT_EQ(connections(), 0u);
}

TEST_F(HttpListenerTest, SurvivesClientsThatResetTheirConnections) {
  Listen();
  for (const char* text :
       {"GET /x HT", "GET /big/8000000 HTTP/1.1\r\n\r\n", "GET /x HTTP/1.1\r\n\r\n"}) {
    for (int i = 0; i < 20; ++i) {
      Client client = Connect(4096);
      client.Send(text);
      if (i % 2 == 0) loop_.Run([] {});
      const linger at_once{.l_onoff = 1, .l_linger = 0};
      setsockopt(client.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
  }
  loop_.RunUntil([&] { return listener_->connections() == 0; });
  Client client = Connect();
  ExpectAnswer(client, "/alive");
}

TEST_F(HttpListenerTest, WaitsWithoutSpinningWhenThereAreNoFileDescriptors) {
  Listen();
  Client old = Connect();
  ExpectAnswer(old, "/old");
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const auto leave_none = [&] {
    const int next = dup(old.fd());
    close(next);
    const rlimit none_left{static_cast<rlim_t>(next), before.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none_left), 0);
  };
  // UBSan looks at the type of an object when it first meets it, for which it needs descriptors: so
  // the log sink is met before there are none, and a first pause ends with some.
  LogSink* volatile log = &log_;  // the compiler must not know better than to have it looked at
  log->Log(LogLevel::kInfo, "");
  log_.lines = 0;
  Client soon = Connect();
  leave_none();
  EXPECT_TRUE(soon.Send("GET /soon HTTP/1.1\r\n\r\n"));
  loop_.RunUntil([&] { return log_.lines == 1; });
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(soon.ReceiveResponse()->body, "/soon");

  Client waiting = Connect();
  std::atomic<int> wake_ups = 0;
  uv_check_t check;
  loop_.Run([&] {
    uv_check_init(loop_.loop(), &check);
    check.data = &wake_ups;
    uv_check_start(&check, [](uv_check_t* c) { ++*static_cast<std::atomic<int>*>(c->data); });
  });
  leave_none();
  EXPECT_TRUE(waiting.Send("GET /waited HTTP/1.1\r\n\r\n"));
  waiting.SetTimeout(milliseconds(350));
  EXPECT_EQ(waiting.ReceiveMore(), Client::Got::kNothingInTime);
  EXPECT_LT(wake_ups, 100);
  EXPECT_EQ(log_.lines, 1) << "told once for a while";
  ExpectAnswer(old, "/old-still-works");
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  waiting.SetTimeout(milliseconds(10'000));
  EXPECT_EQ(waiting.ReceiveResponse()->body, "/waited");
  loop_.Run([&] { uv_close(reinterpret_cast<uv_handle_t*>(&check), nullptr); });
  loop_.Run([] {});  // libuv lets go of it before it gets here
}

TEST_F(HttpListenerTest, DrainingClosesIdleConnectionsAndLetsRequestsFinish) {
  Listen();
  Client idle = Connect(), under_way = Connect(), ready = Connect(), taking = Connect(4096);
  ExpectAnswer(idle, "/idle");
  ExpectAnswer(ready, "/first");
  EXPECT_TRUE(under_way.Send("GET /under-way HT"));
  EXPECT_TRUE(taking.Send("GET /big/8000000 HTTP/1.1\r\n\r\n"));
  loop_.RunUntil([&] { return listener_->connections() == 4 && requests_ == 3; });
  bool closed = false;
  loop_.Run([&] {
    EXPECT_TRUE(ready.Send("GET /ready HTTP/1.1\r\n\r\n"));
    Client fresh = Connect();
    EXPECT_TRUE(fresh.Send("GET /fresh HTTP/1.1\r\n\r\n"));
    listener_.release()->Drain([&] { closed = true; });
    EXPECT_EQ(fresh.ReceiveResponse()->body, "/fresh");
    EXPECT_EQ(fresh.ReceiveMore(), Client::Got::kEnd);
  });
  EXPECT_EQ(idle.ReceiveMore(), Client::Got::kEnd);
  EXPECT_EQ(ready.ReceiveResponse()->body, "/ready");
  EXPECT_EQ(ready.ReceiveMore(), Client::Got::kEnd);
  EXPECT_FALSE(closed);
  EXPECT_TRUE(under_way.Send("TP/1.1\r\n\r\n"));
  const auto response = under_way.ReceiveResponse();
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->body, "/under-way");
  EXPECT_NE(response->head.find("Connection: close"), std::string::npos);
  EXPECT_EQ(under_way.ReceiveMore(), Client::Got::kEnd);
  EXPECT_EQ(taking.ReceiveResponse()->body, Pattern(kBig));
  EXPECT_EQ(taking.ReceiveMore(), Client::Got::kEnd);
  loop_.RunUntil([&] { return closed; });
  EXPECT_TRUE(ListenTcp(servers_[0], {}).ok()) << "the port is free again";
}

TEST_F(HttpListenerTest, DrainingEndsInTime) {
  Listen({}, /*drain_timeout=*/milliseconds(50));
  Client client = Connect();
  EXPECT_TRUE(client.Send("GET /never-en"));
  loop_.RunUntil([&] { return listener_->connections() == 1; });
  bool closed = false;
  loop_.Run([&] { listener_.release()->Drain([&] { closed = true; }); });
  EXPECT_EQ(client.ReceiveMore(), Client::Got::kEnd);
  loop_.RunUntil([&] { return closed; });
}

TEST_F(HttpListenerTest, ClosingCutsEverythingShort) {
  Listen();
  std::vector<Client> clients;
  for (const char* text :
       {"GET /x HT", "GET /big/8000000 HTTP/1.1\r\n\r\n", "GET /x HTTP/1.1\r\n\r\n"}) {
    clients.push_back(Connect(4096));
    EXPECT_TRUE(clients.back().Send(text));
  }
  loop_.RunUntil([&] { return listener_->connections() == 3; });
  bool closed = false;
  loop_.Run([&] { listener_.release()->Close([&] { closed = true; }); });
  for (Client& client : clients) EXPECT_NE(client.ReceiveToEnd(), Client::Got::kNothingInTime);
  loop_.RunUntil([&] { return closed; });
}

}  // namespace
}  // namespace muster
