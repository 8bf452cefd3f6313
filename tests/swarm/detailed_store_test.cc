// SPDX-License-Identifier: Apache-2.0
//
// What a store that keeps details does beside the contract of every store, which the conformance
// suite holds it to.
#include "muster/detailed_store.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "swarm/swarm_testing.h"

namespace muster {
namespace {

using testing_swarm::kMinute;
using testing_swarm::kStart;

const InfoHash kHash = testing_swarm::TestHash(1);

Endpoint At(std::string_view text) { return *Endpoint::Parse(text); }
IpAddress Ip(std::string_view text) { return *IpAddress::Parse(text); }
PeerId Id(char c) { return *PeerId::FromText("-MU0001-00000000000" + std::string(1, c)); }

// An announce with all that may be said.
struct Say {
  char id = 'a';
  std::string peer = "192.0.2.1:1";
  std::string from = {};  // empty: where the peer is
  std::string key = {};
  PeerState state = PeerState::kDownloader;
  bool completed = false;
  bool supports = false;
  bool requires_it = false;
  bool surely = false;
  std::size_t wanted = 0;
  bool visitor = false;
  Instant now = kStart;
};

struct Heard {
  SwarmCounts counts;
  std::set<std::string> peers;
  std::vector<PeerId> ids;
  std::string flags;
  bool wants_check = false;
  bool is_impostor = false;
};

class DetailedStoreTest : public testing::Test {
 protected:
  void Start(const DetailedStoreOptions& options) { store_ = NewDetailedStore(options); }

  Heard Tell(const Say& say) {
    const Endpoint peer = At(say.peer);
    const PeerId id = Id(say.id);
    std::array<std::uint8_t, 300> ipv4{};
    std::array<std::uint8_t, 900> ipv6{};
    std::array<PeerId, 50> ids4;
    std::array<PeerId, 50> ids6;
    std::array<std::uint8_t, 50> flags4;
    std::array<std::uint8_t, 50> flags6;
    PeerBatch batch(absl::MakeSpan(ipv4), absl::MakeSpan(ipv6));
    batch.WantPeerIds(ids4.data(), ids6.data());
    AnnounceDetails details;
    details.from = say.from.empty() ? peer.address() : Ip(say.from);
    details.key = say.key;
    details.supports_crypto = say.supports;
    details.requires_crypto = say.requires_it;
    details.surely_reachable = say.surely;
    details.crypto_flags[0] = flags4.data();
    details.crypto_flags[1] = flags6.data();
    Heard heard;
    heard.counts = store_->Apply({.info_hash = kHash,
                                  .peer = peer,
                                  .peer_id = id,
                                  .state = say.state,
                                  .completed = say.completed,
                                  .wanted = say.wanted,
                                  .random = random_.Next(),
                                  .visitor = say.visitor,
                                  .details = &details},
                                 say.now, batch);
    for (const AddressFamily family : testing_swarm::kBothFamilies) {
      for (std::size_t i = 0; i < batch.size(family); ++i) {
        heard.peers.insert(batch.peer(family, i).ToString());
        heard.flags += details.crypto_flags[static_cast<int>(family)][i] != 0 ? '1' : '0';
      }
      for (const PeerId& chosen : batch.ids(family)) heard.ids.push_back(chosen);
    }
    heard.wants_check = details.wants_check;
    heard.is_impostor = details.is_impostor;
    return heard;
  }
  std::set<std::string> PeersGiven(Say say = {.id = 'z', .peer = "203.0.113.9:9"}) {
    say.visitor = true;
    say.wanted = 50;
    return Tell(say).peers;
  }
  bool Checked(char id, std::string_view peer, NatOutcome outcome) {
    return store_->CountNatCheck({kHash, Id(id), At(peer), outcome});
  }

