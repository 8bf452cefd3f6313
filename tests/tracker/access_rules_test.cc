// SPDX-License-Identifier: Apache-2.0
#include "muster/access_rules.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "muster/detailed_store.h"
#include "muster/refusal.h"
#include "tracker/tracker_testing.h"

namespace muster {
namespace {

constexpr Instant kNow = InstantFromUnixSeconds(1'800'000'000);
constexpr std::string_view kNoSuchTorrent =
    "Requested download is not authorized for use with this tracker.";
constexpr std::string_view kNoSuchAddress = "your IP is not allowed on this tracker";

IpSet SetOf(std::string_view network) {
  const Cidr networks[] = {*Cidr::Parse(network)};
  return IpSet(absl::MakeConstSpan(networks));
}

// A tracker with rules, and announces to it.
class AccessRulesTest : public testing::Test {
 protected:
  AccessRulesTest() : tracker_(*Tracker::Create({})) { tracker_->SetPolicy(&rules_); }

  // "" when it is served, or what the client is told.
  std::string_view Announce(std::uint8_t torrent, std::string_view peer = "192.0.2.1:6881") {
    AnnounceRequest request;
    request.info_hash = HashOf(torrent);
    request.peer = *Endpoint::Parse(peer);
    last_ = tracker_->Announce(request, kNow, random_).status();
    return last_.ok() ? "" : ClientText(last_);
  }
  std::string_view Scrape(std::uint8_t torrent, std::string_view from) {
    const InfoHash hashes[] = {HashOf(torrent)};
    last_ = tracker_->Scrape(hashes, *IpAddress::Parse(from), kNow).status();
    return last_.ok() ? "" : ClientText(last_);
  }
  bool Knows(std::uint8_t torrent) { return tracker_->store().Count(HashOf(torrent)).has_value(); }

  AccessRules rules_;
  std::unique_ptr<Tracker> tracker_;
  Random random_{1};
  absl::Status last_;
};

TEST_F(AccessRulesTest, KnowTorrentsOfAWhiteListWithoutASwarm) {
  rules_.whitelist().Replace({HashOf(1), HashOf(2)});
  rules_.blacklist().Replace({HashOf(2)});
  EXPECT_FALSE(rules_.Knows(HashOf(1)));
  rules_.EnforceWhitelist(true);
  EXPECT_TRUE(rules_.Knows(HashOf(1)));
  EXPECT_FALSE(rules_.Knows(HashOf(2)));
  EXPECT_FALSE(rules_.Knows(HashOf(3)));
  const InfoHash hashes[] = {HashOf(1), HashOf(3)};
  const auto rows = tracker_->Scrape(hashes, *IpAddress::Parse("192.0.2.1"), kNow);
  ASSERT_TRUE(rows.ok());
  EXPECT_EQ((*rows)[0].counts, SwarmCounts());
  EXPECT_EQ((*rows)[1].counts, std::nullopt);
}

TEST_F(AccessRulesTest, SayWhichAddressesAreServedAtAll) {
  rules_.SetBannedIps(SetOf("192.0.2.0/24"));
  EXPECT_EQ(ClientText(rules_.AllowAddress(*IpAddress::Parse("192.0.2.1"))), kNoSuchAddress);
  EXPECT_TRUE(rules_.AllowAddress(*IpAddress::Parse("198.51.100.1")).ok());
}

TEST_F(AccessRulesTest, TakeOutThePeersAtRefusedAddresses) {
  for (const auto& store :
       {NewMemoryStore({.keep_peer_ids = true}), NewMemoryStore(), NewDetailedStore()}) {
    const auto restore = [&](std::uint8_t torrent, std::string_view peer, const char* given) {
      const std::uint8_t id[20] = {static_cast<std::uint8_t>(peer[0])};
      const PeerId peer_id = PeerId::FromBytes(id);
      PeerDetails details;
      details.left = 0;
      details.given_ip = given;
      const PeerRecord records[] = {{.peer = *Endpoint::Parse(peer),
                                     .state = PeerState::kSeeder,
                                     .completed = true,
                                     .last_seen = kNow,
                                     .peer_id = &peer_id,
                                     .details = &details}};
      ASSERT_TRUE(
          store->Restore({.info_hash = HashOf(torrent), .completed = 7, .peers = records}, kNow)
              .ok());
    };
    // What counts is where they came from.
    restore(1, "192.0.2.1:1", "203.0.113.1");
    restore(1, "203.0.113.1:1", "192.0.2.1");
    restore(2, "192.0.2.1:1", "");
    restore(3, "[2001:db8::1]:1", "");
    AccessRules rules;
    EXPECT_EQ(rules.ForgetRefusedPeers(*store, kNow), 0u);
    rules.SetBannedIps(SetOf("192.0.2.0/24"));
    EXPECT_EQ(rules.ForgetRefusedPeers(*store, kNow), 2u);
    EXPECT_EQ(store->Count(HashOf(1))->peers(), 1u);
    EXPECT_EQ(store->Count(HashOf(2))->peers(), 0u);
    EXPECT_EQ(store->Count(HashOf(2))->completed, 7u);
    EXPECT_EQ(store->Totals().peers, 2u);
    rules.SetAllowedIps(SetOf("203.0.113.0/24"));
    EXPECT_EQ(rules.ForgetRefusedPeers(*store, kNow), 1u);
    EXPECT_EQ(store->Totals().peers, 1u);
  }
}

TEST_F(AccessRulesTest, TakeOutEveryRefusedPeerOfAHugeSwarm) {
  constexpr std::uint32_t kPeers = 50'000;
  SwarmStore& store = tracker_->store();
  for (std::uint32_t n = 0; n < kPeers; ++n) {
    const std::uint8_t compact[] = {192,
                                    0,
                                    static_cast<std::uint8_t>(2 + n % 2),
                                    1,
                                    static_cast<std::uint8_t>(1 + n / 512),
                                    static_cast<std::uint8_t>(n / 2)};
    const PeerRecord records[] = {{.peer = Endpoint::FromCompact(AddressFamily::kIpv4, compact),
                                   .state = PeerState::kDownloader,
                                   .completed = false,
                                   .last_seen = kNow,
                                   .peer_id = nullptr}};
    ASSERT_TRUE(store.Restore({.info_hash = HashOf(1), .peers = records}, kNow).ok());
  }
  rules_.SetBannedIps(SetOf("192.0.2.0/24"));
  EXPECT_EQ(rules_.ForgetRefusedPeers(store, kNow), kPeers / 2);
  EXPECT_EQ(store.Count(HashOf(1))->peers(), kPeers / 2);
}

TEST_F(AccessRulesTest, AllowEverythingAtFirst) {
  EXPECT_EQ(Announce(1), "");
  EXPECT_EQ(Announce(1, "[2001:db8::1]:1"), "");
  EXPECT_EQ(Scrape(1, "192.0.2.1"), "");
}

TEST_F(AccessRulesTest, RefuseWhatIsOnTheBlackList) {
  rules_.blacklist().Replace({HashOf(1)});
  EXPECT_EQ(Announce(1), kNoSuchTorrent);
  EXPECT_EQ(Announce(2), "");
  rules_.blacklist().Change({{HashOf(1), false}, {HashOf(2), true}});
  EXPECT_EQ(Announce(1), "");
  EXPECT_EQ(Announce(2), kNoSuchTorrent);
}

TEST_F(AccessRulesTest, RefuseWhatIsNotOnAnEnforcedWhiteList) {
  rules_.EnforceWhitelist(true);
  EXPECT_EQ(Announce(1), kNoSuchTorrent);
  rules_.whitelist().Change({{HashOf(1), true}});
  EXPECT_EQ(Announce(1), "");
  EXPECT_EQ(Announce(2), kNoSuchTorrent);
  rules_.EnforceWhitelist(false);
  EXPECT_EQ(Announce(2), "");
}

TEST_F(AccessRulesTest, LetTheBlackListWin) {
  rules_.EnforceWhitelist(true);
  rules_.whitelist().Replace({HashOf(1), HashOf(2)});
  rules_.blacklist().Replace({HashOf(2)});
  EXPECT_EQ(Announce(1), "");
  EXPECT_EQ(Announce(2), kNoSuchTorrent);
  EXPECT_EQ(Announce(3), kNoSuchTorrent);
}

TEST_F(AccessRulesTest, StoreNothingOfARefusedAnnounce) {
  rules_.blacklist().Replace({HashOf(1)});
  Announce(1);
  EXPECT_FALSE(Knows(1));
}

TEST_F(AccessRulesTest, ForgetTheSwarmsOfRefusedTorrents) {
  for (std::uint8_t n = 1; n <= 9; ++n) Announce(n);
  rules_.blacklist().Replace({HashOf(2), HashOf(3), HashOf(100)});
  EXPECT_TRUE(Knows(2));
  EXPECT_EQ(rules_.ForgetRefused(tracker_->store()), 2u);
  for (std::uint8_t n = 1; n <= 9; ++n) EXPECT_EQ(Knows(n), n != 2 && n != 3) << int{n};
  rules_.EnforceWhitelist(true);
  rules_.whitelist().Replace({HashOf(1), HashOf(4)});
  EXPECT_EQ(rules_.ForgetRefused(tracker_->store()), 5u);
  for (std::uint8_t n = 1; n <= 9; ++n) EXPECT_EQ(Knows(n), n == 1 || n == 4) << int{n};
}

TEST_F(AccessRulesTest, ForgetThousandsOfRefusedTorrentsAndNoOthers) {
  // Half of them begin alike, as strangers may choose them.
  const auto torrent = [](std::uint32_t n) {
    std::array<std::uint8_t, InfoHash::kSize> bytes{};
    bytes[0] = n % 2 == 0 ? 7 : static_cast<std::uint8_t>(n * 41);
    StoreBig32(bytes.data() + 4, n);
    return InfoHash::FromBytes(bytes.data());
  };
  constexpr std::uint32_t kTorrents = 10'000;
  SwarmStore& store = tracker_->store();
  std::vector<InfoHash> refused;
  for (std::uint32_t n = 0; n < kTorrents; ++n) {
    ASSERT_TRUE(store.Restore({.info_hash = torrent(n), .completed = 1}, kNow).ok());
    if (n % 4 < 2) refused.push_back(torrent(n));
  }
  rules_.blacklist().Replace(refused);
  EXPECT_EQ(rules_.ForgetRefused(store), refused.size());
  for (std::uint32_t n = 0; n < kTorrents; ++n)
    ASSERT_EQ(store.Count(torrent(n)).has_value(), n % 4 >= 2) << n;
}

TEST_F(AccessRulesTest, ForgetOnlyWhatIsRefusedOfTheTorrentsAskedFor) {
  for (std::uint8_t n = 1; n <= 3; ++n) Announce(n);
  rules_.blacklist().Replace({HashOf(1), HashOf(2)});
  const InfoHash asked[] = {HashOf(2), HashOf(3), HashOf(7)};
  EXPECT_EQ(rules_.ForgetRefused(tracker_->store(), asked), 1u);
  EXPECT_TRUE(Knows(1));
  EXPECT_FALSE(Knows(2));
  EXPECT_TRUE(Knows(3));
}

TEST_F(AccessRulesTest, AnswerAScrapeOfARefusedTorrentAsUnknown) {
  Announce(1);
  rules_.blacklist().Replace({HashOf(1)});
  rules_.ForgetRefused(tracker_->store());
  EXPECT_EQ(Scrape(1, "192.0.2.1"), "");
}

TEST_F(AccessRulesTest, DoNotShowARefusedTorrentThatKeepsItsSwarm) {
  Announce(1);
  Announce(2);
  rules_.blacklist().Replace({HashOf(1)});
  const InfoHash hashes[] = {HashOf(1), HashOf(2)};
  const auto scrape = [&] {
    return *tracker_->Scrape(hashes, *IpAddress::Parse("192.0.2.1"), kNow);
  };
  EXPECT_EQ(scrape()[0].counts, std::nullopt);
  EXPECT_EQ(scrape()[1].counts->peers(), 1u);
  rules_.blacklist().Replace({});
  EXPECT_EQ(scrape()[0].counts->peers(), 1u);
}

TEST_F(AccessRulesTest, RefuseBannedAddressesOfBothFamilies) {
  rules_.SetBannedIps(SetOf("192.0.2.0/24"));
  EXPECT_EQ(Announce(1, "192.0.2.1:6881"), kNoSuchAddress);
  EXPECT_EQ(Scrape(1, "192.0.2.255"), kNoSuchAddress);
  EXPECT_EQ(Announce(1, "192.0.3.1:6881"), "");
  rules_.SetBannedIps(SetOf("2001:db8::/32"));
  EXPECT_EQ(Announce(1, "[2001:db8::1]:6881"), kNoSuchAddress);
  EXPECT_EQ(Announce(1, "192.0.2.1:6881"), "");
}

TEST_F(AccessRulesTest, RefuseAddressesThatAreNotAmongTheAllowed) {
  rules_.SetAllowedIps(SetOf("192.0.2.0/24"));
  EXPECT_EQ(Announce(1, "192.0.2.1:6881"), "");
  EXPECT_EQ(Announce(1, "198.51.100.1:6881"), kNoSuchAddress);
  EXPECT_EQ(Scrape(1, "2001:db8::1"), kNoSuchAddress);
  rules_.SetBannedIps(SetOf("192.0.2.1"));
  EXPECT_EQ(Announce(1, "192.0.2.1:6881"), kNoSuchAddress);
  EXPECT_EQ(Announce(1, "192.0.2.2:6881"), "");
  rules_.SetAllowedIps(IpSet());
  EXPECT_EQ(Announce(1, "192.0.2.2:6881"), kNoSuchAddress);  // an empty list allows nobody
  rules_.SetAllowedIps(std::nullopt);
  EXPECT_EQ(Announce(1, "198.51.100.1:6881"), "");
}

class Listener : public Policy {
 public:
  absl::Status AllowAnnounce(const AnnounceRequest&, Instant) override { return absl::OkStatus(); }
  absl::Status AllowScrape(const InfoHash&, const IpAddress&, Instant) override {
    return absl::OkStatus();
  }
  void Prefetch(absl::Span<const SwarmHint> coming) const override { told += coming.size(); }
  mutable std::size_t told = 0;
};

TEST(Policy, IsToldWhatComesNext) {
  auto tracker = *Tracker::Create({});
  const InfoHash hash = HashOf(1);
  const SwarmHint coming[] = {{hash.data()}, {hash.data()}};
  tracker->Prefetch(coming);  // there is none
  Listener policy;
  tracker->SetPolicy(&policy);
  tracker->Prefetch(coming);
  EXPECT_EQ(policy.told, 2u);
}

}  // namespace
}  // namespace muster
