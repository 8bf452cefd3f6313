// SPDX-License-Identifier: Apache-2.0
//
// The form of answers, torrents' own words and files, and the log of requests.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "muster/access_rules.h"
#include "service/http_service.h"

namespace muster {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr Instant kNow = InstantFromUnixSeconds(1'700'000'000);
const std::string kHash(20, 'h');
constexpr std::string_view kLocal = "10.0.0.1";
constexpr std::string_view kStranger = "192.0.2.1";

std::string AnnounceUrl(int port, const std::string& more = "&compact=1") {
  return "/announce?info_hash=" + kHash +
         "&peer_id=-MU0001-000000000001&port=" + std::to_string(port) + "&left=1" + more;
}

class Lines : public HttpLog {
 public:
  void OnAnswered(const HttpLogEntry& entry) override {
    lines.push_back(entry.from.ToString() + " " + std::string(entry.method) + " " +
                    std::string(entry.target) + " " + std::to_string(entry.status) + " " +
                    std::to_string(entry.bytes) + (entry.compressed ? " gzip " : " ") +
                    std::string(entry.referer) + " " + std::string(entry.user_agent));
  }
  std::vector<std::string> lines;
};

class HttpAnswersTest : public testing::Test {
 protected:
  void Serve(const HttpOptions& http) {
    service_ = nullptr;
    site_ = std::make_unique<HttpSite>(tracker_.get(), &book_, http);
    service_ = std::make_unique<HttpService>(tracker_.get(), http, Random(1), &book_.worker(0),
                                             site_.get());
  }
  // The whole response.
  std::string Send(const std::string& bytes, std::string_view from = kStranger) {
    HttpRequestParser parser({});
    EXPECT_EQ(parser.Parse(bytes), HttpRequestParser::Result::kDone) << bytes;
    std::string out;
    const IpAddress address = *IpAddress::Parse(from);
    HttpExchange exchange{&parser.request(), &address, true};
    service_->Answer(absl::MakeSpan(&exchange, 1), kNow, out);
    if (exchange.body != nullptr) {
      while (exchange.body->Produce(1000, out) == HttpBody::Progress::kMore) {
      }
    }
    return out;
  }
  std::string Get(const std::string& url, std::string_view from = kStranger) {
    return Send("GET " + url + " HTTP/1.0\r\n\r\n", from);
  }
  void Describe(CatalogTorrent torrent) {
    torrent.info_hashes.v1 = *InfoHash::FromText(kHash);
    catalog_.Replace({std::make_shared<const CatalogTorrent>(std::move(torrent))});
  }

  CounterBook book_{1, kNow};
  TorrentCatalog catalog_;
  AccessRules rules_;
  std::unique_ptr<Tracker> tracker_ =
      Tracker::Create({.interval_spread = Seconds(0)}, NewMemoryStore({.keep_peer_ids = true}))
          .value();
  std::unique_ptr<HttpSite> site_;
  std::unique_ptr<HttpService> service_;
};

TEST_F(HttpAnswersTest, HaveNothingButWhatBttrackHas) {
  Serve({.answers = HttpAnswers::kBttrack});
  EXPECT_THAT(
      Get(AnnounceUrl(1)),
      testing::EndsWith("\r\n\r\nd8:completei0e10:incompletei1e8:intervali1800e5:peerslee"));
  EXPECT_THAT(Get(AnnounceUrl(2)), HasSubstr("5:peers6:"));
  EXPECT_THAT(Get(AnnounceUrl(2, "")), HasSubstr("5:peersld2:ip"));  // compact only when asked
  // BEP 7, which the original does not have.
  Get(AnnounceUrl(3), "2001:db8::1");
  EXPECT_THAT(Get(AnnounceUrl(2)), HasSubstr("6:peers618:"));
}

TEST_F(HttpAnswersTest, ToStrangersToTheRulesAreThoseOfBttrack) {
  Serve({.info_page = true, .answers = HttpAnswers::kBttrack});
  const Cidr banned[] = {*Cidr::Parse("192.0.2.0/24")};
  rules_.SetBannedIps(IpSet(absl::MakeConstSpan(banned)));
  tracker_->SetPolicy(&rules_);
  for (const std::string& url : {AnnounceUrl(1), std::string("/"), std::string("/scrape")}) {
    EXPECT_THAT(Get(url), StartsWith("HTTP/1.1 400 ")) << url;
    EXPECT_THAT(Get(url), HasSubstr("your IP is not allowed on this tracker")) << url;
  }
  EXPECT_THAT(Get("/", kLocal), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpAnswersTest, RefuseClientsThatDoNotAskForCompactOnes) {
  Serve({.require_compact = true});
  EXPECT_THAT(Get(AnnounceUrl(1, "&compact=0")), HasSubstr("failure reason"));
  EXPECT_THAT(Get(AnnounceUrl(1, "")), Not(HasSubstr("failure reason")));
  EXPECT_THAT(Get(AnnounceUrl(1, "&compact=0"), "2001:db8::1"), HasSubstr("failure reason"));
  EXPECT_THAT(Get(AnnounceUrl(1, "&compact=1&compact6=0")), HasSubstr("failure reason"));
  EXPECT_EQ(book_.Sum().http.compact_refused, 2u + 1);
  Serve({.answers = HttpAnswers::kBttrack, .require_compact = true});
  EXPECT_THAT(Get(AnnounceUrl(1, "")), HasSubstr("your client is outdated, please upgrade"));
  EXPECT_THAT(Get(AnnounceUrl(1, ""), "2001:db8::1"), HasSubstr("8:complete"));
  EXPECT_EQ(book_.Sum().http.compact_refused, 4u);
}

TEST_F(HttpAnswersTest, TellWhatATorrentWarnsOf) {
  CatalogTorrent torrent;
  torrent.warning = "there is a newer one";
  Describe(torrent);
  Serve({.catalog = &catalog_});
  EXPECT_THAT(Get(AnnounceUrl(1)), HasSubstr("15:warning message20:there is a newer one"));
  EXPECT_THAT(Get("/announce?info_hash=" + std::string(20, 'x') +
                  "&peer_id=-MU0001-000000000001&port=1&left=1"),
              Not(HasSubstr("warning")));
}

TEST_F(HttpAnswersTest, TellNamesWhereTheyMayBeKnown) {
  CatalogTorrent torrent;
  torrent.name = "a name";
  Describe(torrent);
  Serve({.catalog = &catalog_});
  Get(AnnounceUrl(1));
  EXPECT_THAT(Get("/scrape?info_hash=" + kHash), HasSubstr("4:name6:a name"));
  Serve({.full_scrape_for = IsAnybody, .catalog = &catalog_, .show_names = false});
  EXPECT_THAT(Get("/scrape?info_hash=" + kHash), Not(HasSubstr("4:name")));
  EXPECT_THAT(Get("/scrape"), Not(HasSubstr("4:name")));
}

TEST_F(HttpAnswersTest, GiveFilesOfTorrents) {
  const std::string path = testing::TempDir() + "odd \"name\xff.torrent";
  const std::string content(5000, 'x');
  std::ofstream(path) << content;
  CatalogTorrent torrent;
  torrent.path = path;
  Describe(torrent);
  Serve({.catalog = &catalog_});
  EXPECT_THAT(Get("/file?info_hash=" + kHash), StartsWith("HTTP/1.1 404 "));
  Serve({.catalog = &catalog_, .serve_torrents = true});
  const std::string hex =
      "68686868686868686868686868686868686868"
      "68";
  for (const std::string& hash : {kHash, hex, hex + std::string(24, '0')}) {
    const std::string response = Get("/file?info_hash=" + hash);
    EXPECT_THAT(response, StartsWith("HTTP/1.1 200 ")) << hash;
    EXPECT_THAT(response, HasSubstr("Content-Type: application/x-bittorrent\r\n"));
    EXPECT_THAT(response, HasSubstr("attachment; filename=\"odd _name_.torrent\"\r\n"));
    EXPECT_THAT(response, testing::EndsWith("\r\n\r\n" + content));
  }
  for (const std::string query : {"", "?info_hash=", "?info_hash=%", "?info_hash=6869"}) {
    EXPECT_THAT(Get("/file" + query), StartsWith("HTTP/1.1 404 ")) << query;
  }
  std::remove(path.c_str());
  // Each gave its place back, whether there was a file or not.
  for (int i = 0; i < 9; ++i) {
    EXPECT_THAT(Get("/file?info_hash=" + kHash), StartsWith("HTTP/1.1 404 "));
  }
}

TEST_F(HttpAnswersTest, AreLoggedWithTheirSize) {
  Lines log;
  Serve({.full_scrape_for = IsAnybody, .info_page = true, .log = &log});
  Send("GET /nowhere HTTP/1.1\r\nReferer: r\r\nUser-Agent: u\r\n\r\n");
  Send("HEAD /scrape?info_hash=" + kHash + " HTTP/1.1\r\n\r\n");
  const std::string scrape = Get("/scrape");
  EXPECT_THAT(log.lines, ElementsAre("192.0.2.1 GET /nowhere 404 10 r u",
                                     "192.0.2.1 HEAD /scrape?info_hash=" + kHash + " 200 0  ",
                                     "192.0.2.1 GET /scrape 200 11  "));
  log.lines.clear();
  const std::string page = Send("GET / HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n");
  const std::size_t size = page.size() - page.find("\r\n\r\n") - 4;
  EXPECT_THAT(log.lines, ElementsAre("192.0.2.1 GET / 200 " + std::to_string(size) + " gzip  "));
}

TEST_F(HttpAnswersTest, AreLoggedOfWhomTheProxySpeaksFor) {
  Lines log;
  Serve({.trusted_proxies = {*Cidr::Parse("192.0.2.1")}, .log = &log});
  Send("GET /x HTTP/1.1\r\nX-Forwarded-For: 203.0.113.7\r\n\r\n");
  EXPECT_THAT(log.lines, ElementsAre(StartsWith("203.0.113.7 GET /x")));
}

}  // namespace
}  // namespace muster
