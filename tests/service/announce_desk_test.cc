// SPDX-License-Identifier: Apache-2.0
//
// Announces at a desk: what a tracker that keeps details, asks and is asked by other trackers, and is
// or feeds an aggregator makes of them, by HTTP and UDP.
#include "service/announce_desk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "muster/detailed_store.h"
#include "service/http_service.h"
#include "service/service_testing.h"
#include "service/udp_service.h"
#include "wire/udp_testing.h"

namespace muster {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

const InfoHash kInfoHash = *InfoHash::FromText(kHash);

// One peer in the compact form, as text.
std::string Compact(std::string_view peer) {
  const Endpoint endpoint = *Endpoint::Parse(peer);
  return {reinterpret_cast<const char*>(endpoint.compact().data()), endpoint.compact().size()};
}

class AnnounceDeskTest : public testing::Test {
 protected:
  AnnounceDeskTest() { options_.announce.reachable = nullptr; }

  void Serve(std::unique_ptr<SwarmStore> store = NewDetailedStore(),
             const TrackerOptions& tracker = {.interval_spread = Seconds(0)}) {
    tracker_ = Tracker::Create(tracker, std::move(store)).value();
    desk_ = std::make_unique<AnnounceDesk>(
        tracker_.get(), options_, *PeerId::FromText("-MU0100-T-abcdefghij"), &book_.outbound());
    site_ = std::make_unique<HttpSite>(tracker_.get(), &book_, options_.http);
    http_ = std::make_unique<HttpService>(tracker_.get(), options_.http, Random(1),
                                          &book_.worker(0), site_.get(), desk_.get());
    udp_ = std::make_unique<UdpService>(tracker_.get(), options_.udp, key_, Random(1),
                                        &book_.worker(0), desk_.get());
  }

  // The body of the answer to an announce by HTTP.
  std::string Http(char id, int port, const std::string& more = "",
                   std::string_view from = "192.0.2.1") {
    return Get("info_hash=" + kHash + "&peer_id=" + Id(id) + "&port=" + std::to_string(port) +
                   (more.find("left=") == std::string::npos ? "&left=1&" : "&") + more,
               from);
  }
  std::string Get(const std::string& query, std::string_view from = "192.0.2.1") {
    const std::string bytes = "GET /announce?" + query + " HTTP/1.1\r\nHost: a\r\n\r\n";
    HttpRequestParser parser({});
    EXPECT_EQ(parser.Parse(bytes), HttpRequestParser::Result::kDone);
    std::string out;
    const IpAddress address = *IpAddress::Parse(from);
    HttpExchange exchange{&parser.request(), &address, true};
    http_->Answer(absl::MakeSpan(&exchange, 1), kNow, out);
    return out.substr(out.find("\r\n\r\n") + 4);
  }
  // The answer to an announce by UDP, from its peers or its error text on.
  std::string Udp(testing_udp::AnnounceFields fields, const std::string& url = "",
                  std::string_view from = "192.0.2.9:999") {
    const Endpoint sender = *Endpoint::Parse(from);
    const auto ask = [&](const testing_udp::Bytes& packet) {
      std::uint8_t space[kMaxUdpAnswer];
      UdpDatagram datagram{packet, sender, absl::MakeSpan(space)};
      udp_->Answer(absl::MakeSpan(&datagram, 1), kNow);
      return testing_udp::Bytes(datagram.answer.begin(), datagram.answer.end());
    };
    fields.connection_id = testing_udp::Get(ask(testing_udp::ConnectPacket(7)), 8, 8);
    fields.info_hash = kInfoHash;
    testing_udp::Bytes packet = testing_udp::AnnouncePacket(fields);
    if (!url.empty()) {
      packet.push_back(2);
      packet.push_back(static_cast<std::uint8_t>(url.size()));
      packet.insert(packet.end(), url.begin(), url.end());
    }
    const testing_udp::Bytes answer = ask(packet);
    const bool is_error = testing_udp::Get(answer, 0, 4) == 3;
    return std::string(answer.begin() + (is_error ? 8 : 20), answer.end());
  }
  // What has been left in the tray since the last call; nobody takes it before.
  OutTray::Contents Tray() { return desk_->tray().Take(); }