  std::unique_ptr<SwarmStore> store_ = NewDetailedStore();
  Random random_{1};
};

using Peers = std::set<std::string>;

// --- who a peer is ---

TEST_F(DetailedStoreTest, APeerThatMovesStaysOnePeerWhenItsKeyIsTheSame) {
  Tell({.peer = "192.0.2.1:1", .key = "secret"});
  const Heard moved = Tell({.peer = "192.0.2.7:2", .key = "secret"});
  EXPECT_EQ(moved.counts.peers(), 1u);
  EXPECT_FALSE(moved.is_impostor);
  EXPECT_EQ(PeersGiven(), Peers{"192.0.2.7:2"});
}

TEST_F(DetailedStoreTest, AKeyIsTheSameByUdpAndHttp) {
  Tell({.peer = "192.0.2.1:1", .key = "DEADBEEF"});
  EXPECT_FALSE(Tell({.peer = "192.0.2.7:2", .key = "deadbeef"}).is_impostor);
}

TEST_F(DetailedStoreTest, TheSameAddressIsProofToo) {
  Tell({.peer = "192.0.2.1:1", .key = "one"});
  EXPECT_FALSE(Tell({.peer = "192.0.2.1:2", .key = "two"}).is_impostor);
  EXPECT_EQ(PeersGiven(), Peers{"192.0.2.1:2"});
}

TEST_F(DetailedStoreTest, WhoProvesNothingChangesNothingButIsAnswered) {
  Tell({.id = 'a', .peer = "192.0.2.1:1", .key = "secret"});
  Tell({.id = 'b', .peer = "192.0.2.2:1"});
  for (const char* key : {"", "other", "0"}) {
    for (const PeerState state : {PeerState::kSeeder, PeerState::kStopped}) {
      const Heard heard =
          Tell({.id = 'a', .peer = "192.0.2.7:2", .key = key, .state = state, .wanted = 9});
      EXPECT_TRUE(heard.is_impostor);
      EXPECT_EQ(heard.counts, (SwarmCounts{.downloaders = 2}));
      EXPECT_EQ(heard.peers.count("192.0.2.7:2"), 0u);
    }
  }
  EXPECT_EQ(PeersGiven(), (Peers{"192.0.2.1:1", "192.0.2.2:1"}));
}

TEST_F(DetailedStoreTest, NoKeyIsNobodysKey) {
  Tell({.peer = "192.0.2.1:1"});
  EXPECT_TRUE(Tell({.peer = "192.0.2.7:1"}).is_impostor);
}

TEST_F(DetailedStoreTest, TwoPeersOfOneAddressAndPortAreTwo) {
  Tell({.id = 'a'});
  EXPECT_EQ(Tell({.id = 'b'}).counts.peers(), 2u);
}

TEST_F(DetailedStoreTest, AClientWithBothFamiliesIsInBoth) {
  Tell({.peer = "192.0.2.1:1"});
  EXPECT_EQ(Tell({.peer = "[2001:db8::1]:1"}).counts.peers(), 2u);
  EXPECT_EQ(PeersGiven(), (Peers{"192.0.2.1:1", "[2001:db8::1]:1"}));
}

TEST_F(DetailedStoreTest, AVisitorIsGivenPeersAndIsNone) {
  Tell({.id = 'a'});
  const Heard heard = Tell({.id = 'b', .peer = "192.0.2.2:1", .wanted = 5, .visitor = true});
  EXPECT_EQ(heard.peers, Peers{"192.0.2.1:1"});
  EXPECT_EQ(heard.counts.peers(), 1u);
  Tell({.id = 'a', .state = PeerState::kStopped});
  Tell({.id = 'b', .visitor = true});
  EXPECT_EQ(store_->Totals().torrents, 0u);
}

TEST_F(DetailedStoreTest, PeersComeWithTheirIds) {
  Tell({.id = 'a'});
  EXPECT_EQ(Tell({.id = 'b', .peer = "192.0.2.2:1", .wanted = 5}).ids, std::vector{Id('a')});
}

// --- where it is reached ---

TEST_F(DetailedStoreTest, APeerIsToldWhereItIsReachedAndKnownByWhereItComesFrom) {
  Tell({.peer = "203.0.113.5:7", .from = "10.0.0.5"});
  EXPECT_EQ(PeersGiven(), Peers{"203.0.113.5:7"});
  EXPECT_TRUE(Tell({.peer = "203.0.113.5:7", .from = "203.0.113.5"}).is_impostor);
  EXPECT_FALSE(Tell({.peer = "203.0.113.6:7", .from = "10.0.0.5"}).is_impostor);
  EXPECT_EQ(PeersGiven(), Peers{"203.0.113.6:7"});
}

TEST_F(DetailedStoreTest, APeerWithoutAPortIsCountedAndNotHandedOut) {
  EXPECT_EQ(Tell({.peer = "192.0.2.1:0"}).counts.peers(), 1u);
  EXPECT_EQ(PeersGiven(), Peers{});
  Tell({.peer = "192.0.2.1:5"});
  EXPECT_EQ(PeersGiven(), Peers{"192.0.2.1:5"});
}

// --- NAT checks ---

TEST_F(DetailedStoreTest, APeerIsHandedOutOnceACheckReachedIt) {
  Start({.nat_tries = 2});
  EXPECT_TRUE(Tell({}).wants_check);
  EXPECT_EQ(PeersGiven(), Peers{});
  EXPECT_EQ(store_->Count(kHash)->peers(), 1u) << "it is counted";
  EXPECT_FALSE(Tell({}).wants_check) << "one check at a time";
  EXPECT_TRUE(Checked('a', "192.0.2.1:1", NatOutcome::kReachable));
  EXPECT_EQ(PeersGiven(), Peers{"192.0.2.1:1"});
  EXPECT_FALSE(Tell({}).wants_check);
}

TEST_F(DetailedStoreTest, ItIsCheckedAsOftenAsSetAndNotAgainUntilItMoves) {
  Start({.nat_tries = 2});
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(Tell({}).wants_check);
    Checked('a', "192.0.2.1:1", NatOutcome::kRefused);
  }
  EXPECT_FALSE(Tell({}).wants_check);
  EXPECT_TRUE(Tell({.peer = "192.0.2.1:2"}).wants_check) << "another port";
  EXPECT_FALSE(Checked('a', "192.0.2.1:1", NatOutcome::kReachable)) << "of where it was";
  EXPECT_EQ(PeersGiven(), Peers{});
  EXPECT_TRUE(Checked('a', "192.0.2.1:2", NatOutcome::kReachable));
  EXPECT_EQ(PeersGiven(), Peers{"192.0.2.1:2"});
  EXPECT_FALSE(Checked('b', "192.0.2.1:2", NatOutcome::kReachable)) << "nobody";
}

TEST_F(DetailedStoreTest, TroubleOfOurOwnCountsAgainstNobody) {
  Start({.nat_tries = 1});
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(Tell({}).wants_check);
    Checked('a', "192.0.2.1:1", NatOutcome::kTooMany);
  }
}

