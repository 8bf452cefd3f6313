// SPDX-License-Identifier: Apache-2.0
#include "service/http_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "http/decoding.h"
#include "muster/access_rules.h"
#include "muster/bencode.h"
#include "muster/refusal.h"
#include "muster/woodpeckers.h"
#include "service/service_testing.h"

namespace muster {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const std::string kHash2(20, 'i');

std::string AnnounceUrl(char id, int port, const std::string& more = "",
                        const std::string& hash = kHash) {
  return "/announce?info_hash=" + hash + "&peer_id=" + Id(id) + "&port=" + std::to_string(port) +
         "&left=1&" + more;
}

class HttpServiceTest : public testing::Test {
 protected:
  explicit HttpServiceTest(const MemoryStoreOptions& store = {.keep_peer_ids = true}) {
    TrackerOptions options;
    options.interval_spread = Seconds(0);
    options.max_numwant = 4;
    tracker_ = Tracker::Create(options, NewMemoryStore(store)).value();
    HttpOptions http;
    http.max_scrape_torrents = 3;
    Serve(http);
  }

  void Serve(const HttpOptions& http) {
    service_ = nullptr;
    site_ = std::make_unique<HttpSite>(tracker_.get(), &book_, http);
    service_ = std::make_unique<HttpService>(tracker_.get(), http, Random(1), &book_.worker(0),
                                             site_.get());
  }

  // The response to a request, sent as text; with its body, however that is made.
  std::string Send(const std::string& bytes, std::string_view from = "192.0.2.1",
                   bool keep_alive = true, OnBehalfOf on_behalf_of = OnBehalfOf::kSender) {
    HttpRequestParser parser({});
    EXPECT_EQ(parser.Parse(bytes), HttpRequestParser::Result::kDone) << bytes;
    std::string out;
    const IpAddress address = *IpAddress::Parse(from);
    HttpExchange exchange{&parser.request(), &address, keep_alive, on_behalf_of};
    service_->Answer(absl::MakeSpan(&exchange, 1), kNow, out);
    EXPECT_EQ(exchange.end, out.size());
    if (exchange.body != nullptr) {
      while (exchange.body->Produce(1000, out) == HttpBody::Progress::kMore) {
      }
    }
    return out;
  }
  std::string Get(const std::string& url, std::string_view from = "192.0.2.1") {
    const std::string response = Send("GET " + url + " HTTP/1.1\r\nHost: a\r\n\r\n", from);
    EXPECT_THAT(response, StartsWith("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"));
    return Body(response);
  }
  static std::string Body(const std::string& response) {
    const std::size_t end = response.find("\r\n\r\n");
    EXPECT_NE(end, std::string::npos);
    const std::string body = response.substr(end + 4);
    EXPECT_THAT(response, HasSubstr("Content-Length: " + std::to_string(body.size()) + "\r\n"));
    return body;
  }