  ServerOptions options_;
  CounterBook book_{1, kNow};
  const ConnectionIdKey key_ = ConnectionIdKey::FromSystem();
  std::unique_ptr<Tracker> tracker_;
  std::unique_ptr<AnnounceDesk> desk_;
  std::unique_ptr<HttpSite> site_;
  std::unique_ptr<HttpService> http_;
  std::unique_ptr<UdpService> udp_;
};

// --- peers ---

TEST_F(AnnounceDeskTest, AKeyLetsAPeerMoveByHttpAndUdp) {
  Serve();
  Http('a', 1, "key=deadbeef", "192.0.2.1");
  Http('a', 2, "key=DEADBEEF", "192.0.2.2");
  EXPECT_THAT(Http('b', 3), HasSubstr("6:" + Compact("192.0.2.2:2")));
  Udp({.peer_id = *PeerId::FromText(Id('a')), .key = 0xdeadbeef, .port = 5});
  EXPECT_THAT(Http('b', 3), HasSubstr("6:" + Compact("192.0.2.9:5")));
  Http('a', 6, "key=other", "192.0.2.3");
  EXPECT_THAT(Http('b', 3), HasSubstr("6:" + Compact("192.0.2.9:5"))) << "not by another key";
}

TEST_F(AnnounceDeskTest, CryptoFlagsAreToldToThoseWhoKnowThem) {
  Serve();
  Http('r', 1, "supportcrypto=1&requirecrypto=1");
  EXPECT_THAT(Http('s', 2, "supportcrypto=1"), HasSubstr("12:crypto_flags1:\1"));
  EXPECT_THAT(Http('p', 3), Not(HasSubstr("crypto_flags")));
  EXPECT_THAT(Http('p', 3), HasSubstr("5:peers6:" + Compact("192.0.2.1:2")));
  EXPECT_THAT(Http('t', 4, "supportcrypto=1&numwant=0"), HasSubstr("5:peers0:"));
}

TEST_F(AnnounceDeskTest, ACryptoPortTakesThePlaceOfThePort) {
  Serve();
  Http('a', 1, "supportcrypto=1&cryptoport=77");
  EXPECT_THAT(Http('b', 2), HasSubstr(Compact("192.0.2.1:77")));
}

TEST_F(AnnounceDeskTest, DictionariesHaveTheIdsThatAreKnown) {
  Serve();
  Http('a', 80);
  EXPECT_THAT(Http('b', 2, "compact=0"),
              HasSubstr("5:peersld2:ip9:192.0.2.17:peer id20:" + Id('a') + "4:porti80eee"));
  EXPECT_THAT(Http('b', 2, "compact=0&no_peer_id=1"),
              HasSubstr("5:peersld2:ip9:192.0.2.14:porti80eee"));
}

TEST_F(AnnounceDeskTest, AGivenAddressIsBelievedFromWhoMaySayIt) {
  options_.announce.given_ip_from = [](const IpAddress& from) {
    return from == *IpAddress::Parse("10.0.0.1");
  };
  Serve();
  EXPECT_THAT(Http('a', 1, "ip=203.0.113.5", "10.0.0.1"),
              HasSubstr(std::string("11:external ip4:\x0a\0\0\1", 19)))
      << "the client is told its own";
  EXPECT_THAT(Http('z', 9), HasSubstr(Compact("203.0.113.5:1")));
  Http('a', 1, "event=stopped", "10.0.0.1");
  for (const char* ip : {"ip=host.example", "ip="}) {
    Http('a', 1, ip, "10.0.0.1");
    EXPECT_THAT(Http('z', 9), HasSubstr(Compact("10.0.0.1:1"))) << ip;
  }
  Http('a', 1, "event=stopped", "10.0.0.1");
  Http('b', 2, "ip=203.0.113.6", "10.0.0.2");
  EXPECT_THAT(Http('z', 9), HasSubstr(Compact("10.0.0.2:2")));
}

TEST_F(AnnounceDeskTest, AStoreWithoutDetailsTakesNoAddressButTheSenders) {
  options_.announce.given_ip_from = IsAnybody;
  options_.announce.dedicated_seed_id = "x";
  Serve(NewMemoryStore());
  Http('a', 1, "ip=203.0.113.5&requirecrypto=1&supportcrypto=1");
  EXPECT_THAT(Http('b', 2, "supportcrypto=1"), HasSubstr("5:peers6:" + Compact("192.0.2.1:1")));
}

// --- checks ---

TEST_F(AnnounceDeskTest, APeerThatIsToBeCheckedGoesToTheTray) {
  options_.outbound.nat_check = NatCheckOptions{.max_queued = 2};
  Serve(NewDetailedStore({.nat_tries = 3}));
  desk_->tray().Attach([] {});
  Http('a', 1, "supportcrypto=1&requirecrypto=1");
  Udp({.peer_id = *PeerId::FromText(Id('b')), .port = 5});
  const OutTray::Contents tray = Tray();
  ASSERT_EQ(tray.checks.size(), 2u);
  EXPECT_EQ(tray.checks[0].peer, *Endpoint::Parse("192.0.2.1:1"));
  EXPECT_EQ(tray.checks[0].peer_id, *PeerId::FromText(Id('a')));
  EXPECT_EQ(tray.checks[0].info_hash, kInfoHash);
  EXPECT_TRUE(tray.checks[0].encrypted);
  EXPECT_EQ(tray.checks[1].peer, *Endpoint::Parse("192.0.2.9:5"));
  EXPECT_FALSE(tray.checks[1].encrypted);
}

TEST_F(AnnounceDeskTest, ACheckThatNobodyTakesIsWantedAgain) {
  options_.outbound.nat_check = NatCheckOptions{.max_queued = 1};
  Serve(NewDetailedStore({.nat_tries = 3}));
  Http('a', 1);
  EXPECT_EQ(Tray().checks.size(), 0u) << "nobody is there";
  desk_->tray().Attach([] {});
  Http('b', 2);
  Http('a', 1);
  EXPECT_EQ(Tray().checks.size(), 1u) << "no room";
  EXPECT_EQ(book_.Sum().outbound.NatChecks(NatOutcome::kTooMany), 2u);
  Http('a', 1);
  EXPECT_EQ(Tray().checks.size(), 1u);
}

TEST_F(AnnounceDeskTest, PeersOnNetworksOfOursAreReachableWithoutACheck) {
  options_.announce.reachable = IsLocalNetwork;
  options_.outbound.nat_check = NatCheckOptions();
  Serve(NewDetailedStore({.nat_tries = 3}));
  desk_->tray().Attach([] {});
  Http('a', 1, "", "10.0.0.1");
  Http('b', 2, "", "8.8.8.8");
  EXPECT_EQ(Tray().checks.size(), 1u);
  EXPECT_THAT(Http('z', 3, "", "10.0.0.3"), HasSubstr("5:peers6:" + Compact("10.0.0.1:1")));
}

// --- scrapes in announces ---

TEST_F(AnnounceDeskTest, AScrapeIsAddedWhereItIsWantedAsBttrackDoes) {
  Serve();
  EXPECT_THAT(Http('a', 1, "scrape=1"), Not(HasSubstr("6:scrape"))) << "only there";
  options_.http.answers = HttpAnswers::kBttrack;
  Serve();
  Http('s', 1, "left=0&compact=1");
  Http('a', 2, "compact=1");
  Http('a', 2, "left=0&compact=1");
  const std::string scrape = "6:scraped8:completei2e10:downloadedi0e10:incompletei1ee";
  EXPECT_THAT(Http('b', 3, "compact=1&scrape=1"), HasSubstr(scrape));
  EXPECT_THAT(Http('b', 3, "compact=1"), Not(HasSubstr("6:scrape")));
}

// --- other trackers ---

TEST_F(AnnounceDeskTest, ATrackerIsGivenPeersAndBecomesNone) {
  options_.announce.tracker_queries = TrackerQueries::kAll;
  options_.announce.tracker_interval = Seconds(77);
  Serve();
  Http('a', 1);
  const std::string body = Http('t', 0, "event=stopped&tracker=1&numwant=20");
  EXPECT_THAT(body, HasSubstr("8:intervali77e"));
  EXPECT_THAT(body, HasSubstr("5:peers6:" + Compact("192.0.2.1:1")));
  EXPECT_EQ(Udp({.event = 3, .numwant = 20, .port = 0}, "/announce?tracker=1"),
            Compact("192.0.2.1:1"));
  EXPECT_EQ(tracker_->store().Count(kInfoHash)->peers(), 1u);
  EXPECT_EQ(Udp({.event = 3, .numwant = 20, .port = 0}, "/announce"), "") << "no tracker";
}

TEST_F(AnnounceDeskTest, ATrackerThatWantsNoPeersIsToldTheCountsAsBttrackDoes) {
  options_.announce.tracker_queries = TrackerQueries::kAll;
  options_.announce.tracker_interval = Seconds(77);
  options_.http.answers = HttpAnswers::kBttrack;
  Serve();
  EXPECT_EQ(Http('t', 0, "tracker=1&numwant=5"),
            "d8:completei0e10:incompletei0e8:intervali77e5:peerslee");
  Http('a', 1, "compact=1");
  EXPECT_EQ(Http('t', 0, "tracker=1&numwant=0"), "d8:completei0e10:incompletei1e8:intervali77ee");
  EXPECT_THAT(Http('b', 2, "compact=1&numwant=0"), HasSubstr("5:peersle")) << "no tracker";
}

TEST_F(AnnounceDeskTest, OurselvesAndThoseWhoMayNotAskAreDisallowed) {
  options_.announce.tracker_queries = TrackerQueries::kAll;
  Serve();
  const std::string own = "info_hash=" + kHash +
                          "&peer_id=" + std::string(desk_->tracker_id().text()) +
                          "&port=0&event=stopped&tracker=1";
  EXPECT_EQ(Get(own), "d14:failure reason10:disallowede");
  EXPECT_EQ(Udp({.peer_id = desk_->tracker_id(), .event = 3, .port = 0}, "/?tracker=1"),
            "disallowed");
  options_.announce.tracker_queries = TrackerQueries::kNone;
  Serve();
  EXPECT_EQ(Http('t', 0, "tracker=1"), "d14:failure reason10:disallowede");
}

TEST_F(AnnounceDeskTest, AutodetectAnswersForTorrentsThatHaveOtherTrackers) {
  options_.announce.tracker_queries = TrackerQueries::kAutodetect;
  Serve();
  EXPECT_THAT(Http('t', 0, "tracker=1"), HasSubstr("is not authorized for multitracker use"));
  desk_->SetTorrents({{kInfoHash, {"http://192.0.2.1/announce"}}});
  EXPECT_THAT(Http('t', 0, "tracker=1"), HasSubstr("8:complete"));
  EXPECT_EQ(desk_->torrents()->size(), 1u);
  EXPECT_TRUE(Tray().torrents);
  desk_->SetTorrents({});
  EXPECT_THAT(Http('t', 0, "tracker=1"), HasSubstr("is not authorized for multitracker use"));
}

TEST_F(AnnounceDeskTest, ForeignPeersAreHandedOutButNotToTrackersAndNotWhereEncryptionIsRequired) {
  options_.announce.tracker_queries = TrackerQueries::kAll;
  Serve(NewDetailedStore(), {.interval_spread = Seconds(0), .max_foreign_peers = 10});
  Http('a', 1);
  const Endpoint foreign = *Endpoint::Parse("198.51.100.7:7");
  tracker_->foreign_peers()->Put(kInfoHash, {&foreign, 1}, kNow);
  const std::string body = Http('b', 2, "supportcrypto=1");
  EXPECT_THAT(body, HasSubstr("5:peers12:" + Compact("192.0.2.1:1") + Compact("198.51.100.7:7")));
  EXPECT_THAT(body, HasSubstr(std::string("12:crypto_flags2:\0\0", 19)));
  EXPECT_THAT(body, HasSubstr("10:incompletei2e")) << "it is not counted";
  EXPECT_THAT(Http('t', 0, "tracker=1"), Not(HasSubstr(Compact("198.51.100.7:7"))));
  EXPECT_THAT(Http('r', 3, "supportcrypto=1&requirecrypto=1"),
              Not(HasSubstr(Compact("198.51.100.7:7"))));
  EXPECT_THAT(Http('c', 4, "compact=0"), HasSubstr("d2:ip12:198.51.100.74:porti7ee"));
}

// --- the aggregator ---

TEST_F(AnnounceDeskTest, AnAggregatorCountsAndSaysOk) {
  options_.announce.aggregator = true;
  options_.announce.aggregator_password = "pass word";
  Serve(NewDetailedStore({.nat_tries = 3}));
  EXPECT_THAT(Http('a', 1), HasSubstr("Requested download is not authorized"));
  EXPECT_THAT(Http('a', 1, "password=pass"), HasSubstr("Requested download is not authorized"));
  EXPECT_THAT(Udp({.port = 5}), HasSubstr("Requested download is not authorized"));
  EXPECT_EQ(tracker_->store().Totals().peers, 0u);
  EXPECT_EQ(Http('a', 1, "password=pass%20word"), "d8:response2:OKe");
  EXPECT_EQ(Udp({.port = 5}, "/?password=pass%20word"), "") << "no peers";
  EXPECT_EQ(tracker_->store().Totals().peers, 2u);
  EXPECT_EQ(Tray().checks.size(), 0u);
}

TEST_F(AnnounceDeskTest, AcceptedAnnouncesAreCopiedAsTheyCame) {
  options_.outbound.aggregate_forward.emplace().aggregator =
      *TrackerUrl::Parse("http://127.0.0.1:1/announce");
  options_.announce.tracker_queries = TrackerQueries::kAll;
  Serve();
  desk_->tray().Attach([] {});
  Http('a', 1, "strange=1");
  Http('t', 0, "tracker=1");
  Get("info_hash=" + kHash);
  Udp({.peer_id = *PeerId::FromText(Id('u')), .left = 7, .event = 2, .key = 0xdeadbeef, .port = 5});
  const OutTray::Contents tray = Tray();
  ASSERT_EQ(tray.copies.size(), 2u);
  EXPECT_THAT(tray.copies[0].query, EndsWith("&left=1&strange=1"));
  EXPECT_EQ(tray.copies[0].peer, *IpAddress::Parse("192.0.2.1"));
  EXPECT_EQ(tray.copies[1].peer, *IpAddress::Parse("192.0.2.9"));
  const auto again = DecodeHttpAnnounce(tray.copies[1].query, tray.copies[1].peer);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->request.info_hash, kInfoHash);
  EXPECT_EQ(again->request.peer, *Endpoint::Parse("192.0.2.9:5"));
  EXPECT_EQ(again->request.peer_id, *PeerId::FromText(Id('u')));
  EXPECT_EQ(again->request.event, Event::kStarted);
  EXPECT_EQ(again->request.left, 7u);
  EXPECT_EQ(again->request.key, 0xdeadbeefu);
}

// --- the operator's own seed ---

TEST_F(AnnounceDeskTest, TheDedicatedSeedMarksItsTorrent) {
  options_.announce.dedicated_seed_id = "s3cret";
  Serve(NewMemoryStore());
  EXPECT_THAT(Http('a', 1, "check_seeded=1"), Not(HasSubstr("seeded")));
  Http('b', 2, "seed_id=s3cret");
  Http('b', 2, "left=0&seed_id=other1");
  EXPECT_THAT(Http('a', 1, "check_seeded=1"), Not(HasSubstr("seeded"))) << "no seed, no secret";
  Http('b', 2, "left=0&seed_id=s3cret");
  EXPECT_THAT(Http('a', 1, "check_seeded=1"), EndsWith("6:seededi1ee"));
  EXPECT_THAT(Http('a', 1), Not(HasSubstr("seeded")));
}

TEST_F(AnnounceDeskTest, WithoutAnythingToDoThereIsNoDesk) {
  Serve(NewMemoryStore());
  EXPECT_FALSE(desk_->is_needed());
  EXPECT_THAT(Http('t', 1, "tracker=1&password=x"), HasSubstr("8:complete"));
}

}  // namespace
}  // namespace muster