TEST_F(DetailedStoreTest, WhoIsSurelyReachableOrHasNoPortIsNotChecked) {
  Start({.nat_tries = 3});
  EXPECT_FALSE(Tell({.id = 'a', .surely = true}).wants_check);
  EXPECT_FALSE(Tell({.id = 'b', .peer = "192.0.2.2:0"}).wants_check);
  EXPECT_EQ(PeersGiven(), Peers{"192.0.2.1:1"});
}

// --- encryption ---

TEST_F(DetailedStoreTest, EachIsGivenThoseItCanTalkTo) {
  Tell({.id = 'p', .peer = "192.0.2.1:1"});
  Tell({.id = 's', .peer = "192.0.2.2:2", .supports = true});
  Tell({.id = 'r', .peer = "192.0.2.3:3", .supports = true, .requires_it = true});
  EXPECT_EQ(PeersGiven(), (Peers{"192.0.2.1:1", "192.0.2.2:2"}));
  EXPECT_EQ(PeersGiven({.id = 'z', .peer = "203.0.113.9:9", .supports = true}),
            (Peers{"192.0.2.1:1", "192.0.2.2:2", "192.0.2.3:3"}));
  EXPECT_EQ(PeersGiven({.id = 'z', .peer = "203.0.113.9:9", .supports = true, .requires_it = true}),
            (Peers{"192.0.2.2:2", "192.0.2.3:3"}));
}

