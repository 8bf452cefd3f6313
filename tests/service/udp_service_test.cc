// SPDX-License-Identifier: Apache-2.0
#include "service/udp_service.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "muster/refusal.h"
#include "wire/udp_testing.h"

namespace muster {
namespace {

using testing_udp::AnnounceFields;
using testing_udp::AnnouncePacket;
using testing_udp::Bytes;
using testing_udp::ConnectPacket;
using testing_udp::Exact;
using testing_udp::Get;
using testing_udp::Hex;
using testing_udp::ScrapePacket;

constexpr Instant kStart = InstantFromUnixSeconds(1'800'001'234);
constexpr Seconds kLifetime{600};

InfoHash HashOf(std::uint8_t n) {
  const std::uint8_t bytes[20] = {n, 1, 2, 3};
  return InfoHash::FromBytes(bytes);
}
Endpoint PeerOf(int n, AddressFamily family = AddressFamily::kIpv4) {
  const auto low = static_cast<std::uint8_t>(n);
  const auto high = static_cast<std::uint8_t>(n >> 8);
  const std::uint8_t ipv4[4] = {10, 0, high, low};
  const std::uint8_t ipv6[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, high, low};
  return {family == AddressFamily::kIpv4 ? IpAddress::FromIpv4(ipv4) : IpAddress::FromIpv6(ipv6),
          50'000};
}

class UdpServiceTest : public ::testing::Test {
 protected:
  void Restart(const TrackerOptions& tracker_options, const UdpOptions& udp_options) {
    MemoryStoreOptions store_options;
    store_options.hash_seed = 5;
    service_ = nullptr;
    tracker_ = *Tracker::Create(tracker_options, NewMemoryStore(store_options));
    service_ =
        std::make_unique<UdpService>(tracker_.get(), udp_options, key_, Random(9), &counters_);
  }
  void SetUp() override {
    UdpOptions options;
    options.connection_id_lifetime = kLifetime;
    Restart({}, options);
  }

  // The answer to one datagram; empty for silence.
  Bytes Ask(const Bytes& packet, const Endpoint& from = PeerOf(1), Instant now = kStart) {
    const Exact request(packet);
    const auto space = std::make_unique<std::uint8_t[]>(kMaxUdpAnswer);
    UdpDatagram datagram{request.span(), from, {space.get(), kMaxUdpAnswer}};
    service_->Answer(absl::MakeSpan(&datagram, 1), now);
    EXPECT_LE(datagram.answer.size(), kMaxUdpAnswer);
    return {datagram.answer.begin(), datagram.answer.end()};
  }
  std::uint64_t Connect(const Endpoint& from = PeerOf(1), Instant now = kStart) {
    const Bytes answer = Ask(ConnectPacket(7), from, now);
    EXPECT_EQ(answer.size(), 16u);
    return Get(answer, 8, 8);
  }
  // With an id of its own.
  Bytes Announce(AnnounceFields fields, const Endpoint& from = PeerOf(1)) {
    fields.connection_id = Connect(from);
    return Ask(AnnouncePacket(fields), from);
  }
  static std::string ErrorText(const Bytes& answer, std::uint32_t transaction_id) {
    if (answer.size() < 8 || Get(answer, 0, 4) != 3) return "(no error)";
    EXPECT_EQ(Get(answer, 4, 4), transaction_id);
    return std::string(answer.begin() + 8, answer.end());
  }

  const ConnectionIdKey key_{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
  WorkerCounters counters_;
  std::unique_ptr<Tracker> tracker_;
  std::unique_ptr<UdpService> service_;
};

// --- who is answered at all ---

TEST_F(UdpServiceTest, AnswersAConnectWithAsManyBytes) {
  const Bytes answer = Ask(ConnectPacket(0xdeadbeef));
  ASSERT_EQ(answer.size(), 16u);
  EXPECT_EQ(Get(answer, 0, 4), 0u);
  EXPECT_EQ(Get(answer, 4, 4), 0xdeadbeef);
  EXPECT_NE(Get(answer, 8, 8), 0u);
}

TEST_F(UdpServiceTest, DoesNotAnswerNoise) {
  for (std::size_t size = 0; size < 200; ++size) {
    EXPECT_TRUE(Ask(Bytes(size, 0)).empty()) << size;
    EXPECT_TRUE(Ask(Bytes(size, 0xff)).empty()) << size;
  }
  EXPECT_TRUE(Ask(ConnectPacket(1, 0x41727101981)).empty()) << "another protocol";
  Bytes error = AnnouncePacket({.connection_id = Connect()});
  error[11] = 3;
  EXPECT_TRUE(Ask(error).empty()) << "an answer's action";
  // A BitTorrent handshake, a DNS query, a DHT ping.
  EXPECT_TRUE(Ask(Hex("13426974546f7272656e742070726f746f636f6c0000000000000000")).empty());
  EXPECT_TRUE(Ask(Hex("1234010000010000000000000377777706676f6f676c6503636f6d0000010001")).empty());
  EXPECT_TRUE(Ask(Hex("64313a6164323a696432303a6162636465666768696a30313233343536373839"
                      "65313a71343a70696e67313a74323a6161313a79313a7165"))
                  .empty());
  EXPECT_EQ(tracker_->store().Totals().torrents, 0u);
}

TEST_F(UdpServiceTest, SendsAnUnprovenSenderNeverMoreThanItSent) {
  const InfoHash hashes[74];
  for (const bool answer_stale : {true, false}) {
    UdpOptions options;
    options.answer_stale_connection_id = answer_stale;
    Restart({}, options);
    std::vector<Bytes> packets = {AnnouncePacket({.connection_id = 1234, .transaction_id = 77})};
    for (const std::size_t n : {1u, 2u, 74u})
      packets.push_back(ScrapePacket(1234, 77, absl::MakeConstSpan(hashes).first(n)));
    for (const Bytes& packet : packets) {
      const Bytes answer = Ask(packet);
      if (answer_stale) {
        EXPECT_LE(answer.size(), packet.size());
        EXPECT_EQ(ErrorText(answer, 77), "connection id expired");
      } else {
        EXPECT_TRUE(answer.empty());
      }
    }
    EXPECT_EQ(tracker_->store().Totals().torrents, 0u);
  }
}

TEST_F(UdpServiceTest, TakesAnIdFromItsAddressAndWithinItsLifetimeOnly) {
  const std::uint64_t id = Connect();
  const Bytes packet = AnnouncePacket({.connection_id = id, .transaction_id = 5});
  const auto good = [&](const Bytes& answer) { return answer.size() >= 20 && answer[3] == 1; };
  EXPECT_TRUE(good(Ask(packet)));
  Endpoint other_port = PeerOf(1);
  other_port.set_port(1);
  EXPECT_TRUE(good(Ask(packet, other_port)));
  EXPECT_TRUE(good(Ask(packet, PeerOf(1), kStart + kLifetime)));
  EXPECT_EQ(ErrorText(Ask(packet, PeerOf(1), kStart + kLifetime + kLifetime / 4), 5),
            "connection id expired");
  EXPECT_EQ(ErrorText(Ask(packet, PeerOf(2)), 5), "connection id expired");
}

TEST_F(UdpServiceTest, AnswersWhatIsCutShortOnlyWithAGoodId) {
  const InfoHash hashes[1];
  for (const bool proven : {true, false}) {
    const std::uint64_t id = proven ? Connect() : 1234;
    const Bytes announce = AnnouncePacket({.connection_id = id, .transaction_id = 5});
    const Bytes scrape = ScrapePacket(id, 5, hashes);
    for (const Bytes& whole : {announce, scrape}) {
      for (std::size_t size = 0; size < whole.size(); ++size) {
        const Bytes answer = Ask(Bytes(whole.begin(), whole.begin() + static_cast<long>(size)));
        EXPECT_EQ(answer.empty(), !proven || size < 16) << size;
        EXPECT_LE(answer.size(), size);
        if (!answer.empty()) {
          EXPECT_NE(ErrorText(answer, 5), "(no error)");
        }
      }
    }
  }
  EXPECT_EQ(tracker_->store().Totals().torrents, 0u);
}

TEST_F(UdpServiceTest, RefusesOptionsThatRunOverTheEnd) {
  Bytes packet = AnnouncePacket({.connection_id = Connect(), .transaction_id = 5});
  const Bytes options = Hex("02 32 2f61");
  packet.insert(packet.end(), options.begin(), options.end());
  const std::string text = ErrorText(Ask(packet), 5);
  EXPECT_NE(text.find("options"), std::string::npos) << text;
  EXPECT_EQ(tracker_->store().Totals().torrents, 0u);
}

// --- announces ---

TEST_F(UdpServiceTest, AnswersAnAnnounceAsBep15DrawsIt) {
  for (int n = 2; n < 5; ++n)
    Announce({.info_hash = HashOf(1), .left = n == 2 ? 0u : 1u, .port = 7000}, PeerOf(n));
  const Bytes answer = Announce({.transaction_id = 0xabcdef, .info_hash = HashOf(1)});
  ASSERT_EQ(answer.size(), 20u + 3 * 6);
  EXPECT_EQ(Get(answer, 0, 4), 1u);
  EXPECT_EQ(Get(answer, 4, 4), 0xabcdefu);
  EXPECT_NEAR(static_cast<double>(Get(answer, 8, 4)), 1800, 180) << "interval";
  EXPECT_EQ(Get(answer, 12, 4), 3u) << "leechers";
  EXPECT_EQ(Get(answer, 16, 4), 1u) << "seeders";
  std::set<std::string> peers;
  for (std::size_t at = 20; at < answer.size(); at += 6)
    peers.insert(Endpoint::FromCompact(AddressFamily::kIpv4, &answer[at]).ToString());
  EXPECT_EQ(peers, (std::set<std::string>{"10.0.0.2:7000", "10.0.0.3:7000", "10.0.0.4:7000"}));
}

TEST_F(UdpServiceTest, TakesTheAddressFromTheSenderAndThePortFromThePacket) {
  Announce({.info_hash = HashOf(1), .ip = 0x01020304, .port = 7777}, PeerOf(2));
  const Bytes answer = Announce({.info_hash = HashOf(1)});
  ASSERT_EQ(answer.size(), 26u);
  EXPECT_EQ(Endpoint::FromCompact(AddressFamily::kIpv4, &answer[20]).ToString(), "10.0.0.2:7777");
}

TEST_F(UdpServiceTest, HandsEveryFieldToTheRules) {
  class Listening final : public Policy {
   public:
    absl::Status AllowAnnounce(const AnnounceRequest& request, Instant now) override {
      seen = request;
      url = std::string(request.url);
      time = now;
      return absl::OkStatus();
    }
    absl::Status AllowScrape(const InfoHash&, const IpAddress&, Instant) override {
      return absl::OkStatus();
    }
    AnnounceRequest seen;
    std::string url;
    Instant time;
  } policy;
  tracker_->SetPolicy(&policy);
  Bytes packet = AnnouncePacket({.connection_id = Connect(),
                                 .transaction_id = 1,
                                 .info_hash = HashOf(9),
                                 .peer_id = PeerId::FromText("-TR4000-abcdefghijkl").value(),
                                 .downloaded = 11,
                                 .left = 22,
                                 .uploaded = 33,
                                 .event = 4,
                                 .key = 44,
                                 .numwant = 5,
                                 .port = 6});
  for (const std::string part : {"/announce", "?key=x"}) {
    packet.push_back(2);
    packet.push_back(static_cast<std::uint8_t>(part.size()));
    packet.insert(packet.end(), part.begin(), part.end());
  }
  EXPECT_EQ(Ask(packet).size(), 20u);
  EXPECT_EQ(policy.seen.info_hash, HashOf(9));
  EXPECT_EQ(policy.seen.peer_id.text(), "-TR4000-abcdefghijkl");
  EXPECT_EQ(policy.seen.peer.ToString(), "10.0.0.1:6");
  EXPECT_EQ(policy.seen.downloaded, 11u);
  EXPECT_EQ(policy.seen.left, 22u);
  EXPECT_EQ(policy.seen.uploaded, 33u);
  EXPECT_EQ(policy.seen.event, Event::kPaused);
  EXPECT_EQ(policy.seen.key, 44u);
  EXPECT_EQ(policy.seen.numwant, 5);
  EXPECT_EQ(policy.url, "/announce?key=x");
  EXPECT_EQ(policy.time, kStart);
  EXPECT_EQ(tracker_->store().Count(HashOf(9)), (SwarmCounts{.partial_seeders = 1}));
}

TEST_F(UdpServiceTest, GivesAsManyAsItsOwnDefaultSaysToWhoDoesNotSay) {
  const struct {
    std::uint32_t of_udp;
    std::size_t given;
  } cases[] = {{0, 3}, {1, 1}, {7, 7}, {1000, 9}};
  for (const auto& c : cases) {
    TrackerOptions options;
    options.default_numwant = 3;
    options.max_numwant = 9;
    UdpOptions udp;
    udp.default_numwant = c.of_udp;
    Restart(options, udp);
    for (int n = 1; n <= 20; ++n) Announce({.info_hash = HashOf(1), .numwant = 0}, PeerOf(n));
    for (const std::int32_t numwant : {-1, -50})
      EXPECT_EQ(Announce({.info_hash = HashOf(1), .numwant = numwant}).size(), 20 + 6 * c.given);
    EXPECT_EQ(Announce({.info_hash = HashOf(1), .numwant = 2}).size(), 20u + 6 * 2);
    EXPECT_EQ(Announce({.info_hash = HashOf(1), .numwant = 0}).size(), 20u);
  }
}

TEST_F(UdpServiceTest, FillsAnAnswerThatIsNeverCutIntoFragments) {
  for (const std::uint32_t max_numwant : {200u, 1000u}) {
    TrackerOptions options;
    options.max_numwant = max_numwant;
    Restart(options, {});
    for (int n = 0; n < 400; ++n) {
      for (const AddressFamily family : {AddressFamily::kIpv4, AddressFamily::kIpv6})
        Announce({.info_hash = HashOf(1), .numwant = 0}, PeerOf(n, family));
    }
    for (const std::int32_t numwant : {200, 1000, 0x7fffffff}) {
      const Bytes ipv4 = Announce({.info_hash = HashOf(1), .numwant = numwant}, PeerOf(0));
      const std::size_t fits = std::min<std::size_t>(202, static_cast<std::size_t>(numwant));
      EXPECT_EQ(ipv4.size(), 20 + 6 * std::min<std::size_t>(fits, max_numwant));
      const Bytes ipv6 =
          Announce({.info_hash = HashOf(1), .numwant = numwant}, PeerOf(0, AddressFamily::kIpv6));
      EXPECT_EQ(ipv6.size(), 20u + 67 * 18);
      EXPECT_LE(ipv6.size(), 1232u);
      // No peer twice, and nobody else's family.
      std::set<Endpoint> peers;
      for (std::size_t at = 20; at < ipv6.size(); at += 18)
        peers.insert(Endpoint::FromCompact(AddressFamily::kIpv6, &ipv6[at]));
      EXPECT_EQ(peers.size(), 67u);
      for (const Endpoint& peer : peers) EXPECT_EQ(peer.ToString().substr(0, 11), "[2001:db8::");
      // Both families are counted.
      EXPECT_EQ(Get(ipv6, 12, 4), 800u);
      EXPECT_EQ(Get(ipv4, 12, 4), 800u);
    }
  }
}

TEST_F(UdpServiceTest, GivesNoPeersWhereNoneAreWantedOrThePeerStops) {
  for (int n = 2; n < 10; ++n) Announce({.info_hash = HashOf(1)}, PeerOf(n));
  EXPECT_EQ(Announce({.info_hash = HashOf(1), .numwant = 0}).size(), 20u);
  const Bytes stopped = Announce({.info_hash = HashOf(1), .event = 3});
  EXPECT_EQ(stopped.size(), 20u);
  EXPECT_EQ(Get(stopped, 12, 4), 8u);
  EXPECT_EQ(Announce({.info_hash = HashOf(1), .numwant = -1}).size(), 20u + 8 * 6);
}

TEST_F(UdpServiceTest, TellsAClientWhyItIsRefused) {
  class Refusing final : public Policy {
   public:
    absl::Status AllowAnnounce(const AnnounceRequest&, Instant) override { return status; }
    absl::Status AllowScrape(const InfoHash&, const IpAddress&, Instant) override { return status; }
    absl::Status status;
  } policy;
  tracker_->SetPolicy(&policy);
  const InfoHash hashes[2];
  policy.status = Refuse("unregistered torrent");
  EXPECT_EQ(ErrorText(Announce({.transaction_id = 3}), 3), "unregistered torrent");
  EXPECT_EQ(ErrorText(Ask(ScrapePacket(Connect(), 4, hashes)), 4), "unregistered torrent");
  policy.status = absl::UnavailableError("the database at 10.1.2.3 is down");
  EXPECT_EQ(ErrorText(Announce({.transaction_id = 3}), 3), "internal error");
  EXPECT_EQ(ErrorText(Ask(ScrapePacket(Connect(), 4, hashes)), 4), "internal error");
  policy.status = absl::OkStatus();
  EXPECT_NE(ErrorText(Announce({.transaction_id = 3, .port = 0}), 3).find("port 0"),
            std::string::npos);
  EXPECT_EQ(tracker_->store().Totals().torrents, 0u);
}

// --- scrapes ---

TEST_F(UdpServiceTest, AnswersAScrapeInTheOrderAsked) {
  for (int n = 2; n < 6; ++n)
    Announce({.info_hash = HashOf(1), .left = 0, .event = n == 2 ? 1u : 0u}, PeerOf(n));
  Announce({.info_hash = HashOf(2), .left = 5, .event = 4}, PeerOf(2));
  Announce({.info_hash = HashOf(2), .left = 5}, PeerOf(3));
  const InfoHash hashes[] = {HashOf(2), HashOf(77), HashOf(1)};
  EXPECT_EQ(Ask(ScrapePacket(Connect(), 0x55, hashes)), Hex("00000002 00000055"
                                                            "00000000 00000000 00000002"
                                                            "00000000 00000000 00000000"
                                                            "00000004 00000001 00000000"));
}

TEST_F(UdpServiceTest, AnswersAsManyTorrentsAsAScrapeMayHave) {
  const std::vector<InfoHash> hashes(102);
  for (const std::size_t most : {1u, 75u, 101u}) {
    UdpOptions options;
    options.max_scrape_torrents = most;
    Restart({}, options);
    const auto scrape = [&](std::size_t n) {
      return Ask(ScrapePacket(Connect(), 1, absl::MakeConstSpan(hashes).first(n)));
    };
    EXPECT_EQ(scrape(most).size(), 8 + 12 * most);
    EXPECT_EQ(ErrorText(scrape(most + 1), 1), "too many torrents in one scrape");
  }
  Bytes ragged = ScrapePacket(Connect(), 1, absl::MakeConstSpan(hashes).first(2));
  ragged.resize(ragged.size() + 19);
  EXPECT_EQ(Ask(ragged).size(), 8u + 24) << "an incomplete last hash is left out";
}

TEST_F(UdpServiceTest, NeverAnswersMoreTorrentsThanFitWhateverTheOptionSays) {
  UdpOptions options;
  options.max_scrape_torrents = 1000;
  Restart({}, options);
  const std::vector<InfoHash> hashes(200);
  for (const std::size_t n : {101u, 102u, 103u, 200u}) {
    const Bytes answer = Ask(ScrapePacket(Connect(), 1, absl::MakeConstSpan(hashes).first(n)));
    EXPECT_TRUE(answer.size() == 8 + 12 * n ||
                ErrorText(answer, 1) == "too many torrents in one scrape");
  }
}

// --- batches ---

struct Packet {
  Bytes bytes;
  Endpoint from;
};

class UdpBatchTest : public UdpServiceTest {
 protected:
  std::vector<Bytes> AskAll(const std::vector<Packet>& packets) {
    std::vector<Exact> requests;
    std::vector<std::unique_ptr<std::uint8_t[]>> space;
    std::vector<UdpDatagram> batch;
    for (const Packet& packet : packets) {
      requests.emplace_back(packet.bytes);
      space.push_back(std::make_unique<std::uint8_t[]>(kMaxUdpAnswer));
      batch.push_back({requests.back().span(), packet.from, {space.back().get(), kMaxUdpAnswer}});
    }
    service_->Answer(absl::MakeSpan(batch), kStart);
    std::vector<Bytes> answers;
    for (const UdpDatagram& datagram : batch)
      answers.emplace_back(datagram.answer.begin(), datagram.answer.end());
    return answers;
  }

  // Every kind of packet, from a few senders, some twice.
  std::vector<Packet> Mixed(std::size_t n) {
    std::vector<Packet> packets;
    for (std::size_t i = 0; i < n; ++i) {
      const auto family = i % 3 == 0 ? AddressFamily::kIpv6 : AddressFamily::kIpv4;
      const Endpoint from = PeerOf(static_cast<int>(i % 11), family);
      const std::uint64_t id = i % 13 == 12 ? 4321 : Connect(from);
      const auto transaction = static_cast<std::uint32_t>(i);
      const InfoHash hashes[] = {HashOf(1), HashOf(2), HashOf(static_cast<std::uint8_t>(i))};
      Bytes bytes;
      switch (i % 7) {
        case 0:
          bytes = ConnectPacket(transaction);
          break;
        case 1:
          bytes = Bytes(i % 40, 0x31);
          break;
        case 2:
          bytes = ScrapePacket(id, transaction, hashes);
          break;
        case 3:
          bytes = AnnouncePacket({.connection_id = id, .transaction_id = transaction});
          bytes.resize(20 + i % 70);
          break;
        default:
          bytes = AnnouncePacket({.connection_id = id,
                                  .transaction_id = transaction,
                                  .info_hash = HashOf(static_cast<std::uint8_t>(i % 4)),
                                  .left = i % 5,
                                  .event = static_cast<std::uint32_t>(i % 6)});
      }
      packets.push_back({bytes, from});
    }
    return packets;
  }
};

TEST_F(UdpBatchTest, IsAnsweredAsOneByOne) {
  for (const std::size_t size : {0u, 1u, 2u, 63u, 64u, 65u, 200u}) {
    Restart({}, {});
    const std::vector<Packet> packets = Mixed(size);
    const std::vector<Bytes> together = AskAll(packets);
    Restart({}, {});
    ASSERT_EQ(together.size(), size);
    for (std::size_t i = 0; i < size; ++i)
      EXPECT_EQ(together[i], AskAll({packets[i]})[0]) << "packet " << i << " of " << size;
  }
}

TEST_F(UdpBatchTest, MayHoldAPacketTwiceAndAPeersWholeLife) {
  const std::uint64_t id = Connect();
  const auto packet = [&](std::uint32_t event, std::uint64_t left, std::uint32_t transaction) {
    return Packet{AnnouncePacket({.connection_id = id,
                                  .transaction_id = transaction,
                                  .info_hash = HashOf(1),
                                  .left = left,
                                  .event = event}),
                  PeerOf(1)};
  };
  const std::vector<Bytes> answers = AskAll({packet(2, 5, 1), packet(2, 5, 1), packet(1, 0, 2),
                                             packet(1, 0, 3), packet(3, 0, 4), packet(3, 0, 5)});
  const std::uint64_t expected[6][3] = {
      // transaction, leechers, seeders
      {1, 1, 0}, {1, 1, 0}, {2, 0, 1}, {3, 0, 1}, {4, 0, 0}, {5, 0, 0}};
  for (std::size_t i = 0; i < 6; ++i) {
    ASSERT_EQ(answers[i].size(), 20u) << "nobody else is there";
    EXPECT_EQ(Get(answers[i], 4, 4), expected[i][0]);
    EXPECT_EQ(Get(answers[i], 12, 4), expected[i][1]);
    EXPECT_EQ(Get(answers[i], 16, 4), expected[i][2]);
  }
  EXPECT_EQ(tracker_->store().Count(HashOf(1)), (SwarmCounts{.completed = 1}));
}

TEST_F(UdpBatchTest, LeavesNothingBehindForTheNext) {
  // Noise only, then good packets, then noise again: what was pending before must not be answered.
  EXPECT_EQ(AskAll({{Bytes(30, 1), PeerOf(1)}, {Bytes(3, 1), PeerOf(2)}}),
            (std::vector<Bytes>{{}, {}}));
  const std::vector<Packet> packets = Mixed(40);
  AskAll(packets);
  EXPECT_EQ(AskAll({{Bytes(30, 1), PeerOf(1)}}), (std::vector<Bytes>{{}}));
  EXPECT_TRUE(AskAll({}).empty());
}

// --- what is counted ---

TEST_F(UdpServiceTest, CountsWhatWasAskedAndWhatCameOfIt) {
  class NotToday : public Policy {
   public:
    absl::Status AllowAnnounce(const AnnounceRequest& request, Instant) override {
      return request.info_hash == HashOf(66) ? Refuse("no") : absl::OkStatus();
    }
    absl::Status AllowScrape(const InfoHash&, const IpAddress&, Instant) override {
      return absl::OkStatus();
    }
  } policy;
  tracker_->SetPolicy(&policy);
  const Endpoint ipv6 = PeerOf(2, AddressFamily::kIpv6);
  Announce({.info_hash = HashOf(1), .numwant = 7});
  Announce({.info_hash = HashOf(1), .numwant = 500}, ipv6);
  Announce({.info_hash = HashOf(66)});
  Ask(AnnouncePacket({.connection_id = 12345}));
  Ask(ScrapePacket(Connect(), 9, {HashOf(1)}));
  Bytes shortened = AnnouncePacket({.connection_id = Connect()});
  shortened.resize(40);
  Ask(shortened);
  Ask(Bytes(10, 1));

  ServerStatistics s;
  counters_.requests.AddTo(s);
  counters_.udp.AddTo(s);
  const auto count = [&s](AddressFamily family, RequestKind kind, Outcome outcome) {
    return s.requests[static_cast<std::size_t>(Protocol::kUdp)][static_cast<std::size_t>(family)]
                     [static_cast<std::size_t>(kind)][static_cast<std::size_t>(outcome)];
  };
  using K = RequestKind;
  using O = Outcome;
  EXPECT_EQ(count(AddressFamily::kIpv4, K::kConnect, O::kAnswered), 4u);
  EXPECT_EQ(count(AddressFamily::kIpv6, K::kConnect, O::kAnswered), 1u);
  EXPECT_EQ(count(AddressFamily::kIpv4, K::kAnnounce, O::kAnswered), 1u);
  EXPECT_EQ(count(AddressFamily::kIpv6, K::kAnnounce, O::kAnswered), 1u);
  EXPECT_EQ(count(AddressFamily::kIpv4, K::kAnnounce, O::kRefused), 1u);
  EXPECT_EQ(count(AddressFamily::kIpv4, K::kAnnounce, O::kStale), 1u);
  EXPECT_EQ(count(AddressFamily::kIpv4, K::kAnnounce, O::kInvalid), 1u);
  EXPECT_EQ(count(AddressFamily::kIpv4, K::kScrape, O::kAnswered), 1u);
  EXPECT_EQ(s.Requests(RequestKind::kAnnounce, Outcome::kAnswered), 2u);
  EXPECT_EQ(s.udp.noise, 1u);
  EXPECT_EQ(s.numwant[7], 1u);
  EXPECT_EQ(s.numwant.back(), 1u) << "more than 200";
}

TEST_F(UdpServiceTest, CountsAfterHowManyMinutesPeersComeBack) {
  for (const int minutes : {0, 0, 30, 31, 500}) {
    const Instant now = kStart + Seconds(60 * minutes);
    const std::uint64_t id = Connect(PeerOf(1), now);
    Ask(AnnouncePacket({.connection_id = id, .info_hash = HashOf(1)}), PeerOf(1), now);
  }
  ServerStatistics s;
  counters_.requests.AddTo(s);
  EXPECT_EQ(s.renewals[0], 1u);
  EXPECT_EQ(s.renewals[30], 1u);
  EXPECT_EQ(s.renewals[1], 1u);
}

TEST_F(UdpServiceTest, RefusesScrapesWhereThereAreNone) {
  UdpOptions options;
  options.scrape = false;
  Restart({}, options);
  EXPECT_EQ(ErrorText(Ask(ScrapePacket(Connect(), 9, {HashOf(1)})), 9),
            "scrape is not available here");
}

TEST_F(UdpServiceTest, WorkersWithOneKeyTakeEachOthersIds) {
  UdpOptions options;
  options.connection_id_lifetime = kLifetime;
  WorkerCounters counters;
  UdpService other(tracker_.get(), options, key_, Random(1), &counters);
  const Bytes packet = AnnouncePacket({.connection_id = Connect()});
  std::uint8_t space[kMaxUdpAnswer];
  UdpDatagram datagram{packet, PeerOf(1), absl::MakeSpan(space)};
  other.Answer(absl::MakeSpan(&datagram, 1), kStart);
  EXPECT_EQ(datagram.answer.size(), 20u);
}

}  // namespace
}  // namespace muster