  CounterBook book_{1, kNow};
  std::unique_ptr<Tracker> tracker_;
  std::unique_ptr<HttpSite> site_;
  std::unique_ptr<HttpService> service_;
};

TEST_F(HttpServiceTest, IntroducesPeersToEachOther) {
  EXPECT_THAT(Get(AnnounceUrl('1', 258)), HasSubstr("5:peers0:e"));
  EXPECT_THAT(Get(AnnounceUrl('2', 259), "192.0.2.2"),
              HasSubstr(std::string("5:peers6:\xc0\x00\x02\x01\x01\x02", 15) + "e"));
}

TEST_F(HttpServiceTest, IntroducesPeersAcrossFamilies) {
  Get(AnnounceUrl('1', 258));
  const std::string to_ipv6 = Get(AnnounceUrl('2', 259), "2001:db8::1");
  EXPECT_THAT(to_ipv6, HasSubstr(std::string("5:peers6:\xc0\x00\x02\x01\x01\x02", 15)));
  EXPECT_THAT(to_ipv6, EndsWith("6:peers60:e"));
  const std::string to_ipv4 = Get(AnnounceUrl('3', 260), "192.0.2.3");
  EXPECT_THAT(to_ipv4, HasSubstr("5:peers6:"));
  EXPECT_THAT(to_ipv4, HasSubstr("6:peers618:"));
}

TEST_F(HttpServiceTest, ListsPeersWithTheirIds) {
  Get(AnnounceUrl('1', 80));
  EXPECT_THAT(Get(AnnounceUrl('2', 259, "compact=0"), "192.0.2.2"),
              HasSubstr("5:peersld2:ip9:192.0.2.17:peer id20:" + Id('1') + "4:porti80eee"));
  EXPECT_THAT(Get(AnnounceUrl('2', 259, "compact=0&no_peer_id=1"), "192.0.2.2"),
              HasSubstr("5:peersld2:ip9:192.0.2.14:porti80eee"));
}

TEST_F(HttpServiceTest, KeepsToTheCapOnPeers) {
  for (int i = 1; i <= 9; ++i) Get(AnnounceUrl('1', 100 + i));
  for (int i = 1; i <= 9; ++i) Get(AnnounceUrl('1', 100 + i), "2001:db8::1");
  const std::string body =
      Get(AnnounceUrl('2', 80, "numwant=1000&compact=0&no_peer_id=1"), "192.0.2.9");
  std::size_t peers = 0;
  for (std::size_t at = body.find("4:port"); at != std::string::npos;
       at = body.find("4:port", at + 1))
    ++peers;
  EXPECT_EQ(peers, 4u);
}

TEST_F(HttpServiceTest, SaysWhatTheAddressLooksLikeFromOutside) {
  EXPECT_THAT(Get(AnnounceUrl('1', 80)),
              HasSubstr(std::string("11:external ip4:\xc0\x00\x02\x01", 19)));
}

TEST_F(HttpServiceTest, AnswersNonsenseWithAFailureReason) {
  EXPECT_EQ(Get("/announce"), "d14:failure reason20:info_hash is missinge");
  EXPECT_EQ(Get("/announce?info_hash=%zz"),
            "d14:failure reason41:info_hash is not 20 percent-encoded bytese");
  EXPECT_THAT(Get(AnnounceUrl('1', 0)), StartsWith("d14:failure reason"));
}

TEST_F(HttpServiceTest, ScrapesWhatItKnows) {
  Get(AnnounceUrl('1', 80, "event=completed&left=0"));
  Get(AnnounceUrl('2', 81));
  Get(AnnounceUrl('3', 82, "event=paused"));
  EXPECT_EQ(Get("/scrape?info_hash=" + kHash2 + "&info_hash=" + kHash + "&info_hash=" + kHash),
            "d5:filesd20:" + kHash +
                "d8:completei1e10:downloadedi1e11:downloadersi1e10:incompletei2eee"
                "5:flagsd20:min_request_intervali900eee");
  EXPECT_THAT(Get("/scrape?info_hash=a"), StartsWith("d14:failure reason"));
  const std::string one = "&info_hash=" + kHash;
  EXPECT_THAT(Get("/scrape?" + one + one + one + one), HasSubstr("too many torrents"));
}

TEST_F(HttpServiceTest, ScrapesManyAfterFewAndFewAfterMany) {
  Get(AnnounceUrl('1', 80));
  Get(AnnounceUrl('1', 80, "", kHash2));
  const std::string few = Get("/scrape?info_hash=" + kHash);
  const std::string many = Get("/scrape?info_hash=" + kHash + "&info_hash=" + kHash2);
  EXPECT_THAT(many, HasSubstr(kHash2));
  EXPECT_EQ(Get("/scrape?info_hash=" + kHash), few);
}

// Behind proxies of 10/8.
class HttpServiceBehindProxiesTest : public HttpServiceTest {
 protected:
  HttpServiceBehindProxiesTest() {
    HttpOptions http;
    http.trusted_proxies = {*Cidr::Parse("10.0.0.0/8")};
    Serve(http);
  }
  std::string GetFor(const std::string& url, const std::string& client, std::string_view from) {
    return Send("GET " + url + " HTTP/1.1\r\nX-Forwarded-For: " + client + "\r\n\r\n", from);
  }
};

TEST_F(HttpServiceBehindProxiesTest, StoresTheClientThatATrustedProxyNames) {
  GetFor(AnnounceUrl('1', 80), "198.51.100.7", "10.0.0.1");
  EXPECT_THAT(Get(AnnounceUrl('2', 81, "compact=1")),
              HasSubstr(std::string("5:peers6:\xc6\x33\x64\x07\0\x50", 15)));
}

TEST_F(HttpServiceBehindProxiesTest, StoresTheConnectionsAddressOfAnybodyElse) {
  GetFor(AnnounceUrl('1', 80), "198.51.100.7", "203.0.113.5");
  EXPECT_THAT(Get(AnnounceUrl('2', 81, "compact=1")),
              HasSubstr(std::string("5:peers6:\xcb\x00\x71\x05\0\x50", 15)));
}

TEST_F(HttpServiceBehindProxiesTest, RefusesAClientThatIsNotNamed) {
  EXPECT_THAT(GetFor(AnnounceUrl('1', 80), "unknown", "10.0.0.1"),
              HasSubstr("the proxy does not say your address"));
  EXPECT_THAT(GetFor("/scrape?info_hash=" + kHash, "unknown", "10.0.0.1"),
              HasSubstr("the proxy does not say your address"));
}

class NoThanks : public Policy {
 public:
  absl::Status AllowAnnounce(const AnnounceRequest& request, Instant now) override {
    EXPECT_EQ(now, kNow);
    url = request.url;
    return Refuse("not on the list", {std::chrono::minutes(30)});
  }
  absl::Status AllowScrape(const InfoHash&, const IpAddress& from, Instant) override {
    asked_by = from;
    return Refuse("no scrapes", {});
  }
  std::string url;
  IpAddress asked_by;
};

TEST_F(HttpServiceTest, PassesRefusalsOn) {
  NoThanks policy;
  tracker_->SetPolicy(&policy);
  EXPECT_EQ(Get(AnnounceUrl('1', 80)), "d14:failure reason15:not on the list8:retry ini30ee");
  EXPECT_EQ(Get("/scrape?info_hash=" + kHash, "2001:db8::5"),
            "d14:failure reason10:no scrapes8:retry in5:nevere");
  EXPECT_EQ(policy.asked_by.ToString(), "2001:db8::5");
}

TEST_F(HttpServiceTest, ShowsThePolicyPathAndQuery) {
  NoThanks policy;
  tracker_->SetPolicy(&policy);
  Get(AnnounceUrl('1', 80));
  EXPECT_EQ(policy.url, AnnounceUrl('1', 80));
  Get("http://tracker.example" + AnnounceUrl('1', 81));
  EXPECT_EQ(policy.url, AnnounceUrl('1', 81));
}

TEST_F(HttpServiceTest, FindsItsPathsInEveryForm) {
  for (const char* path :
       {"/announce", "//announce", "/%61nnounce", "http://a:1/announce", "/announce?"}) {
    EXPECT_EQ(Get(path), "d14:failure reason20:info_hash is missinge") << path;
  }
}

TEST_F(HttpServiceTest, HasNothingElse) {
  for (const char* path :
       {"/", "/announc", "/announce/", "/announcex", "/ANNOUNCE", "/scrape.html", "/%", "http://a",
        "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
    EXPECT_EQ(Send(std::string("GET ") + path + " HTTP/1.1\r\n\r\n"),
              "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nCache-Control: no-store\r\n"
              "Connection: keep-alive\r\nContent-Length: 10\r\n\r\nNot Found\n")
        << path;
  }
}

TEST_F(HttpServiceTest, AllowsGetAndHeadOnly) {
  for (const char* method : {"POST", "PUT", "OPTIONS", "DELETE"}) {
    EXPECT_THAT(Send(method + std::string(" /announce HTTP/1.1\r\n\r\n")),
                StartsWith("HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD\r\n"))
        << method;
  }
}

TEST_F(HttpServiceTest, AnswersHeadAsGetWithoutTheBody) {
  const std::string rest = " " + AnnounceUrl('1', 80) + " HTTP/1.1\r\n\r\n";
  Send("GET" + rest);
  const std::string get = Send("GET" + rest);
  const std::string head = Send("HEAD" + rest);
  EXPECT_EQ(head + Body(get), get);
  EXPECT_EQ(Send("HEAD / HTTP/1.1\r\n\r\n") + "Not Found\n", Send("GET / HTTP/1.1\r\n\r\n"));
}

TEST_F(HttpServiceTest, SaysWhetherTheConnectionStaysOpen) {
  EXPECT_THAT(Send("GET /scrape HTTP/1.1\r\n\r\n", "192.0.2.1", true),
              HasSubstr("\r\nConnection: keep-alive\r\n"));
  EXPECT_THAT(Send("GET /scrape HTTP/1.1\r\n\r\n", "192.0.2.1", false),
              HasSubstr("\r\nConnection: close\r\n"));
}

TEST_F(HttpServiceTest, AnswersABatchInOrderAndSaysWhereEachResponseEnds) {
  const std::string requests[] = {
      "GET " + AnnounceUrl('1', 258) + " HTTP/1.1\r\n\r\n",
      "GET /nothing HTTP/1.1\r\n\r\n",
      "GET /announce?port=1 HTTP/1.1\r\n\r\n",
      "HEAD /scrape HTTP/1.1\r\n\r\n",
      "POST /announce HTTP/1.1\r\n\r\n",
      "GET " + AnnounceUrl('2', 259) + " HTTP/1.1\r\n\r\n",
  };
  const std::string announced =
      "GET " + AnnounceUrl('1', 258, "event=stopped") + " HTTP/1.1\r\n\r\n";
  std::vector<std::string> alone;
  for (const std::string& request : requests) alone.push_back(Send(request));
  Send(announced);
  Send("GET " + AnnounceUrl('2', 259, "event=stopped") + " HTTP/1.1\r\n\r\n");

  std::vector<HttpRequestParser> parsers(std::size(requests), HttpRequestParser({}));
  const IpAddress from = *IpAddress::Parse("192.0.2.1");
  std::vector<HttpExchange> batch;
  for (std::size_t i = 0; i < parsers.size(); ++i) {
    ASSERT_EQ(parsers[i].Parse(requests[i]), HttpRequestParser::Result::kDone);
    batch.push_back({&parsers[i].request(), &from, /*keep_alive=*/true});
  }
  std::string out = "before";
  service_->Answer(absl::MakeSpan(batch), kNow, out);
  std::size_t begin = 6;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    EXPECT_EQ(out.substr(begin, batch[i].end - begin), alone[i]) << requests[i];
    begin = batch[i].end;
  }
  EXPECT_EQ(begin, out.size());
}

TEST_F(HttpServiceTest, WritesAnswersThatTheDecoderTakes) {
  Get(AnnounceUrl('1', 80));
  Get(AnnounceUrl('2', 81), "2001:db8::1");
  for (const std::string& url : {AnnounceUrl('3', 82), AnnounceUrl('3', 82, "compact=0"),
                                 "/scrape?info_hash=" + kHash, std::string("/announce")}) {
    const std::string body = Get(url, "192.0.2.3");
    EXPECT_TRUE(BencodeDocument().Decode(body).ok()) << body;
  }
}

TEST_F(HttpServiceTest, AnswersWhatIsNoRequestAndCloses) {
  std::string out;
  service_->AnswerError(414, out);
  EXPECT_EQ(out,
            "HTTP/1.1 414 URI Too Long\r\nContent-Type: text/plain\r\nCache-Control: no-store\r\n"
            "Connection: close\r\nContent-Length: 13\r\n\r\nURI Too Long\n");
}

// --- full scrapes, statistics, pages ---

HttpOptions ForAll() {
  HttpOptions options;
  options.full_scrape_for = IsAnybody;
  options.statistics_for = IsAnybody;
  return options;
}

std::string Get10(const std::string& path, const std::string& headers = "") {
  return "GET " + path + " HTTP/1.0\r\n" + headers + "\r\n";
}
std::string Get11(const std::string& path, const std::string& headers = "") {
  return "GET " + path + " HTTP/1.1\r\n" + headers + "\r\n";
}
std::string AfterHead(const std::string& response) {
  return response.substr(response.find("\r\n\r\n") + 4);
}
std::string HeadOf(const std::string& response) {
  return response.substr(0, response.find("\r\n\r\n") + 4);
}

TEST_F(HttpServiceTest, ScrapesAllTorrentsForThoseWhoMay) {
  Get(AnnounceUrl('1', 80, "event=completed&left=0"));
  Get(AnnounceUrl('2', 81, "", kHash2));
  const std::string no = "d14:failure reason33:full scrape is not available heree";
  EXPECT_EQ(Get("/scrape"), no) << "by default for this machine only";
  const std::string all = "d5:filesd20:" + kHash +
                          "d8:completei1e10:downloadedi1e10:incompletei0ee20:" + kHash2 +
                          "d8:completei0e10:downloadedi0e10:incompletei1eeee";
  EXPECT_EQ(AfterHead(Send(Get10("/scrape"), "127.0.0.1")), all);
  EXPECT_EQ(AfterHead(Send(Get10("/scrape"), "::1")), all);
  Serve(ForAll());
  EXPECT_EQ(AfterHead(Send(Get10("/scrape"))), all);
  HttpOptions specific = ForAll();
  specific.scrape = ScrapeMode::kSpecific;
  Serve(specific);
  EXPECT_EQ(Get("/scrape"), no);
  EXPECT_THAT(Get("/scrape?info_hash=" + kHash), HasSubstr("complete"));
  specific.scrape = ScrapeMode::kNone;
  Serve(specific);
  EXPECT_THAT(Get("/scrape?info_hash=" + kHash), HasSubstr("scrape is not available here"));
  HttpOptions nobody;
  nobody.full_scrape_for = nullptr;
  Serve(nobody);
  EXPECT_THAT(Send(Get10("/scrape"), "127.0.0.1"), HasSubstr(no));
}

TEST_F(HttpServiceTest, FramesAStreamAsTheClientsVersionHasIt) {
  Serve(ForAll());
  const std::string old = Send(Get10("/scrape", "Connection: keep-alive\r\n"));
  EXPECT_THAT(old, HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_THAT(old, Not(HasSubstr("Transfer-Encoding")));
  EXPECT_THAT(old, EndsWith("\r\n\r\nd5:filesdee"));
  const std::string young = Send(Get11("/scrape"));
  EXPECT_THAT(young, HasSubstr("\r\nConnection: keep-alive\r\n"));
  EXPECT_THAT(young, HasSubstr("\r\nTransfer-Encoding: chunked\r\n"));
  EXPECT_EQ(testing_http::Unchunk(AfterHead(young)), "d5:filesdee");
  EXPECT_EQ(Send("HEAD /scrape HTTP/1.1\r\n\r\n"), HeadOf(young));
  const std::string gzip = "Accept-Encoding: gzip\r\n\r\n";
  EXPECT_EQ(Send("HEAD /scrape HTTP/1.1\r\n" + gzip),
            HeadOf(Send("GET /scrape HTTP/1.1\r\n" + gzip)));
}

TEST_F(HttpServiceTest, CodesWhatIsLongAsTheClientAccepts) {
  Serve(ForAll());
  for (char id = '1'; id <= '9'; ++id) Get(AnnounceUrl(id, 80 + id, "", std::string(20, id)));
  for (const char* path : {"/scrape", "/stats?mode=everything", "/metrics", "/stats?mode=json"}) {
    const std::string plain = AfterHead(Send(Get10(path)));
    for (const std::string coding : {"gzip", "zstd"}) {
      if (coding == "zstd" && !HasZstd()) continue;
      const std::string coded = Send(Get10(path, "Accept-Encoding: " + coding + "\r\n"));
      EXPECT_THAT(coded, HasSubstr("\r\nContent-Encoding: " + coding + "\r\n")) << path;
      const std::string decoded = testing_http::Decode(coding, AfterHead(coded));
      EXPECT_EQ(decoded.size() / 10, plain.size() / 10) << path;
    }
  }
  EXPECT_THAT(Send(Get10("/announce", "Accept-Encoding: gzip\r\n")),
              Not(HasSubstr("Content-Encoding")));
}

TEST_F(HttpServiceTest, CodesFullScrapesAsItIsTold) {
  Get(AnnounceUrl('1', 80));
  const struct {
    FullScrapeCompression compression;
    std::string accepts, coding;
  } cases[] = {
      {FullScrapeCompression::kAccepted, "gzip", "gzip"},
      {FullScrapeCompression::kAccepted, "", ""},
      {FullScrapeCompression::kNone, "gzip, zstd", ""},
      {FullScrapeCompression::kGzip, "", "gzip"},
      {FullScrapeCompression::kGzip, "zstd, gzip;q=0", "gzip"},
      {FullScrapeCompression::kZstd, "gzip", HasZstd() ? "zstd" : ""},
  };
  for (const auto& c : cases) {
    HttpOptions options = ForAll();
    options.full_scrape_compression = c.compression;
    Serve(options);
    for (const char* path : {"/scrape", "/stats?mode=tpbs", "/stats?mode=statedump"}) {
      const std::string plain = path == std::string("/stats?mode=statedump") ? ":" : "5:filesd20:";
      const std::string answer = Send(Get10(path, "Accept-Encoding: " + c.accepts + "\r\n"));
      if (c.coding.empty()) {
        EXPECT_THAT(answer, AllOf(Not(HasSubstr("Content-Encoding")), HasSubstr(plain))) << path;
        continue;
      }
      EXPECT_THAT(answer, HasSubstr("\r\nContent-Encoding: " + c.coding + "\r\n")) << path;
      EXPECT_THAT(testing_http::Decode(c.coding, AfterHead(answer)), HasSubstr(plain)) << path;
    }
    // What is no full scrape is coded as the client accepts.
    const std::string top = Send(Get10("/stats?mode=top10", "Accept-Encoding: gzip\r\n"));
    EXPECT_THAT(top, HasSubstr("\r\nContent-Encoding: gzip\r\n"));
  }
}

TEST_F(HttpServiceTest, CountsTheBytesOfFullScrapesAsTheyAreSent) {
  Serve(ForAll());
  for (char id = '1'; id <= '9'; ++id) Get(AnnounceUrl(id, 80 + id, "", std::string(20, id)));
  std::uint64_t sent = 0;
  for (const char* path : {"/scrape", "/stats?mode=tpbs&format=txt", "/stats?mode=statedump"}) {
    const std::string plain = AfterHead(Send(Get10(path)));
    const std::string coded = AfterHead(Send(Get10(path, "Accept-Encoding: gzip\r\n")));
    EXPECT_LT(coded.size(), plain.size());
    sent += plain.size() + coded.size();
    EXPECT_EQ(testing_http::Unchunk(AfterHead(Send(Get11(path)))), plain);
    sent += plain.size();
    EXPECT_EQ(book_.Sum().http.full_scrape_bytes, sent) << path;
  }
  Send(Get10("/stats?mode=top10"));
  EXPECT_EQ(book_.Sum().http.full_scrape_bytes, sent);
}

TEST_F(HttpServiceTest, TellsWhoScrapesAllTorrents) {
  std::vector<std::string> told;
  HttpOptions options = ForAll();
  options.full_scrape_for = IsLoopback;
  options.on_full_scrape = [&told](const IpAddress& from) { told.push_back(from.ToString()); };
  Serve(options);
  Send(Get10("/scrape"), "127.0.0.1");
  Send(Get10("/scrape"), "192.0.2.1");
  Send(Get10("/scrape"), "::1");
  Send(Get10("/scrape?info_hash=" + kHash), "127.0.0.1");
  EXPECT_THAT(told, testing::ElementsAre("127.0.0.1", "::1"));
}

TEST_F(HttpServiceTest, ScrapesAsOpentrackerWhereItIsToBeLoose) {
  HttpOptions options;
  options.max_scrape_torrents = 2;
  options.loose_requests = true;
  options.full_scrape_for = IsAnybody;
  Serve(options);
  Get(AnnounceUrl('1', 80));
  const std::string first = "info_hash=" + kHash2 + "&info_hash=" + kHash;
  const std::string answer = Get("/scrape?" + first);
  EXPECT_THAT(answer, AllOf(StartsWith("d5:filesd20:" + kHash), Not(HasSubstr(kHash2))));
  for (const std::string path : {"/scrape", "/sc", "/scrape.php", "/%73crape"}) {
    EXPECT_EQ(Get(path + "?" + first + "&info_hash=x&info_hash="), answer)
        << "more than two are left out";
  }
  for (const std::string all : {"/scrape", "//scrape", "/scr%61pe"})
    EXPECT_THAT(Send(Get10(all)), HasSubstr("d5:filesd20:" + kHash)) << all;
  for (const std::string none :
       {"/scrape?", "/scrape?foo=1", "/scrape?x=/scrape", "/sc", "/sc?", "/scrape.php", "/scrape/"})
    EXPECT_THAT(Send(Get10(none)), StartsWith("HTTP/1.1 400 ")) << none;
}

TEST_F(HttpServiceTest, TellsOfTheWhiteListUnlessItIsToBeAsOpentracker) {
  AccessRules rules;
  rules.whitelist().Replace({*InfoHash::FromText(kHash)});
  rules.EnforceWhitelist(true);
  tracker_->SetPolicy(&rules);
  const std::string scrape = "/scrape?info_hash=" + kHash;
  EXPECT_THAT(Get(scrape), StartsWith("d5:filesd20:" + kHash + "d8:completei0e"));
  HttpOptions options;
  options.loose_requests = true;
  Serve(options);
  EXPECT_THAT(Get(scrape), StartsWith("d5:filesde"));
  Get(AnnounceUrl('1', 80));
  EXPECT_THAT(Get(scrape), StartsWith("d5:filesd20:" + kHash + "d8:completei0e"));
  tracker_->SetPolicy(nullptr);
}

TEST_F(HttpServiceTest, GivesAFullScrapeToAnAddressOnceInAWhile) {
  HttpOptions options = ForAll();
  options.full_scrape_interval = Seconds(300);
  Serve(options);
  EXPECT_THAT(Send(Get10("/scrape")), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(Send(Get10("/scrape")), StartsWith("HTTP/1.1 429 Too Many Requests\r\n"));
  EXPECT_THAT(Send(Get10("/stats?mode=tpbs")), StartsWith("HTTP/1.1 429 "));
  EXPECT_THAT(Send(Get10("/scrape"), "192.0.2.2"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(Send(Get10("/scrape"), "2001:db8::1"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(Send(Get10("/scrape"), "2001:db8::2"), StartsWith("HTTP/1.1 429 "))
      << "the same network";
  EXPECT_THAT(Send(Get10("/stats?mode=peer")), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpServiceTest, TakesNoTurnForAHeadAlone) {
  HttpOptions options = ForAll();
  options.full_scrape_interval = Seconds(300);
  int told = 0;
  options.on_full_scrape = [&told](const IpAddress&) { ++told; };
  Serve(options);
  for (int i = 0; i < 3; ++i)
    EXPECT_THAT(Send("HEAD /scrape HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(Send("HEAD /stats?mode=tpbs HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(told, 0);
  EXPECT_EQ(book_.Sum().Requests(Protocol::kHttp, RequestKind::kFullScrape, Outcome::kAnswered),
            0u);
  EXPECT_THAT(Send(Get10("/scrape")), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(told, 1);
}

TEST_F(HttpServiceTest, MakesSoManyStreamsAtATime) {
  HttpOptions options = ForAll();
  options.max_streams = 3;
  Serve(options);
  HttpRequestParser parser({});
  const std::string request = Get11("/scrape");
  ASSERT_EQ(parser.Parse(request), HttpRequestParser::Result::kDone);
  std::vector<HttpExchange> open;
  const auto begin = [&](const char* address) {
    const IpAddress from = *IpAddress::Parse(address);
    open.push_back({&parser.request(), &from, true});
    std::string out;
    service_->Answer(absl::MakeSpan(&open.back(), 1), kNow, out);
    EXPECT_NE(open.back().body, nullptr);
  };
  const auto too_many = StartsWith("HTTP/1.1 503 Service Unavailable\r\n");
  const auto good = StartsWith("HTTP/1.1 200 ");
  begin("2001:db8::1");
  begin("2001:db8::2");
  EXPECT_THAT(Send(request, "2001:db8::3"), too_many) << "half of them, of one network";
  EXPECT_THAT(Send(request, "2001:db8:1::1"), good);
  begin("192.0.2.1");
  EXPECT_THAT(Send(request, "192.0.2.2"), too_many) << "all of them";
  open.erase(open.begin());
  EXPECT_THAT(Send(request, "2001:db8::3"), good);
  EXPECT_THAT(Send(request, "192.0.2.2"), good);
}

TEST_F(HttpServiceTest, ShowsStatisticsToThoseWhoMay) {
  EXPECT_THAT(Send(Get10("/stats")), StartsWith("HTTP/1.1 403 Forbidden\r\n"));
  EXPECT_THAT(Send(Get10("/metrics")), StartsWith("HTTP/1.1 403 Forbidden\r\n"));
  Get(AnnounceUrl('1', 80, "left=0"));
  const std::string peer = "1\n1\nopentracker serving 1 torrents\nopentracker";
  EXPECT_THAT(Send(Get10("/stats"), "127.0.0.1"), EndsWith(peer));
  Serve(ForAll());
  EXPECT_THAT(Send(Get10("/stats")), EndsWith(peer));
  EXPECT_THAT(Send(Get10("/stats?mode=peer")), EndsWith(peer));
  EXPECT_THAT(Send(Get10("/stats?mode=%70eer&format=txt")), EndsWith(peer));
  EXPECT_THAT(Send(Get10("/metrics")), HasSubstr("\nmuster_torrents 1\n"));
  EXPECT_THAT(Send(Get10("/stats?mode=json")), HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(Send(Get10("/stats?mode=tpbs&format=txt")), EndsWith(":1:0\n"));
  EXPECT_THAT(Send(Get10("/stats?mode=top10")), HasSubstr("Top 10 torrents by seeds:\n\t1\t"));
  EXPECT_THAT(Send(Get10("/stats?mode=s24s")), HasSubstr("Networks, limit /28:\n00000001: "));
  EXPECT_THAT(Send(Get10("/stats?mode=statedump")), EndsWith(":0\n"));
}

TEST_F(HttpServiceTest, RefusesStatisticsThatMakeNoSense) {
  Serve(ForAll());
  for (const char* query : {"mode=nonsense", "mode=", "mode=peer&format=xml", "mode=%zz",
                            "mode=aaaaaaaaaaaaaaaaaaaaaaaa", "info_hash=x", "mode=peer&info_hash="})
    EXPECT_THAT(Send(Get10(std::string("/stats?") + query)), StartsWith("HTTP/1.1 400 ")) << query;
  EXPECT_THAT(Send(Get10("/stats?mode=busy")), StartsWith("HTTP/1.1 500 "));
}

TEST_F(HttpServiceTest, ShowsNetworksThatComeTooOftenWhereTheyAreCounted) {
  const std::string get = "GET /stats?mode=woodpeckers HTTP/1.1\r\n\r\n";
  EXPECT_THAT(Send(get, "127.0.0.1"), StartsWith("HTTP/1.1 500 "));
  Woodpeckers woodpeckers(Seconds(1800));
  HttpOptions http;
  http.woodpeckers = &woodpeckers;
  Serve(http);
  SwarmDelta delta{.info_hash = {},
                   .peer = *Endpoint::Parse("192.0.2.17:1"),
                   .peer_id = {},
                   .state = PeerState::kSeeder,
                   .completed = false,
                   .time = kNow,
                   .minutes_since_seen = 1};
  for (int i = 0; i < 3; ++i) woodpeckers.OnDelta(delta);
  EXPECT_EQ(Body(Send(get, "127.0.0.1")), "Networks, limit /28:\n00000003: 192.0.2.16\n\n");
  EXPECT_THAT(Send(get), StartsWith("HTTP/1.1 403 "));
}

TEST_F(HttpServiceTest, KeepsTheRequestsOfNetworksThatWereNamedWhereThatIsWanted) {
  const std::string take = "GET /stats?mode=fulllog HTTP/1.1\r\n\r\n";
  const auto name = [this](const std::string& network, std::string_view from = "127.0.0.1") {
    return Send("GET /announce?lognet=" + network + " HTTP/1.1\r\n\r\n", from);
  };
  EXPECT_THAT(Send(take, "127.0.0.1"), StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(name("192.0.2.0/24"), HasSubstr("failure reason"));
  HttpOptions http;
  http.full_log_bytes = 200;
  Serve(http);
  EXPECT_EQ(Body(Send(take, "127.0.0.1")), "");
  EXPECT_THAT(name("192.0.2.0/24", "192.0.2.1"), StartsWith("HTTP/1.1 403 "));
  for (const char* wrong : {"", "x", "192.0.2.0/33", "%zz"})
    EXPECT_THAT(name(wrong), StartsWith("HTTP/1.1 400 ")) << wrong;
  EXPECT_EQ(Body(name("192.0.2.0%2F24")), "Successfully added.\n");
  const std::string request = "GET /what HTTP/1.1\r\nA: b\r\n\r\n";
  Send(request + "GET /next", "192.0.2.7");
  Send(request, "192.0.3.7");
  EXPECT_THAT(Send(take), StartsWith("HTTP/1.1 403 "));  // and is kept itself
  const std::string kept = Body(Send(take, "127.0.0.1"));
  EXPECT_EQ(kept,
            "1700000000: 192.0.2.7\n" + request + "\n*\n1700000000: 192.0.2.1\n" + take + "\n*\n");
  EXPECT_EQ(Body(Send(take, "127.0.0.1")), "");
  for (int i = 0; i < 9; ++i) Send(request, "192.0.2.7");
  EXPECT_THAT(Body(Send(take, "127.0.0.1")), EndsWith("\n*\n6 further requests had no room\n"));
  Send(request, "192.0.2.7");
  Send("HEAD /stats?mode=fulllog HTTP/1.1\r\n\r\n", "127.0.0.1");  // leaves it all there
  EXPECT_EQ(Body(name("-")), "Successfully removed.\n");
  Send(request, "192.0.2.7");
  EXPECT_EQ(Body(Send(take, "127.0.0.1")), "1700000000: 192.0.2.7\n" + request + "\n*\n");
}

TEST_F(HttpServiceTest, AnnouncesToAStatisticsAddressCostNothing) {
  // Before it is asked who may see statistics, and before anything is added up.
  HttpOptions options;
  options.statistics_for = [](const IpAddress&) {
    ADD_FAILURE() << "asked";
    return true;
  };
  Serve(options);
  EXPECT_THAT(Send(Get10("/stats" + AnnounceUrl('1', 80).substr(9))), StartsWith("HTTP/1.1 400 "));
}

TEST_F(HttpServiceTest, AProxyOnThisMachineMakesNobodyLocal) {
  HttpOptions options;
  options.trusted_proxies = {*Cidr::Parse("127.0.0.1")};
  Serve(options);
  const std::string stranger = "X-Forwarded-For: 192.0.2.7\r\n";
  EXPECT_THAT(Send(Get10("/stats", stranger), "127.0.0.1"), StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(Send(Get10("/metrics", stranger), "127.0.0.1"), StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(Send(Get10("/scrape", stranger), "127.0.0.1"),
              HasSubstr("full scrape is not available here"));
  EXPECT_THAT(Send(Get10("/stats", "X-Forwarded-For: 127.0.0.9\r\n"), "127.0.0.1"),
              StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpServiceTest, NobodyWhomTheProxyDoesNotNameHasTheProxysRights) {
  HttpOptions options;
  options.trusted_proxies = {*Cidr::Parse("127.0.0.1")};
  options.full_log_bytes = 1000;
  Serve(options);
  const std::string nobody = "X-Forwarded-For: unknown\r\n";
  EXPECT_THAT(Send(Get10("/announce?lognet=192.0.2.0/24", nobody), "127.0.0.1"),
              HasSubstr("the proxy does not say your address"));
  Send(Get10("/what"), "192.0.2.7");
  EXPECT_EQ(Body(Send(Get11("/stats?mode=fulllog"), "127.0.0.1")), "") << "no network is named";
  EXPECT_THAT(Send(Get10("/stats?mode=fulllog", nobody), "127.0.0.1"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(Send(Get10("/scrape", nobody), "127.0.0.1"),
              HasSubstr("the proxy does not say your address"));
}

TEST_F(HttpServiceTest, HeadersMeanNothingWhereTheProxySpeaksForItselfOrForNobodyKnown) {
  HttpOptions options;
  options.trusted_proxies = {*Cidr::Parse("192.0.2.1")};
  Serve(options);
  const std::string get = Get11("/stats", "X-Forwarded-For: 127.0.0.1\r\n");
  EXPECT_THAT(Send(get, "192.0.2.1", true), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(Send(get, "192.0.2.1", true, OnBehalfOf::kProxyItself), StartsWith("HTTP/1.1 403 "));
  const auto of_nobody = [this](const std::string& target) {
    return Send(Get11(target), "127.0.0.1", true, OnBehalfOf::kNobodyKnown);
  };
  EXPECT_THAT(of_nobody("/stats"), StartsWith("HTTP/1.1 400 "));
  for (const std::string& target : {std::string("/scrape"), AnnounceUrl('1', 80)})
    EXPECT_THAT(of_nobody(target), HasSubstr("the proxy does not say your address"));
  EXPECT_EQ(tracker_->store().Totals().peers, 0u);
}

TEST_F(HttpServiceTest, HasItsPathsWhereTheOptionsPutThem) {
  HttpOptions options = ForAll();
  options.statistics_path = "/hidden/figures";
  options.metrics_path = "";
  Serve(options);
  EXPECT_THAT(Send(Get10("/hidden/figures")), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(Send(Get10("/hidden/%66igures?mode=torr")), StartsWith("HTTP/1.1 200 "));
  for (const char* path : {"/stats", "/metrics", "/hidden", "/", "/index.html", "/favicon.ico"})
    EXPECT_THAT(Send(Get10(path)), StartsWith("HTTP/1.1 404 ")) << path;
}

TEST_F(HttpServiceTest, IsKnownUnderTheNamesOfOld) {
  for (const char* path : {"/announce.php", "/tracker.php/announce"})
    EXPECT_EQ(Get(path), "d14:failure reason20:info_hash is missinge") << path;
  for (const char* path : {"/scrape.php", "/tracker.php/scrape"})
    EXPECT_THAT(Get(path + ("?info_hash=" + kHash)), StartsWith("d5:filesde5:flags")) << path;
}

TEST_F(HttpServiceTest, HasAPageAndAnIconForPeople) {
  HttpOptions options;
  options.info_page = true;
  options.info_page_torrents = 1;
  options.favicon = std::string("\0\0icon", 6);
  Serve(options);
  Get(AnnounceUrl('1', 80));
  Get(AnnounceUrl('2', 81, "", kHash2));
  for (const char* path : {"/", "/index.html"}) {
    const std::string page = Send(Get10(path));
    EXPECT_THAT(page, HasSubstr("Content-Type: text/html; charset=utf-8\r\n"));
    EXPECT_THAT(page, HasSubstr("<code>6868"));
    EXPECT_THAT(page, HasSubstr("and 1 more files"));
  }
  const std::string icon = Send(Get10("/favicon.ico"));
  EXPECT_THAT(icon, HasSubstr("Content-Type: image/x-icon\r\n"));
  EXPECT_EQ(Body(icon), options.favicon);
}

TEST_F(HttpServiceTest, LeadsToAnotherPage) {
  HttpOptions options;
  options.info_page_redirect = "https://example.org/?a=1&b=%22";
  Serve(options);
  const std::string response = Send(Get11("/"));
  EXPECT_THAT(response, StartsWith("HTTP/1.1 302 Found\r\n"));
  EXPECT_THAT(response, HasSubstr("\r\nLocation: https://example.org/?a=1&b=%22\r\n"));
  EXPECT_THAT(response, HasSubstr("<a href=\"https://example.org/?a=1&amp;b=%22\">Click Here</a>"));
  const auto leads = StartsWith("HTTP/1.1 302 ");
  for (const char* target : {"/?x=1", "/index.html"}) EXPECT_THAT(Send(Get11(target)), leads);
  options.loose_requests = true;
  Serve(options);
  EXPECT_THAT(Send(Get11("/")), leads);
  for (const char* target : {"/?x=1", "/index.html"})
    EXPECT_THAT(Send(Get11(target)), StartsWith("HTTP/1.1 404 ")) << "as opentracker: " << target;
}

TEST_F(HttpServiceTest, CountsRequestsAndResponses) {
  Get(AnnounceUrl('1', 80));
  Get(AnnounceUrl('1', 80), "2001:db8::1");
  Get("/announce");
  Get("/scrape?info_hash=" + kHash);
  Get("/scrape");
  Send(Get10("/nothing"));
  Send("POST /announce HTTP/1.1\r\n\r\n");
  std::string out;
  service_->AnswerError(414, out);
  const ServerStatistics s = book_.Sum();
  const auto count = [&s](RequestKind kind, Outcome outcome) {
    return s.Requests(Protocol::kHttp, kind, outcome);
  };
  EXPECT_EQ(count(RequestKind::kAnnounce, Outcome::kAnswered), 2u);
  EXPECT_EQ(count(RequestKind::kAnnounce, Outcome::kInvalid), 1u);
  EXPECT_EQ(count(RequestKind::kScrape, Outcome::kAnswered), 1u);
  EXPECT_EQ(count(RequestKind::kFullScrape, Outcome::kRefused), 1u);
  EXPECT_EQ(s.http.Responses(200), 5u);
  EXPECT_EQ(s.http.Responses(404), 1u);
  EXPECT_EQ(s.http.Responses(405), 1u);
  EXPECT_EQ(s.http.Responses(414), 1u);
  EXPECT_EQ(s.http.malformed, 0u);
  service_->AnswerError(400, out);
  Send(Get10("/stats?mode=none"), "127.0.0.1");
  EXPECT_EQ(book_.Sum().http.Responses(400), 2u);
  EXPECT_EQ(book_.Sum().http.malformed, 1u);
}

}  // namespace
}  // namespace muster