TEST_F(DetailedStoreTest, FlagsSayWhichOfTheChosenRequireEncryption) {
  Tell({.id = 'r', .peer = "192.0.2.3:3", .supports = true, .requires_it = true});
  Tell({.id = 's', .peer = "192.0.2.2:2", .supports = true});
  const Heard heard = Tell({.id = 'z', .peer = "203.0.113.9:9", .supports = true, .wanted = 1});
  EXPECT_EQ(heard.flags, heard.peers.count("192.0.2.3:3") == 1 ? "1" : "0");
  Tell({.id = 's', .peer = "192.0.2.2:2", .state = PeerState::kStopped});
  EXPECT_EQ(Tell({.id = 'z', .peer = "203.0.113.9:9", .supports = true, .wanted = 5}).flags, "1");
}

// --- counting as bttrack does ---

TEST_F(DetailedStoreTest, ByLeftADownloadCountsWhenNothingIsLackingAnyMoreAndIsTakenBack) {
  Start({.completed_by_left = true});
  EXPECT_EQ(Tell({.state = PeerState::kDownloader}).counts.completed, 0u);
  EXPECT_EQ(Tell({.state = PeerState::kSeeder}).counts.completed, 1u);
  EXPECT_EQ(Tell({.state = PeerState::kSeeder, .completed = true}).counts.completed, 1u);
  EXPECT_EQ(Tell({.state = PeerState::kDownloader}).counts.completed, 0u);
  EXPECT_EQ(Tell({.id = 'b', .state = PeerState::kSeeder}).counts.completed, 0u);
  EXPECT_EQ(Tell({.id = 'c', .state = PeerState::kSeeder, .completed = true}).counts.completed, 1u);
}

// --- states ---

TEST_F(DetailedStoreTest, AWalkShowsTheSideRecordAndRestoreTakesIt) {
  Start({.nat_tries = 3});
  Tell({.id = 'a',
        .peer = "203.0.113.5:7",
        .from = "10.0.0.5",
        .key = "secret",
        .supports = true,
        .requires_it = true});
  Checked('a', "203.0.113.5:7", NatOutcome::kRefused);
  Tell({.id = 'b', .peer = "192.0.2.2:2"});
  Checked('b', "192.0.2.2:2", NatOutcome::kReachable);
  auto copy = NewDetailedStore({.nat_tries = 3});
  int peers = 0;
  store_->ForEach([&](const SwarmView& view) {
    view.ForEachPeer([&](const PeerRecord& record) {
      ++peers;
      EXPECT_NE(record.details, nullptr);
      if (*record.peer_id == Id('a')) {
        EXPECT_EQ(record.peer, At("10.0.0.5:7"));
        EXPECT_EQ(*record.details, (PeerDetails{.left = 0,
                                                .key = "secret",
                                                .nat = 1,
                                                .supports_crypto = true,
                                                .requires_crypto = true,
                                                .given_ip = "203.0.113.5"}));
      }
      EXPECT_TRUE(copy->Restore({.info_hash = kHash, .peers = {&record, 1}}, kStart).ok());
    });
    return true;
  });
  EXPECT_EQ(peers, 2);
  store_ = std::move(copy);
  EXPECT_EQ(PeersGiven(), Peers{"192.0.2.2:2"}) << "what was reachable is so still";
  EXPECT_FALSE(
      Tell({.id = 'a', .peer = "203.0.113.5:7", .from = "192.0.2.9", .key = "secret"}).is_impostor);
}

