// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "base/bytes.h"
#include "muster/bencode.h"
#include "muster/detailed_store.h"
#include "muster/random.h"
#include "muster/version.h"
#include "muster/woodpeckers.h"
#include "statistics/counters.h"
#include "web/busy_networks.h"
#include "web/html.h"
#include "web/info_page.h"
#include "web/metrics.h"
#include "web/named_scrape.h"
#include "web/opentracker_page.h"
#include "web/state_dump.h"
#include "web/top_torrents.h"
#include "web/torrent_list.h"

namespace muster {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr Instant kStart = InstantFromUnixSeconds(1'700'000'000);

// A server that has worked for two hours and a second.
Snapshot Busy() {
  CounterBook book(1, kStart);
  WorkerCounters& c = book.worker(0);
  const auto count = [&c](Protocol protocol, RequestKind kind, Outcome outcome, int n) {
    for (int i = 0; i < n; ++i)
      c.requests.Count(protocol, i % 2 == 0 ? AddressFamily::kIpv4 : AddressFamily::kIpv6, kind,
                       outcome);
  };
  count(Protocol::kHttp, RequestKind::kAnnounce, Outcome::kAnswered, 7205);
  count(Protocol::kHttp, RequestKind::kAnnounce, Outcome::kInvalid, 3);
  count(Protocol::kHttp, RequestKind::kScrape, Outcome::kAnswered, 4);
  count(Protocol::kHttp, RequestKind::kFullScrape, Outcome::kAnswered, 2);
  count(Protocol::kUdp, RequestKind::kConnect, Outcome::kAnswered, 30);
  count(Protocol::kUdp, RequestKind::kAnnounce, Outcome::kAnswered, 40);
  count(Protocol::kUdp, RequestKind::kAnnounce, Outcome::kStale, 5);
  count(Protocol::kUdp, RequestKind::kScrape, Outcome::kAnswered, 6);
  c.requests.CountAnnounce(3, 50);
  c.udp.received.Add(90);
  c.udp.kernel_drops.Add(12);
  c.udp.latency.Record(3'000, 2);
  c.http.accepted.Add(14'500);
  c.http.full_scrape_bytes.Add(72'010);
  c.http.CountResponse(404);
  c.http.CountResponse(302);
  c.http.CountResponse(405);
  c.http.CountResponse(400);
  c.http.malformed.Add(1);
  c.http.compact_refused.Add(2);
  book.outbound().CountNatCheck(NatOutcome::kOtherPeerId);
  book.outbound().CountNatCheck(NatOutcome::kCancelled);
  book.outbound().trackers_failed.Add(3);
  book.outbound().foreign_peers.Add(21);
  book.outbound().forward_dropped.Add(6);
  Snapshot s;
  s.server = book.Sum();
  s.store = {.torrents = 5, .seeders = 4, .peers = 11, .ipv6_peers = 2, .completed = 9};
  s.store.bytes = 4096;
  s.now = kStart + Seconds(7201);
  s.peer_timeout = Seconds(2700);
  s.tracker_id = 77;
  s.live_sync.received_records = 14'402;
  s.live_sync.sent_packets = 3;
  return s;
}

std::string Page(std::string_view mode) {
  std::string out;
  EXPECT_TRUE(AppendOpentrackerPage(mode, Busy(), out)) << mode;
  return out;
}

// --- what scripts parse ---

TEST(OpentrackerPage, HasTheFourLinesOfMrtg) {
  EXPECT_EQ(Page("peer"), "11\n4\nopentracker serving 5 torrents\nopentracker");
  EXPECT_EQ(Page("torr"), "5\n0\nopentracker serving 5 torrents\nopentracker");
  EXPECT_EQ(Page("conn"),
            "14590\n7275\n7201 seconds (2 hours)\n"
            "opentracker connections, 2 conns/s :: 1 success/s.");
  EXPECT_EQ(Page("tcp4"),
            "14500\n7205\n7201 seconds (2 hours)\n"
            "opentracker tcp4 stats, 2 conns/s :: 1 success/s.");
  EXPECT_EQ(Page("udp4"),
            "90\n70\n7201 seconds (2 hours)\n"
            "opentracker udp4 stats, 0 conns/s :: 0 success/s.");
  EXPECT_EQ(Page("scrp"),
            "4\n6\n7201 seconds (2 hours)\n"
            "opentracker scrape stats, 0 scrape/s (tcp and udp)");
  EXPECT_EQ(Page("fscr"),
            "2000\n72010\n7201 seconds (2 hours)\n"
            "opentracker full scrape stats, 0 conns/s :: 10 bytes/s.");
  EXPECT_EQ(Page("completed"), "9\n0\n7201 seconds (2 hours)\nopentracker, 4 completed/h.");
}

TEST(OpentrackerPage, NeverHasLessThanNone) {
  Snapshot s;
  s.server.http.compact_refused = 3;  // one more than was counted when the others were asked
  s.now = kStart;
  std::string out;
  EXPECT_TRUE(AppendOpentrackerPage("herr", s, out));
  EXPECT_THAT(out, HasSubstr("\n400 PAR 0\n400 COM 3\n"));
}

TEST(OpentrackerPage, HasThousandthsOfFullScrapesAndWholeOnesASecond) {
  CounterBook book(1, kStart);
  for (int i = 0; i < 30; ++i)
    book.worker(0).requests.Count(Protocol::kHttp, AddressFamily::kIpv4, RequestKind::kFullScrape,
                                  Outcome::kAnswered);
  Snapshot s;
  s.server = book.Sum();
  s.now = kStart + Seconds(10);
  std::string out;
  EXPECT_TRUE(AppendOpentrackerPage("fscr", s, out));
  EXPECT_EQ(out,
            "30000\n0\n10 seconds (0 hours)\n"
            "opentracker full scrape stats, 3 conns/s :: 0 bytes/s.");
}

TEST(OpentrackerPage, TellsHowManyRecordsCameFromTheCluster) {
  EXPECT_EQ(Page("syncs"), "14402\n0\n7201 seconds (2 hours)\nopentracker sync stats, 2 syncs/s.");
}

TEST(OpentrackerPage, HasTheOtherModes) {
  EXPECT_EQ(Page("version"), "muster " + std::string(Version()) + "\n");
  EXPECT_EQ(Page("herr"),
            "302 RED 1\n400 ... 2\n400 PAR 1\n400 COM 2\n403 IP  0\n404 INV 1\n500 SRV 0\n");
  const std::string renew = Page("renew");
  EXPECT_EQ(std::count(renew.begin(), renew.end(), '\n'), 45);
  EXPECT_THAT(renew, HasSubstr("00 0\n01 0\n02 0\n03 1\n04 0\n"));
  EXPECT_THAT(renew, testing::EndsWith("44 0\n"));
  const std::string numwants = Page("numwants");
  EXPECT_EQ(std::count(numwants.begin(), numwants.end(), '\n'), 201);
  EXPECT_THAT(numwants, HasSubstr("\n050 => 1\n051 => 0\n"));
  std::string out = "before";
  EXPECT_FALSE(AppendOpentrackerPage("nonsense", Busy(), out));
  EXPECT_EQ(out, "before");
}

TEST(OpentrackerPage, TellsEverythingInTheOrderOfTheOriginal) {
  const std::string page = Page("everything");
  std::size_t at = 0;
  for (const char* part :
       {"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<stats>\n  <tracker_id>77</tracker_id>\n",
        "  <version>\nmuster ", "\n  </version>\n  <uptime>7201</uptime>\n  <torrents>\n",
        "    <count_mutex>5</count_mutex>\n    <count_iterator>5</count_iterator>\n",
        "  </torrents>\n  <peers>\n    <count>11</count>\n  </peers>\n",
        "  <seeds>\n    <count>4</count>\n  </seeds>\n",
        "  <completed>\n    <count>9</count>\n  </completed>\n  <connections>\n    <tcp>\n",
        "      <accept>14500</accept>\n      <announce>7205</announce>\n",
        "      <scrape>4</scrape>\n    </tcp>\n    <udp>\n      <overall>90</overall>\n",
        "      <connect>30</connect>\n      <announce>40</announce>\n      <scrape>6</scrape>\n",
        "      <missmatch>5</missmatch>\n    </udp>\n    <livesync>\n      <count>14402</count>\n",
        "    </livesync>\n  </connections>\n  <debug>\n    <renew>\n",
        "      <count interval=\"03\">1</count>\n", "      <count interval=\"44\">0</count>\n",
        "    </renew>\n    <http_error>\n      <count code=\"302 Redirect\">1</count>\n",
        "      <count code=\"404 Not found\">1</count>\n",
        "      <count code=\"500 Internal Server Error\">0</count>\n    </http_error>\n",
        "    <mutex_stall>\n      <count>0</count>\n    </mutex_stall>\n  </debug>\n</stats>"}) {
    const std::size_t found = page.find(part, at);
    ASSERT_NE(found, std::string::npos) << part << "\n" << page;
    at = found;
  }
  EXPECT_EQ(page.back(), '>') << "no newline at the end";
}

TEST(Prometheus, GivesEachMetricItsTypeOnceBeforeItsFigures) {
  std::string text;
  AppendPrometheus(Busy(), text);
  for (const char* line :
       {"muster_uptime_seconds 7201\n",
        "muster_torrents 5\n",
        "muster_peers{family=\"ipv4\"} 9\n",
        "muster_peers{family=\"ipv6\"} 2\n",
        "muster_completed_total 9\n",
        "muster_requests_total{protocol=\"udp\",family=\"ipv6\",request=\"announce\","
        "outcome=\"answered\"} 20\n",
        "muster_udp_kernel_drops_total 12\n",
        "muster_live_sync_received_records_total 14402\n",
        "muster_live_sync_sent_packets_total 3\n",
        "muster_http_responses_total{code=\"404\"} 1\n",
        "muster_nat_checks_total{outcome=\"reachable\"} 0\n",
        "muster_nat_checks_total{outcome=\"other_peer_id\"} 1\n",
        "muster_nat_checks_total{outcome=\"cancelled\"} 1\n",
        "muster_tracker_questions_total{outcome=\"failed\"} 3\n",
        "muster_foreign_peers_total 21\n",
        "muster_forwarded_announces_total{outcome=\"dropped\"} 6\n",
        "muster_latency_seconds_bucket{protocol=\"udp\",le=\"2e-06\"} 0\n",
        "muster_latency_seconds_bucket{protocol=\"udp\",le=\"4e-06\"} 2\n",
        "muster_latency_seconds_bucket{protocol=\"udp\",le=\"+Inf\"} 2\n",
        "muster_latency_seconds_sum{protocol=\"udp\"} 0.000006000\n",
        "muster_latency_seconds_count{protocol=\"udp\"} 2\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  // Every sample belongs to the metric that was introduced last.
  std::map<std::string, int> types;
  std::string current;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    ASSERT_NE(end, std::string::npos);
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    if (line.rfind("# TYPE ", 0) == 0) {
      current = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_EQ(++types[current], 1) << line;
    } else if (line[0] != '#') {
      EXPECT_EQ(line.rfind(current, 0), 0u) << line;
    }
  }
  EXPECT_GT(types.size(), 15u);
}

TEST(Json, HasTheSameFigures) {
  std::string text;
  AppendJson(Busy(), text);
  for (const char* part :
       {"\"uptime\":7201,", "\"store\":{\"torrents\":5,\"peers\":11,\"ipv6_peers\":2,",
        "{\"protocol\":\"http\",\"family\":\"ipv4\",\"request\":\"announce\","
        "\"outcome\":\"answered\",\"count\":3603}",
        "\"kernel_drops\":12,", "\"latency\":{\"count\":2,\"seconds\":0.000006000,",
        "\"renewals\":[0,0,0,1,0,", "\"404\":1,"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
  EXPECT_THAT(text, Not(HasSubstr(",}")));
  EXPECT_THAT(text, Not(HasSubstr("}{")));
  EXPECT_EQ(text.back(), '\n');
}

// --- all torrents ---

class TorrentsTest : public testing::Test {
 protected:
  // Torrent `t` has t % 4 seeders, t % 3 downloaders, and t % 2 completions.
  void Fill(std::uint32_t torrents) {
    for (std::uint32_t t = 1; t <= torrents; ++t) {
      for (std::uint32_t p = 0; p < t % 4; ++p)
        Announce(HashOf(t), p, PeerState::kSeeder, t % 2 == 1 && p == 0);
      for (std::uint32_t p = 0; p < t % 3; ++p)
        Announce(HashOf(t), 100 + p, PeerState::kDownloader, false);
    }
  }
  static InfoHash HashOf(std::uint32_t t) {
    Random random(t);
    std::uint64_t words[3] = {random.Next(), random.Next(), random.Next()};
    return InfoHash::FromBytes(reinterpret_cast<const std::uint8_t*>(words));
  }
  void Announce(const InfoHash& hash, std::uint32_t peer, PeerState state, bool completed) {
    AnnounceTo(*store_, hash, peer, state, completed);
  }
  static void AnnounceTo(SwarmStore& store, const InfoHash& hash, std::uint32_t peer,
                         PeerState state, bool completed) {
    const std::uint8_t compact[6] = {10, 0, static_cast<std::uint8_t>(peer), 1, 1, 1};
    const Endpoint endpoint = Endpoint::FromCompact(AddressFamily::kIpv4, compact);
    PeerBatch nobody({}, {});
    store.Apply({.info_hash = hash,
                 .peer = endpoint,
                 .peer_id = MadeUpId(endpoint),
                 .state = state,
                 .completed = completed},
                kStart, nobody);
  }
  static PeerId MadeUpId(const Endpoint& peer) {
    std::uint8_t bytes[20] = {1};
    std::copy_n(peer.compact().data(), 6, bytes + 1);
    return PeerId::FromBytes(bytes);
  }
  static std::string All(std::unique_ptr<HttpBody> body, std::size_t budget = 1000) {
    std::string out;
    for (;;) {
      const std::size_t before = out.size();
      const HttpBody::Progress progress = body->Produce(budget, out);
      EXPECT_LE(out.size() - before, budget + 8000);
      if (progress != HttpBody::Progress::kMore) return out;
    }
  }
  std::string List(TorrentListFormat format) {
    return All(NewTorrentList(*store_, /*policy=*/nullptr, format));
  }

  const std::unique_ptr<SwarmStore> store_ = NewMemoryStore({.hash_seed = 3});
};

TEST_F(TorrentsTest, AFullScrapeIsCanonicalBencodeOfAllTorrents) {
  EXPECT_EQ(List(TorrentListFormat::kBencode), "d5:filesdee");
  Fill(5000);
  const std::string bytes = List(TorrentListFormat::kBencode);
  BencodeDocument document;
  BencodeLimits limits;
  limits.max_tokens = 1'000'000;
  ASSERT_TRUE(document.Decode(bytes, BencodeMode::kStrict, limits).ok());
  EXPECT_TRUE(document.root().is_canonical());
  std::map<InfoHash, SwarmCounts> expected;
  store_->ForEach([&](const SwarmView& view) {
    expected[view.info_hash()] = view.counts();
    return true;
  });
  std::string again = "d5:filesd";
  for (const auto& [hash, counts] : expected) {
    again += "20:" + std::string(hash.text()) + "d8:completei" + std::to_string(counts.complete()) +
             "e10:downloadedi" + std::to_string(counts.completed) + "e10:incompletei" +
             std::to_string(counts.incomplete()) + "ee";
  }
  EXPECT_EQ(bytes, again + "ee");
}

TEST_F(TorrentsTest, NobodyCanChooseInfoHashesThatMakeABodyWrongOrAPieceOfItLong) {
  // So many that begin alike that a walk goes over them several times. The other store keeps all in
  // order.
  const auto in_order = NewDetailedStore();
  constexpr std::uint32_t kTorrents = 40'000;
  for (SwarmStore* store : {store_.get(), in_order.get()}) {
    for (std::uint32_t t = 1; t <= kTorrents; ++t) {
      InfoHash hash = HashOf(t);
      std::uint8_t bytes[20] = {0xab, 0xcd, 0xef};
      std::copy_n(hash.data(), 17, bytes + 3);
      hash = InfoHash::FromBytes(bytes);
      AnnounceTo(*store, hash, t % 256, t % 3 == 0 ? PeerState::kSeeder : PeerState::kDownloader,
                 false);
      if (t % 5 == 0) AnnounceTo(*store, hash, 7, PeerState::kSeeder, true);
    }
  }
  const auto bodies = [](const SwarmStore& store) {
    std::vector<std::unique_ptr<HttpBody>> all;
    for (const auto format : {TorrentListFormat::kBencode, TorrentListFormat::kBinary})
      all.push_back(NewTorrentList(store, /*policy=*/nullptr, format));
    all.push_back(NewNamedScrape(store, {.show_dead = true}));
    all.push_back(NewInfoPage(store, Snapshot(), {.max_torrents = 100'000}));
    all.push_back(NewTopTorrents(store, /*policy=*/nullptr, 10));
    all.push_back(NewStateDump(store, /*policy=*/nullptr, kStart));
    all.push_back(NewBusyNetworks(store, /*policy=*/nullptr));
    return all;
  };
  for (const std::size_t budget : {1000, 1'000'000}) {
    auto mine = bodies(*store_);
    auto expected = bodies(*in_order);
    for (std::size_t i = 0; i < mine.size(); ++i) {
      std::string out;
      int empty = 0;
      for (auto progress = HttpBody::Progress::kMore; progress == HttpBody::Progress::kMore;) {
        const std::size_t before = out.size();
        progress = mine[i]->Produce(budget, out);
        empty += progress == HttpBody::Progress::kMore && out.size() == before;
      }
      EXPECT_GT(empty, 2) << i << ": others have their turn before the first torrent is known";
      EXPECT_TRUE(out == All(std::move(expected[i]), budget)) << i;
    }
  }
}

TEST_F(TorrentsTest, ADumpHasTheFormatsOfTheOriginal) {
  const InfoHash hash = *InfoHash::FromHex("00ff41424344454647484950515253545556a1b2");
  for (std::uint32_t p = 0; p < 3; ++p) Announce(hash, p, PeerState::kSeeder, p == 0);
  for (std::uint32_t p = 0; p < 12; ++p) Announce(hash, 100 + p, PeerState::kDownloader, false);
  EXPECT_EQ(List(TorrentListFormat::kText), "00FF41424344454647484950515253545556A1B2:3:12\n");
  EXPECT_EQ(List(TorrentListFormat::kTextCompleted),
            "00FF41424344454647484950515253545556A1B2:3:12:1\n");
  EXPECT_EQ(List(TorrentListFormat::kUrl), "%00%ffABCDEFGHIPQRSTUV%a1%b2:3:12\n");
  EXPECT_EQ(List(TorrentListFormat::kBinary),
            std::string(hash.text()) + std::string("\0\0\0\3\0\0\0\14", 8));
  Announce(*InfoHash::FromHex("00ff2425262d2e2f303a3d40415a5b5f607a7e7f"), 1, PeerState::kSeeder,
           false);
  EXPECT_THAT(List(TorrentListFormat::kUrl),
              testing::StartsWith("%00%ff$%25%26-./0%3a=%40AZ%5b_%60z~%7f:1:0\n"));
  EXPECT_EQ(TorrentListFormatOf("ben"), TorrentListFormat::kBencode);
  EXPECT_EQ(TorrentListFormatOf("txtp"), TorrentListFormat::kTextCompleted);
  EXPECT_EQ(TorrentListFormatOf("xml"), std::nullopt);
}

TEST_F(TorrentsTest, TheLargestAreListedLargestFirst) {
  for (std::uint32_t t = 1; t <= 300; ++t) {
    for (std::uint32_t p = 0; p < t % 50; ++p)
      Announce(HashOf(t), p, p % 5 == 0 ? PeerState::kSeeder : PeerState::kDownloader, false);
  }
  const std::string top = All(NewTopTorrents(*store_, /*policy=*/nullptr, 10));
  EXPECT_THAT(top, testing::StartsWith("Top 10 torrents by peers:\n\t49\t"));
  EXPECT_THAT(top, HasSubstr("\nTop 10 torrents by seeds:\n\t10\t"));
  EXPECT_EQ(std::count(top.begin(), top.end(), '\n'), 22);
  EXPECT_EQ(top.find("\t48\t") < top.find("\t47\t"), true);
  EXPECT_EQ(top.find("\t46\t"), std::string::npos) << "six each of 49 and 48 fill ten places";
}

TEST_F(TorrentsTest, TheLargestLeaveOutZeros) {
  Announce(HashOf(1), 1, PeerState::kDownloader, false);
  EXPECT_EQ(All(NewTopTorrents(*store_, /*policy=*/nullptr, 100)).find("\t0\t"), std::string::npos);
}

TEST_F(TorrentsTest, AStateDumpHasMinuteAndCountOfEachTorrent) {
  EXPECT_EQ(All(NewStateDump(*store_, /*policy=*/nullptr, kStart)), "");
  Fill(3000);
  for (const std::size_t budget : {10, 1000, 1'000'000}) {
    const std::string dump = All(NewStateDump(*store_, /*policy=*/nullptr, kStart), budget);
    std::vector<std::string> lines = absl::StrSplit(dump, '\n', absl::SkipEmpty());
    EXPECT_TRUE(std::is_sorted(lines.begin(), lines.end()));
    // Torrents 12, 24, ... have nobody.
    EXPECT_EQ(lines.size(), 3000u - 250);
    const std::string one = absl::AsciiStrToUpper(HashOf(1).ToHex()) + ":28333333:1";
    EXPECT_TRUE(std::find(lines.begin(), lines.end(), one) != lines.end());
  }
}

TEST_F(TorrentsTest, AStateDumpOfAHugeSwarmIsOneLineWithItsLatestMinute) {
  for (std::uint32_t p = 0; p < 20'000; ++p) {
    const std::uint8_t compact[6] = {
        10, static_cast<std::uint8_t>(p >> 8), static_cast<std::uint8_t>(p), 1, 1, 1};
    PeerBatch nobody({}, {});
    store_->Apply({.info_hash = HashOf(1),
                   .peer = Endpoint::FromCompact(AddressFamily::kIpv4, compact),
                   .peer_id = PeerId()},
                  p == 7777 ? kStart + Seconds(300) : kStart, nobody);
  }
  EXPECT_EQ(All(NewStateDump(*store_, /*policy=*/nullptr, kStart)),
            absl::AsciiStrToUpper(HashOf(1).ToHex()) + ":28333338:0\n");
}

TEST_F(TorrentsTest, TheBusiestNetworksAreCountedExactlyAmongManySmallOnes) {
  const auto announce = [this](std::uint32_t torrent, std::uint32_t address) {
    std::uint8_t compact[6] = {0, 0, 0, 0, 1, 1};
    StoreBig32(compact, address);
    PeerBatch nobody({}, {});
    store_->Apply({.info_hash = HashOf(torrent),
                   .peer = Endpoint::FromCompact(AddressFamily::kIpv4, compact),
                   .peer_id = PeerId()},
                  kStart, nobody);
  };
  // 40,000 networks of one peer each; one network with 16 in each of 3 torrents, one with 200 in /24.
  for (std::uint32_t i = 0; i < 40'000; ++i) announce(1, 0x0b000000 + 256 * i);
  for (std::uint32_t i = 0; i < 48; ++i) announce(1 + i / 16, 0xc0000210 + i % 16);
  for (std::uint32_t i = 0; i < 200; ++i) announce(4, 0xc6336400 + i);
  std::uint8_t ipv6[18] = {0x20, 1};
  PeerBatch nobody({}, {});
  store_->Apply({.info_hash = HashOf(1),
                 .peer = Endpoint::FromCompact(AddressFamily::kIpv6, ipv6),
                 .peer_id = PeerId()},
                kStart, nobody);
  const std::string page = All(NewBusyNetworks(*store_, /*policy=*/nullptr));
  const std::size_t second = page.find("Networks, limit /24:\n");
  ASSERT_NE(second, std::string::npos);
  const std::string of_28 = page.substr(0, second);
  const std::string of_24 = page.substr(second);
  EXPECT_EQ(of_28.find("Networks, limit /28:\n00000048: 192.0.2.16\n00000016: 198.51.100.0\n"), 0u);
  EXPECT_EQ(of_24.find("Networks, limit /24:\n00000200: 198.51.100.0\n00000048: 192.0.2.0\n"), 0u);
  for (const std::string& part : {of_28, of_24}) {
    EXPECT_EQ(std::count(part.begin(), part.end(), '\n'), 1 + 128 + 1);
    EXPECT_THAT(part, testing::EndsWith("\n\n"));
  }
}

// --- networks that announce too often ---

class WoodpeckersTest : public testing::Test {
 protected:
  void Announce(std::uint32_t address, std::int32_t minutes, Instant time = kStart, int times = 1,
                bool replicated = false) {
    std::uint8_t compact[6] = {0, 0, 0, 0, 1, 1};
    StoreBig32(compact, address);
    for (int i = 0; i < times; ++i) {
      woodpeckers_.OnDelta({.info_hash = {},
                            .peer = Endpoint::FromCompact(AddressFamily::kIpv4, compact),
                            .peer_id = {},
                            .state = PeerState::kDownloader,
                            .completed = false,
                            .time = time,
                            .minutes_since_seen = minutes,
                            .replicated = replicated});
    }
  }
  std::map<std::string, std::uint32_t> Networks(Instant now = kStart) {
    std::map<std::string, std::uint32_t> networks;
    for (const auto& [network, announces] : woodpeckers_.Networks(now))
      networks[network.ToString()] = announces;
    return networks;
  }

  Woodpeckers woodpeckers_{Seconds(1800)};
};

TEST_F(WoodpeckersTest, CountWhoComesBackEarlyByNetwork) {
  for (const std::int32_t minutes : {-1, 0, 20, 30}) Announce(0xc0000201, minutes);
  Announce(0xc0000201, 5, kStart, 1, /*replicated=*/true);
  EXPECT_TRUE(Networks().empty());
  Announce(0xc0000201, 1);
  Announce(0xc000020f, 19);
  Announce(0xc0000210, 7, kStart, 3);
  EXPECT_EQ(Networks(),
            (std::map<std::string, std::uint32_t>{{"192.0.2.0/28", 2}, {"192.0.2.16/28", 3}}));
}

TEST_F(WoodpeckersTest, AreHalvedEveryTwoMinutesAndForgotten) {
  Announce(0xc0000201, 1, kStart, 9);
  EXPECT_EQ(Networks(kStart + Seconds(119))["192.0.2.0/28"], 9u);
  EXPECT_EQ(Networks(kStart + Seconds(120))["192.0.2.0/28"], 4u);
  Announce(0xc0000201, 1, kStart + Seconds(200), 1);
  EXPECT_EQ(Networks(kStart + Seconds(240))["192.0.2.0/28"], 2u);
  EXPECT_TRUE(Networks(kStart + Seconds(1'000'000'000)).empty());
  Announce(0xc0000201, 1, kStart, 1);  // a clock that was put back
  EXPECT_EQ(Networks(kStart)["192.0.2.0/28"], 1u);
}

TEST_F(WoodpeckersTest, KeepTheBusiestAmongVeryMany) {
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    Announce(0x0a000000 + 16 * i, 1);
    if (i % 4 == 0) Announce(0xc0000201, 1);
  }
  const auto networks = Networks();
  EXPECT_LE(networks.size(), 16u * 1024);
  ASSERT_TRUE(networks.count("192.0.2.0/28") > 0);
  EXPECT_GT(networks.at("192.0.2.0/28"), 24'000u);
}

// --- for people ---

TEST_F(TorrentsTest, TheInfoPageListsTorrentsAndSums) {
  Announce(HashOf(1), 1, PeerState::kSeeder, true);
  Announce(HashOf(1), 2, PeerState::kDownloader, false);
  Snapshot snapshot = Busy();
  snapshot.store = store_->Totals();
  const std::string page = All(NewInfoPage(*store_, snapshot, {.max_torrents = 100}));
  EXPECT_THAT(page, testing::StartsWith("<!DOCTYPE html>"));
  EXPECT_THAT(page, HasSubstr("<title>BitTorrent download info</title>"));
  EXPECT_THAT(page, HasSubstr("<tr><td><code>" + HashOf(1).ToHex() +
                              "</code></td><td class=\"has\">1</td><td>1</td><td>1</td></tr>"));
  EXPECT_THAT(page, HasSubstr("<td>1 file</td><td>1</td><td>1</td><td>1</td>"));
  EXPECT_THAT(page, HasSubstr("server time: 2023-11-15 00:13 UTC"));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, testing::EndsWith("</html>\n"));
}

TEST_F(TorrentsTest, TheInfoPageOfAnEmptyTrackerSaysSo) {
  Snapshot snapshot;
  EXPECT_THAT(All(NewInfoPage(*store_, snapshot, {.max_torrents = 100})),
              HasSubstr("not tracking any files yet..."));
}

TEST_F(TorrentsTest, TheInfoPageSaysHowManyItLeavesOut) {
  Fill(500);
  Snapshot snapshot;
  snapshot.store = store_->Totals();
  const std::string page = All(NewInfoPage(*store_, snapshot, {.max_torrents = 20}));
  std::size_t rows = 0;
  for (std::size_t at = page.find("<tr><td><code>"); at != std::string::npos;
       at = page.find("<tr><td><code>", at + 1))
    ++rows;
  EXPECT_EQ(rows, 20u);
  EXPECT_THAT(page, HasSubstr("and " + std::to_string(snapshot.store.torrents - 20) + " more"));
}

// --- with a catalog ---

class CatalogTest : public TorrentsTest {
 protected:
  static std::shared_ptr<const CatalogTorrent> Entry(std::string name, InfoHashes hashes,
                                                     std::uint64_t length) {
    CatalogTorrent torrent;
    torrent.name = std::move(name);
    torrent.info_hashes = hashes;
    torrent.length = length;
    torrent.path = "/x.torrent";
    return std::make_shared<const CatalogTorrent>(std::move(torrent));
  }
  static InfoHashV2 V2(std::uint8_t n) {
    const std::uint8_t bytes[32] = {n, 2};
    return InfoHashV2::FromBytes(bytes);
  }
  std::string Page(const InfoPageOptions& options) {
    Snapshot snapshot;
    snapshot.store = store_->Totals();
    return All(NewInfoPage(*store_, snapshot, options));
  }
  // The rows of the table, its head left out, without tags.
  static std::vector<std::string> Rows(std::string page) {
    std::vector<std::string> rows;
    page.erase(0, page.find("<tbody>"));
    for (std::size_t at = 0; (at = page.find("<tr>", at)) != page.npos; ++at) {
      std::string row;
      bool tag = false;
      for (const char c : page.substr(at, page.find("</tr>", at) - at)) {
        if (c == '<') {
          if (!row.empty() && row.back() != '|') row += '|';
          tag = true;
        }
        if (!tag) row += c;
        if (c == '>') tag = false;
      }
      rows.push_back(row);
    }
    return rows;
  }

  const std::shared_ptr<const TorrentList> list_ = std::make_shared<const TorrentList>(
      std::vector{Entry("b", {.v1 = HashOf(1)}, 2048), Entry("a", {.v1 = HashOf(2)}, 3),
                  Entry("c", {.v1 = HashOf(3), .v2 = V2(1)}, 1024)});
  const std::string kNarrow = "\u202f";
};

TEST_F(CatalogTest, TheInfoPageTellsNamesSizesAndSums) {
  Announce(HashOf(1), 1, PeerState::kSeeder, true);
  Announce(HashOf(1), 2, PeerState::kSeeder, true);
  Announce(HashOf(2), 1, PeerState::kDownloader, false);
  const auto rows = Rows(Page({.torrents = list_}));
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[0], "a|" + HashOf(2).ToHex() + "|3" + kNarrow + "B|0|1|0|0" + kNarrow + "B|");
  EXPECT_EQ(rows[1], "b|" + HashOf(1).ToHex() + "|2" + kNarrow + "KiB|2|0|2|4" + kNarrow + "KiB|");
  EXPECT_EQ(rows[2], "c|" + HashOf(3).ToHex() + "|1" + kNarrow + "KiB|0|0|0|0" + kNarrow + "B|");
  EXPECT_EQ(rows[3], "3 files|3" + kNarrow + "KiB|2|1|2|4" + kNarrow + "KiB|");
}

TEST_F(CatalogTest, TheSecondHashOfAHybridIsListedOnceItHasPeers) {
  Announce(V2(1).Truncated(), 1, PeerState::kDownloader, false);
  const auto rows = Rows(Page({.torrents = list_}));
  ASSERT_EQ(rows.size(), 5u);
  EXPECT_EQ(rows[4], "4 files|3" + kNarrow + "KiB|0|1|0|0" + kNarrow + "B|");
}

TEST_F(CatalogTest, TheInfoPageSumsWhatItDoesNotList) {
  Announce(HashOf(1), 1, PeerState::kSeeder, true);
  const std::string page = Page({.max_torrents = 1, .torrents = list_});
  const auto rows = Rows(page);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[1], "3 files|3" + kNarrow + "KiB|1|0|1|2" + kNarrow + "KiB|");
  EXPECT_THAT(page, HasSubstr("and 2 more files"));
}

TEST_F(CatalogTest, TheInfoPageHidesNamesWhereTheyAreNotToBeTold) {
  const std::string page = Page({.torrents = list_, .show_names = false});
  EXPECT_EQ(Rows(page).size(), 5u);
  EXPECT_THAT(page, Not(HasSubstr("class=\"name\"")));
  EXPECT_THAT(page, Not(HasSubstr("transferred")));
}

TEST_F(CatalogTest, TheInfoPageLeadsToTheFilesOfTorrents) {
  EXPECT_THAT(Page({.torrents = list_, .link_files = true}),
              HasSubstr("href=\"/file?info_hash=" + HashOf(1).ToHex() + "\">b</a>"));
  EXPECT_THAT(Page({.torrents = list_}), Not(HasSubstr("href")));
}

TEST_F(CatalogTest, AFullScrapeHasEveryTorrentOfIt) {
  Announce(HashOf(2), 1, PeerState::kSeeder, true);
  Announce(HashOf(9), 1, PeerState::kSeeder, false);  // it is not in the catalog
  for (const bool names : {true, false}) {
    const std::string bytes =
        All(NewNamedScrape(*store_, {.torrents = list_, .show_names = names}));
    BencodeDocument document;
    ASSERT_TRUE(document.Decode(bytes).ok());
    const BencodeView files = document.root().Find("files");
    const BencodeView two = files.Find(HashOf(2).text());
    EXPECT_EQ(two.Find("complete").IntOr(-1), 1);
    EXPECT_EQ(two.Find("downloaded").IntOr(-1), 1);
    EXPECT_EQ(two.Find("incomplete").IntOr(-1), 0);
    EXPECT_EQ(two.Find("name").StringOr(""), names ? "a" : "");
    EXPECT_EQ(files.Find(HashOf(3).text()).Find("complete").IntOr(-1), 0);
    EXPECT_EQ(files.Find(HashOf(9).text()).Find("complete").IntOr(-1), 1);
    EXPECT_EQ(files.Find(V2(1).Truncated().text()).Find("name").StringOr(""), names ? "c" : "");
  }
}

// Shows all torrents but one.
class AllBut final : public Policy {
 public:
  explicit AllBut(const InfoHash& hidden) : hidden_(hidden) {}
  absl::Status AllowAnnounce(const AnnounceRequest&, Instant) override { return absl::OkStatus(); }
  absl::Status AllowScrape(const InfoHash&, const IpAddress&, Instant) override {
    return absl::OkStatus();
  }
  bool Shows(const InfoHash& info_hash) const override { return info_hash != hidden_; }

 private:
  const InfoHash hidden_;
};

TEST_F(CatalogTest, WhatThePolicyHidesIsInNoListAndOnNoPage) {
  for (const std::uint8_t n : {1, 2, 9}) Announce(HashOf(n), 1, PeerState::kSeeder, true);
  for (const std::uint8_t hidden : {1, 3, 9}) {
    const AllBut policy(HashOf(hidden));
    const std::string hash = HashOf(hidden).ToHex();
    for (const std::size_t budget : {1, 100, 100'000}) {
      const auto produced = [&](std::unique_ptr<HttpBody> body) {
        return All(std::move(body), budget);
      };
      for (const auto& catalog : {list_, std::shared_ptr<const TorrentList>()}) {
        for (const bool names : {true, false}) {
          const InfoPageOptions options{
              .torrents = catalog, .policy = &policy, .show_names = names};
          EXPECT_THAT(produced(NewInfoPage(*store_, Snapshot(), options)), Not(HasSubstr(hash)));
          BencodeDocument scrape;
          const std::string bytes = produced(NewNamedScrape(
              *store_, {.torrents = catalog, .policy = &policy, .show_names = names}));
          ASSERT_TRUE(scrape.Decode(bytes).ok());
          const BencodeView files = scrape.root().Find("files");
          EXPECT_TRUE(files.Find(HashOf(2).text()));
          EXPECT_FALSE(files.Find(HashOf(hidden).text()));
        }
      }
      const std::string list = produced(NewTorrentList(*store_, &policy, TorrentListFormat::kText));
      EXPECT_EQ(std::count(list.begin(), list.end(), '\n'), hidden == 3 ? 3 : 2);
      EXPECT_THAT(list, Not(HasSubstr(absl::AsciiStrToUpper(hash))));
      EXPECT_THAT(produced(NewTopTorrents(*store_, &policy, 10)),
                  Not(HasSubstr(absl::AsciiStrToUpper(hash))));
      const std::string dump = produced(NewStateDump(*store_, &policy, kStart));
      EXPECT_EQ(std::count(dump.begin(), dump.end(), '\n'), hidden == 3 ? 3 : 2);
      EXPECT_THAT(dump, Not(HasSubstr(absl::AsciiStrToUpper(hash))));
      EXPECT_THAT(produced(NewBusyNetworks(*store_, &policy)),
                  HasSubstr(hidden == 3 ? "\n00000003: " : "\n00000002: "));
    }
  }
}

TEST_F(CatalogTest, TorrentsWithoutPeersAreLeftOutWhereTheyAreNotToBeTold) {
  for (const std::uint8_t torrent : {2, 8, 9}) {
    Announce(HashOf(torrent), 1, PeerState::kSeeder, true);
    if (torrent != 8) Announce(HashOf(torrent), 1, PeerState::kStopped, false);
  }
  for (const bool dead : {true, false}) {
    for (const bool cataloged : {true, false}) {
      const auto list = cataloged ? list_ : nullptr;
      const std::string bytes = All(NewNamedScrape(*store_, {.torrents = list, .show_dead = dead}));
      BencodeDocument document;
      ASSERT_TRUE(document.Decode(bytes).ok());
      const BencodeView files = document.root().Find("files");
      const std::string page = Page({.torrents = list, .show_dead = dead, .show_names = false});
      const auto told = [&](std::uint8_t torrent) {
        const bool scraped = files.Find(HashOf(torrent).text()).Find("downloaded").IntOr(-1) == 1;
        EXPECT_EQ(page.find(HashOf(torrent).ToHex()) != page.npos, scraped);
        return scraped;
      };
      EXPECT_EQ(told(2), dead || cataloged);
      EXPECT_TRUE(told(8));
      EXPECT_EQ(told(9), dead);
    }
  }
}

TEST(Html, EscapesWhatMeansSomething) {
  const auto html = [](std::string_view text) {
    std::string out;
    AppendHtml(text, out);
    return out;
  };
  EXPECT_EQ(html("a<b>&\"'c"), "a&lt;b&gt;&amp;&quot;&#39;c");
  EXPECT_EQ(html("\u00c4\u20ac\U0001f600"), "\u00c4\u20ac\U0001f600");
  const std::string odd = "\uFFFD";
  EXPECT_EQ(html("a\nb"), "a" + odd + "b");
  EXPECT_EQ(html("\xff"), odd);
  EXPECT_EQ(html("\xc3"), odd);
  EXPECT_EQ(html("\xc0\xaf"), odd + odd);             // overlong
  EXPECT_EQ(html("\xed\xa0\x80"), odd + odd + odd);   // a surrogate
  EXPECT_EQ(html("\u202egnp.exe"), odd + "gnp.exe");  // turns the direction
}

TEST(Html, WritesSizesAsTheOriginal) {
  EXPECT_EQ(SizeText(0), "0\u202fB");
  EXPECT_EQ(SizeText(1023), "1023\u202fB");
  EXPECT_EQ(SizeText(1024 * 1.99), "1\u202fKiB");
  EXPECT_EQ(SizeText(17.0 * 1024 * 1024), "17\u202fMiB");
  EXPECT_EQ(SizeText(4.38 * 1024 * 1024 * 1024), "4.38\u202fGiB");
  EXPECT_EQ(SizeText(1e18), "888.18\u202fPiB");
  EXPECT_EQ(GroupedDigits(1234567), "1\u202f234\u202f567");
  EXPECT_EQ(GroupedDigits(123), "123");
}

}  // namespace
}  // namespace muster