TEST_F(DetailedStoreTest, WhoWasNeverCheckedIsCheckedOnceChecksBegin) {
  Start({.nat_tries = 0});
  Tell({.id = 'a', .peer = "192.0.2.1:1"});
  EXPECT_EQ(PeersGiven(), Peers{"192.0.2.1:1"});
  auto checking = NewDetailedStore({.nat_tries = 3});
  auto trusting = NewDetailedStore({.nat_tries = 0});
  store_->ForEach([&](const SwarmView& view) {
    view.ForEachPeer([&](const PeerRecord& record) {
      EXPECT_EQ(record.details->nat, std::nullopt);
      for (auto* const to : {checking.get(), trusting.get()})
        EXPECT_TRUE(to->Restore({.info_hash = kHash, .peers = {&record, 1}}, kStart).ok());
    });
    return true;
  });
  store_ = std::move(trusting);
  EXPECT_EQ(PeersGiven(), Peers{"192.0.2.1:1"});
  store_ = std::move(checking);
  EXPECT_EQ(PeersGiven(), Peers());
  EXPECT_TRUE(Tell({.id = 'a', .peer = "192.0.2.1:1"}).wants_check);
}

TEST_F(DetailedStoreTest, APeerRestoredWithoutAnIdTakesTheIdOfWhoComesFromThere) {
  const PeerRecord record{.peer = At("192.0.2.1:1"),
                          .state = PeerState::kSeeder,
                          .completed = true,
                          .last_seen = kStart,
                          .peer_id = nullptr};
  EXPECT_TRUE(store_->Restore({.info_hash = kHash, .peers = {&record, 1}}, kStart).ok());
  store_->ForEach([&](const SwarmView& view) {
    view.ForEachPeer([](const PeerRecord& peer) { EXPECT_EQ(peer.peer_id, nullptr); });
    return true;
  });
  EXPECT_EQ(Tell({.id = 'a'}).counts.peers(), 1u);
}

TEST_F(DetailedStoreTest, WhoMovesIsToldAsOneWhoGoesAndOneWhoComes) {
  struct Log final : SwarmObserver {
    void OnDelta(const SwarmDelta& delta) override {
      lines.push_back(delta.peer.ToString() +
                      (delta.state == PeerState::kStopped ? " stopped" : " there") +
                      (delta.details->nat ? " nat" : ""));
    }
    std::vector<std::string> lines;
  } log;
  Start({.nat_tries = 3});
  store_->SetObserver(&log);
  Tell({.peer = "192.0.2.1:1"});
  Checked('a', "192.0.2.1:1", NatOutcome::kReachable);
  Tell({.peer = "192.0.2.1:2"});
  EXPECT_EQ(log.lines, (std::vector<std::string>{"192.0.2.1:1 there", "192.0.2.1:1 there nat",
                                                 "192.0.2.1:1 stopped nat", "192.0.2.1:2 there"}));
}

TEST_F(DetailedStoreTest, RandomAnnouncesLeaveEverythingInItsPlace) {
  Start({.nat_tries = 2});
  for (int i = 0; i < 5000; ++i) {
    const auto id = static_cast<char>('a' + random_.Below(40));
    const auto peer =
        "192.0.2." + std::to_string(random_.Below(6)) + ":" + std::to_string(random_.Below(3));
    const Heard heard = Tell({.id = id,
                              .peer = peer,
                              .key = random_.Below(2) == 0 ? "k" : "",
                              .state = static_cast<PeerState>(random_.Below(4)),
                              .completed = random_.Below(3) == 0,
                              .supports = random_.Below(2) == 0,
                              .requires_it = random_.Below(5) == 0,
                              .surely = random_.Below(4) == 0,
                              .wanted = random_.Below(20),
                              .now = kStart + Seconds(i)});
    Checked(id, peer, static_cast<NatOutcome>(random_.Below(4)));
    if (i % 100 == 0) testing_swarm::ExpireAll(*store_, kStart + Seconds(i - 300));
    // The image's own checks are about endpoints; here two peers may share one.
    SwarmCounts counts{.completed = heard.counts.completed};
    store_->ForEach([&](const SwarmView& view) {
      view.ForEachPeer([&](const PeerRecord& record) {
        if (record.state == PeerState::kSeeder) ++counts.seeders;
        if (record.state == PeerState::kPartialSeeder) ++counts.partial_seeders;
        if (record.state == PeerState::kDownloader) ++counts.downloaders;
      });
      EXPECT_EQ(view.counts(), counts);
      return true;
    });
    ASSERT_EQ(store_->Totals().peers, counts.peers());
  }
}

}  // namespace
}  // namespace muster
